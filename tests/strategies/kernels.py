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


SHIFTS = (0.0, 0.05, -0.05, 0.19, -0.25, 0.5, -1.0, 3.0)  # log rho; eps is 0.2
ADVANTAGES = (0.0, 1.0, -1.0, 2.5, -0.3)


@st.composite
def policy_steps(draw):
    """(problem, log rho [N], advantages [N]): a policy that has moved inside and outside the clip.
    """
    problem = draw(problems(min_rows=1).filter(lambda p: p.hidden.abs().max() < 300))
    N = len(problem.targets)
    shifts = draw(st.lists(st.sampled_from(SHIFTS), min_size=N, max_size=N))
    advantages = draw(st.lists(st.sampled_from(ADVANTAGES), min_size=N, max_size=N))
    return problem, torch.tensor(shifts), torch.tensor(advantages)


# Blocks of the row kernel: several for most rows of `problems`, one for all.
BLOCKS = (8, 32, 16384)


class Layout(NamedTuple):
    """How the tensors of a problem lie in memory; see `laid_out`."""

    hidden: str
    weight: str
    offset: int


def layouts():
    return st.builds(
        Layout,
        st.sampled_from(["contiguous", "slice", "every second", "transposed"]),
        st.sampled_from(["contiguous", "transposed", "every third"]),
        st.integers(0, 3),
    )


def laid_out(problem: Problem, layout: Layout, dtype: torch.dtype) -> Problem:
    """The same numbers; whatever lies between them is NaN."""
    hidden, weight = problem.hidden.to(dtype), problem.weight.to(dtype)
    (T, E), V = hidden.shape, weight.shape[0]
    if layout.hidden == "slice":  # of a longer stream, as hidden[:, :-1] of wider rows
        hidden = _into(hidden, torch.full((T + 2, E + 3), torch.nan, dtype=dtype)[1:-1, 1:-2])
    elif layout.hidden == "every second":
        hidden = _into(hidden, torch.full((2 * T, E), torch.nan, dtype=dtype)[::2])
    elif layout.hidden == "transposed":
        hidden = _into(hidden, torch.full((E, T + 1), torch.nan, dtype=dtype)[:, :T].T)
    if layout.weight == "transposed":
        weight = _into(weight, torch.full((E, V), torch.nan, dtype=dtype).T)
    elif layout.weight == "every third":
        weight = _into(weight, torch.full((V, 3 * E), torch.nan, dtype=dtype)[:, ::3])
    return Problem(
        hidden, weight,
        _into(problem.targets, torch.zeros(T + 3, dtype=torch.int64)[layout.offset :][:T]),
        _into(problem.coefficients, torch.zeros(T, 2)[:, 1]),
    )  # fmt: skip


def _into(values: Tensor, place: Tensor) -> Tensor:
    place.copy_(values)
    return place
