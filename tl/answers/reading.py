"""Replies as the records that are scored."""

from collections.abc import Iterator, Sequence
from typing import Any

from tl.agent.reply import read_reply
from tl.bench.episodes import final_answer
from tl.bench.records import (
    AcceptedQuestion, AcceptedSet, AnySet, Episode, MultiSet, Play, Prediction, Sets, SingleSet,
    Turn,
)  # fmt: skip
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
    both = [(each.conversation, row) for each, row in zip(items, rows, strict=True)]
    if isinstance(items[0], Play):
        episodes = tuple(to_episode(shown, row, dialect) for shown, row in both)
        return MultiSet(name, tuple(each.task for each in items), episodes)
    said = tuple(to_prediction(shown, row, dialect) for shown, row in both)
    if isinstance(items[0], AcceptedQuestion):
        return AcceptedSet(name, tuple(items), said)
    return SingleSet(name, tuple(each.case for each in items), said,
                     protocols_of(name, dialect.name))  # fmt: skip


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
