"""The model's own Jinja template, from its Hugging Face directory.

The text of a conversation is what transformers' `apply_chat_template` makes of it. Where replies
begin and end is found by rendering prefixes of the conversation:

    before   the messages in front of a reply, with the generation prompt: what the model continues
    after    the messages up to the reply: before + reply + end of turn

Both have to be beginnings of the whole text, or training would differ from inference; templates
for which they are not (Mistral's puts the tools in front of the last query) are refused with the
message at which it happens, and so is a template that leaves a message, a tool or a call out.

Families whose template takes one call per message get the calls of a parallel reply one after the
other.
"""

import os.path
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tl import InputError
from tl.calls.schema import Call, Conversation, Message, Tool
from tl.dialects.codellama import CodeLlama
from tl.dialects.hermes import Hermes
from tl.dialects.json_calls import dumps
from tl.dialects.segment import Segment
from tl.dialects.template_engine import compile_template
from tl.dialects.template_files import TEMPLATE_FILE, read_template_files
from tl.dialects.template_marks import Marks
from tl.dialects.turns import Turn, one_by_one, turns

TOOL_CALLS = "[TOOL_CALLS]"  # Mistral's, where its token is not a control token
QUESTION = Message("user", "What time is it?")


class ChatTemplate:
    """See the module docstring. InputError if the directory has no template."""

    name = "chat_template"
    bos = False
    call_sign = Hermes.call_sign

    def __init__(self, directory: str | Path):
        files = read_template_files(directory)
        source = files.tool_use or files.default
        if source is None:
            raise InputError(
                f"{directory}: has no chat template, expected {TEMPLATE_FILE} or chat_template in "
                "tokenizer_config.json; use another --dialect"
            )
        self._source = source
        self._with_tools = compile_template(source)
        self._without = compile_template(files.default or source)
        self._variables, self._controls = files.variables, files.controls
        self.ends = self._probe_ends()

    def render(self, conversation: Conversation) -> list[Segment]:
        return self._render(conversation, is_prompt=False)

    def render_prompt(self, conversation: Conversation) -> list[Segment]:
        return self._render(conversation, is_prompt=True)

    def format(self, call: Call) -> str:
        segments = self.render(_one_call(call))
        return "".join(segment.text for segment in segments if segment.reply)

    def parse(self, reply: str) -> Message:
        """Calls between Hermes tags, as JSON objects or a list of them, or as Python's calls."""
        text = reply.strip().removeprefix(TOOL_CALLS)
        message = Hermes().parse(text)
        return message if message.calls else CodeLlama().parse(text)

    def check_tools(self) -> None:
        """InputError unless the template writes tools, calls and results, and its calls can be
        read.
        """
        call = Call("get_time", {"city": "Oslo"})
        done = (Message("tool", "12:00"), Message("assistant", "It is noon."))
        asked = _one_call(call)
        self.render(Conversation("probe", asked.tools, (*asked.messages, *done)))
        if self.parse(self.format(call)).calls != (call,):
            raise InputError(f"the chat template writes calls as {self.format(call)!r}, which "
                             "cannot be read; use another --dialect")  # fmt: skip

    def _probe_ends(self) -> tuple[str, ...]:
        answered = Conversation("probe", (), (QUESTION, Message("assistant", "Noon.")))
        ends: dict[str, None] = {}
        for conversation in (_one_call(Call("get_time", {"city": "Oslo"})), answered):
            try:
                ends |= {s.end: None for s in self.render(conversation) if s.reply and s.end}
            except InputError:  # will be said about the conversation that needs it
                continue
        return tuple(ends)

    def _render(self, conversation: Conversation, is_prompt: bool) -> list[Segment]:
        steps = list(turns(conversation))
        if all(len(step.calls) < 2 for step in steps):
            return _Rendering(self, conversation, steps).segments(is_prompt)
        try:
            return _Rendering(self, conversation, steps).segments(is_prompt)
        except InputError:
            steps = list(one_by_one(conversation))
            return _Rendering(self, conversation, steps).segments(is_prompt)

    def text(self, messages: list[dict], tools: list[dict], is_prompt: bool) -> str:
        """What the template makes of messages and tools in the form of the OpenAI API."""
        render = self._with_tools if tools else self._without
        values = {"messages": messages, "tools": tools or None, "documents": None}
        return render(**values, add_generation_prompt=is_prompt, **self._variables)


