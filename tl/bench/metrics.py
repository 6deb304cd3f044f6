"""Single turn: tool selection, parameter identification, content filling (paper section 5.3).

    TS  the first call names the tool of a gold call
    PI  ... and gives exactly its parameters
    CF  ... with its values

The rules are RoTBench's (Code/Evaluation/evaluate.py at 637e43a; `tl.calls.compare` holds names and
values together), with these differences: a right call without arguments is right, and values have
types (True is not 1).

- Only the first call of a reply counts. A call counts if ANY gold call agrees, so TS >= PI >= CF.
- Golds that finish or ask: their one value is free text, so CF looks at parameter names alone.
- A tool that is not on offer is never right, even if a gold call names it (ToolAlpaca).
- A gold value that is the case's wildcard (RoTBench's "None") agrees with any value.
- Where noise has renamed `finish` and no tool has that name now, a call of `finish` finishes.
  RoTBench lets it finish also where another tool has got the name.
- "tool" cases make TS, PI, CF. Cases of the other kinds say whether the model knows when to call,
  and are counted on their own; `all` takes every case, as RoTBench does. An answer in plain text to
  a query that needs no tool is right, like the finishing call; what it says is not judged.

What a reply does is one of four: it calls a `tool`, it `ask`s, it `answer`s (finishing call or
text), or it is `unreadable` (meant as a call but none, cut off, or blank).

    over-calling   queries that need no tool: share of the replies that call a tool
    under-calling  queries that need a tool: share of the replies that ask or answer
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tl.bench.records import FINISH, KINDS, Case, Prediction
from tl.calls.compare import CallDiff, compare
from tl.calls.schema import Call

DECISIONS = ("tool", "ask", "answer", "unreadable")


@dataclass(frozen=True)
class Verdict:
    """What a prediction is worth.

    did: one of DECISIONS. call: the predicted call under the name that was compared. gold: the gold
    call that it comes closest to. diff: between the two; None where there is no call.
    """

    ts: bool
    pi: bool
    cf: bool
    did: str
    gold: Call
    call: Call | None = None
    diff: CallDiff | None = None


def judge(case: Case, prediction: Prediction) -> Verdict:
    """Compares the prediction with every gold call; the best agreement counts."""
    call = _known_name(case, prediction.call)
    did = decision(case, replace(prediction, call=call))
    if call is None:
        right = case.kind == "direct" and did == "answer"
        return Verdict(right, right, right, did, case.golds[0])
    found = [(gold, _difference(case, call, gold)) for gold in case.golds]
    gold, diff = max(found, key=lambda pair: _closeness(case, *pair))
    return Verdict(*_levels(case, gold, diff), did, gold, call, diff)


def decision(case: Case, prediction: Prediction) -> str:
    """What the reply does, one of DECISIONS."""
    if prediction.call is not None:
        return {case.finish: "answer", case.ask: "ask"}.get(prediction.call.name, "tool")
    return "answer" if prediction.text.strip() and not prediction.malformed else "unreadable"


def score_single(cases: Sequence[Case], predictions: Sequence[Prediction]) -> dict[str, Any]:
    """All single-turn numbers of a set; shares in percent, each object with the n they are of.

    {"n", "ts", "pi", "cf", "under_calling",     over the cases that need a tool
     "all": {"n", "ts", "pi", "cf"},             over every case
     "ask": {"n", "right", "over_calling"}, "direct": {the same},
     "decisions": {kind: {"n", "tool", "ask", "answer", "unreadable"}}     numbers of cases
     "by_scenario": {"TG": {"n", "ts", "pi", "cf"}}}     and so for every split with several parts
    """
    verdicts = [judge(case, prediction) for case, prediction in pairs(cases, predictions)]
    judged = list(zip(cases, verdicts, strict=True))
    of_kind = {kind: [v for case, v in judged if case.kind == kind] for kind in KINDS}
    called, needless = of_kind["tool"], {kind: of_kind[kind] for kind in ("ask", "direct")}
    scores = _levels_of(called)
    under = (v.did in ("ask", "answer") and not v.ts for v in called)
    scores["under_calling"] = percent(under, len(called))
    scores["all"] = _levels_of(verdicts)
    for kind, group in needless.items():
        scores[kind] = {
            "n": len(group),
            "right": percent((v.cf for v in group), len(group)),
            "over_calling": percent((v.did == "tool" for v in group), len(group)),
        }
    scores["decisions"] = {kind: _decisions(group) for kind, group in of_kind.items()}
    tool_cases = [(case, verdict) for case, verdict in judged if case.kind == "tool"]
    for split, parts in parted([case for case, _ in tool_cases]).items():
        scores[f"by_{split}"] = {
            part: _levels_of([tool_cases[i][1] for i in places]) for part, places in parts.items()
        }
    return scores


def parted(cases: Sequence) -> dict[str, dict[str, list[int]]]:
    """split -> part -> places of the cases (or tasks), for each split that has several parts."""
    splits: dict[str, dict[str, list[int]]] = {}
    for place, case in enumerate(cases):
        for split, part in case.splits.items():
            splits.setdefault(split, {}).setdefault(part, []).append(place)
    return {split: dict(sorted(parts.items())) for split, parts in splits.items() if len(parts) > 1}


def pairs(cases: Sequence, replies: Sequence) -> list[tuple]:
    """Cases with their replies; they must be as many."""
    assert len(cases) == len(replies), f"{len(cases)} cases, {len(replies)} replies"
    return list(zip(cases, replies, strict=True))


def percent(hits: Iterable[bool] | int, n: int) -> float | None:
    """100 k / n to two decimals, as the paper prints it; None of nothing."""
    hits = hits if isinstance(hits, int) else sum(map(bool, hits))
    return round(100 * hits / n, 2) if n else None


def _levels_of(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    n = len(verdicts)
    return {"n": n} | {
        name: percent((getattr(verdict, name) for verdict in verdicts), n)
        for name in ("ts", "pi", "cf")
    }


def _decisions(verdicts: Sequence[Verdict]) -> dict[str, int]:
    counts = {did: sum(v.did == did for v in verdicts) for did in DECISIONS}
    return {"n": len(verdicts)} | counts


def _levels(case: Case, gold: Call, diff: CallDiff) -> tuple[bool, bool, bool]:
    """(TS, PI, CF) against one gold call."""
    is_free = gold.name in (case.finish, case.ask)
    ts = diff.tool_match and diff.tool_offered
    pi = ts and diff.names_match
    return ts, pi, pi and (is_free or not diff.wrong)


def _difference(case: Case, call: Call, gold: Call) -> CallDiff:
    """`compare`, where the case's wildcard agrees with any value."""
    diff = compare(call, gold, case.tools)
    if case.wildcard is None:
        return diff
    wrong = (name for name in diff.wrong if gold.arguments.get(name) != case.wildcard)
    return replace(diff, wrong=tuple(wrong))


def _closeness(case: Case, gold: Call, diff: CallDiff) -> tuple:
    """Higher is closer; of equal golds `max` takes the first."""
    differences = len(diff.hallucinated + diff.redundant + diff.missing)
    return (*_levels(case, gold, diff), -differences, -len(diff.wrong))


def _known_name(case: Case, call: Call | None) -> Call | None:
    if call is not None and call.name == FINISH and case.finish != FINISH:
        if all(tool.name != FINISH for tool in case.tools):
            return replace(call, name=case.finish)
    return call
