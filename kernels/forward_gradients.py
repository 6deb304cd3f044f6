"""Losses that know their gradients in the forward pass, as autograd sees them.

Such an op is a `torch.library.custom_op`, opaque to torch.compile:

    op(hidden, weight, rows, *tensors, *options, need_hidden, need_weight)
        -> (d_rows[N, E], d_weight[V, E], loss, *statistics)
"""

import torch
from torch import Tensor

from kernels.rows import row_functions


class ForwardGradients(torch.autograd.Function):
    """apply(op, options, hidden, weight, rows or None, *tensors) -> (loss, *statistics).

    Backward scales the gradients by the upstream scalar and hands the buffers themselves over, so
    that [V, E] exists once. A second backward (retain_graph=True) forms them again from the saved
    inputs: training never pays for a case that it does not meet.
    """

    @staticmethod
    def forward(ctx, op, options, *tensors):
        ctx.op, ctx.options = op, options
        ctx.save_for_backward(*tensors)
        needs = ctx.needs_input_grad[2:4]
        d_rows, d_weight, loss, *statistics = op(*tensors, *options, *needs)
        ctx.gradients = d_rows, d_weight
        ctx.mark_non_differentiable(*statistics)
        return loss, *statistics

    @staticmethod
    def backward(ctx, upstream, *_):
        compiling = torch.compiler.is_compiling()
        if torch.is_grad_enabled() and not compiling:
            raise RuntimeError("the loss has no second derivative: create_graph=True is not"
                               " supported")
        tensors = ctx.saved_tensors  # once: under activation checkpointing they are then gone
        hidden, weight, rows = tensors[:3]
        needs = ctx.needs_input_grad[2:4]
        gradients = ctx.gradients
        if not compiling:  # a compiled backward keeps its inputs itself
            ctx.gradients = None
        if gradients is None:
            gradients = ctx.op(*tensors, *ctx.options, *needs)
        d_hidden, d_weight = gradients[:2]
        d_hidden = _scaled(d_hidden, upstream).to(hidden.dtype) if needs[0] else None
        if needs[0] and rows is not None:
            d_hidden = hidden.new_zeros(hidden.shape).index_copy_(0, rows, d_hidden)  # [T, E]
        d_weight = _scaled(d_weight, upstream).to(weight.dtype) if needs[1] else None
        return None, None, d_hidden, d_weight, *[None] * (len(tensors) - 2)


def empty_gradients(
    hidden: Tensor, weight: Tensor, rows: Tensor | None, need_hidden: bool, need_weight: bool
) -> tuple[Tensor, Tensor]:
    """What `head.gradients` returns, without values: for the fake implementations."""
    add = torch.float64 if hidden.dtype == torch.float64 else torch.float32
    count = len(hidden) if rows is None else len(rows)
    d_rows = hidden.new_empty(count if need_hidden else 0, hidden.shape[1], dtype=add)
    return d_rows, hidden.new_empty(weight.shape if need_weight else 0, dtype=add)


def _scaled(gradient: Tensor, upstream: Tensor) -> Tensor:
    if torch.compiler.is_compiling():
        return gradient * upstream
    return row_functions(gradient).scale_(gradient, upstream)
