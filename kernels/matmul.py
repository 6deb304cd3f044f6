"""Matrix products for losses and layers: the one place that knows what multiplies fastest where.

    product(a, b)             a @ b
    accumulate_(out, a, b)    out += a @ b

float32 on CPU goes to oneDNN. PyTorch's own `mm` goes to MKL, which uses AVX-512 on Intel
processors only: on an AMD EPYC with AVX-512 oneDNN has twice its speed (450 against 215 GFLOP/s
on 2 cores), and on rows of a small batch as well. 16-bit operands (CUDA) are multiplied as they
are and summed and returned in float32.
"""

import torch
from torch import Tensor

# Rows of `out` that are accumulated at one time on CPU: their product stays in the cache until it
# is added.
SLAB_ROWS = 2048


def product(a: Tensor, b: Tensor) -> Tensor:
    """a[M, K] @ b[K, N]: float32 for 16-bit operands, else the operands' dtype."""
    if onednn_multiplies(a):
        # The operation behind torch.compile's CPU matmuls: x @ w.T for any strides of w, no copy.
        return torch.ops.mkldnn._linear_pointwise(a, b.t(), None, "none", [], "")
    if a.element_size() == 2:
        return torch.mm(a, b, out_dtype=torch.float32)
    return torch.mm(a, b)


def accumulate_(out: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """out[M, N] += a[M, K] @ b[K, N] in place, in the dtype of `out`."""
    if onednn_multiplies(a):
        for out_slab, a_slab in zip(out.split(SLAB_ROWS), a.split(SLAB_ROWS)):
            out_slab += product(a_slab, b)
        return out
    mixed = {} if a.dtype == out.dtype else {"out_dtype": out.dtype}
    return torch.addmm(out, a, b, **mixed, out=out)


def onednn_multiplies(a: Tensor) -> bool:
    """True where `product(a, ...)` goes to oneDNN."""
    on_cpu = a.dtype == torch.float32 and a.device.type == "cpu"
    return on_cpu and torch.backends.mkldnn.is_available()
