"""The dialect of ChatGLM-4-chat: a tool's name on one line, its arguments as JSON below.

    <|user|>
    Can you fetch some random advice for me?<|assistant|>random_advice
    {}<|observation|>
    {"slip": {"id": 52}}<|assistant|>
    Don't promise what you can't deliver.<|user|>

Source: paper, Table 8; replies and results as in the README of THUDM/GLM-4. The control token that
starts the next speaker's turn also ends the reply: `<|observation|>` behind a call, `<|user|>`
behind an answer. There is one call in a reply, so parallel calls follow one after the other.
"""

import re
from collections.abc import Iterator

from tl.calls.schema import Call, Conversation, Message
from tl.dialects.json_calls import arguments_of, dumps, read_value
from tl.dialects.segment import Control, Name, Segment, write
from tl.dialects.turns import Turn, one_by_one, opening

SYSTEM, USER = Control("<|system|>"), Control("<|user|>")
ASSISTANT, OBSERVATION = Control("<|assistant|>"), Control("<|observation|>")
SPEAKERS = {"system": SYSTEM, "user": USER, "assistant": ASSISTANT, "tool": OBSERVATION}
INTRODUCTION = (
    "你是一个名为 ChatGLM 的人工智能助手。你是基于智谱AI训练的语言模型 GLM-4 模型开发的，"
    "你的任务是针对用户的问题和要求提供适当的答复和支持。\n\n# 可用工具"
)
TOOL = "\n\n## {name}\n\n{schema}\n在调用上述函数时，请使用 Json 格式表示调用的参数。"
CALL = re.compile(r"^(?P<name>[^\s{}\"]+)[ \t]*\n?[ \t]*(?=\{)", re.MULTILINE)


class Glm4:
    """See the module docstring."""

    name = "glm4"
    ends = (OBSERVATION, USER)
    bos = True
    call_sign = CALL

    def render(self, conversation: Conversation) -> list[Segment]:
        return list(_segments(conversation))

    def render_prompt(self, conversation: Conversation) -> list[Segment]:
        return [*_segments(conversation), write(len(conversation.messages), ASSISTANT)]

    def format(self, call: Call) -> str:
        return "".join(_call(call))

    def parse(self, reply: str) -> Message:
        """The first word of a line that an object follows; what stands in front is content."""
        text = reply.strip()
        for call in CALL.finditer(text):
            found = read_value(text, call.end())
            if found and isinstance(found[0], dict):
                content = text[: call.start()].rstrip()
                return Message("assistant", content, (Call(call["name"], found[0]),))
        return Message("assistant", text)


def _segments(conversation: Conversation) -> Iterator[Segment]:
    texts, lead = opening(conversation)
    if conversation.tools:
        schemas = [tool.to_openai()["function"] for tool in conversation.tools]
        tools = [TOOL.format(name=each["name"], schema=dumps(each)) for each in schemas]
        texts.insert(0, INTRODUCTION + "".join(tools))
    for text in texts:
        yield write(-1, SYSTEM, "\n", text)
    for turn in one_by_one(conversation, lead):
        if turn.role == "assistant":
            yield write(turn.index, ASSISTANT)
            yield _reply(turn)
        else:
            yield write(turn.index, SPEAKERS[turn.role], "\n", turn.content)


def _reply(turn: Turn) -> Segment:
    if not turn.calls:
        return Segment("\n" + turn.content, turn.index, reply=True, end=USER)
    lead = f"\n{turn.content}\n" if turn.content.strip() else ""
    pieces = (lead, *_call(turn.calls[0]))
    return write(turn.index, *pieces, reply=True, call=turn.first, end=OBSERVATION)


def _call(call: Call) -> tuple[str, ...]:
    return Name(call.name), "\n", dumps(arguments_of(call))
