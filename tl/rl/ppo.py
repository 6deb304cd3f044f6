"""The losses of PPO over the tokens of the policy (Schulman et al., arXiv:1707.06347).

    rho_t = exp(log pi(y_t) - log pi_old(y_t))
    policy   mean_t  max(-A_t rho_t, -A_t clip(rho_t, 1 - eps, 1 + eps))
    value    mean_t  1/2 max((V_t - G_t)^2, (clip(V_t, V_old - eps_v, V_old + eps_v) - G_t)^2)

A mean is a sum over the tokens of this micro-batch divided by the number of tokens of the whole
minibatch on all processes, which the caller knows beforehand: so a minibatch may be split in any
way. Tokens that the policy did not choose have been left out before.

The policy's term and its gradient are formed beside the logits (`kernels.linear_policy_loss`). What
is logged follows from the log-probabilities and entropies that come back, without gradient.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from kernels import LOG_RATIO_LIMIT, linear_policy_loss
from tl import InputError
from tl.rl.rollout import Rollout

# Means over a minibatch; what rounding alone makes of cached and packed attention lies far below.
RATIO_GAP_LIMITS = {torch.float32: 1e-4, torch.bfloat16: 0.05}


# What the losses sum up over the actions, by the name of its mean in metrics.jsonl: `actor_loss`,
# then `critic_loss`.
SUMS = ("loss/policy_avg", "policy/approxkl_avg", "policy/clipfrac_avg", "val/ratio",
        "val/ratio_gap", "policy/entropy_avg", "loss/value_avg", "val/clipfrac_avg")  # fmt: skip
APPROX_KL, RATIO_GAP = SUMS.index("policy/approxkl_avg"), SUMS.index("val/ratio_gap")


class Coefficients(NamedTuple):
    """clip, value_clip: eps and eps_v. value, entropy: the weights of these terms. temperature:
    that of the sampling."""

    clip: float
    value_clip: float
    value: float
    entropy: float
    temperature: float = 1.0


class PolicyLoss(NamedTuple):
    """loss: to be differentiated. The others: sums over the tokens, without gradient, to be divided
    by the same count: clipped is the loss without entropy, approx_kl is k3 of (old, new) in nats,
    clip_fraction counts the tokens whose gradient is cut off, ratio sums rho, ratio_gap |rho - 1|,
    entropy is in nats."""

    loss: Tensor
    clipped: Tensor
    approx_kl: Tensor
    clip_fraction: Tensor
    ratio: Tensor
    ratio_gap: Tensor
    entropy: Tensor


class ValueLoss(NamedTuple):
    """loss: to be differentiated. clip_fraction: the number of tokens whose gradient is cut off."""

    loss: Tensor
    clip_fraction: Tensor


def policy_loss(
    hidden: Tensor, weight: Tensor, actions: Tensor, old_logprobs: Tensor, advantages: Tensor,
    by: Coefficients, count: float,
) -> PolicyLoss:  # fmt: skip
    """The clipped surrogate less c_H times the entropy, over N tokens of the policy.

    Args:
        hidden: [N, E], what y_t was chosen from. weight: [V, E], the language-model head.
        actions: y_t [N]. old_logprobs: [N], as they were when y_t was sampled.
        advantages: A_t [N], data.
        count: the tokens of the minibatch on all processes.
    """
    loss, logprobs, entropies = linear_policy_loss(
        hidden, weight, actions, old_logprobs, advantages, clip=by.clip, count=count,
        entropy_weight=by.entropy, temperature=by.temperature,
    )  # fmt: skip
    with torch.no_grad():
        log_ratio = (logprobs - old_logprobs).clamp(-LOG_RATIO_LIMIT, LOG_RATIO_LIMIT)
        ratio, entropy = log_ratio.exp(), entropies.sum()
        # k3 = rho - 1 - log rho, by expm1: exact for the small steps that PPO takes
        approx_kl = (torch.expm1(log_ratio) - log_ratio).sum()
        held = advantages * ratio.clamp(1 - by.clip, 1 + by.clip)
        cut_off = (advantages * ratio > held).sum()
        clipped = loss * count + by.entropy * entropy
        sums = ratio.sum(), (ratio - 1).abs().sum()
    return PolicyLoss(loss, clipped, approx_kl, cut_off, *sums, entropy)


def value_loss(
    values: Tensor, old_values: Tensor, returns: Tensor, clip: float, count: float
) -> ValueLoss:
    """The clipped squared error, all of shape [N]; values with gradient, the others data."""
    # values that are in the range stay bit by bit, or rounding alone would count as clipped
    near = values.clamp(old_values - clip, old_values + clip)
    unclipped, clipped = (values - returns).square(), (near - returns).square()
    with torch.no_grad():
        cut_off = (clipped > unclipped).sum()
    return ValueLoss(0.5 * torch.maximum(unclipped, clipped).sum() / count, cut_off)


def check_first_ratio(gap: float, dtype: torch.dtype) -> None:
    """Raises InputError where sampling and training disagree about the policy.

    Before the first update the policy is the one that has sampled, so every ratio is 1 up to
    rounding. gap: mean |rho - 1| of the first minibatch. dtype: what the decoder computes in.
    """
    limit = RATIO_GAP_LIMITS[dtype]
    if not gap <= limit:
        raise InputError(
            f"the first minibatch has a mean |ratio - 1| of {gap:.2e}, expected <= {limit:g}: the "
            "log-probabilities of training are not those of sampling. Likely causes: another "
            "temperature, weights that changed in between, dropout, positions or tokens that "
            "differ between the two passes, or (with bfloat16) rounding: try --dtype float32"
        )


def actor_loss(
    part: Rollout, hidden: Tensor, weight: Tensor, by: Coefficients, count: float
) -> tuple[Tensor, Tensor]:
    """policy - c_H mean_t H_t over the actions of some episodes, and the first of SUMS.

    hidden[N, E]: with gradient, in the order of `part.rows()`. weight[V, E]: the language-model
    head. count: the actions of the minibatch on all processes. Sums: float64, without gradient.
    """
    data = _actions_of(part, "actions", "logprobs", "advantages")
    loss, *sums = policy_loss(hidden, weight, *data, by, count)
    return loss, _stacked(sums)


def critic_loss(
    part: Rollout, values: Tensor, by: Coefficients, count: float
) -> tuple[Tensor, Tensor]:
    """c_v value, in the same way, and the rest of SUMS. values[N]: with gradient."""
    loss, clipped = value_loss(
        values, *_actions_of(part, "values", "returns"), by.value_clip, count
    )
    return by.value * loss, _stacked([loss * count, clipped])


def _actions_of(part: Rollout, *fields: str) -> list[Tensor]:
    return [getattr(part, field)[part.action_mask] for field in fields]


def _stacked(sums: list[Tensor]) -> Tensor:
    return torch.stack([each.detach().double() for each in sums])


class FixedKL:
    """The same coefficient for ever."""

    def __init__(self, coefficient: float) -> None:
        self.coefficient = coefficient

    def update(self, kl: float, tokens: int) -> None:
        """Nothing to adapt."""


class AdaptiveKL:
    """Keeps the KL to the reference near a target: a proportional controller on its logarithm
    (Ziegler et al., arXiv:1909.08593, section 2.2).

        e = clip(KL / target - 1, -0.2, 0.2)          beta <- beta (1 + e tokens / horizon)

    target and KL are nats per token of the policy, horizon is in tokens.
    """

    def __init__(self, coefficient: float, target: float, horizon: int) -> None:
        self.coefficient, self.target, self.horizon = coefficient, target, horizon

    def update(self, kl: float, tokens: int) -> None:
        """After a rollout of `tokens` tokens with a mean of `kl` nats per token."""
        error = min(max(kl / self.target - 1, -0.2), 0.2)
        self.coefficient *= max(0.0, 1 + error * tokens / self.horizon)


def kl_controller(coefficient: float, target: float | None, horizon: int) -> FixedKL | AdaptiveKL:
    """The adaptive one where there is a target."""
    if target is None:
        return FixedKL(coefficient)
    return AdaptiveKL(coefficient, target, horizon)
