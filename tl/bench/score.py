"""scores.json: the numbers of all sets of a benchmark, under plain keys.

    {"seen": {"n": 156, "ts": 87.18, "pi": ..., "cf": ..., "anatomy": {...}, ...},
     "levels": {"slight": {...}, ...}, "multi": {"n": 200, "va": ..., "de": ..., ...}}

The members of a set are described in `metrics.score_single`, `protocols.score_protocols`,
`episodes.score_multi` and `anatomy.anatomy`.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from tl.bench.anatomy import Encode, anatomy, name_pieces
from tl.bench.bfcl_ast import is_correct
from tl.bench.episodes import score_multi
from tl.bench.metrics import parted, percent, score_single
from tl.bench.protocols import score_protocols
from tl.bench.records import AcceptedSet, AnySet, MultiSet, TextSet


def score(sets: Sequence[AnySet], encode: Encode = name_pieces) -> dict[str, dict[str, Any]]:
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


def _score_set(each: AnySet, encode: Encode) -> dict[str, Any]:
    if isinstance(each, MultiSet):
        return score_multi(each.tasks, each.episodes)
    if isinstance(each, AcceptedSet):
        return _score_accepted(each)
    if isinstance(each, TextSet):
        return _score_text(each)
    numbers = score_single(each.cases, each.predictions)
    numbers |= score_protocols(each.cases, each.predictions, each.protocols)
    return numbers | {"anatomy": anatomy(each.cases, each.predictions, encode)}


def _score_accepted(each: AcceptedSet) -> dict[str, Any]:
    """{"n", "ast": share of the replies that are right by BFCL's own rules}"""
    both = zip(each.questions, each.predictions, strict=True)
    right = [
        is_correct(said.calls, asked.answers, asked.conversation.tools, asked.category)
        for asked, said in both
    ]
    return {"n": len(right), "ast": percent(right, len(right))}


def _score_text(each: TextSet) -> dict[str, Any]:
    """{"n", "right": percent, "fewer_shots": questions without room for all examples,
     "guards": {guard: whether it held}, where programs were run,
     "mean_of_subjects": percent, "by_subject": {subject: {"n", "right"}}, where there are several}
    """
    numbers = {"n": len(each.right), "right": percent(each.right, len(each.right))}
    numbers["fewer_shots"] = each.fewer_shots
    if each.guards:
        numbers["guards"] = dict(each.guards)
    for split, parts in parted(each.questions).items():
        found = {name: [each.right[i] for i in places] for name, places in parts.items()}
        shares = {name: sum(of) / len(of) for name, of in found.items()}
        numbers[f"mean_of_{split}s"] = round(100 * sum(shares.values()) / len(shares), 2)
        numbers[f"by_{split}"] = {
            name: {"n": len(of), "right": percent(of, len(of))} for name, of in found.items()
        }
    return numbers
