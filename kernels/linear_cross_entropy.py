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

What happens between the products is in `kernels.rows`, the products are in `kernels.head`.

Left out: bias, label smoothing, soft-capping, double backward, gradients of the coefficients.
"""

import torch
from torch import Tensor

from kernels import head
from kernels.arguments import NO_TARGET, check_shapes, check_values
from kernels.forward_gradients import ForwardGradients, empty_gradients
from kernels.head import default_chunk_size


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
    if rows is None:
        rows = active_rows(targets, coefficients)
    options = (chunk_size or default_chunk_size(weight),)
    tensors = (hidden, weight, rows, targets, coefficients)
    if torch.is_grad_enabled():
        return ForwardGradients.apply(_gradients_and_loss, options, *tensors)[0]
    return _gradients_and_loss(*tensors, *options, False, False)[2]


def active_rows(targets: Tensor, coefficients: Tensor) -> Tensor:
    """[N] indices of the rows that count, ascending. Synchronises on CUDA: collators call it."""
    return ((targets != NO_TARGET) & (coefficients != 0)).nonzero().squeeze(1)


@torch.library.custom_op("kernels::weighted_linear_cross_entropy", mutates_args=())
def _gradients_and_loss(
    hidden: Tensor, weight: Tensor, rows: Tensor, targets: Tensor, coefficients: Tensor,
    chunk_size: int, need_hidden: bool, need_weight: bool,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """(dL/dhidden of the rows that count [N, E], dL/dweight [V, E], loss).

    The inputs decide the precision: autocast would multiply float32 ones in 16 bits.
    """
    if hidden.device.type == "cpu":
        check_values(weight.shape[0], targets, coefficients, rows)
    with torch.autocast(hidden.device.type, enabled=False):
        operands = head.Head(hidden, weight, rows, chunk_size)
        data = targets[rows], coefficients[rows]
        return _sum_over_chunks(operands, *data, need_hidden, need_weight)


@_gradients_and_loss.register_fake
def _(hidden, weight, rows, targets, coefficients, chunk_size, need_hidden, need_weight):
    gradients = empty_gradients(hidden, weight, rows, need_hidden, need_weight)
    return *gradients, gradients[0].new_empty(())


def _sum_over_chunks(
    operands: head.Head, targets: Tensor, coefficients: Tensor, need_hidden: bool, need_weight: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """targets, coefficients: of the rows that count, [N]."""
    functions, add = operands.functions, operands.dtypes[1]
    coefficients = coefficients.to(add)  # [N]
    nll = torch.empty_like(coefficients)  # [N]

    def row_function(z: Tensor, dz: Tensor | None, part: slice):
        nll[part], gradient = functions.nll(z, dz, targets[part], coefficients[part])
        return gradient

    gradients = head.gradients(operands, row_function, need_hidden, need_weight)
    loss = torch.dot(coefficients.double(), nll.double()).to(add)
    return *gradients, loss
