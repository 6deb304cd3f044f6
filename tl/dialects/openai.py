"""The article's JSON: `{"tool_calls": [...]}` after a system message with the tools' schemas.

    System: [task]
    {"type": "function", "function": {"name": "random_advice", ...}}

    User: Can you fetch some random advice for me?
    Assistant: {"tool_calls": [{"name": "random_advice", "arguments": {}}]}
    Tool: {"slip": {"id": 52}}
    Assistant: ...

Source: the five parts of a training sample in *How Large Language Models Acquire Tool-Calling
Ability: SFT, RLHF & LoRA Explained* (tools with name, description and JSON schema; question;
`{"tool_calls": ...}`; result; answer). For GPT models the
prompt is the bare query (paper, Table 12), as the API writes the rest; their calls, objects with
`name` and `arguments`, are read as well. A reply may make several calls.
"""

import re
from collections.abc import Iterator

from tl.calls.schema import Call, Conversation, Message
from tl.dialects.json_calls import arguments_of, dumps, find_calls
from tl.dialects.segment import Name, Segment, write
from tl.dialects.turns import Turn, opening, turns

HEADERS = {"system": "System:", "user": "User:", "assistant": "Assistant:", "tool": "Tool:"}
TASK = (
    "You can call the tools below. To call some of them, reply with one JSON object: "
    '{"tool_calls": [{"name": <tool>, "arguments": <object>}]}\n'
)


class OpenAI:
    """See the module docstring."""

    name = "openai"
    ends = ()
    bos = True
    call_sign = re.compile(r'^\s*\{\s*"(?:tool_calls|name|arguments|function)"\s*:', re.MULTILINE)

    def render(self, conversation: Conversation) -> list[Segment]:
        return list(_lines(conversation))

    def render_prompt(self, conversation: Conversation) -> list[Segment]:
        lines = list(_lines(conversation))
        header = ("\n" if lines else "") + HEADERS["assistant"]
        return [*lines, Segment(header, len(conversation.messages))]

    def format(self, call: Call) -> str:
        turn = Turn(0, "assistant", "", (call,))
        return "".join(segment.text for segment in _replies(turn)).strip()

    def parse(self, reply: str) -> Message:
        return Message("assistant", *find_calls(reply.strip()))


def _lines(conversation: Conversation) -> Iterator[Segment]:
    texts, lead = opening(conversation)
    if conversation.tools:
        tools = (dumps(tool.to_openai()) for tool in conversation.tools)
        texts.append(TASK + "\n".join(tools) + "\n")
    before = ""
    if texts:
        yield Segment("System: " + "\n\n".join(texts), -1)
        before = "\n"
    for turn in turns(conversation, lead):
        yield Segment(before + HEADERS[turn.role], turn.index)
        if turn.role == "assistant":
            yield from _replies(turn)
        else:
            yield Segment(" " + turn.content, turn.index)
        before = "\n"


def _replies(turn: Turn) -> Iterator[Segment]:
    if not turn.calls:
        yield Segment(" " + turn.content, turn.index, reply=True)
    lead = f" {turn.content}\n" if turn.content.strip() else " "
    for number, call in enumerate(turn.calls):
        before = ", " if number else lead + '{"tool_calls": ['
        name, arguments = Name(dumps(call.name)[1:-1]), dumps(arguments_of(call))
        close = "]}" if number == len(turn.calls) - 1 else ""
        pieces = (before, '{"name": "', name, '", "arguments": ', arguments, "}" + close)
        yield write(turn.index, *pieces, reply=True, call=number)
