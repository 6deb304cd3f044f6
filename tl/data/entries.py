"""Entries for reinforcement learning: a context, and the calls that are right there.

Any file of trajectories will do (`tl.data.conversation`). A record with "golds" beside its messages
is one entry: its last message is the call to be made, "golds" lists all that are right there,
[{"name", "arguments"}]. Of any other record every reply that makes a call is one, but for those
whose feedback reports an error, and those that are context only.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tl import InputError
from tl.calls.schema import Call, Conversation
from tl.data.conversation import read_conversations
from tl.data.fields import at, describe, read_call
from tl.data.mae import erroneous_calls
from tl.data.record_file import read_records
from tl.data.turns import WITHOUT_FEEDBACK


@dataclass(frozen=True)
class Entry:
    """context: ends before the call. golds: all right calls, the record's own first."""

    context: Conversation
    golds: tuple[Call, ...]

    @property
    def needs_no_tool(self) -> bool:
        """Every right call asks the user or finishes: calling a tool would be over-calling."""
        return all(gold.name in WITHOUT_FEEDBACK for gold in self.golds)


def read_entries(path: str | Path, skip: Callable[[InputError], None] | None = None) -> list[Entry]:
    """The entries of a file, in its order.

    skip: called with the error of each record that cannot be used; absent: it is raised.
    Raises InputError if there is no entry at all.
    """
    golds = {
        f"{path}:{record.number}": record.value["golds"]
        for record in read_records(Path(path))
        if isinstance(record.value, dict) and "golds" in record.value
    }
    entries = []
    for conversation in read_conversations(path, skip):
        try:
            if conversation.source in golds:
                found = [_with_golds(conversation, golds[conversation.source])]
            else:
                found = list(_of_trajectory(conversation))
        except InputError as error:
            if skip is None:
                raise
            skip(error)
        else:
            entries += found
    if not entries:
        raise InputError(f"{path}: no record makes a call, expected trajectories with calls")
    return entries


def _of_trajectory(conversation: Conversation) -> Iterator[Entry]:
    """Calls of one message wait for no feedback of each other: any of them may come first."""
    errors = erroneous_calls(conversation)
    for index, message in enumerate(conversation.messages):
        right = [call for i, call in enumerate(message.calls) if (index, i) not in errors]
        if right and message.trained:
            yield Entry(_before(conversation, index), tuple(right))


def _with_golds(conversation: Conversation, golds: Any) -> Entry:
    with at(conversation.source):
        last = conversation.messages[-1]
        if not last.calls:
            raise InputError(
                "its last message makes no call, expected the right call, as 'golds' stands beside "
                "the messages"
            )
        if not isinstance(golds, list) or not golds:
            raise InputError(f"'golds' is {describe(golds)}, expected a list of calls")
        with at("golds"):
            calls = tuple(map(read_call, golds))
    return Entry(_before(conversation, len(conversation.messages) - 1), calls)


def _before(conversation: Conversation, index: int) -> Conversation:
    return replace(conversation, messages=conversation.messages[:index])
