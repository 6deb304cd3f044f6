"""Wrong replies, readable call by call: what was asked, what is right, what came, and where the two
differ.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from tl.bench.anatomy import (
    CATEGORIES,
    Encode,
    arguments_of,
    category_title,
    kinds_of_error,
)
from tl.bench.episodes import error_of, is_answer_correct, is_counted, is_valid
from tl.bench.metrics import Verdict, judge, pairs
from tl.bench.page import folded, plain
from tl.bench.records import Case, Episode, MultiSet, Prediction, SingleSet, Task, Turn
from tl.calls.schema import Call, Tool
from tl.calls.signature import render_tools
from tl.calls.write import format_value

PER_CATEGORY = 8  # cases shown of each category; predictions.jsonl has them all
NEEDLESS = {"tool": "calls a tool", "ask": "asks", "answer": "answers", "unreadable": "unreadable"}


def single_failures(each: SingleSet, encode: Encode) -> str:
    """The wrong first calls of a set, grouped by category."""
    groups: dict[str, list[str]] = {}
    for case, prediction in pairs(each.cases, each.predictions):
        verdict = judge(case, prediction)
        if not verdict.cf:
            name = failure_name(case, verdict, encode)
            groups.setdefault(name, []).append(_single(case, prediction, verdict, name))
    order = {name: place for place, name in enumerate(CATEGORIES)}
    names = sorted(groups, key=lambda name: (order.get(name, len(order)), name))
    return "".join(_group(name, groups[name]) for name in names)


def multi_failures(each: MultiSet) -> str:
    """The episodes without a valid, right answer, grouped by how they ended."""
    groups: dict[str, list[str]] = {}
    for task, episode in pairs(each.tasks, each.episodes):
        name = episode_failure(task, episode)
        if name:
            groups.setdefault(name, []).append(_multi(task, episode, name))
    return "".join(_group(name, groups[name]) for name in sorted(groups))


def failure_name(case: Case, verdict: Verdict, encode: Encode) -> str:
    """The anatomy's category; for queries that need no tool, what was done instead."""
    if case.kind == "tool":
        return kinds_of_error(case, verdict, encode)[0]
    needed = "question needed" if case.kind == "ask" else "no tool needed"
    return f"{needed}, {NEEDLESS[verdict.did]}"


def episode_failure(task: Task, episode: Episode) -> str:
    """Why an episode is shown; "" where it ended with a valid answer that has all values."""
    if is_valid(episode):
        return "" if is_answer_correct(task, episode) else "valid, but values are missing"
    if episode.end == "finish":
        return "finished without a valid answer"
    ends = {
        "answer": "ended with text, without finishing",
        "turns": "all turns spent",
        "length": "cut off",
    }
    return ends.get(episode.end, "no readable reply")


def call_html(call: Call, wrong: Sequence[str] = (), style: str = "", name: bool = False) -> str:
    """A call as code. wrong: names of arguments (as `compare` names them) to mark, in full or, with
    a leading '=', only their values; name: mark the tool's name.
    """
    opening = f'<mark class="{style}">' if style else "<mark>"

    def marked(text: str, flag: bool) -> str:
        return f"{opening}{plain(text)}</mark>" if flag else plain(text)

    parts = [plain(format_value(value)) for value in call.positional]
    for key, value in call.arguments.items():
        written = marked(format_value(value), f"={key}" in wrong)
        full = f"{plain(key)} = {written}"
        parts.append(f"{opening}{full}</mark>" if key in wrong else full)
    return f"<code>{marked(call.name, name)}({', '.join(parts)})</code>"


def _group(name: str, shown: list[str]) -> str:
    count = f"{min(len(shown), PER_CATEGORY)} of {len(shown):,} shown"
    if len(shown) <= PER_CATEGORY:
        count = f"{len(shown)}"
    title = f'<h4>{plain(category_title(name))} <span class="soft">({count})</span></h4>\n'
    return title + "".join(shown[:PER_CATEGORY])


def _single(case: Case, prediction: Prediction, verdict: Verdict, name: str) -> str:
    rows = list(_comparison(case, verdict))
    if verdict.call is None:
        is_blank = not prediction.text.strip()
        shown = "<em>blank</em>" if is_blank else f"<pre>{plain(prediction.text)}</pre>"
        rows.append(("predicted", shown))
    rest = [gold for gold in case.golds if gold is not verdict.gold]
    folds = ""
    if verdict.call is not None:
        folds = folded("reply as generated", f"<pre>{plain(prediction.text)}</pre>")
    if rest:
        folds += folded(f"right as well: {len(rest)}", "<br>".join(map(call_html, rest)))
    return _case(case, name, _rows(rows) + folds + _tools(case.tools))


def _comparison(case: Case, verdict: Verdict) -> Iterator[tuple[str, str]]:
    """Gold and prediction with what differs marked; without a predicted call gold alone."""
    diff = verdict.diff
    if diff is None:
        yield "right", call_html(verdict.gold)
        return
    gold, call = _by_name(case, verdict.gold), _by_name(case, verdict.call)
    if not verdict.ts:
        yield "right", call_html(gold, style="gold", name=True)
        yield "predicted", call_html(call, name=True)
        return
    values = [f"={name}" for name in diff.wrong]
    yield "right", call_html(gold, [*diff.missing, *values], "gold")
    yield "predicted", call_html(call, [*diff.hallucinated, *diff.redundant, *values])


def _by_name(case: Case, call: Call) -> Call:
    return Call(call.name, arguments_of(case, call))


def _multi(task: Task, episode: Episode, name: str) -> str:
    turns = "".join(f"<li>{_turn(task, turn)}</li>" for turn in episode.turns)
    rows = [("course", "<br>".join(map(call_html, task.solution)))] if task.solution else []
    if task.values:
        rows.append(("values", plain(", ".join(task.values))))
    rows.append(("episode", f'<ol class="turns">{turns}</ol>'))
    if episode.answer is not None:
        rows.append(("answer", plain(episode.answer)))
    return _case(task, name, _rows(rows) + _tools(task.tools))


def _turn(task: Task, turn: Turn) -> str:
    said = call_html(turn.call) if turn.call else f"<code>{plain(turn.text)}</code>"
    error = error_of(task, turn) if is_counted(task, turn) else None
    note = "format" if turn.malformed else error.value.replace("_", " ") if error else ""
    tag = f' <span class="tag">{plain(note)}</span>' if note else ""
    back = f'<br><span class="soft">{plain(turn.feedback)}</span>' if turn.feedback else ""
    return said + tag + back


def _case(case: Case | Task, name: str, content: str) -> str:
    splits = "".join(f"<span>{plain(part)}</span>" for part in case.splits.values())
    return (
        f'<article class="case"><header><span class="tag">{plain(category_title(name))}</span>'
        f"<span>{plain(case.id)}</span>{splits}</header>\n"
        f"<blockquote>{plain(case.query)}</blockquote>\n{content}</article>\n"
    )


def _rows(rows: Sequence[tuple[str, Any]]) -> str:
    return "<dl>" + "".join(f"<dt>{name}</dt><dd>{shown}</dd>" for name, shown in rows) + "</dl>\n"


def _tools(tools: Sequence[Tool]) -> str:
    return folded(f"{len(tools)} tools on offer", f"<pre>{plain(render_tools(tools))}</pre>")
