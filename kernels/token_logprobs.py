"""Log-probability and entropy of chosen tokens; the logits of the whole batch never exist.

    z_t = W h_t / temperature                               [V]
    l_t = z_t[y_t] - logsumexp(z_t)                         log p of the token, in nats
    H_t = logsumexp(z_t) - sum_v p_v z_v                    entropy of the distribution, in nats

    dl_t/dz = onehot(y_t) - p          dH_t/dz_v = -p_v (log p_v + H_t)

Any loss of l_t and H_t may follow, so the gradient cannot be formed in forward as
`linear_cross_entropy` does: backward multiplies each chunk's logits again, 8NEV operations in all.
(`policy_loss` knows PPO's loss beforehand and does with 6NEV.) The caller passes the rows that
count (the tokens of the policy) and no others.
"""

import torch
from torch import Tensor

from kernels import head
from kernels.arguments import check_chosen, check_targets
from kernels.forward_gradients import empty_gradients
from kernels.head import default_chunk_size


def linear_token_logprobs(
    hidden: Tensor,
    weight: Tensor,
    targets: Tensor,
    temperature: float = 1.0,
    chunk_size: int | None = None,
) -> tuple[Tensor, Tensor]:
    """(log p [T], entropy [T]) of softmax(weight @ hidden_t / temperature), in nats.

    Args:
        hidden: [T, E] float32, float64, bfloat16 or float16.
        weight: [V, E] of the same dtype, or float32 beside 16-bit hidden.
        targets: [T] int64 in [0, V): every row counts.
        temperature: that of the sampling, above 0.
        chunk_size: how many rows' logits exist at one time; None for the default of the device.

    Returns:
        float32 (float64 for float64 hidden), differentiable once with respect to hidden and weight.

    Raises:
        ValueError: a shape, dtype or device does not fit, or the temperature is not above 0. On CPU
            also: a target out of range.
    """
    check_chosen(hidden, weight, targets, temperature, chunk_size)
    options = float(temperature), chunk_size or default_chunk_size(weight)
    return _LinearTokenLogprobs.apply(hidden, weight, targets, *options)


class _LinearTokenLogprobs(torch.autograd.Function):
    @staticmethod
    def forward(ctx, hidden, weight, targets, temperature, chunk_size):
        ctx.save_for_backward(hidden, weight, targets)
        ctx.options = temperature, chunk_size
        return _logprobs(hidden, weight, targets, temperature, chunk_size)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, for_logprobs, for_entropy):
        hidden, weight, targets = ctx.saved_tensors
        needs = ctx.needs_input_grad[:2]
        upstream = for_logprobs, for_entropy
        made = _gradients(hidden, weight, targets, *upstream, *ctx.options, *needs)
        inputs = zip(made, (hidden, weight), needs)
        return *(g.to(x.dtype) if need else None for g, x, need in inputs), None, None, None


@torch.library.custom_op("kernels::token_logprobs", mutates_args=())
def _logprobs(
    hidden: Tensor, weight: Tensor, targets: Tensor, temperature: float, chunk_size: int
) -> tuple[Tensor, Tensor]:
    check_targets(weight.shape[0], targets)
    operands = head.Head(hidden, weight, None, chunk_size)
    made = torch.empty(2, len(hidden), dtype=operands.dtypes[1], device=hidden.device)

    def read(z: Tensor, part: slice) -> None:
        made[0, part], made[1, part] = operands.functions.statistics(z, targets[part], temperature)

    with torch.autocast(hidden.device.type, enabled=False):
        head.read_logits(operands, read)
    return made[0].clone(), made[1].clone()


@_logprobs.register_fake
def _(hidden, weight, targets, temperature, chunk_size):
    add = torch.float64 if hidden.dtype == torch.float64 else torch.float32
    return hidden.new_empty(len(hidden), dtype=add), hidden.new_empty(len(hidden), dtype=add)


@torch.library.custom_op("kernels::token_logprobs_backward", mutates_args=())
def _gradients(
    hidden: Tensor, weight: Tensor, targets: Tensor, for_logprobs: Tensor, for_entropy: Tensor,
    temperature: float, chunk_size: int, need_hidden: bool, need_weight: bool,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """(dL/dhidden [T, E], dL/dweight [V, E]); empty where not needed."""
    operands = head.Head(hidden, weight, None, chunk_size)

    def row_function(z: Tensor, dz: Tensor | None, part: slice):
        upstream = for_logprobs[part], for_entropy[part]
        return operands.functions.gradient(z, dz, targets[part], *upstream, temperature)

    with torch.autocast(hidden.device.type, enabled=False):
        return head.gradients(operands, row_function, need_hidden, need_weight)


@_gradients.register_fake
def _(hidden, weight, targets, for_logprobs, for_entropy, temperature, chunk_size, *needs):
    return empty_gradients(hidden, weight, None, *needs)
