"""The JSON dialect of LLaMA-3.1-Instruct.

    <|start_header_id|>user<|end_header_id|>

    Given the following functions, ... Can you fetch some random advice for me?<|eot_id|>
    <|start_header_id|>assistant<|end_header_id|>

    {"name": "random_advice", "parameters": {}}<|eot_id|>

Source: paper, Table 10, whose tools have sorted keys; its typesetting has lost the braces around
`"name": function name, ...`, which stand in the chat template of Llama-3.1-8B-Instruct, as do the
JSON string of a result and the role `ipython` of who says it. There is one call in a reply, so
parallel calls follow one after the other.
"""

import re
from collections.abc import Iterator

from tl.calls.schema import Call, Conversation, Message
from tl.dialects.json_calls import arguments_of, dumps, find_calls
from tl.dialects.segment import Control, Name, Segment, write
from tl.dialects.turns import Turn, one_by_one, opening

BEGIN, END = Control("<|begin_of_text|>"), Control("<|eot_id|>")
OPEN, CLOSE = Control("<|start_header_id|>"), Control("<|end_header_id|>")
DATES = "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n"
TASK = (
    "Given the following functions, please respond with a JSON for a function call with its proper "
    "arguments that best answers the given prompt.\n\n"
    'Respond in the format {"name": function name, "parameters": dictionary of argument name and '
    "its value}. Do not use variables.\n\n"
)
ROLES = {"tool": "ipython"}


class Llama3:
    """See the module docstring."""

    name = "llama3"
    ends = (END,)
    bos = True
    call_sign = re.compile(r'^\s*\{\s*"(?:name|parameters|type)"\s*:')

    def render(self, conversation: Conversation) -> list[Segment]:
        return list(_segments(conversation, is_prompt=False))

    def render_prompt(self, conversation: Conversation) -> list[Segment]:
        return list(_segments(conversation, is_prompt=True))

    def format(self, call: Call) -> str:
        return "".join(_call(call))

    def parse(self, reply: str) -> Message:
        """The JSON object that starts a line; what stands in front of it is content."""
        text = reply.strip().removeprefix("<|python_tag|>")
        return Message("assistant", *find_calls(text))


def _segments(conversation: Conversation, is_prompt: bool) -> Iterator[Segment]:
    texts, lead = opening(conversation)
    environment = "Environment: ipython\n" if conversation.tools else ""
    system = environment + DATES + "\n\n".join(texts)
    yield write(-1, BEGIN, *_header("system"), system, END)
    task = ""
    if conversation.tools:
        tools = (dumps(tool.to_openai(), indent=4, sort_keys=True) for tool in conversation.tools)
        task = TASK + "".join(tool + "\n\n" for tool in tools)
    for turn in one_by_one(conversation, lead):
        if task and turn.role != "user":
            yield write(-1, *_header("user"), task, END)
            task = ""
        yield from _turn(turn, task)
        task = ""
    if is_prompt:
        if task:
            yield write(-1, *_header("user"), task, END)
        yield write(len(conversation.messages), *_header("assistant"))


def _turn(turn: Turn, task: str) -> Iterator[Segment]:
    """task: the tools, which the first turn of a user starts with."""
    if turn.role == "assistant":
        yield write(turn.index, *_header("assistant"))
        yield _reply(turn)
        yield write(turn.index, END)
        return
    content = dumps(turn.content) if turn.role == "tool" else task + turn.content
    yield write(turn.index, *_header(ROLES.get(turn.role, turn.role)), content, END)


def _header(role: str) -> tuple[str, ...]:
    return OPEN, role, CLOSE, "\n\n"


def _reply(turn: Turn) -> Segment:
    if not turn.calls:
        return Segment(turn.content, turn.index, reply=True, end=END)
    lead = turn.content + "\n" if turn.content.strip() else ""
    return write(turn.index, lead, *_call(turn.calls[0]), reply=True, call=turn.first, end=END)


def _call(call: Call) -> tuple[str, ...]:
    name, arguments = Name(dumps(call.name)[1:-1]), dumps(arguments_of(call))
    return '{"name": "', name, '", "parameters": ', arguments, "}"
