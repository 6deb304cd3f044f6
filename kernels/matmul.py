"""Matrix products for losses and layers: the one place that knows what multiplies fastest where.

    product(a, b)             a @ b
    inner_product(a, b)       a^T @ b
    accumulate_(out, a, b)    out += a @ b

float32 on CPU goes to oneDNN. PyTorch's own `mm` goes to MKL, which uses AVX-512 on Intel
processors only: on an AMD EPYC with AVX-512 oneDNN has twice its speed (450 against 215 GFLOP/s
on 2 cores), and on rows of a small batch as well. 16-bit operands are multiplied as they are and
summed and returned in float32: by the tensor cores on CUDA; on CPU, where only the tests of the
CUDA path multiply them, as float32 numbers.
"""

import torch
from torch import Tensor

# Rows of `out` that are accumulated at one time on CPU: their product stays in the cache until it
# is added.
SLAB_ROWS = 2048
# Up to here `a` is multiplied as a whole where there is nothing to add to: oneDNN copies it, but
# not the product.
WHOLE = 3 * 2**20


def product(a: Tensor, b: Tensor, out: Tensor | None = None) -> Tensor:
    """a[M, K] @ b[K, N]: float32 for 16-bit operands, else their dtype. In `out` if given."""
    if onednn_multiplies(a):
        # The operation behind torch.compile's CPU matmuls: x @ w.T for any strides of w, no copy.
        made = torch.ops.mkldnn._linear_pointwise(a, b.t(), None, "none", [], "")
        return made if out is None else out.copy_(made)
    return torch.mm(*_operands(a, b), **_sums(a), out=out)


def inner_product(a: Tensor, b: Tensor) -> Tensor:
    """a[T, M]^T @ b[T, N], [M, N]. What is transposed is copied: the narrower of the two where that
    saves more than a result that lies transposed costs, which autograd copies."""
    (T, M), N = a.shape, b.shape[1]
    return product(b.t(), a).t() if T * (M - N) > M * N else product(a.t(), b)


def accumulate_(out: Tensor | None, a: Tensor, b: Tensor) -> Tensor:
    """out[M, N] += a[M, K] @ b[K, N] in place, in the dtype of `out`; the product if it is None."""
    if out is None and (a.numel() <= WHOLE or not onednn_multiplies(a)):
        return product(a, b)
    if onednn_multiplies(a):
        empty = out is None
        out = a.new_empty(a.shape[0], b.shape[1]) if empty else out
        for out_slab, a_slab in zip(out.split(SLAB_ROWS), a.split(SLAB_ROWS)):
            put = out_slab.copy_ if empty else out_slab.add_
            put(product(a_slab, b))  # without a name: only one of them exists at one time
        return out
    return torch.addmm(out, *_operands(a, b), **_sums(a), out=out)


def onednn_multiplies(a: Tensor) -> bool:
    """True where `product(a, ...)` goes to oneDNN."""
    on_cpu = a.dtype == torch.float32 and a.device.type == "cpu"
    return on_cpu and torch.backends.mkldnn.is_available()


def _operands(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """PyTorch's CPU products of 16-bit numbers round their sums to 16 bits: these do not."""
    if a.element_size() == 2 and a.device.type == "cpu":
        return a.float(), b.float()
    return a, b


def _sums(a: Tensor) -> dict[str, torch.dtype]:
    in_float32 = a.element_size() == 2 and a.device.type == "cuda"
    return {"out_dtype": torch.float32} if in_float32 else {}
