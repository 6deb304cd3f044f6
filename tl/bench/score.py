"""scores.json: the numbers of all sets of a benchmark, under plain keys.

    {"seen": {"n": 156, "ts": 87.18, "pi": ..., "cf": ..., "anatomy": {...}, ...},
     "levels": {"slight": {...}, ...}, "multi": {"n": 200, "va": ..., "de": ..., ...}}

The members of a set are described in `metrics.score_single`, `episodes.score_multi` and
`anatomy.anatomy`.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from tl.bench.anatomy import Encode, anatomy, name_pieces
from tl.bench.episodes import score_multi
from tl.bench.metrics import score_single
from tl.bench.records import MultiSet, SingleSet


def score(
    sets: Sequence[SingleSet | MultiSet], encode: Encode = name_pieces
) -> dict[str, dict[str, Any]]:
    """encode: tokens of a tool name, for the anatomy."""
    scores: dict[str, Any] = {}
    for each in sets:
        *groups, name = each.name.split("/")
        place = scores
        for group in groups:
            place = place.setdefault(group, {})
        place[name] = _score_set(each, encode)
    return scores


def scored_sets(scores: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """(name, numbers) of every set in what `score` returned."""
    for name, numbers in scores.items():
        if "n" in numbers:
            yield prefix + name, numbers
        else:
            yield from scored_sets(numbers, f"{prefix}{name}/")


def _score_set(each: SingleSet | MultiSet, encode: Encode) -> dict[str, Any]:
    if isinstance(each, MultiSet):
        return score_multi(each.tasks, each.episodes)
    numbers = score_single(each.cases, each.predictions)
    return numbers | {"anatomy": anatomy(each.cases, each.predictions, encode)}
