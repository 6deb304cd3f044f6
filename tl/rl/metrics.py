"""What a step of PPO logs. Names are TRL's where it has the number; every mean is over what counts,
on all processes.

A sum of all processes is made of one tensor in float64, so that they agree on every number.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from tl.rl.irm import CORRECT, TOOL_HALLUCINATION, UNPARSEABLE, WRONG_TOOL
from tl.rl.ppo import SUMS
from tl.rl.rollout import Rollout

# What curves.svg shows: key -> title.
CURVES = {
    "objective/scores": "reward per episode",
    "objective/kl": "KL to the reference, nats per episode",
    "policy/entropy_avg": "entropy, nats per token",
    "rollout/correct": "right replies, share",
    "rollout/truncated": "episodes cut off, share",
    "critic/explained_variance": "explained variance of the critic",
    "eval/unseen/cf": "held out, unseen tools: right calls, share",
    "eval/unseen/over_calling": "held out, unseen tools: over-calling",
    "eval/data/cf": "held out: right calls, share",
}

Total = Callable[[Tensor], Tensor]  # adds a tensor up over all processes


def rollout_metrics(rollout: Rollout, kl_coef: float, total: Total) -> dict[str, float]:
    """objective/*, critic/* and rollout/*, before the update. kl_coef: that of the rewards."""
    mask, calls = rollout.action_mask, rollout.call_mask
    kl = (rollout.logprobs - rollout.ref_logprobs)[mask].double()
    returns, values = rollout.returns[mask].double(), rollout.values[mask].double()
    errors, rewards = returns - values, rollout.rewards[calls].double()
    made = [
        torch.tensor(rollout.size), mask.sum(), calls.sum(), rewards.sum(), kl.sum(),
        -rollout.logprobs[mask].double().sum(), (rewards == CORRECT).sum(),
        (rewards == UNPARSEABLE).sum(), rollout.cut.sum(), values.sum(),
        returns.sum(), returns.square().sum(), errors.sum(), errors.square().sum(),
    ]  # fmt: skip
    device = mask.device
    sums = total(torch.stack([each.to(device, torch.float64) for each in made])).tolist()
    episodes, tokens, replies, score, kl, surprise, correct, no_call, cut, value, *moments = sums
    return_sum, return_squares, error_sum, error_squares = moments
    spread = return_squares - return_sum**2 / tokens
    unexplained = error_squares - error_sum**2 / tokens
    return {
        "objective/scores": score / episodes,
        "objective/kl": kl / episodes,
        "objective/kl_per_token": kl / tokens,
        "objective/kl_coef": kl_coef,
        "objective/entropy": surprise / episodes,
        "objective/non_score_reward": -kl_coef * kl / episodes,
        "objective/rlhf_reward": (score - kl_coef * kl) / episodes,
        "critic/explained_variance": 1 - unexplained / spread if spread > 0 else 0.0,
        "critic/value_mean": value / tokens,
        "critic/return_mean": return_sum / tokens,
        "rollout/correct": correct / replies,
        "rollout/unparseable": no_call / replies,
        "rollout/truncated": cut / episodes,
        "rollout/replies": replies / episodes,
        "rollout/tokens": tokens,
    }


def update_metrics(sums: Tensor, tokens: float) -> dict[str, float]:
    """The means of the losses' SUMS over the tokens of all minibatches of a rollout; every pass
    counts."""
    return dict(zip(SUMS, (sums / max(tokens, 1)).tolist(), strict=True))


def held_out_sums(
    rewards: Sequence[float], needs_no_tool: Sequence[bool], calls_tool: Sequence[bool]
) -> Tensor:
    """float64[7] over held-out entries, for `held_out_metrics`."""
    of_tool = [r for r, none in zip(rewards, needs_no_tool, strict=True) if not none]
    needless = [calls for calls, none in zip(calls_tool, needs_no_tool, strict=True) if none]
    elsewhere = (UNPARSEABLE, TOOL_HALLUCINATION, WRONG_TOOL)
    right_tool = sum(each not in elsewhere for each in of_tool)
    right = sum(each == CORRECT for each in of_tool)
    sums = [len(rewards), sum(rewards), len(of_tool), right_tool, right, len(needless)]
    return torch.tensor([*sums, sum(needless)], dtype=torch.float64)


def held_out_metrics(sums: Tensor, name: str) -> dict[str, float]:
    """eval/NAME/*: the mean reward; of the entries that need a tool the shares with the right tool
    (TS) and with the right call (CF); of the others the share of replies that call one. What there
    is no entry for is left out."""
    entries, score, of_tool, right_tool, right, needless, over_calls = sums.tolist()
    found = {f"eval/{name}/reward": score / entries}
    if of_tool:
        found |= {f"eval/{name}/ts": right_tool / of_tool, f"eval/{name}/cf": right / of_tool}
    if needless:
        found[f"eval/{name}/over_calling"] = over_calls / needless
    return found
