"""Heads and batches for the fused losses: the odd shapes, extreme logits and coefficients."""

from typing import NamedTuple

import torch
from hypothesis import strategies as st
from torch import Tensor

COEFFICIENTS = (0.0, 1.0, 9.0, -1.0, -9.0, 1e-8, -1e-8, 0.37)
LOGIT_SCALES = (1e-3, 1.0, 30.0, 1e4)
PEAKS = (0.1, 0.9, 0.99, 0.999, 1 - 1e-7)


class Problem(NamedTuple):
    hidden: Tensor  # [T, E] float64, values that float32 holds
    weight: Tensor  # [V, E] float64, likewise
    targets: Tensor  # [T]
    coefficients: Tensor  # [T] float32


@st.composite
def problems(draw, min_rows: int = 0, max_rows: int = 12):
    """Any mask (none, some, all rows), V >= 1 with odd values, logits from 1e-3 to 1e4."""
    T = draw(st.integers(min_rows, max_rows))
    E, V = draw(st.integers(1, 9)), draw(st.sampled_from([1, 2, 3, 8, 17, 37]))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    hidden = draw(st.sampled_from(LOGIT_SCALES)) * torch.randn(T, E, generator=generator)
    weight = torch.randn(V, E, generator=generator)
    target = st.one_of(st.integers(0, V - 1), st.integers(0, V - 1), st.just(-100))
    coefficient = st.one_of(st.sampled_from(COEFFICIENTS), st.floats(-9, 9, width=32))
    targets = draw(st.lists(target, min_size=T, max_size=T))
    coefficients = draw(st.lists(coefficient, min_size=T, max_size=T))
    return Problem(
        hidden.double(),
        weight.double(),
        torch.tensor(targets, dtype=torch.int64),
        torch.tensor(coefficients, dtype=torch.float32),
    )


@st.composite
def peaked_problems(draw, peaks=PEAKS):
    """One row per drawn p, whose target has softmax probability p. The weight is the identity, so
    that the logits are the hidden values themselves, without a rounding."""
    V = draw(st.sampled_from([5, 33, 64]))
    chosen = draw(st.lists(st.sampled_from(peaks), min_size=1, max_size=8))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    logits = torch.randn(len(chosen), V, generator=generator, dtype=torch.float64)
    targets = torch.randint(V, (len(chosen),), generator=generator)
    for row, y, p in zip(logits, targets, torch.tensor(chosen, dtype=torch.float64)):
        row[y] = -torch.inf
        row[y] = row.logsumexp(0) + p.log() - (-p).log1p()
    coefficients = 9 * torch.rand(len(chosen), generator=generator) + 0.1
    weight = torch.eye(V, dtype=torch.float64)
    return Problem(logits.float().double(), weight, targets, coefficients)
