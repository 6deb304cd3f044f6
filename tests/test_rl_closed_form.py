"""PPO against problems whose best policy is known in closed form.

With a reward R and beta nats of KL to a reference, the best policy is a Gibbs distribution. A
policy of free logits, one row per state, trained by the functions of the trainer, has to arrive
there; with a mistake in them that is common elsewhere it does not.

(a) The token bandit: T tokens of V, uniform reference, R = the share of tokens that equal K.

    p* = e^(1/(T beta)) / (V - 1 + e^(1/(T beta)))

(b) Two turns with a tool: pick one of 8 tools, the environment says something, pick one of 8
    answers; R = 1 for (3, 5), 0.3 for an even tool with answer 1. Solved by soft Bellman backups.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from kernels import linear_token_logprobs
from tl.rl.advantage import gae, kl_shaped_rewards, whiten
from tl.rl.ppo import Coefficients, policy_loss, value_loss

LAMBDA = 0.95
BY = Coefficients(clip=0.2, value_clip=0.2, value=1.0, entropy=0.0)


class Functions(NamedTuple):
    """How rewards are shaped and advantages estimated; the mistakes replace one of them."""

    shape: Callable = kl_shaped_rewards
    estimate: Callable = gae


def kl_counted_twice(rewards, logprobs, ref_logprobs, mask, kl_coef):
    once = kl_shaped_rewards(rewards, logprobs, ref_logprobs, mask, kl_coef)
    return kl_shaped_rewards(once, logprobs, ref_logprobs, mask, kl_coef)


def k3_in_the_reward(rewards, logprobs, ref_logprobs, mask, kl_coef):
    log_ratio = ref_logprobs - logprobs
    return torch.where(mask, rewards - kl_coef * (log_ratio.exp() - 1 - log_ratio), 0.0)


def kl_dropped_at_the_end(rewards, logprobs, ref_logprobs, mask, kl_coef):
    shaped = kl_shaped_rewards(rewards, logprobs, ref_logprobs, mask, kl_coef)
    return torch.cat([shaped[:, :-1], rewards[:, -1:]], 1)


def stepping_over_feedback(rewards, values, mask, gamma, lam):
    """The values of what a tool says count as 0, but the recursion visits them."""
    everything = torch.ones_like(mask)
    advantages, returns = gae(rewards, torch.where(mask, values, 0.0), everything, gamma, lam)
    return torch.where(mask, advantages, 0.0), torch.where(mask, returns, 0.0)


class Policy:
    """Free logits of each state; values of states of the critic, which may be others."""

    def __init__(self, states: int, choices: int, values: int, rates: tuple[float, float]):
        self.logits = torch.zeros(choices, states, requires_grad=True)
        self.values = torch.zeros(values, requires_grad=True)
        self.one_hot, self.rates = torch.eye(states), rates
        self.optimizer = torch.optim.Adam(
            [{"params": [self.logits]}, {"params": [self.values]}], betas=(0.5, 0.999)
        )

    def logprobs(self, states: Tensor, choices: Tensor) -> Tensor:
        """Of the choices [N] in the states [N]."""
        return linear_token_logprobs(self.one_hot[states], self.logits, choices)[0]

    def probabilities(self) -> Tensor:
        """[choices, states]"""
        return self.logits.detach().softmax(0)

    def sample(self, states: Tensor, generator: torch.Generator) -> Tensor:
        rows = self.probabilities().t()[states]
        return torch.multinomial(rows, 1, generator=generator).squeeze(-1)

    def update(self, states, value_states, choices, rewards, mask, beta, functions, progress):
        """All [B, L]; what stands where mask is False is ignored. progress: from 0 to 1."""
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * (1 - progress)
        with torch.no_grad():
            old = torch.zeros(mask.shape)
            old[mask] = self.logprobs(states[mask], choices[mask])
            reference = torch.full(mask.shape, -math.log(len(self.logits)))
            values = self.values[value_states]
            shaped = functions.shape(rewards, old, reference, mask, beta)
            advantages, returns = functions.estimate(shaped, values, mask, 1.0, LAMBDA)
            advantages = whiten(advantages, mask)
        count = mask.sum().item()
        for _ in range(4):
            tokens = choices[mask], old[mask], advantages[mask]
            loss = policy_loss(self.one_hot[states[mask]], self.logits, *tokens, BY, count).loss
            expected = self.values[value_states[mask]]
            critic = value_loss(expected, values[mask], returns[mask], 0.2, count)
            self.optimizer.zero_grad()
            (loss + critic.loss).backward()
            self.optimizer.step()


# (a)

V, T, K, BETA = 64, 8, 7, 0.02
EPISODES, BATCH = 4000, 16
WEIGHT = math.exp(1 / (T * BETA))
BEST = WEIGHT / (V - 1 + WEIGHT)
BEST_KL = T * (BEST * math.log(BEST * V) + (1 - BEST) * math.log((1 - BEST) * V / (V - 1)))


def token_bandit(seed: int, functions: Functions) -> tuple[Tensor, Tensor]:
    """(p of token K at each place [T], KL in nats per episode): means over the last tenth."""
    generator, found = torch.Generator().manual_seed(seed), []
    policy = Policy(T, V, T * (T + 1), (0.06, 0.1))
    states = torch.arange(T).expand(BATCH, T)
    updates = EPISODES // BATCH
    for update in range(updates):
        choices = torch.stack([policy.sample(states[:, t], generator) for t in range(T)], 1)
        hits = (choices == K).long()
        seen = states * (T + 1) + hits.cumsum(1) - hits  # the critic sees the hits so far
        rewards = torch.zeros(BATCH, T)
        rewards[:, -1] = hits.float().mean(1)
        everything = torch.ones(BATCH, T, dtype=torch.bool)
        policy.update(states, seen, choices, rewards, everything, BETA, functions, update / updates)
        p = policy.probabilities()  # [V, T]
        found.append((p[K], (p * (p * V).log()).sum()))
    p, kl = zip(*found[-updates // 10 :], strict=True)
    return torch.stack(p).mean(0), torch.stack(kl).mean()


def bandit_is_solved(p: Tensor, kl: Tensor) -> bool:
    near = abs(p.mean() - BEST) <= 0.01 and abs(kl - BEST_KL) <= 0.3
    return bool(near and (p - BEST).abs().max() <= 0.03)  # at every place, the last one too


def test_the_numbers_of_the_token_bandit():
    assert (BEST, BEST_KL) == pytest.approx((0.8916, 26.931), abs=1e-3)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_token_bandit_arrives_at_its_optimum(seed):
    p, kl = token_bandit(seed, Functions())
    assert bandit_is_solved(p, kl), (p, kl)


@pytest.mark.parametrize("wrong", [kl_counted_twice, k3_in_the_reward, kl_dropped_at_the_end])
def test_the_token_bandit_shows_a_wrong_kl(wrong):
    p, kl = token_bandit(0, Functions(shape=wrong))
    assert not bandit_is_solved(p, kl), (p, kl)


# (b)

CHOICES, TOOL_BETA, FEEDBACK = 8, 0.2, 3


def tool_reward(tool: Tensor, answer: Tensor) -> Tensor:
    right = ((tool == 3) & (answer == 5)).float()
    return right + 0.3 * ((tool % 2 == 0) & (answer == 1)).float()


def best_tool_policy() -> tuple[Tensor, Tensor]:
    """(p of tools [8], p of answers [8, tool]) by soft Bellman backups from the last turn."""
    grid = torch.arange(CHOICES)
    rewards = tool_reward(grid[None, :], grid[:, None]).double()  # [answer, tool]
    value = TOOL_BETA * (rewards / TOOL_BETA).exp().mean(0).log()  # of each tool
    return (value / TOOL_BETA).softmax(0), (rewards / TOOL_BETA).softmax(0)


def two_turns(seed: int, functions: Functions) -> tuple[Tensor, Tensor]:
    """(p of tools [8], p of answers [8, tool]): means over the last fifth of training."""
    generator, found = torch.Generator().manual_seed(seed), []
    policy = Policy(1 + CHOICES, CHOICES, 1 + CHOICES, (0.05, 0.1))
    batch, updates, length = 64, 400, 2 + FEEDBACK
    mask = torch.zeros(batch, length, dtype=torch.bool)
    mask[:, [0, -1]] = True
    start = torch.zeros(batch, dtype=torch.int64)
    for update in range(updates):
        tool = policy.sample(start, generator)
        answer = policy.sample(1 + tool, generator)
        states, choices = torch.zeros(2, batch, length, dtype=torch.int64)
        states[:, -1], choices[:, 0], choices[:, -1] = 1 + tool, tool, answer
        rewards = torch.zeros(batch, length)
        rewards[:, -1] = tool_reward(tool, answer)
        policy.update(
            states, states, choices, rewards, mask, TOOL_BETA, functions, update / updates
        )
        found.append(policy.probabilities())
    p = torch.stack(found[-updates // 5 :]).mean(0)  # [8, state]
    return p[:, 0], p[:, 1:]


def largest_error(found: tuple[Tensor, Tensor]) -> float:
    best = best_tool_policy()
    return max((a - b).abs().max().item() for a, b in zip(found, best, strict=True))


def test_the_numbers_of_the_two_turns():
    tools, answers = best_tool_policy()
    assert (tools[3].item(), answers[5, 3].item()) == pytest.approx((0.6897, 0.9550), abs=1e-4)
    grid = torch.arange(CHOICES)
    mean = (tools * answers * tool_reward(grid[None, :], grid[:, None])).sum()
    assert mean.item() == pytest.approx(0.6825, abs=1e-4)


@pytest.mark.parametrize("seed", [0, 1])
def test_two_turns_arrive_at_their_optimum(seed):
    found = two_turns(seed, Functions())
    assert largest_error(found) <= 0.03, found


@pytest.mark.parametrize(
    "wrong",
    [
        Functions(shape=kl_counted_twice),
        Functions(shape=k3_in_the_reward),
        Functions(estimate=stepping_over_feedback),
    ],
    ids=["kl_counted_twice", "k3_in_the_reward", "stepping_over_feedback"],
)
def test_two_turns_show_what_is_wrong(wrong):
    assert largest_error(two_turns(0, wrong)) > 0.03
