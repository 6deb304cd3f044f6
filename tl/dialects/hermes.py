"""Hermes calls in ChatML turns, the dialect of Qwen-2.5-Instruct.

    <|im_start|>user
    Can you fetch some random advice for me?<|im_end|>
    <|im_start|>assistant
    <tool_call>
    {"name": "random_advice", "arguments": {}}
    </tool_call><|im_end|>
    <|im_start|>user
    <tool_response>
    {"slip": {"id": 52}}
    </tool_response><|im_end|>

Source: paper, Table 11, whose tools have sorted keys; replies and results as the chat template of
Qwen2.5-7B-Instruct writes them. A reply may make several calls. `<tool_call>` is text: families
that have a token for it give it to that text.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from tl.calls.schema import Call, Conversation, Message
from tl.dialects.json_calls import arguments_of, calls_in, dumps, find_calls, read_value
from tl.dialects.segment import Control, Name, Segment, write
from tl.dialects.turns import Turn, opening, turns

START, END = Control("<|im_start|>"), Control("<|im_end|>")
SYSTEM = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."
TOOLS = """

# Tools

You may call one or more functions to assist with the user query.

You are provided with function signatures within <tools></tools> XML tags:
<tools>
{tools}
</tools>

For each function call, return a json object with function name and arguments within \
<tool_call></tool_call> XML tags:
<tool_call>
{{"name": <function-name>, "arguments": <args-json-object>}}
</tool_call>"""
TAG = re.compile(r"<tool_call>\s*")
CALL_SIGN = re.compile(r'<tool_call>|^\s*\{\s*"(?:name|arguments)"\s*:')


class Hermes:
    """See the module docstring."""

    name = "hermes"
    ends = (END,)
    bos = True
    call_sign = CALL_SIGN

    def render(self, conversation: Conversation) -> list[Segment]:
        return list(_segments(conversation))

    def render_prompt(self, conversation: Conversation) -> list[Segment]:
        header = write(len(conversation.messages), START, "assistant\n")
        return [*_segments(conversation), header]

    def format(self, call: Call) -> str:
        return "".join(_call(call))

    def parse(self, reply: str) -> Message:
        """The calls between tags, up to the first that cannot be read; without a tag, a JSON object
        that is a call.
        """
        text = reply.strip()
        calls: list[Call] = []
        first = tag = TAG.search(text)
        while tag and (found := read_value(text, tag.end())) and len(calls_in(found[0])) == 1:
            calls += calls_in(found[0])
            tag = TAG.search(text, found[1])
        if calls:
            return Message("assistant", text[: first.start()].rstrip(), tuple(calls))
        return Message("assistant", text) if first else Message("assistant", *find_calls(text))


def _segments(conversation: Conversation) -> Iterator[Segment]:
    texts, lead = opening(conversation)
    system = "\n\n".join(texts) or SYSTEM
    if conversation.tools:
        tools = [dumps(tool.to_openai(), sort_keys=True) for tool in conversation.tools]
        system += TOOLS.format(tools="\n".join(tools))
    yield write(-1, START, "system\n", system, END, "\n")
    said = [None, *turns(conversation, lead), None]
    for (before, turn), (_, after) in zip(pairwise(said[:-1]), pairwise(said[1:]), strict=True):
        if turn.role == "tool":
            yield _result(turn, before, after)
        elif turn.role == "assistant":
            yield write(turn.index, START, "assistant\n")
            yield from _replies(turn)
            yield write(turn.index, END, "\n")
        else:
            yield write(turn.index, START, turn.role, "\n", turn.content, END, "\n")


def _result(turn: Turn, before: Turn | None, after: Turn | None) -> Segment:
    """Results in a row share a turn of the user."""
    start = () if before and before.role == "tool" else (START, "user")
    close = () if after and after.role == "tool" else (END, "\n")
    body = ("\n<tool_response>\n", turn.content, "\n</tool_response>")
    return write(turn.index, *start, *body, *close)


def _replies(turn: Turn) -> Iterator[Segment]:
    if not turn.calls:
        yield Segment(turn.content, turn.index, reply=True, end=END)
    lead = turn.content + "\n" if turn.content.strip() else ""
    for number, call in enumerate(turn.calls):
        pieces = ("\n" if number else lead, *_call(call))
        yield write(turn.index, *pieces, reply=True, call=number, end=END)


def _call(call: Call) -> tuple[str, ...]:
    name, arguments = Name(dumps(call.name)[1:-1]), dumps(arguments_of(call))
    return '<tool_call>\n{"name": "', name, '", "arguments": ', arguments, "}\n</tool_call>"
