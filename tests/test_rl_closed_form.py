"""PPO against problems whose best policy is known in closed form.

With a reward R and beta nats of KL to a reference, the best policy is softmax-optimal (a Gibbs
distribution). A policy of free logits, one table row per state, trained by the functions of the
trainer, has to arrive there.

(a) The token bandit: T tokens of V, uniform reference, R = the share of tokens that equal k.

    p* = e^(1/(T beta)) / (V - 1 + e^(1/(T beta)))

(b) Two turns of a tool: pick a tool a of 8, the environment says something, pick an answer of 8;
    R = 1 for (3, 5), 0.3 for an even a with answer 1. Solved by soft Bellman backups.
"""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from kernels import linear_token_logprobs
from tl.rl import advantage
from tl.rl.advantage import gae, kl_shaped_rewards, whiten
from tl.rl.ppo import policy_loss, value_loss

V, T, K, BETA = 64, 8, 7, 0.02


class Table:
    """Logits and values of S states, and the trainer's update on tokens chosen in them."""

    def __init__(self, states: int, choices: int, rate: float) -> None:
        self.logits = torch.zeros(choices, states, requires_grad=True)
        self.values = torch.zeros(states, requires_grad=True)
        self.states = torch.eye(states)
        self.optimizer = torch.optim.Adam([self.logits, self.values], lr=rate)

    def logprobs(self, states: Tensor, choices: Tensor) -> Tensor:
        """Of the choices [N] in the states [N]."""
        return linear_token_logprobs(self.states[states], self.logits, choices)[0]

    def probabilities(self, state: int) -> Tensor:
        return self.logits.detach()[:, state].softmax(0)

    def sample(self, states: Tensor, generator: torch.Generator) -> Tensor:
        probabilities = self.logits.detach().t()[states].softmax(-1)
        return torch.multinomial(probabilities, 1, generator=generator).squeeze(-1)

    def update(self, states: Tensor, choices: Tensor, rewards: Tensor, mask: Tensor,
               beta: float, lam: float) -> None:  # fmt: skip
        """states, choices, rewards, mask: [B, L]; what is chosen where mask is False is ignored."""
        with torch.no_grad():
            old = torch.zeros(mask.shape)
            old[mask] = self.logprobs(states[mask], choices[mask])
            reference = torch.full(mask.shape, -math.log(len(self.logits)))
            values = self.values[states]
            shaped = kl_shaped_rewards(rewards, old, reference, mask, beta)
            advantages, returns = gae(shaped, values, mask, 1.0, lam)
            advantages = whiten(advantages, mask)
        count = mask.sum().item()
        for _ in range(4):
            new = self.logprobs(states[mask], choices[mask])
            loss = policy_loss(new, old[mask], advantages[mask], 0.2, count).loss
            critic = value_loss(self.values[states[mask]], values[mask], returns[mask], 0.2, count)
            self.optimizer.zero_grad()
            (loss + critic.loss).backward()
            self.optimizer.step()


def token_bandit(seed: int, episodes: int = 4000, batch: int = 64) -> tuple[Tensor, Tensor]:
    """(p of token K [T], KL in nats per episode), each the mean over the last tenth of training."""
    generator, table, found = torch.Generator().manual_seed(seed), Table(T, V, 0.1), []
    states = torch.arange(T).expand(batch, T)
    updates = episodes // batch
    for update in range(updates):
        for group in table.optimizer.param_groups:
            group["lr"] = 0.1 * min(1.0, 2 * (1 - update / updates))
        choices = torch.stack([table.sample(states[:, t], generator) for t in range(T)], 1)
        rewards = torch.zeros(batch, T)
        rewards[:, -1] = (choices == K).float().mean(1)
        table.update(states, choices, rewards, torch.ones(batch, T, dtype=torch.bool), BETA, 0.95)
        p = table.logits.detach().softmax(0)  # [V, T]
        found.append((p[K], (p * (p * V).log()).sum()))
    last = found[-updates // 10 :]
    return torch.stack([p for p, _ in last]).mean(0), torch.stack([kl for _, kl in last]).mean()


def test_the_token_bandit_arrives_at_its_optimum():
    weight = math.exp(1 / (T * BETA))
    best = weight / (V - 1 + weight)
    kl = T * (best * math.log(best * V) + (1 - best) * math.log((1 - best) * V / (V - 1)))
    assert (best, kl) == pytest.approx((0.8916, 26.931), abs=1e-3)
    p, found = token_bandit(seed=0)
    print(p, found)
    assert abs(p.mean() - best) <= 0.01 and abs(found - kl) <= 0.3
    assert (p - best).abs().max() <= 0.05  # at every place, the last one too
