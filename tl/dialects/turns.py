"""The order in which a conversation is written."""

from collections.abc import Iterator
from typing import NamedTuple

from tl.calls.schema import Call, Conversation, Message, feedback_after


class Turn(NamedTuple):
    """One thing that somebody says.

    index: into `conversation.messages`. role: system | user | assistant | tool.
    first: number of the first of `calls` in its message.
    """

    index: int
    role: str
    content: str
    calls: tuple[Call, ...] = ()
    first: int = 0


def opening(conversation: Conversation) -> tuple[list[str], int]:
    """The texts of the system messages that come first, blank ones left out, and the index of the
    message behind them.
    """
    messages = conversation.messages
    lead = 0
    while lead < len(messages) and messages[lead].role == "system":
        lead += 1
    return [message.content for message in messages[:lead] if message.content.strip()], lead


def turns(conversation: Conversation, start: int = 0) -> Iterator[Turn]:
    """The messages from `start` on, each as it is."""
    for index, message in enumerate(conversation.messages[start:], start):
        yield Turn(index, message.role, message.content, message.calls)


def one_by_one(conversation: Conversation, start: int = 0) -> Iterator[Turn]:
    """The same for families whose replies make one call: the calls of a parallel reply one after
    the other, each followed by its feedback. Text beside the calls stands with the first.
    """
    messages = conversation.messages
    index = start
    while index < len(messages):
        message = messages[index]
        if not message.calls:
            yield Turn(index, message.role, message.content)
            index += 1
            continue
        feedback = feedback_after(messages, index)
        yield from _calls(message, feedback, index)
        index += 1 + len(feedback)


def _calls(message: Message, feedback: tuple[Message, ...], index: int) -> Iterator[Turn]:
    assert len(feedback) <= len(message.calls), "a tool message that answers no call"
    for number, call in enumerate(message.calls):
        yield Turn(index, "assistant", "" if number else message.content, (call,), number)
        if number < len(feedback):
            yield Turn(index + 1 + number, "tool", feedback[number].content)
