"""Replies as the records that are scored."""

from collections.abc import Iterator, Sequence
from typing import Any

from tqdm import tqdm

from tl.agent.reply import read_reply
from tl.bench import gsm8k, humaneval, mmlu
from tl.bench.episodes import final_answer
from tl.bench.programs import run_program
from tl.bench.records import (
    AcceptedQuestion,
    AcceptedSet,
    AnySet,
    Episode,
    MultiSet,
    Play,
    Prediction,
    Sets,
    SingleSet,
    TextQuestion,
    TextSet,
    Turn,
)
from tl.bench.suites import protocols_of
from tl.calls.schema import Conversation
from tl.dialects import Dialect

Row = dict[str, Any]  # of predictions.jsonl


def records(sets: Sets, rows: Sequence[Row], dialect: Dialect) -> Iterator[AnySet]:
    """Each set with what was said to it; the rows stand in the order of the sets."""
    rest = iter(rows)
    for name, items in sets.items():
        said = [next(rest) for _ in items]
        yield _record(name, items, said, dialect)


def _record(name: str, items: Sequence, rows: Sequence[Row], dialect: Dialect) -> AnySet:
    if isinstance(items[0], TextQuestion):
        return text_set(name, items, rows)
    both = [(each.conversation, row) for each, row in zip(items, rows, strict=True)]
    if isinstance(items[0], Play):
        episodes = tuple(to_episode(shown, row, dialect) for shown, row in both)
        return MultiSet(name, tuple(each.task for each in items), episodes)
    said = tuple(to_prediction(shown, row, dialect) for shown, row in both)
    if isinstance(items[0], AcceptedQuestion):
        return AcceptedSet(name, tuple(items), said)
    return SingleSet(name, tuple(each.case for each in items), said,
                     protocols_of(name, dialect.name))  # fmt: skip


def text_set(name: str, items: Sequence[TextQuestion], rows: Sequence[Row]) -> TextSet:
    """Runs the programs of HumanEval; the rest is text beside text."""
    replies, guards = tuple(row["text"] for row in rows), {}
    both = list(zip(items, replies, strict=True))
    if name == "humaneval":
        shown = tqdm(both, desc="programs", unit="program", disable=None)
        outcomes = [run_program(humaneval.program(*each)) for each in shown]
        right = tuple(outcome.passed for outcome in outcomes)
        names = outcomes[0].guards
        guards = {each: all(o.guards.get(each) for o in outcomes) for each in names}
    else:
        judge = {"mmlu": mmlu.is_right, "gsm8k": gsm8k.is_right}[name]
        right = tuple(judge(*each) for each in both)
    fewer = sum("shots" in row for row in rows)
    return TextSet(name, tuple(items), replies, right, fewer, guards)


def to_prediction(shown: Conversation, row: Row, dialect: Dialect) -> Prediction:
    reply = read_reply(row["text"], dialect, {tool.name for tool in shown.tools})
    is_cut = row.get("cut", False) and reply.call is None
    calls = dialect.parse(row["text"]).calls if reply.call else ()
    return Prediction(row["text"], reply.call, is_cut or reply.error is not None, calls)


def to_episode(shown: Conversation, row: Row, dialect: Dialect) -> Episode:
    turns = []
    for turn in row["turns"]:
        said = to_prediction(shown, turn, dialect)
        turns.append(Turn(said.text, said.call, turn["feedback"], said.malformed))
    return Episode(tuple(turns), row["end"], final_answer(turns, row["end"]))