class _Rendering:
    """One conversation and the marked texts that the template makes of its prefixes."""

    def __init__(self, dialect: ChatTemplate, conversation: Conversation, steps: list[Turn]):
        self.dialect, self.steps = dialect, steps
        self.marks = Marks(conversation, dialect._source, dialect._controls)
        plain = [tool.to_openai() for tool in conversation.tools]
        self.names = [self.marks.value(tool.name) for tool in conversation.tools]
        self.tools = (plain, self.marks.value(plain))

    def text(self, steps: Sequence[Turn], is_prompt: bool, marked: bool = True) -> str:
        messages = chat_messages(steps, self.marks if marked else None)
        return self.dialect.text(messages, self.tools[marked], is_prompt)

    def segments(self, is_prompt: bool) -> list[Segment]:
        whole = self.text(self.steps, is_prompt)
        if self.marks.plain(whole) != self.text(self.steps, is_prompt, marked=False):
            raise InputError("the chat template changes its text with what messages say, so that "
                             "its pieces cannot be told apart; use another --dialect")  # fmt: skip
        self._check_complete(whole)
        segments, position, first = [], 0, 0
        for place, step in enumerate(self.steps):
            if step.role != "assistant":
                continue
            before, reply, end = self._reply(place, whole)
            segments.append(self.marks.segment(whole[position : len(before)], first))
            segments += self._reply_segments(place, reply, end)
            position, first = len(before) + len(reply), step.index
        segments.append(self.marks.segment(whole[position:], first))
        return [segment for segment in segments if segment.text]

    def _reply(self, place: int, whole: str) -> tuple[str, str, str]:
        """(text in front of the reply, reply, end of turn) of step `place`."""
        before = self.text(self.steps[:place], True)
        after = self.text(self.steps[: place + 1], False)
        reply, end = self._split_end(after.removeprefix(before), place)
        if not (before and after.startswith(before) and whole.startswith(before + reply + end)):
            shared = len(os.path.commonprefix([before, after, whole]))
            raise self._error(
                place, "what the chat template writes in front of it does not stay the same: the "
                f"prompt goes on with {self._quote(before, shared)}, the whole conversation with "
                f"{self._quote(whole, shared)}"
            )  # fmt: skip
        return before, reply, end

    def _split_end(self, text: str, place: int) -> tuple[str, str]:
        """A reply without the control token behind it, and that token."""
        controls = list(self.marks.controls.finditer(text))
        if not controls or text[controls[-1].end() :].strip():
            raise self._error(place, "the chat template writes no control token behind the reply "
                              f"that ends in {self.marks.plain(text)[-40:]!r}")  # fmt: skip
        return text[: controls[-1].start()], controls[-1][0]

    def _reply_segments(self, place: int, reply: str, end: str) -> list[Segment]:
        """One for each call; calls[:n] alone tell where call n starts."""
        step = self.steps[place]
        if not step.calls:
            return [self.marks.segment(reply, step.index, reply=True, end=end)]
        cuts = [0]
        for number in range(1, len(step.calls)):
            fewer = step._replace(calls=step.calls[:number])
            text = self.text([*self.steps[:place], fewer], False)
            start = text.removeprefix(self.text(self.steps[:place], True))
            cuts.append(len(os.path.commonprefix([start, reply])))
        segments = []
        for number, (a, b) in enumerate(zip(cuts, [*cuts[1:], len(reply)], strict=True)):
            fields = {"reply": True, "call": step.first + number, "end": end}
            segments.append(self.marks.segment(reply[a:b], step.index, **fields))
        for segment, call in zip(segments, step.calls, strict=True):
            start, stop = segment.name_span or (0, 0)
            if segment.text[start:stop] != call.name:
                raise self._error(place, f"the chat template leaves the call of {call.name!r} out "
                                  "or changes its name")  # fmt: skip
        return segments

    def _check_complete(self, whole: str) -> None:
        """Every text, and every tool's name, has to occur."""
        for place, step in enumerate(self.steps):
            text = self.marks.text(step.content).strip()
            if text not in whole and _escaped(text) not in whole:
                raise self._error(place, "the chat template leaves the text "
                                  f"{step.content.strip()[:40]!r} out")  # fmt: skip
        for name in self.names:
            if name not in whole and _escaped(name) not in whole:
                raise InputError(f"the chat template leaves the tool {self.marks.plain(name)!r} "
                                 "out; use another --dialect")  # fmt: skip

    def _quote(self, text: str, start: int) -> str:
        return repr(self.marks.plain(text[start : start + 40])) if start < len(text) else "nothing"

    def _error(self, place: int, what: str) -> InputError:
        step = self.steps[place]
        return InputError(
            f"message {step.index} ({step.role}): {what}; use another --dialect or leave such "
            "records out with --on_bad_record skip"
        )


def chat_messages(steps: Sequence[Turn], marks: Marks | None) -> list[dict[str, Any]]:
    """Messages in the form of the OpenAI API, arguments as objects. Calls are counted, and named by
    nine digits, which is what Mistral's templates ask for.
    """
    text, name, value = (marks.text, marks.name, marks.value) if marks else [_same] * 3
    messages, open_calls, count = [], [], 0
    for step in steps:
        message = {"role": step.role, "content": text(step.content)}
        if step.calls:
            functions = [
                {"name": name(call.name), "arguments": value(call.arguments)} for call in step.calls
            ]
            open_calls = [f"{count + number:09d}" for number in range(len(functions))]
            count += len(functions)
            message["tool_calls"] = [
                {"type": "function", "id": call_id, "function": function}
                for call_id, function in zip(open_calls, functions, strict=True)
            ]
        elif step.role == "tool":
            message["tool_call_id"] = open_calls.pop(0)
        messages.append(message)
    return messages or [{"role": "user", "content": ""}]


def _escaped(text: str) -> str:
    """As it stands inside of a JSON string."""
    return dumps(text)[1:-1]


def _same(value: Any) -> Any:
    return value


def _one_call(call: Call) -> Conversation:
    tool = Tool(call.name, "", {"type": "object", "properties": {}, "required": []})
    return Conversation("probe", (tool,), (QUESTION, Message("assistant", calls=(call,))))
