r'''The dialect of NexusRaven-2: Python signatures with what they return, and `Call: f(x = 1)`.

    Function:
    def random_advice():
        """
        Returns a random advice slip as a slip object.

        Args:

        Returns:
        string: The feedback from the tool.
        """

    User Query: Can you fetch some random advice for me?<human_end>

    Call: random_advice()<bot_end>

Source: paper, Table 7; the empty line behind the query and `Call:` as in RoTBench's prompts and
outputs (Junjie-Ye/RoTBench at 637e43a). The model answers one query with calls and has no format
for results and later turns; here they follow as `Output:` and `User Query:` paragraphs. The marks
are text, which a tokenizer that has tokens for them may read as those.

Calls in a row stand with `; ` between them; the calls of one reply are one line.
'''

import re
from collections.abc import Iterator

from tl.calls.parse import CallError, scan_call
from tl.calls.schema import Call, Conversation, Message, Tool
from tl.calls.signature import QUOTES, render_tool
from tl.calls.write import format_call
from tl.dialects.segment import Name, Segment, write
from tl.dialects.turns import Turn, opening, turns

RETURNS = "\n\n    Returns:\n    string: The feedback from the tool."
CALL_SIGN = re.compile(r"^[ \t]*Call:[ \t]*", re.MULTILINE)
BETWEEN = re.compile(r"[ \t]*;[ \t]*")
HUMAN_END, BOT_END = "<human_end>", "<bot_end>"


class Raven:
    """See the module docstring."""

    name = "raven"
    ends = ()
    bos = True
    call_sign = CALL_SIGN

    def render(self, conversation: Conversation) -> list[Segment]:
        return list(_segments(conversation))

    def render_prompt(self, conversation: Conversation) -> list[Segment]:
        return list(_segments(conversation)) or [Segment("\n\n", -1)]

    def format(self, call: Call) -> str:
        return "Call: " + format_call(call)

    def parse(self, reply: str) -> Message:
        """The calls of the first line with `Call:`, up to the first that cannot be read. Of calls
        inside of calls the innermost counts, which has to be made first.
        """
        text = reply.strip()
        sign = CALL_SIGN.search(text)
        calls: list[Call] = []
        start = sign.end() if sign else None
        while start is not None:
            call, end = _scan(text[start:])
            calls += [call] if call else []
            more = BETWEEN.match(text, start + end) if call else None
            start = more.end() if more else None
        if not calls:
            return Message("assistant", text.split(BOT_END)[0].rstrip())
        return Message("assistant", text[: sign.start()].rstrip(), tuple(calls))


def _scan(text: str) -> tuple[Call | None, int]:
    """The call that `text` starts with, or the innermost in it, and the place behind it."""
    start = 0
    while True:
        try:
            call, end = scan_call(text[start:])
            return call, start + end
        except CallError as error:
            if error.kind != "nested_call":
                return None, 0
            start += error.start


def _segments(conversation: Conversation) -> Iterator[Segment]:
    texts, lead = opening(conversation)
    texts += [_signature(tool) for tool in conversation.tools]
    if texts:
        yield Segment("\n\n".join(texts) + "\n\n", -1)
    for turn in turns(conversation, lead):
        if turn.role == "assistant":
            yield from _replies(turn)
            yield Segment(BOT_END + "\n\n", turn.index)
        elif turn.role == "user":
            yield Segment(f"User Query: {turn.content}{HUMAN_END}\n\n", turn.index)
        elif turn.role == "tool":
            yield Segment(f"Output: {turn.content}\n\n", turn.index)
        else:
            yield Segment(f"{turn.content}\n\n", turn.index)


def _signature(tool: Tool) -> str:
    return render_tool(tool).removesuffix(QUOTES) + RETURNS + QUOTES


def _replies(turn: Turn) -> Iterator[Segment]:
    if not turn.calls:
        yield Segment(turn.content, turn.index, reply=True)
    lead = (turn.content + "\n" if turn.content.strip() else "") + "Call: "
    for number, call in enumerate(turn.calls):
        arguments = format_call(call).removeprefix(call.name)
        pieces = ("; " if number else lead, Name(call.name), arguments)
        yield write(turn.index, *pieces, reply=True, call=number)
