"""The products with the weight of the language-model head, chunk by chunk of rows; the logits of
the whole batch never exist.

    z  = x W^T                                  logits of a chunk, [C, V], float32
    dz = dL/dz                                  a row function: see kernels.rows
    dx = dz W,  dW += dz^T x                    what the rows' loss has to say to both

Three products, 6NEV operations for N rows, where dL/dz is known as soon as z is: the gradients are
formed in the forward pass. A frozen hidden or weight costs no product.

bfloat16 is multiplied as it is where the tensor cores do it, and summed in float32: logits, dx and
all of dW. Elsewhere 16-bit inputs are multiplied in float32; float16 everywhere, because its range
does not hold dz.
"""

from collections.abc import Callable
from types import ModuleType
from typing import NamedTuple

import torch
from torch import Tensor

from kernels import rows_torch
from kernels.matmul import accumulate_, product
from kernels.rows import row_functions

# How many logits exist at one time. CPU: 16 MiB of them, 128 rows of a vocabulary of 32,016. They
# fit in the cache, and glibc keeps blocks up to 32 MiB instead of asking the system for fresh pages
# (measured: 192 rows take as long). CUDA: dW is read and written once per chunk, which needs about
# 1,000 rows to be hidden behind the arithmetic.
CPU_CHUNK_LOGITS = 4 * 2**20
CUDA_CHUNK_ROWS = 4096
CUDA_CHUNK_BYTES = 11 * 10**8
# Of the float32 logits beside a bfloat16 dz, one of so many parts of a chunk exists at one time.
PARTS = 4
# PyTorch's row functions pass over the logits many times and make as many again. On CPU they see
# 2 MiB at one time, which stay in the cache.
BLOCK_LOGITS = 2**19


class Head(NamedTuple):
    """What is multiplied. rows: which rows of hidden, or None for all."""

    hidden: Tensor  # [T, E]
    weight: Tensor  # [V, E]
    rows: Tensor | None  # [N]
    chunk_size: int

    @property
    def count(self) -> int:
        return len(self.hidden if self.rows is None else self.rows)

    def inputs(self, chunk: slice) -> Tensor:
        """x [C, E]"""
        return self.hidden[chunk if self.rows is None else self.rows[chunk]]

    @property
    def functions(self) -> ModuleType:
        """The row functions of the device that hidden is on."""
        return row_functions(self.hidden)

    @property
    def is_fused(self) -> bool:
        return self.functions is not rows_torch

    @property
    def dtypes(self) -> tuple[torch.dtype, torch.dtype]:
        """(dtype of the operands of the products, dtype of everything else)."""
        if self.hidden.dtype == torch.float64:
            return torch.float64, torch.float64
        if self.hidden.dtype == torch.bfloat16 and (self.hidden.is_cuda or self.is_fused):
            return torch.bfloat16, torch.float32
        return torch.float32, torch.float32


# (z of some rows, a buffer for dz or None, which of the N rows) -> (dz, factor or None)
RowFunction = Callable[[Tensor, Tensor | None, slice], rows_torch.Gradient]


def default_chunk_size(weight: Tensor) -> int:
    """Rows per chunk for weight[V, E] on its device."""
    V = weight.shape[0]
    if weight.device.type == "cpu":
        return max(16, CPU_CHUNK_LOGITS // V // 16 * 16)
    return max(128, min(CUDA_CHUNK_ROWS, CUDA_CHUNK_BYTES // (4 * V) // 128 * 128))


def read_logits(head: Head, reader: Callable[[Tensor, slice], object]) -> None:
    """reader(z of some rows, which of the N rows), until all have been read; z is the reader's to
    overwrite, and not to keep: its memory is the next chunk's."""
    multiply, add = head.dtypes
    weight = head.weight.to(multiply)  # [V, E]
    buffer = _buffer(head, head.chunk_size, add) if head.is_fused else None
    for chunk in slices(head.count, head.chunk_size):
        z = _multiply(head.inputs(chunk).to(multiply), weight, buffer)  # [C, V]
        for block in _blocks(z):
            reader(z[block], _behind(chunk.start, block))
        del z


def gradients(
    head: Head, row_function: RowFunction, need_hidden: bool, need_weight: bool
) -> tuple[Tensor, Tensor]:
    """(dL/dhidden of the rows [N, E], dL/dweight [V, E]), not yet rounded to the inputs' dtypes;
    empty where not needed. The row function sees every chunk in any case."""
    multiply, add = head.dtypes
    weight = head.weight.to(multiply)  # [V, E]
    d_rows = weight.new_empty(head.count if need_hidden else 0, weight.shape[1], dtype=add)
    if not (need_hidden or need_weight):
        read_logits(head, lambda z, chunk: row_function(z, None, chunk))
        return d_rows, weight.new_empty(0, dtype=add)

    d_weight, buffers = None, _buffers(head)
    for chunk in slices(head.count, head.chunk_size):
        x = head.inputs(chunk).to(multiply)  # [C, E]
        dz, factor = _gradient_of_logits(x, weight, row_function, chunk.start, buffers)
        if need_hidden:
            product(dz, weight, out=d_rows[chunk])  # [C, E]
            if factor is not None:
                d_rows[chunk].mul_(factor)
        if need_weight:
            x = x if factor is None else (factor * x).to(multiply)
            d_weight = accumulate_(d_weight, dz.t(), x)  # [V, E]
        del dz  # its memory is the next chunk's
    if d_weight is None:
        d_weight = weight.new_zeros(weight.shape if need_weight else 0, dtype=add)
    return d_rows, d_weight


def slices(count: int, size: int) -> list[slice]:
    """The chunks of `count` rows, `size` rows each but for the last."""
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]


def _gradient_of_logits(
    x: Tensor, weight: Tensor, row_function: RowFunction, start: int,
    buffers: tuple[Tensor, Tensor] | None,
) -> rows_torch.Gradient:  # fmt: skip
    """(dz [C, V], factor) of the rows x[C, E], of which the first is number `start`."""
    if buffers is None:
        z = _multiply(x, weight, None)  # [C, V]
        made = [row_function(z[block], None, _behind(start, block)) for block in _blocks(z)]
        return z.to(x.dtype), torch.cat([factor for _, factor in made])
    z_buffer, dz = buffers
    for part in slices(len(x), len(z_buffer)):
        z = _multiply(x[part], weight, z_buffer)  # [C / PARTS, V]
        row_function(z, dz[part], _behind(start, part))
    return dz[: len(x)], None


def _blocks(z: Tensor) -> list[slice]:
    """Which rows of z[C, V] a row function sees at one time."""
    C, V = z.shape
    return slices(C, max(1, BLOCK_LOGITS // V) if z.device.type == "cpu" else C)


def _behind(start: int, rows: slice) -> slice:
    return slice(start + rows.start, start + rows.stop)


def _multiply(x: Tensor, weight: Tensor, buffer: Tensor | None) -> Tensor:
    """x W^T, in the first rows of the buffer."""
    return product(x, weight.t(), out=None if buffer is None else buffer[: len(x)])


def _buffers(head: Head) -> tuple[Tensor, Tensor] | None:
    """(of z, of dz) for the fused kernel: one and the same where both are float32."""
    if not head.is_fused:
        return None
    multiply, add = head.dtypes
    dz = _buffer(head, head.chunk_size, multiply)
    return (dz if add == multiply else _buffer(head, -(-head.chunk_size // PARTS), add)), dz


def _buffer(head: Head, rows: int, dtype: torch.dtype) -> Tensor:
    rows = max(1, min(rows, head.count))
    return torch.empty(rows, len(head.weight), dtype=dtype, device=head.weight.device)
