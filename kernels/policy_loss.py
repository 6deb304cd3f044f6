"""PPO's clipped loss of the language-model head, its gradients formed in the forward pass.

    l_t, H_t   log p of the token y_t and entropy, of softmax(W h_t / temperature), in nats
    rho_t    = exp(l_t - l_old_t)
    L        = 1/count * sum_t max(-A_t rho_t, -A_t clip(rho_t, 1 - eps, 1 + eps))
               - entropy_weight/count * sum_t H_t           Schulman et al., arXiv:1707.06347

    dL/dl_t  = -A_t rho_t / count  where the clip does not cut it off, else 0

Old log-probabilities, advantages, clip and count are known before the forward pass. So dL/dz is
known as soon as the logits z are, and three matrix products do, 6NEV operations, where
`linear_token_logprobs` and a loss behind it take four.
"""

import torch
from torch import Tensor

from kernels import head
from kernels.arguments import check_chosen, check_per_row, check_targets, refuse
from kernels.forward_gradients import ForwardGradients, empty_gradients
from kernels.head import default_chunk_size
from kernels.rows_torch import clipped_loss


def linear_policy_loss(
    hidden: Tensor,
    weight: Tensor,
    actions: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    *,
    clip: float,
    count: float,
    entropy_weight: float = 0.0,
    temperature: float = 1.0,
    chunk_size: int | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """(loss, log p [N], entropy [N]): the sum of the clipped losses and the bonus, over count.

    Args:
        hidden: [N, E] float32, float64, bfloat16 or float16: the rows that chose a token.
        weight: [V, E] of the same dtype, or float32 beside 16-bit hidden.
        actions: [N] int64 in [0, V), the tokens.
        old_logprobs, advantages: [N] float32 (or float64 beside float64 hidden). Data.
        clip: eps, at least 0. count: what the sums are divided by, above 0.
        entropy_weight: of the bonus, relative to the clipped loss.
        temperature: that of the sampling, above 0.
        chunk_size: how many rows' logits exist at one time; None for the default of the device.

    Returns:
        float32 (float64 for float64 hidden). The loss is differentiable once with respect to hidden
        and weight; log p and entropy carry no gradient.

    Raises:
        ValueError: as `linear_token_logprobs`; old_logprobs, advantages, clip or count do
            not fit.
    """
    check_chosen(hidden, weight, actions, temperature, chunk_size)
    check_per_row(hidden, old_logprobs=old_logprobs, advantages=advantages)
    if not count > 0:
        refuse("count", count, "a number above 0")
    if not clip >= 0:
        refuse("clip", clip, "a number of at least 0")
    numbers = float(clip), 1 / count, entropy_weight / count, float(temperature)
    options = *numbers, chunk_size or default_chunk_size(weight)
    tensors = (hidden, weight, None, actions, old_logprobs, advantages)
    if torch.is_grad_enabled():
        return ForwardGradients.apply(_gradients_and_loss, options, *tensors)
    return _gradients_and_loss(*tensors, *options, False, False)[2:]


@torch.library.custom_op("kernels::policy_loss", mutates_args=())
def _gradients_and_loss(
    hidden: Tensor, weight: Tensor, rows: Tensor | None, actions: Tensor, old_logprobs: Tensor,
    advantages: Tensor, clip: float, scale: float, entropy_scale: float, temperature: float,
    chunk_size: int, need_hidden: bool, need_weight: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    """(dL/dhidden [N, E], dL/dweight [V, E], loss, log p [N], entropy [N])"""
    check_targets(weight.shape[0], actions)
    operands = head.Head(hidden, weight, rows, chunk_size)
    functions, add = operands.functions, operands.dtypes[1]
    old_logprobs, advantages = old_logprobs.to(add), advantages.to(add)
    logprobs, entropy = torch.empty_like(old_logprobs), torch.empty_like(old_logprobs)

    def row_function(z: Tensor, dz: Tensor | None, part: slice):
        logprobs[part], entropy[part], gradient = functions.policy(
            z, dz, actions[part], old_logprobs[part], advantages[part],
            clip, scale, entropy_scale, temperature,
        )  # fmt: skip
        return gradient

    with torch.autocast(hidden.device.type, enabled=False):
        made = head.gradients(operands, row_function, need_hidden, need_weight)
    losses, _ = clipped_loss(logprobs.double(), old_logprobs.double(), advantages.double(), clip)
    loss = scale * losses.sum() - entropy_scale * entropy.double().sum()
    return *made, loss.to(add), logprobs, entropy


@_gradients_and_loss.register_fake
def _(hidden, weight, rows, actions, old_logprobs, advantages, *options):
    gradients = empty_gradients(hidden, weight, rows, *options[-2:])
    number = gradients[0].new_empty
    return *gradients, number(()), number(len(hidden)), number(len(hidden))
