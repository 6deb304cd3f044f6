"""What is multiplied in the benchmark: shapes of published models, and inputs that look like
fine-tuning.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from kernels import active_rows

# Hidden size and vocabulary.
MODELS = {
    "CodeLlama-7B": (4096, 32016),
    "Llama-3.1-8B": (4096, 128256),
    "Qwen2.5-7B": (3584, 152064),
    "small-256": (256, 32016),
    "small-512": (512, 32016),
    "small-1024": (1024, 32016),
    "tiny": (8, 64),
}


class Case(NamedTuple):
    """active: the rows that count."""

    model: str
    tokens: int
    active: int
    dtype: torch.dtype
    device: str

    @property
    def operations(self) -> float:
        """Of the three products over the rows that count, 6NEV."""
        E, V = MODELS[self.model]
        return 6.0 * self.active * E * V


class Inputs(NamedTuple):
    """targets are -100 where a row does not count; coefficients are 1 or 0."""

    hidden: Tensor  # [T, E]
    weight: Tensor  # [V, E]
    targets: Tensor  # [T]
    coefficients: Tensor  # [T]
    rows: Tensor  # [N]


def make_inputs(case: Case) -> Inputs:
    """Targets of every probability from 1e-3 to almost 1, as in fine-tuning on formatted text.

    A row of the weight has length 1. hidden is s times the target's row plus noise that gives all
    other logits a deviation of 1, so the target's logit is about s, and logsumexp of the others
    about log V + 1/2. Random logits alone would be flat: kernels that skip small gradients would
    skip all of them.
    """
    E, V = MODELS[case.model]
    g = torch.Generator(case.device).manual_seed(0)

    def randn(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g, device=case.device)

    weight = randn(V, E).div_(E**0.5)
    targets = torch.randint(V, (case.tokens,), generator=g, device=case.device)
    at_half = torch.tensor(float(V)).log() + 0.5
    s = at_half - 7 + 14 * torch.rand(case.tokens, 1, generator=g, device=case.device)
    hidden = randn(case.tokens, E) + s * weight[targets]
    order = torch.randperm(case.tokens, generator=g, device=case.device)
    coefficients = torch.ones(case.tokens, device=case.device)
    coefficients[order[case.active :]] = 0
    targets[order[case.active :]] = -100
    hidden, weight = (t.to(case.dtype).requires_grad_() for t in (hidden, weight))
    return Inputs(hidden, weight, targets, coefficients, active_rows(targets, coefficients))
