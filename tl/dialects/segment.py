"""The pieces that a dialect cuts a conversation into.

Text is tokenised piece by piece, so every token belongs to exactly one message, a reply's tokens
are the ones the model would generate there, and text that comes from a user or a tool can never
form a control token.
"""

from typing import NamedTuple, Protocol

from tl.calls.schema import Conversation, Message


class Segment(NamedTuple):
    """A piece of the rendered conversation.

    text: what is written.
    message: index into `conversation.messages`; -1 for the list of tools.
    reply: True for text that the model has to produce; after it the model has to produce the end of
        turn.
    call: index into the message's calls for a reply that makes one.
    name_span: (start, end) of the called tool's name in `text`.
    """

    text: str
    message: int
    reply: bool = False
    call: int | None = None
    name_span: tuple[int, int] | None = None


class Dialect(Protocol):
    """A model family's way of writing. Dialects hold no state."""

    name: str

    def render(self, conversation: Conversation) -> list[Segment]:
        """The whole conversation. The first segment starts the text, the others continue it."""

    def render_prompt(self, conversation: Conversation) -> list[Segment]:
        """The conversation so far and the opening of the next assistant turn: what the model
        continues.
        """

    def parse(self, reply: str) -> Message:
        """The inverse for generated text: an assistant message with its calls, or with content
        alone.
        """
