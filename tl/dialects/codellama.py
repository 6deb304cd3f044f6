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

from collections.abc import Iterable, Iterator

from tl.calls.parse import CallError, format_call, scan_call
from tl.calls.schema import Call, Conversation, Message
from tl.calls.signature import render_tools
from tl.dialects.segment import Name, Segment, write
from tl.dialects.turns import Turn, one_by_one, opening

HEADERS = {"system": "System:", "user": "User:", "assistant": "Assistant:", "tool": "Output:"}


class CodeLlama:
    """System: / User: / Assistant: / Output: lines; see the module docstring."""

    name = "codellama"
    ends = ()
    bos = True
    call_sign = None

    def render(self, conversation: Conversation) -> list[Segment]:
        return list(_lines(_turns(conversation)))

    def render_prompt(self, conversation: Conversation) -> list[Segment]:
        turn = Turn(len(conversation.messages), "assistant", "")
        *before, header, _ = _lines([*_turns(conversation), turn])
        return [*before, header]

    def format(self, call: Call) -> str:
        return format_call(call)

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
    """The lines of the dialect in order, the tools first."""
    texts, lead = opening(conversation)
    if conversation.tools:
        texts.append(render_tools(conversation.tools) + "\n")
    if texts:
        yield Turn(-1, "system", "\n\n".join(texts))
    yield from one_by_one(conversation, lead)


def _lines(turns: Iterable[Turn]) -> Iterator[Segment]:
    """Each turn as its header and its body; a line break ends every turn but the last."""
    for number, turn in enumerate(turns):
        yield Segment(("\n" if number else "") + HEADERS[turn.role], turn.index)
        if turn.calls:
            yield _reply(turn)
        else:
            yield Segment(" " + turn.content, turn.index, reply=turn.role == "assistant")


def _reply(turn: Turn) -> Segment:
    (call,) = turn.calls
    lead = f" {turn.content}\n" if turn.content.strip() else " "
    arguments = format_call(call).removeprefix(call.name)
    return write(turn.index, lead, Name(call.name), arguments, reply=True, call=turn.first)
