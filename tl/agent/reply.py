"""What a model's reply is.

    call       `dialect.parse` finds one. Only the first call of a reply is executed and kept in the
               conversation: the next depends on feedback that the model has not seen
    mistake    no call, but meant as one: a line starts with `name(`, and the name is offered or a
               named argument follows; or it has what calls of the dialect start with
               (`dialect.call_sign`: a tag, a brace, "Action:")
    answer     any other text
    nothing    blank

Prose with brackets, "Revenue (2023) grew", is an answer.
"""

import re
from collections.abc import Collection
from typing import NamedTuple

from tl.agent.feedback import clean
from tl.calls.parse import CallError, scan_call
from tl.calls.schema import Call, Message
from tl.data.tokenizer import Tokenizer
from tl.dialects import Dialect

CALL_START = re.compile(
    r"^[ \t]*(?P<name>[^\W\d][\w.-]*)\((?P<named>\s*['\"]?\w+['\"]?\s*=(?!=))?", re.MULTILINE
)


class Reply(NamedTuple):
    """text: as generated. message: what of it enters the conversation; at most one call, whose
    spelling is the dialect's own from then on, as in training. error: why it is no call, where it
    was meant as one.
    """

    text: str
    message: Message
    error: CallError | None = None

    @property
    def call(self) -> Call | None:
        return self.message.calls[0] if self.message.calls else None

    @property
    def is_blank(self) -> bool:
        return not self.message.calls and not self.message.content.strip()


def decode_reply(ids: list[int], tokenizer: Tokenizer, eos_ids: Collection[int]) -> str:
    """The text of generated ids up to the first stop id. Ids without a token (an embedding may have
    more rows than the tokenizer has tokens) have no text.
    """
    end = next((place for place, token in enumerate(ids) if token in eos_ids), len(ids))
    return clean(tokenizer.decode_segment([t for t in ids[:end] if 0 <= t < tokenizer.vocab_size]))


def read_reply(text: str, dialect: Dialect, offered: Collection[str]) -> Reply:
    """See the module docstring. offered: the names of the tools. Never raises."""
    message = dialect.parse(text)
    if message.calls:
        return Reply(text, Message("assistant", message.content, message.calls[:1]))
    if dialect.call_sign is None:
        return Reply(text, message, _mistake(text, offered))
    sign = dialect.call_sign.search(text)
    return Reply(text, message, _unreadable(sign) if sign else None)


def _unreadable(sign: re.Match) -> CallError:
    """What is said of a call of which no more than its first letters can be read."""
    said = f"what starts with {sign[0].strip()!r} cannot be read as a call"
    return CallError("no_call", said, sign.start(), len(sign.string))


def _mistake(text: str, offered: Collection[str]) -> CallError | None:
    for start in CALL_START.finditer(text):
        if start["name"] in offered or start["named"]:
            try:
                scan_call(text[start.start() :])
            except CallError as error:
                return error
    return None
