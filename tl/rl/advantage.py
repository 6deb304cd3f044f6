"""Advantages of the tokens that the policy chose (Schulman et al., arXiv:1506.02438).

    r_t = R_t - beta (log pi(y_t) - log pi_ref(y_t))            KL to the reference, k1
    delta_t = r_t + gamma V_{t+1} - V_t                         t + 1: the policy's NEXT token
    A_t = delta_t + gamma lambda A_{t+1}                        G_t = A_t + V_t

Between two tokens of the policy there may be any number of others: what a tool said, what a user
said. They are no steps of the decision process, so nothing is discounted over them, their values
are never read, and they have no advantage. k1 is the only estimator for the reward: k3 has no
restoring force there (it collapses the policy), so it is not on offer.
"""

from collections.abc import Callable

import torch
from torch import Tensor


def kl_shaped_rewards(
    rewards: Tensor, logprobs: Tensor, ref_logprobs: Tensor, action_mask: Tensor, kl_coef: float
) -> Tensor:
    """r_t, all of shape [..., T]; 0 on tokens that the policy did not choose.

    logprobs are those at sampling time, in nats, of the distribution that was sampled from.
    """
    _check_rewards(rewards, action_mask)
    return torch.where(action_mask, rewards - kl_coef * (logprobs - ref_logprobs), 0.0)


def gae(
    rewards: Tensor,
    values: Tensor,
    action_mask: Tensor,
    gamma: float = 1.0,
    lam: float = 0.95,
    bootstrap: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Advantages A and returns G = A + V of the tokens with action_mask, 0 on all others.

    Args:
        rewards, values: [..., T], one row per episode. values may hold anything where action_mask
            is False.
        action_mask: [..., T] bool, True on tokens that the policy chose.
        gamma, lam: discounts per token of the policy.
        bootstrap: [...] the value behind the last token of the policy: V of the state in which an
            episode was cut off, 0 where it ended. None: all ended.

    Raises:
        ValueError: a reward stands on a token that the policy did not choose; it would be lost.
    """
    _check_rewards(rewards, action_mask)
    following_value = torch.zeros_like(rewards[..., 0]) if bootstrap is None else bootstrap
    following = torch.zeros_like(rewards[..., 0])
    advantages = torch.zeros_like(rewards)
    for t in reversed(range(rewards.shape[-1])):
        chosen, value = action_mask[..., t], values[..., t]
        delta = rewards[..., t] + gamma * following_value - value
        advantage = delta + gamma * lam * following
        advantages[..., t] = torch.where(chosen, advantage, 0.0)
        following = torch.where(chosen, advantage, following)
        following_value = torch.where(chosen, value, following_value)
    return advantages, torch.where(action_mask, advantages + values, 0.0)


def leave_one_out(advantages: Tensor, action_mask: Tensor, copies: int) -> Tensor:
    """A less the mean of what the other episodes that began with the same context were worth more
    than the critic had expected of it: of their first A, with gamma and lambda 1 (below, a long
    reply would be worth less there than at its end).

    What a context is worth is known from them better than from a critic that sees it once or twice,
    and nothing that an episode did itself enters its own baseline, so that the gradient stays
    unbiased (RLOO: Kool et al. 2019; Ahmadian et al., arXiv:2402.14740, section 3).

    Args:
        advantages, action_mask: [S, T], the first token of the policy at 0.
        copies: episodes of each context, one behind the other. 1: A stays as it is.
    """
    if copies == 1:
        return advantages
    first = advantages[:, 0].unflatten(0, (-1, copies))  # [S / copies, copies]
    others = (first.sum(1, keepdim=True) - first) / (copies - 1)
    return torch.where(action_mask, advantages - others.flatten()[:, None], 0.0)


def whiten(
    x: Tensor, mask: Tensor, total: Callable[[Tensor], Tensor] = lambda x: x, epsilon: float = 1e-8
) -> Tensor:
    """(x - mean) / standard deviation over all tokens with mask, 0 on all others.

    The mean is subtracted before squares are summed, in float64: the sums of the ranks are added,
    and splitting a rollout differently changes nothing.

    Args:
        x, mask: any shape, mask bool.
        total: adds a tensor up over all processes.
        epsilon: added to the variance: where all replies earn the same, what is left is rounding,
            and must not become a full step.

    Fewer than two tokens have no spread: they become 0.
    """
    chosen = x[mask].double()
    count, first = total(torch.stack([torch.ones_like(chosen).sum(), chosen.sum()]))
    mean = first / count.clamp(min=1)
    squares = total((chosen - mean).square().sum())
    deviation = (squares / (count - 1).clamp(min=1) + epsilon).sqrt()
    whitened = (x.double() - mean) / deviation
    return torch.where(mask, whitened, 0.0).to(x.dtype)


def _check_rewards(rewards: Tensor, action_mask: Tensor) -> None:
    if bool((rewards[~action_mask] != 0).any()):
        raise ValueError("rewards: some stand on tokens that the policy did not choose; put each"
                         " on the last token of its call")  # fmt: skip
