"""Other ways to count the same replies, reported beside the main numbers.

The main numbers (`metrics`, protocol `fixed`) hold the first call of a reply against any gold call.

    official     RoTBench: as its published script scores
    first_gold   BFCL, ToolAlpaca: only the first gold call is right
    all_calls    BFCL, ToolAlpaca: the calls of the reply are as many as the golds, and can be
                 paired with them so that every pair agrees; order does not count. A dialect that
                 writes one call per reply gets only cases with one gold right
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from tl.bench.metrics import judge, pairs, percent
from tl.bench.records import Case, Prediction

LEVELS = ("ts", "pi", "cf")

Protocol = Callable[[Case, Prediction], int]  # how many of LEVELS are reached


def fixed(case: Case, prediction: Prediction) -> int:
    verdict = judge(case, prediction)
    return verdict.ts + verdict.pi + verdict.cf


def first_gold(case: Case, prediction: Prediction) -> int:
    return fixed(replace(case, golds=case.golds[:1]), prediction)


def all_calls(case: Case, prediction: Prediction) -> int:
    calls = prediction.calls or ((prediction.call,) if prediction.call else ())
    if len(calls) != len(case.golds):
        return 0
    reached = [
        [fixed(replace(case, golds=(gold,)), Prediction("", call)) for gold in case.golds]
        for call in calls
    ]
    levels = range(1, len(LEVELS) + 1)
    return sum(_can_be_paired([[at >= level for at in row] for row in reached]) for level in levels)


def score_protocols(
    cases: Sequence[Case], predictions: Sequence[Prediction], protocols: dict[str, Protocol]
) -> dict[str, dict[str, Any]]:
    """{protocol: {"n", "ts", "pi", "cf", "ceiling": {the same}}}, shares of all cases in percent.

    ceiling: what the gold calls themselves would get, which is not always 100.
    """
    both = pairs(cases, predictions)
    scores = {}
    for name, protocol in protocols.items():
        best = [max(protocol(case, gold) for gold in gold_replies(case)) for case in cases]
        scores[name] = _levels_of([protocol(*pair) for pair in both])
        scores[name]["ceiling"] = _levels_of(best)
    return scores


def gold_replies(case: Case) -> Iterator[Prediction]:
    """The replies that gold stands for: all of its calls, each of them once in front."""
    for number in range(len(case.golds)):
        calls = case.golds[number:] + case.golds[:number]
        yield Prediction("", calls[0], calls=calls)


def _levels_of(reached: Sequence[int]) -> dict[str, Any]:
    n = len(reached)
    return {"n": n} | {
        level: percent((at > place for at in reached), n) for place, level in enumerate(LEVELS)
    }


def _can_be_paired(fits: Sequence[Sequence[bool]]) -> bool:
    """Whether every row can have a column of its own in which it fits (augmenting paths)."""
    taken: dict[int, int] = {}  # column -> row

    def place(row: int, tried: set[int]) -> bool:
        for column, is_fit in enumerate(fits[row]):
            if is_fit and column not in tried:
                tried.add(column)
                if column not in taken or place(taken[column], tried):
                    taken[column] = row
                    return True
        return False

    return all(place(row, set()) for row in range(len(fits)))
