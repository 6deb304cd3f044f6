"""Weighted cross-entropy of the language-model head; the logits of the whole batch never exist.

    z_t = W h_t                                            logits at position t, [V]
    L   = sum_t c_t * (logsumexp(z_t) - z_t[y_t])          c_t coefficient, y_t target; a scalar

    dL/dz_t = c_t * (softmax(z_t) - onehot(y_t))
    dL/dh_t = W^T dL/dz_t              dL/dW = sum_t dL/dz_t h_t^T

The coefficients are data, known before the forward pass. So the gradients are formed right there,
while the logits of a chunk of rows exist: three matrix products, 6NEV operations for the N rows
that count, instead of the four that recomputing logits in backward takes. Positions with
coefficient 0 (prompts, masked errors) are removed before the first product: they cost nothing and
their gradient is exactly 0.

Two choices make a chunk cheap and exact (`_exp_rows_`):

- It holds e_t = exp(z_t - max z_t), not softmax(z_t). The factor c_t / sum(e_t), one number per
  row, is applied on the E-wide side of the products: one pass less over the V-wide chunk.
- p_y - 1 is never formed as a difference. It is -(sum of the other tokens' e) / sum(e), exact to
  rounding for p_y -> 1, where `softmax - onehot` loses every digit (linkedin/Liger-Kernel#1329).
  Fine-tuning on well-formed tool calls lives there.

Left out: bias, label smoothing, soft-capping, double backward, gradients of the coefficients.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from kernels.arguments import NO_TARGET, check_shapes, check_values
from kernels.matmul import accumulate_, product

# How many logits exist at one time. CPU: 24 MiB of them, 192 rows of a vocabulary of 32,016. They
# fit in the cache, and glibc keeps blocks up to 32 MiB instead of asking the system for fresh pages
# (measured: 128 and 384 rows are 6 to 10% slower, 256 rows as fast but larger). CUDA: dW is read
# and written once per chunk, which needs about 1,000 rows to be hidden behind the arithmetic.
CPU_CHUNK_LOGITS = 6 * 2**20
CUDA_CHUNK_ROWS = 4096


def weighted_linear_cross_entropy(
    hidden: Tensor,
    weight: Tensor,
    targets: Tensor,
    coefficients: Tensor,
    rows: Tensor | None = None,
    chunk_size: int | None = None,
) -> Tensor:
    """sum_t c_t * (logsumexp(z_t) - z_t[y_t]) with z_t = weight @ hidden_t, in nats.

    A row counts if its target is not -100 and its coefficient is not 0. All others are dropped
    before the first matrix product.

    Args:
        hidden: [T, E] float32, float64, bfloat16 or float16, any strides. bfloat16 on CUDA is
            multiplied as it is, 16-bit inputs are multiplied in float32 elsewhere; softmax, loss
            and sums are float32.
        weight: [V, E] of the same dtype, or float32 beside 16-bit hidden (master weights).
        targets: [T] int64 in [0, V), or -100 for "nothing to predict here".
        coefficients: [T] float32 (or float64 beside float64 hidden), finite, any sign. Data: no
            gradient.
        rows: [N] int64, the rows that count, in any order, each once. Coming from the data
            pipeline it spares a device synchronisation; when absent it is found here.
        chunk_size: how many rows' logits exist at one time; None for the default of the device.

    Returns:
        The sum (the caller divides by folding 1/Z into the coefficients): a float32 scalar,
        float64 for float64 hidden. If no row counts: a zero that is connected to hidden and
        weight.

    Raises:
        ValueError: a shape, dtype or device does not fit. On CPU also: a target out of range, a
            coefficient that is not finite, `rows` that are not the rows that count (on CUDA
            looking at values would stop the device, so there they are trusted).
    """
    check_shapes(hidden, weight, targets, coefficients, rows, chunk_size)
    if hidden.device.type == "cpu":
        check_values(weight.shape[0], targets, coefficients, rows)
    if rows is None:
        rows = active_rows(targets, coefficients)
    chunk_size = chunk_size or default_chunk_size(weight)
    batch = _Batch(hidden, weight, targets, coefficients, rows, chunk_size)
    if torch.is_grad_enabled():
        return _WeightedLinearCrossEntropy.apply(*batch)
    return _loss_and_gradients(batch, False, False)[0]


def active_rows(targets: Tensor, coefficients: Tensor) -> Tensor:
    """[N] indices of the rows that count, ascending. Synchronises on CUDA: collators call it."""
    return ((targets != NO_TARGET) & (coefficients != 0)).nonzero().squeeze(1)


def default_chunk_size(weight: Tensor) -> int:
    """Rows per chunk for weight[V, E] on its device."""
    if weight.device.type != "cpu":
        return CUDA_CHUNK_ROWS
    return max(16, CPU_CHUNK_LOGITS // weight.shape[0] // 16 * 16)


class _Batch(NamedTuple):
    hidden: Tensor  # [T, E]
    weight: Tensor  # [V, E]
    targets: Tensor  # [T]
    coefficients: Tensor  # [T]
    rows: Tensor  # [N]
    chunk_size: int


class _WeightedLinearCrossEntropy(torch.autograd.Function):
    """Forms the gradients in forward; backward scales them by the upstream scalar.

    It hands the buffers themselves over, so [V, E] exists once. A second backward
    (retain_graph=True) forms them again from the saved inputs: training never pays for a case
    that it does not meet.
    """

    @staticmethod
    def forward(ctx, *batch):
        ctx.save_for_backward(*batch[:-1])
        ctx.chunk_size = batch[-1]
        loss, *ctx.gradients = _loss_and_gradients(_Batch(*batch), *ctx.needs_input_grad[:2])
        return loss

    @staticmethod
    def backward(ctx, upstream):
        if torch.is_grad_enabled():
            raise RuntimeError("weighted_linear_cross_entropy has no second derivative:"
                               " create_graph=True is not supported")
        batch = _Batch(*ctx.saved_tensors, ctx.chunk_size)
        gradients, ctx.gradients = ctx.gradients, None
        if gradients is None:
            _, *gradients = _loss_and_gradients(batch, *ctx.needs_input_grad[:2])
        d_rows, d_weight = gradients
        d_hidden = None
        if d_rows is not None:
            d_rows = _scale_(d_rows, upstream).to(batch.hidden.dtype)  # [N, E]
            d_hidden = d_rows.new_zeros(batch.hidden.shape)  # [T, E]
            d_hidden.index_copy_(0, batch.rows, d_rows)
        if d_weight is not None:
            d_weight = _scale_(d_weight, upstream).to(batch.weight.dtype)  # [V, E]
        return d_hidden, d_weight, None, None, None, None


def _scale_(gradient: Tensor, upstream: Tensor) -> Tensor:
    if upstream.device.type == "cpu" and upstream == 1:  # on CUDA, looking would stop the device
        return gradient
    return gradient.mul_(upstream)


def _loss_and_gradients(
    batch: _Batch, need_hidden: bool, need_weight: bool
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """(loss, dL/dhidden of the rows that count [N, E], dL/dweight [V, E]), not yet rounded.

    The inputs decide the precision: autocast would multiply float32 ones in 16 bits.
    """
    with torch.autocast(batch.hidden.device.type, enabled=False):
        return _sum_over_chunks(batch, need_hidden, need_weight)


def _sum_over_chunks(
    batch: _Batch, need_hidden: bool, need_weight: bool
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    hidden, weight, targets, coefficients, rows, chunk_size = batch
    multiply, add = _dtypes(hidden)
    weight = weight.to(multiply)  # [V, E]
    targets = targets[rows]  # [N]
    coefficients = coefficients[rows].to(add)  # [N]
    nll = coefficients.new_empty(rows.shape)  # [N]
    d_rows = coefficients.new_empty(len(rows), weight.shape[1]) if need_hidden else None  # [N, E]
    d_weight = coefficients.new_zeros(weight.shape) if need_weight else None  # [V, E]

    for start in range(0, len(rows), chunk_size):
        chunk = slice(start, start + chunk_size)
        x = hidden[rows[chunk]].to(multiply)  # [C, E]
        z = product(x, weight.t())  # [C, V]
        e, nll[chunk], total = _exp_rows_(z, targets[chunk])  # [C, V], [C], [C]
        scale = (coefficients[chunk] / total)[:, None]  # [C, 1]
        e = e.to(multiply)
        if need_hidden:
            torch.mul(product(e, weight), scale, out=d_rows[chunk])  # [C, E]
        if need_weight:
            accumulate_(d_weight, e.t(), (scale * x).to(multiply))  # [V, E]
        del z, e  # their memory is the next chunk's

    loss = torch.dot(coefficients.double(), nll.double()).to(add)
    return loss, d_rows, d_weight


def _exp_rows_(z: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """In place, z[C, V] becomes e = exp(z - max z), but -(sum of all other e) at the target.

    That is e = sum(e) * (softmax(z) - onehot(y)). Returns e [C, V], -log softmax(z)[y] [C],
    sum(e) [C].
    """
    y = targets[:, None]  # [C, 1], and so are the next four
    z_y = z.sub_(z.amax(1, keepdim=True)).gather(1, y)
    e_y = z_y.exp()
    others = z.exp_().scatter_(1, y, 0).sum(1, keepdim=True)
    total = others + e_y
    e = z.scatter_(1, y, -others)
    # For p_y -> 1, log(total) - z_y is the difference of equal numbers; log1p is exact there.
    nll = torch.where(e_y > others, torch.log1p(others / e_y), total.log() - z_y)
    return e, nll.squeeze(1), total.squeeze(1)


def _dtypes(hidden: Tensor) -> tuple[torch.dtype, torch.dtype]:
    """(dtype of the operands of the products, dtype of everything else).

    float16 is not multiplied as it is: its range does not hold c_t / sum(e_t).
    """
    if hidden.dtype == torch.float64:
        return torch.float64, torch.float64
    if hidden.dtype == torch.bfloat16 and hidden.device.type == "cuda":
        return torch.bfloat16, torch.float32
    return torch.float32, torch.float32
