r"""The paper's own dialect: Python signatures as tools, Python calls as replies.

    System: Function:
    def random_advice():
        [docstring]

    User: Can you fetch some random advice for me?
    Assistant: random_advice()
    Output: {"slip": {"id": 52, "advice": "..."}}
    Assistant: finish(answer = '...')

Sources: paper, Table 13; chat template and call style in the authors' README (Junjie-Ye/TL-Training
at 77c875a). The three disagree on the empty lines between tools and query (README two, training
script none); Table 13's one is kept.

One reply makes one call, so the calls of a parallel reply are written one after the other, each
with its feedback. Text beside a call stands on the lines before it.
"""

from collections.abc import Iterator

from tl.calls.parse import CallError, format_call, scan_call
from tl.calls.schema import Call, Conversation, Message, feedback_after
from tl.calls.signature import render_tools
from tl.dialects.segment import Segment

HEADERS = {"system": "System:", "user": "User:", "assistant": "Assistant:", "tool": "Output:"}


class CodeLlama:
    """System: / User: / Assistant: / Output: lines; see the module docstring."""

    name = "codellama"

    def render(self, conversation: Conversation) -> list[Segment]:
        return list(_joined(_turns(conversation)))

    def render_prompt(self, conversation: Conversation) -> list[Segment]:
        opening = [(len(conversation.messages), "assistant", None)]
        return list(_joined([*_turns(conversation), *opening]))

    def parse(self, reply: str) -> Message:
        """The call is the reply itself or starts one of its lines; without one all is content."""
        text = reply.strip()
        start = 0
        while start >= 0:
            call = _call_at(text, start)
            if call:
                return Message("assistant", text[:start].rstrip(), (call,))
            start = text.find("\n", start) + 1 or -1
        return Message("assistant", text)


Turn = tuple[int, str, Segment | None]


def _call_at(text: str, start: int) -> Call | None:
    """The call that starts at text[start], unless it is prose such as "Revenue (2023) grew".

    A call is followed by the end of its line, or is told apart by named arguments.
    """
    try:
        call, end = scan_call(text[start:])
    except CallError:
        return None
    rest = text[start + end :].split("\n", 1)[0].strip()
    return call if not rest or (call.arguments and not call.positional) else None


def _turns(conversation: Conversation) -> Iterator[Turn]:
    """(message index, role, body): the lines of the dialect in order, the tools first."""
    messages = conversation.messages
    lead = 0
    while lead < len(messages) and messages[lead].role == "system":
        lead += 1
    opening = [message.content for message in messages[:lead] if message.content.strip()]
    tools = [render_tools(conversation.tools) + "\n"] if conversation.tools else []
    if opening or tools:
        yield -1, "system", Segment(" " + "\n\n".join(opening + tools), -1)
    index = lead
    while index < len(messages):
        yield from _message_turns(messages, index)
        index += 1 + (len(feedback_after(messages, index)) if messages[index].calls else 0)


def _message_turns(messages: tuple[Message, ...], index: int) -> Iterator[Turn]:
    """One message; an assistant message with calls brings its feedback along, call by call."""
    message = messages[index]
    if not message.calls:
        body = Segment(" " + message.content, index, reply=message.role == "assistant")
        yield index, message.role, body
        return
    feedback = feedback_after(messages, index)
    assert len(feedback) <= len(message.calls), "a tool message that answers no call"
    for number, call in enumerate(message.calls):
        yield (
            index,
            "assistant",
            _reply(message.content if number == 0 else "", call, index, number),
        )
        if number < len(feedback):
            place = index + 1 + number
            yield place, "tool", Segment(" " + feedback[number].content, place)


def _reply(content: str, call: Call, index: int, number: int) -> Segment:
    lead = f" {content}\n" if content.strip() else " "
    span = (len(lead), len(lead) + len(call.name))
    return Segment(lead + format_call(call), index, reply=True, call=number, name_span=span)


def _joined(turns: Iterator[Turn] | list[Turn]) -> Iterator[Segment]:
    """Each turn as its header and its body; a line break ends every turn but the last."""
    for number, (index, role, body) in enumerate(turns):
        yield Segment(("\n" if number else "") + HEADERS[role], index)
        if body is not None:
            yield body
