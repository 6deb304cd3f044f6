"""In which way the wrong first calls are wrong: paper Table 1, for the cases that need a tool.

Every failure (no CF) has exactly one category, the first that fits:

    no_call                   the reply has no readable call
    tool_first                another tool whose name differs in its first token
    tool_prefix               another tool whose name shares its first tokens
    parameter_hallucination   the right tool; a parameter that it does not document
    parameter_missing         a parameter of gold is not given
    parameter_redundancy      a documented parameter that gold does not give
    content_others            the right parameters; a value that says something else
    content_synonyms          the values that differ say the same in other words (`wording.py`)

Kinds of parameter errors stand in the order of their cost in the reward (section 4.3). `table1` has
the paper's own columns: its shares are of the failures of one aspect, and a call with two kinds of
error counts in both, which is why the paper's columns sum to more than 100 (46.43 + 57.14 + 17.86
are 13, 16 and 5 of the 28 calls with a right tool and wrong parameters, 70.48 - 43.81 % of 105).
Among several golds the closest one is taken, for tool names the one with the longest common prefix.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from tl.bench.metrics import Verdict, judge, pairs, percent
from tl.bench.records import Case, Prediction
from tl.bench.wording import says_the_same
from tl.calls.compare import named_arguments
from tl.calls.schema import Call

CATEGORIES = (
    "no_call",
    "tool_first",
    "tool_prefix",
    "parameter_hallucination",
    "parameter_missing",
    "parameter_redundancy",
    "content_others",
    "content_synonyms",
)
ASPECTS = {
    "tool": ("first", "prefix"),
    "parameter": ("redundancy", "missing", "hallucination"),
    "content": ("synonyms", "others"),
}
PIECE = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+|[^A-Za-z\d]")

Encode = Callable[[str], Sequence]  # a tool name -> its tokens, as they stand in a reply


def name_pieces(name: str) -> list[str]:
    """Tokens of a name where no tokenizer is at hand: words, numbers, single other characters."""
    return PIECE.findall(name)


def category_title(category: str) -> str:
    """A category for readers: "tool: first"."""
    aspect, _, kind = category.partition("_")
    return f"{aspect}: {kind}" if aspect in ASPECTS else category.replace("_", " ")


def anatomy(
    cases: Sequence[Case], predictions: Sequence[Prediction], encode: Encode = name_pieces
) -> dict[str, Any]:
    """The failures among the cases that need a tool.

    {"n": failures, "tool_hallucination": calls of tools that are not on offer,
     "categories": {category: {"count", "share"}},       exclusive; counts sum to n
     "table1": {"tool": {"n", "first", "prefix"}, ...}}   percent of the aspect's failures
    """
    found = []
    for case, prediction in pairs(cases, predictions):
        verdict = judge(case, prediction)
        if case.kind == "tool" and not verdict.cf:
            found.append((kinds_of_error(case, verdict, encode), verdict))
    counts = {name: sum(kinds[0] == name for kinds, _ in found) for name in CATEGORIES}
    return {
        "n": len(found),
        "tool_hallucination": sum(v.diff is not None and not v.diff.tool_offered for _, v in found),
        "categories": {
            name: {"count": count, "share": percent(count, len(found))}
            for name, count in counts.items()
        },
        "table1": {aspect: _aspect(aspect, [kinds for kinds, _ in found]) for aspect in ASPECTS},
    }


def kinds_of_error(case: Case, verdict: Verdict, encode: Encode = name_pieces) -> tuple[str, ...]:
    """All categories that a verdict without CF falls into, all of one aspect; the first is its
    category.
    """
    diff = verdict.diff
    if diff is None:
        return ("no_call",)
    if not verdict.ts:
        names = {gold.name for gold in case.golds}
        shares = any(_share_first(encode(verdict.call.name), encode(name)) for name in names)
        return ("tool_prefix",) if shares else ("tool_first",)
    if not verdict.pi:
        marks = {
            "parameter_hallucination": diff.hallucinated,
            "parameter_missing": diff.missing,
            "parameter_redundancy": diff.redundant,
        }
        return tuple(name for name, parameters in marks.items() if parameters)
    given, gold = (arguments_of(case, call) for call in (verdict.call, verdict.gold))
    same = {says_the_same(given[name], gold[name]) for name in diff.wrong}
    return tuple(("content_others", "content_synonyms")[flag] for flag in sorted(same))


def arguments_of(case: Case, call: Call) -> dict[str, Any]:
    """The call's arguments by name, as `compare` sees them."""
    documented = (tool.parameter_names for tool in case.tools if tool.name == call.name)
    return named_arguments(call, next(documented, []))


def _aspect(aspect: str, found: list[tuple[str, ...]]) -> dict[str, Any]:
    failed = [kinds for kinds in found if kinds[0].startswith(f"{aspect}_")]
    return {"n": len(failed)} | {
        kind: percent((f"{aspect}_{kind}" in kinds for kinds in failed), len(failed))
        for kind in ASPECTS[aspect]
    }


def _share_first(a: Sequence, b: Sequence) -> bool:
    return bool(a) and bool(b) and a[0] == b[0]
