"""The order of a conversation, the same for every format: who may speak when, which result answers
which call.

- Results follow the calls they answer, before anyone else speaks. They may come in any order if
  they name their call; they are stored in the order of the calls.
- A call without a result: at the end of the conversation; and before the assistant speaks again for
  `finish` and `ask_to_user`, which the user answers (they have no feedback in the authors' data).
- A result may leave the id of its call out where one call is open.
- An assistant message has text or calls; blank text beside calls is no text. System, user and
  assistant messages may otherwise come in any order, also several in a row.
"""

from collections.abc import Sequence

from tl import InputError
from tl.calls.schema import Call, Message, Tool

Content = tuple[tuple[Tool, ...], tuple[Message, ...]]  # what a format reader makes of a record
WITHOUT_FEEDBACK = ("finish", "ask_to_user")


class Turns:
    """Collects the messages of one record. Each method raises InputError, without a place, if its
    message cannot stand there.
    """

    def __init__(self):
        self._messages: list[Message] = []
        self._calls: tuple[Call, ...] = ()
        self._ids: tuple[str, ...] = ()
        self._results: dict[int, str] = {}

    def system(self, text: str) -> None:
        self._close_calls("system")
        self._messages.append(Message("system", text))

    def user(self, text: str) -> None:
        self._close_calls("user")
        self._messages.append(Message("user", text))

    def assistant(
        self, text: str, calls: Sequence[Call] = (), ids: Sequence[str] = (), trained: bool = True
    ) -> None:
        """ids: what the results name their calls by; none if they come in the calls' order."""
        if not calls and not text.strip():
            raise InputError(
                "an assistant message without text and without calls, expected at least one of "
                "them; take the message out"
            )
        if len(set(ids)) < len(ids):
            twice = next(name for name in ids if list(ids).count(name) > 1)
            raise InputError(f"two calls share the id {twice!r}; give each call its own id")
        self._close_calls("assistant")
        content = text if text.strip() else ""
        self._messages.append(Message("assistant", content, tuple(calls), trained))
        self._calls, self._ids = tuple(calls), tuple(ids)

    def result(self, text: str, call_id: str | None = None, name: str | None = None) -> None:
        """The feedback of one call: of the one with that id, or of the next one in order, which
        must be a call to `name` where that is given.
        """
        if not self._calls:
            raise InputError("a tool result without a call right before it; take it out")
        number = self._answered_call(call_id)
        if name is not None and name != self._calls[number].name:
            raise InputError(
                f"a result of {name!r}, expected one of {self._calls[number].name!r}, which was "
                "called right before it; correct the name"
            )
        if number in self._results:
            raise InputError(f"a second result for the call id {call_id!r}; keep one of them")
        self._results[number] = text

    def finished(self) -> tuple[Message, ...]:
        """All messages. InputError if there is none of the assistant: nothing to train."""
        self._close_calls(None)
        if not any(message.role == "assistant" for message in self._messages):
            raise InputError(
                "no assistant message, so nothing to train; add a reply or take the record out"
            )
        return tuple(self._messages)

    @property
    def open_calls(self) -> int:
        """How many calls of the last message have no result yet."""
        return len(self._calls) - len(self._results)

    def _answered_call(self, call_id: str | None) -> int:
        if call_id is None and self.open_calls == 1:
            return next(n for n in range(len(self._calls)) if n not in self._results)
        if self._ids:
            if call_id is None:
                raise InputError(
                    f"a result without the id of its call, expected one of {list(self._ids)}; add "
                    "the id"
                )
            if call_id not in self._ids:
                raise InputError(
                    f"a result for the call id {call_id!r}, expected one of {list(self._ids)}, the "
                    "ids of the calls right before it; correct the id"
                )
            return self._ids.index(call_id)
        if len(self._results) == len(self._calls):
            raise InputError(
                f"result {len(self._results) + 1} for {len(self._calls)} call(s), expected one "
                "result for each call; take it out"
            )
        return len(self._results)

    def _close_calls(self, following: str | None) -> None:
        """Store the results of the last calls. following: the role that speaks next, if any."""
        answered = len(self._results)
        open_calls = [n for n in range(len(self._calls)) if n not in self._results]
        in_order = open_calls == list(range(answered, len(self._calls)))
        allowed = following is None or (
            following in ("user", "system")
            and all(self._calls[n].name in WITHOUT_FEEDBACK for n in open_calls)
        )
        if open_calls and not (in_order and allowed):
            name = self._calls[open_calls[0]].name
            where = (
                f"before this {following} message" if following else "though a later call has one"
            )
            raise InputError(
                f"the call {name!r} has no result {where}; add the result or take the call out"
            )
        self._messages += [Message("tool", self._results[n]) for n in range(answered)]
        self._calls, self._ids, self._results = (), (), {}
