"""Which token of a sequence sees which, where the sequence ends in branches (see
tl.model.packed_attention)."""

from collections.abc import Sequence

import torch
from torch import Tensor


def places(length: int, branches: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Of L tokens: the position of each behind the first, [L], and the number of its branch, [L], 0
    for the stem."""
    stem = length - sum(branches)
    positions = [torch.arange(stem), *(torch.arange(stem, stem + each) for each in branches)]
    numbers = torch.arange(len(branches) + 1)
    return torch.cat(positions), numbers.repeat_interleave(torch.tensor([stem, *branches]))


def visible(
    length: int,
    branches: Sequence[int],
    window: int | None,
    queries: slice = slice(None),
    keys: slice = slice(None),
) -> Tensor:
    """bool[R, C], True where a query sees a key: it lies in the same branch or in the stem, not
    behind the query, and less than `window` positions before it."""
    position, branch = places(length, branches) if branches else (torch.arange(length), None)
    distance = position[queries, None] - position[keys]  # [R, C]
    seen = distance >= 0
    if branch is not None:
        seen &= (branch[keys] == 0) | (branch[queries, None] == branch[keys])
    return seen if window is None else seen & (distance < window)
