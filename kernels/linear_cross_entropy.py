"""Weighted cross-entropy of the language-model head, without the logits of the whole batch ever existing.

    z_t = W h_t                                            logits of position t                     [V]
    L   = sum_t c_t * (logsumexp(z_t) - z_t[y_t])          c_t: coefficient, y_t: target            scalar

    dL/dz_t = c_t * (softmax(z_t) - onehot(y_t))
    dL/dh_t = dL/dz_t W                  dL/dW = sum_t dL/dz_t (x) h_t

The coefficients are data, known before the forward pass, so the gradients are formed right there, while the logits of
a chunk of rows still exist: three matrix products, 6NEV operations (N rows that count), instead of the four
that a recomputation in backward needs. Positions with coefficient 0 (prompts, masked errors, padding) are removed
before the first product: they cost nothing and receive a gradient of exactly 0.

Two choices make the chunk cheap and exact (`_exp_rows_`):

- The buffer holds e_t = exp(z_t - max z_t), not softmax(z_t). The factor c_t / sum(e_t) is one number per row and goes
  to the E-wide side of the products, so the V-wide buffer is passed over one time less and never sees a tiny c_t.
- p_y - 1 is never formed as a difference. It is -(sum of e over the other tokens) / sum(e): exact to rounding for
  p_y -> 1, where `softmax - onehot` loses all its digits (linkedin/Liger-Kernel#1329). Fine-tuning on well-formed
  tool calls lives in that regime.

What is left out: bias, label smoothing, soft-capping, double backward, gradients of the coefficients.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from kernels.matmul import accumulate_, product

NO_TARGET = -100
CHUNK_ROWS = {"cpu": 256, "cuda": 4096}


def weighted_linear_cross_entropy(
    hidden: Tensor,
    weight: Tensor,
    targets: Tensor,
    coefficients: Tensor,
    rows: Tensor | None = None,
    chunk_size: int | None = None,
) -> Tensor:
    """sum_t c_t * (logsumexp(z_t) - z_t[y_t]) with z_t = weight @ hidden_t, in natural-log units.

    A row counts if its target is not -100 and its coefficient is not 0; all other rows are dropped before the matmul.

    Args:
        hidden: [T, E] float32, float64, bfloat16 or float16; any strides. The products run in this dtype
            (on CPU, 16-bit inputs are multiplied in float32).
        weight: [V, E] same dtype, or float32 beside 16-bit hidden (master weights: dW is then not rounded to 16 bits).
        targets: [T] int64 in [0, V), or -100 for "nothing to predict here".
        coefficients: [T] float32 (float64 beside float64 hidden), any sign, finite. They are data: they get no gradient.
        rows: [N] int64, the indices of the rows that count, in any order, each once. From the data pipeline it spares
            a device synchronisation; absent, it is found here.
        chunk_size: rows whose logits exist at one time; None for the measured default of the device.

    Returns:
        The sum, a scalar: float32 (float64 for float64 hidden) whatever the input dtype. The caller divides, if at all,
        by folding 1/Z into the coefficients. With no row that counts: a zero connected to hidden and weight.

    Raises:
        ValueError: a shape, dtype or device does not fit; on CPU also a target out of range, a coefficient that is not
            finite, rows that are not the rows that count (on CUDA this would cost a synchronisation).
    """
    _check_shapes(hidden, weight, targets, coefficients, rows, chunk_size)
    if hidden.device.type == "cpu":
        _check_values(weight.shape[0], targets, coefficients, rows)
    if rows is None:
        rows = active_rows(targets, coefficients)
    chunk_size = chunk_size or CHUNK_ROWS.get(hidden.device.type, 4096)
    problem = _Problem(hidden, weight, targets, coefficients, rows, chunk_size)
    return _WeightedLinearCrossEntropy.apply(*problem)


def active_rows(targets: Tensor, coefficients: Tensor) -> Tensor:
    """[N] indices of the rows that count, ascending: target is not -100 and coefficient is not 0.

    Synchronises on CUDA (the number N is not known before), so call it on the CPU, in the collator.
    """
    return ((targets != NO_TARGET) & (coefficients != 0)).nonzero().squeeze(1)


class _Problem(NamedTuple):
    hidden: Tensor  # [T, E]
    weight: Tensor  # [V, E]
    targets: Tensor  # [T]
    coefficients: Tensor  # [T]
    rows: Tensor  # [N]
    chunk_size: int


class _Result(NamedTuple):
    loss: Tensor  # scalar
    d_hidden: Tensor | None  # [N, E] of the rows that count, accumulation dtype
    d_weight: Tensor | None  # [V, E] accumulation dtype


class _WeightedLinearCrossEntropy(torch.autograd.Function):
    """Gradients in forward; backward multiplies them by the upstream scalar and hands the buffers over.

    The buffers can be handed over once. A second backward (retain_graph=True) recomputes them from the saved inputs:
    no copy of [V, E] is kept for a case that training never meets.
    """

    @staticmethod
    def forward(ctx, *problem):
        problem = _Problem(*problem)
        ctx.save_for_backward(*problem[:5])
        ctx.chunk_size = problem.chunk_size
        ctx.result = _solve(problem, *ctx.needs_input_grad[:2])
        return ctx.result.loss.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx, upstream):
        result, ctx.result = ctx.result, None
        problem = _Problem(*ctx.saved_tensors, ctx.chunk_size)
        if result is None:
            result = _solve(problem, *ctx.needs_input_grad[:2])
        d_hidden = d_weight = None
        if result.d_hidden is not None:
            d_rows = _scale_(result.d_hidden, upstream).to(problem.hidden.dtype)
            d_hidden = torch.zeros_like(problem.hidden, memory_format=torch.contiguous_format)
            d_hidden.index_copy_(0, problem.rows, d_rows)
        if result.d_weight is not None:
            d_weight = _scale_(result.d_weight, upstream).to(problem.weight.dtype)
        return d_hidden, d_weight, None, None, None, None


def _scale_(gradient: Tensor, upstream: Tensor) -> Tensor:
    if upstream.device.type == "cpu" and upstream == 1:  # looking at the value is free on CPU only
        return gradient
    return gradient.mul_(upstream)


def _solve(problem: _Problem, need_hidden: bool, need_weight: bool) -> _Result:
    """The loss and the gradients that are needed, one chunk of rows at a time."""
    hidden, weight, targets, coefficients, rows, chunk_size = problem
    compute, accumulate = _dtypes(hidden)
    weight = weight.to(compute)  # [V, E]
    coefficients = coefficients[rows].to(accumulate)  # [N]
    targets = targets[rows]  # [N]
    nll = coefficients.new_empty(rows.shape)
    d_hidden = weight.new_empty(*rows.shape, weight.shape[1], dtype=accumulate) if need_hidden else None
    d_weight = weight.new_zeros(weight.shape, dtype=accumulate) if need_weight else None

    for start in range(0, len(rows), chunk_size):
        chunk = slice(start, start + chunk_size)
        x = hidden[rows[chunk]].to(compute)  # [C, E]
        e, nll[chunk], total = _exp_rows_(product(x, weight.t()), targets[chunk])  # [C, V], [C], [C]
        scale = (coefficients[chunk] / total)[:, None]  # [C, 1]
        if need_hidden:
            d_hidden[chunk] = scale * product(e.to(compute), weight)  # [C, E]
        if need_weight:
            accumulate_(d_weight, e.to(compute).t(), (scale * x).to(compute))  # [V, E]
        del e  # the next chunk takes its place

    loss = torch.dot(coefficients.double(), nll.double()).to(accumulate)
    return _Result(loss, d_hidden, d_weight)


def _exp_rows_(z: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """In place, z[C, V] becomes e = exp(z - max z), with -(sum of all other e) at the target.

    So e = sum(e) * (softmax(z) - onehot(y)). Returns (e, -log softmax(z)[y], sum(e)): [C, V], [C], [C].
    """
    y = targets[:, None]  # [C, 1], as are the next four
    z_y = z.sub_(z.amax(1, keepdim=True)).gather(1, y)
    e_y = z_y.exp()
    others = z.exp_().scatter_(1, y, 0).sum(1, keepdim=True)
    total = others + e_y
    e = z.scatter_(1, y, -others)
    # log(total) - z_y cancels where p_y -> 1; log1p does not.
    nll = torch.where(e_y > others, torch.log1p(others / e_y), total.log() - z_y)
    return e, nll.squeeze(1), total.squeeze(1)


def _dtypes(hidden: Tensor) -> tuple[torch.dtype, torch.dtype]:
    """(dtype of the matmul inputs, dtype of softmax, loss and sums of gradients)."""
    if hidden.dtype == torch.float64:
        return torch.float64, torch.float64
    if hidden.device.type == "cpu":
        return torch.float32, torch.float32
    return hidden.dtype, torch.float32


def _check_shapes(hidden, weight, targets, coefficients, rows, chunk_size) -> None:
    def expect(holds: bool, name: str, got: object, expected: str) -> None:
        if not holds:
            raise ValueError(f"weighted_linear_cross_entropy: {name} is {got}, expected {expected}")

    floats = (torch.float32, torch.float64, torch.bfloat16, torch.float16)
    expect(hidden.dim() == 2, "hidden", _describe(hidden), "shape [T, E]")
    T, E = hidden.shape
    expect(hidden.dtype in floats, "hidden", _describe(hidden), "a floating dtype of 16 bits or more")
    expect(weight.dim() == 2 and weight.shape[1] == E and weight.shape[0] > 0,
           "weight", _describe(weight), f"shape [V, {E}] beside hidden {_describe(hidden)}")
    master = weight.dtype == torch.float32 and hidden.dtype in (torch.bfloat16, torch.float16)
    expect(weight.dtype == hidden.dtype or master, "weight", _describe(weight),
           f"{hidden.dtype} as hidden, or float32 beside 16-bit hidden")
    expect(targets.shape == (T,) and targets.dtype == torch.int64,
           "targets", _describe(targets), f"int64 of shape [{T}]")
    wide = coefficients.dtype == torch.float32 or (
        coefficients.dtype == torch.float64 == hidden.dtype
    )
    expect(coefficients.shape == (T,) and wide, "coefficients", _describe(coefficients),
           f"float32 of shape [{T}] (float64 only beside float64 hidden)")
    expect(not coefficients.requires_grad, "coefficients.requires_grad", True,
           "False: coefficients are data and get no gradient; pass coefficients.detach()")
    expect(chunk_size is None or (isinstance(chunk_size, int) and chunk_size > 0),
           "chunk_size", repr(chunk_size), "a positive number of rows, or None")
    if rows is not None:
        expect(rows.dim() == 1 and rows.dtype == torch.int64, "rows", _describe(rows), "int64 of shape [N]")
    for name, tensor in dict(weight=weight, targets=targets, coefficients=coefficients, rows=rows).items():
        expect(tensor is None or tensor.device == hidden.device, f"{name}.device",
               tensor is not None and tensor.device, f"{hidden.device} as hidden")


def _describe(tensor: Tensor) -> str:
    return f"{tensor.dtype} {list(tensor.shape)}".removeprefix("torch.")


def _check_values(vocab: int, targets: Tensor, coefficients: Tensor, rows: Tensor | None) -> None:
    """What can be looked at for free on CPU, O(T)."""
    def refuse(what: str) -> None:
        raise ValueError(f"weighted_linear_cross_entropy: {what}")

    bad = ((targets < 0) | (targets >= vocab)) & (targets != NO_TARGET)
    if bad.any():
        t = bad.nonzero()[0].item()
        refuse(f"targets[{t}] is {targets[t].item()}, expected 0 <= target < {vocab}, or -100")
    if not coefficients.isfinite().all():
        t = (~coefficients.isfinite()).nonzero()[0].item()
        refuse(f"coefficients[{t}] is {coefficients[t].item()}, expected a finite number")
    if rows is not None:
        expected = active_rows(targets, coefficients)
        if not torch.equal(rows.sort().values, expected):
            refuse(f"rows names {rows.numel()} rows that are not the {expected.numel()} that count"
                   " (target is not -100 and coefficient is not 0), each once")
