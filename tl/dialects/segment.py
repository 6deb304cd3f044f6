"""The pieces that a dialect cuts a conversation into.

Text is tokenised piece by piece, so every token belongs to exactly one message, a reply's tokens
are the ones the model would generate there, and text that comes from a user or a tool can never
form a control token: control tokens are only what a dialect itself has written as `Control`.
"""

import re
from typing import NamedTuple, Protocol

from tl.calls.schema import Call, Conversation, Message

Span = tuple[int, int]


class Control(str):
    """A control token as a dialect writes it: `Control("<|im_end|>")`."""


class Name(str):
    """The name of the called tool inside a reply."""


class Segment(NamedTuple):
    """A piece of the rendered conversation.

    text: what is written.
    message: index into `conversation.messages`; -1 for the list of tools. A piece that covers
        several messages has the index of the first.
    reply: True for text that the model has to produce. Replies in a row are one turn; after the
        last of them the model has to produce the end of turn.
    call: index into the message's calls for a reply that makes one.
    name_span: (start, end) of the called tool's name in `text`.
    controls: (start, end) of the control tokens in `text`, in order.
    end: the control token that ends the turn behind a reply; None: the tokenizer's end of turn.
    """

    text: str
    message: int
    reply: bool = False
    call: int | None = None
    name_span: Span | None = None
    controls: tuple[Span, ...] = ()
    end: str | None = None


class Dialect(Protocol):
    """A model family's way of writing. Dialects hold no state.

    ends: the control tokens that end a turn; none: the tokenizer's end of turn.
    bos: whether the tokenizer's BOS stands in front of a text that does not start with it.
    call_sign: what tells that a reply was meant as a call, though none can be read in it; None
        where calls look like Python's (`tl.agent.reply` knows those).
    """

    name: str
    ends: tuple[str, ...]
    bos: bool
    call_sign: re.Pattern | None

    def render(self, conversation: Conversation) -> list[Segment]:
        """The whole conversation. The first segment starts the text, the others continue it.

        InputError, without a place, for a conversation that the dialect cannot write.
        """

    def render_prompt(self, conversation: Conversation) -> list[Segment]:
        """The conversation so far and the opening of the next assistant turn: what the model
        continues.
        """

    def format(self, call: Call) -> str:
        """A reply that makes this call; parse(format(call)).calls == (call,)."""

    def parse(self, reply: str) -> Message:
        """The inverse for generated text: an assistant message with its calls, or with content
        alone. Control tokens in the text may be absent. Never raises.
        """


def write(message: int, *pieces: str, **fields) -> Segment:
    """The segment of a message that reads like all pieces in a row, with the places of its
    `Control` and `Name` pieces.
    """
    controls, name_span, length = [], None, 0
    for piece in pieces:
        end = length + len(piece)
        if isinstance(piece, Control):
            controls.append((length, end))
        elif isinstance(piece, Name):
            name_span = (length, end)
        length = end
    spans = {"controls": tuple(controls), "name_span": name_span}
    return Segment("".join(pieces), message, **spans, **fields)
