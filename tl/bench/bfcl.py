"""BFCL-v3 (Berkeley Function-Calling Leaderboard): two kinds of cases.

    exec    executable functions, 240 cases: simple 100, multiple 50, parallel 50, parallel multiple
            40 (its REST cases need the network and have no gold calls). Scored by TS, PI, CF; the
            gold calls of a case are alternatives, as RoTBench has them
    simple, multiple, parallel, parallel_multiple     scored by the leaderboard's own rules for
            syntax trees (`bfcl_ast`): every parameter has a list of accepted values

Data: ShishirPatil/gorilla, in the layout of November 2024 (BFCL_v3_*.json, at 30f9d4be) or today's
(BFCL_v4_*.json with questions and answers apart, at 6ea57973; exec_parallel_10 and
exec_parallel_multiple_30 have changed). The paper speaks of 239 cases, but all of its numbers are
k / 240. Types are shown as the files spell them (dict, float, tuple).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tl import InputError
from tl.bench.bfcl_files import SHA256, V3, V4
from tl.bench.records import AcceptedQuestion, Case, Question
from tl.bench.upstream import Upstream, find, read_rows
from tl.calls.compare import named_arguments
from tl.calls.parse import CallError, parse_call
from tl.calls.schema import Call, Conversation, Message, Tool

EXEC = ("exec_simple", "exec_multiple", "exec_parallel", "exec_parallel_multiple")
AST = ("simple", "multiple", "parallel", "parallel_multiple")


def read_exec(folder: str | Path) -> list[Question]:
    """The 240 cases in the order of EXEC. InputError for a file that is missing or altered."""
    return [question for category in EXEC for question in _exec_questions(folder, category)]


def read_ast(folder: str | Path, category: str) -> list[AcceptedQuestion]:
    """The cases of one category of AST; InputError as above."""
    return [
        AcceptedQuestion(_conversation(row, place), category, tuple(row["ground_truth"]))
        for place, row in _rows(folder, category)
    ]


def _exec_questions(folder: str | Path, category: str) -> Iterator[Question]:
    for place, row in _rows(folder, category):
        conversation = _conversation(row, place)
        golds = tuple(_gold(text, conversation.tools, place) for text in row["ground_truth"])
        query, splits = conversation.messages[-1].content, {"category": category}
        case = Case(row["id"], query, conversation.tools, golds, splits=splits)
        yield Question(conversation, case)


def _rows(folder: str | Path, category: str) -> list[tuple[str, dict[str, Any]]]:
    """(file:line, question with its ground_truth), from whichever layout is there."""
    upstream, question, answer = _layout(folder, category)
    rows = read_rows(folder, upstream, question, SHA256[question])
    if answer is not None:
        truths = read_rows(folder, upstream, answer, SHA256[answer])
        by_id = {row["id"]: row["ground_truth"] for row in truths}
        rows = [row | {"ground_truth": by_id[row["id"]]} for row in rows]
    return [(f"{question}:{number}", row) for number, row in enumerate(rows, 1)]


def _layout(folder: str | Path, category: str) -> tuple[Upstream, str, str | None]:
    """The upstream, the file of the questions, the file of the answers if they stand apart."""
    is_exec = category in EXEC
    old = f"BFCL_v3_{category}.json"
    try:
        find(folder, V3, old)
        return V3, old, None if is_exec else f"possible_answer/{old}"
    except InputError as error:
        new = f"BFCL_v4_{'simple_python' if category == 'simple' else category}.json"
        question, answer = (
            (f"unused_datasets/question/{new}", f"unused_datasets/possible_answer/{new}")
            if is_exec
            else (new, f"possible_answer/{new}")
        )
        try:
            find(folder, V4, question)
        except InputError:
            raise InputError(f"{error}; or {V4.url(question)}") from None
        return V4, question, answer


def _conversation(row: dict, place: str) -> Conversation:
    tools = tuple(map(Tool.from_openai, row["function"]))
    messages = tuple(Message(turn["role"], turn["content"]) for turn in row["question"][0])
    return Conversation(row["id"], tools, messages, place)


def _gold(text: str, tools: tuple[Tool, ...], place: str) -> Call:
    """A gold call with all arguments by name; sums such as 500*500 are worked out."""
    try:
        call = parse_call(text)
    except CallError as error:
        raise InputError(f"{place}: the gold call {text!r} cannot be read: {error}") from error
    documented = next((tool.parameter_names for tool in tools if tool.name == call.name), [])
    return Call(call.name, named_arguments(call, documented))
