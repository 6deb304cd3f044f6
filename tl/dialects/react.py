r"""Two dialects of the ReAct family: a thought, an action, its input as JSON.

    react: ToolLLaMA-2 (paper, Table 6)                qwen_react: Qwen-2-Instruct (Table 9)

    User: Can you fetch some advice?                   Question: Can you fetch some advice?
    Assistant: Thought: I need a tool.                 Thought: I need a tool.
    Action: random_advice                              Action: random_advice
    Action Input: {}                                   Action Input: {}
    Function: {"slip": {"id": 52}}                     Observation: {"slip": {"id": 52}}
    Assistant:                                         Thought: I now know the final answer
                                                       Final Answer: ...

Sources: the prompts, typing errors included, are those of the paper's tables; `Function:` is the
role of results in ToolBench's conversations. In Qwen's format the whole exchange is one turn of the
assistant (examples/react_prompt.md of QwenLM/Qwen). As Table 9 prints it, nothing closes the
question before the assistant's turn starts.

One reply makes one call; the calls of a parallel reply follow one after the other. Read as RoTBench
reads it: the first action counts.
"""

import re
from collections.abc import Iterator

from tl.calls.schema import Call, Conversation, Message, Tool
from tl.dialects.json_calls import arguments_of, dumps, read_value
from tl.dialects.segment import Control, Name, Segment, write
from tl.dialects.turns import Turn, one_by_one, opening

ACTION = re.compile(
    r"^[ \t]*Action:[ \t]*(?P<name>[^\n]*?)[ \t]*\n?[ \t]*Action Input:[ \t]*", re.MULTILINE
)
CALL_SIGN = re.compile(r"^[ \t]*Action(?: Input)?:", re.MULTILINE)
FINAL = "Thought: I now know the final answer\nFinal Answer: "

TOOLLLAMA = """You are AutoGPT, you can use many tools(functions) to do the following task.
First I will give you the task description, and your task start.
At each step, you need to give your thought to analyze the status now and what to do next, with a \
function call to actually excute your step. Your output should follow this format:
Thought:
Action
Action Input:

After the call, you will get the call result, and you are now in a new state.
Then you will analyze your status now, then decide what to do next...
After many (Thought-call) pairs, you finally perform the task, then you can give your finial answer.
Remember:
1.the state change is irreversible, you can't go back to one of the former state, if you want to \
restart the task, say I give up and restart.
2.All the thought is short, at most in 5 sentence.
3.You can do more then one trys, so if your plan is to continusly try some conditions, you can do \
one of the conditions per try.
Let's Begin!
Task description: You should use functions to help handle the real time user querys. Remember:
1.ALWAYS call Finishfunction at the end of the task. And the final answer should contain enough \
information to show to the user.If you can't handle the task, or you find that function calls \
always fail(the function is not valid now), use function Finish->give_up_and_restart.
2.Do not use origin tool names, use only subfunctions' names.

Specifically, you have access to the following APIs: """

QWEN = """Answer the following questions as best you can. You have access to the following tools:

{tools}

Use the following format:

Question: the input question you must answer
Thought: you should always think about what to do
Action: the action to take, should be one of [{names}]
Action Input: the input to the action
Observation: the result of the action
... (this Thought/Action/Action Input/Observation can be repeated zero or more times)
Thought: I now know the final answer
Final Answer: the final answer to the original input question

Begin!

"""
QWEN_TOOL = (
    "{name}: Call this tool to interact with the {name} API. What is the {name} API useful for? "
    "{description} Parameters: {parameters} Format the arguments as a JSON object."
)
START, END = Control("<|im_start|>"), Control("<|im_end|>")


class React:
    """ToolLLaMA's; see the module docstring."""

    name = "react"
    ends = ()
    bos = True
    call_sign = CALL_SIGN
    headers = {"system": "System:", "user": "User:", "assistant": "Assistant:", "tool": "Function:"}

    def render(self, conversation: Conversation) -> list[Segment]:
        return list(self._lines(conversation))

    def render_prompt(self, conversation: Conversation) -> list[Segment]:
        lines = list(self._lines(conversation))
        header = ("\n" if lines else "") + self.headers["assistant"]
        return [*lines, Segment(header, len(conversation.messages))]

    def format(self, call: Call) -> str:
        return "".join(_action(call))

    def parse(self, reply: str) -> Message:
        return _parse(reply)

    def _lines(self, conversation: Conversation) -> Iterator[Segment]:
        texts, lead = opening(conversation)
        if conversation.tools:
            tools = dumps([tool.to_openai() for tool in conversation.tools])
            texts.append(TOOLLLAMA + tools + "\n")
        before = ""
        if texts:
            yield Segment("System:\n" + "\n\n".join(texts), -1)
            before = "\n"
        for turn in one_by_one(conversation, lead):
            yield Segment(before + self.headers[turn.role], turn.index)
            yield _reply(turn, " ") if turn.role == "assistant" else Segment(
                " " + turn.content, turn.index
            )
            before = "\n"


class QwenReact:
    """Qwen-2's; see the module docstring."""

    name = "qwen_react"
    ends = (END,)
    bos = True
    call_sign = CALL_SIGN

    def render(self, conversation: Conversation) -> list[Segment]:
        return self._segments(conversation)

    def render_prompt(self, conversation: Conversation) -> list[Segment]:
        turn = Turn(len(conversation.messages), "assistant", "")
        return [s for s in self._segments(conversation, turn) if s.text or not s.reply]

    def format(self, call: Call) -> str:
        return "".join(_action(call))

    def parse(self, reply: str) -> Message:
        """Text behind `Observation:` is the model's own invention."""
        return _parse(reply.split("\nObservation:")[0])

    def _segments(self, conversation: Conversation, *more: Turn) -> list[Segment]:
        texts, lead = opening(conversation)
        said = "\n\n".join(texts) or "You are a helpful assistant."
        segments = [write(-1, START, "system\n", said, END, "\n")]
        task = _qwen_task(conversation.tools)
        speaker = "system"
        for turn in (*one_by_one(conversation, lead), *more):
            segments += _qwen_change(turn, speaker, task)
            if turn.role == "user":
                task = ""
            speaker = turn.role
            if turn.role == "assistant":
                task, final = "", "" if turn in more or turn.calls else FINAL
                segments.append(_reply(turn, final, END))
        return segments


def _qwen_change(turn: Turn, speaker: str, task: str) -> Iterator[Segment]:
    """What stands in front of a reply, or a whole turn of somebody else. task: the tools, where
    nobody has told them yet. speaker: the role of the turn before.
    """
    close = (END, "\n") if speaker in ("assistant", "tool") else ()
    if turn.role == "assistant":
        if task:
            yield write(-1, START, "user\n", task)
        if speaker not in ("assistant", "tool"):
            yield write(turn.index, START, "assistant\n")
        elif speaker == "assistant":
            yield write(turn.index, END, "\n", START, "assistant\n")
    elif turn.role == "tool":
        yield write(turn.index, "\nObservation: ", turn.content, "\n")
    elif turn.role == "user":
        question = task + "Question: " + turn.content
        yield write(turn.index, *close, START, "user\n", question)
    else:
        yield write(turn.index, *close, START, "system\n", turn.content, END, "\n")


def _qwen_task(tools: tuple[Tool, ...]) -> str:
    if not tools:
        return ""
    texts = []
    for tool in tools:
        parameters = [
            {"name": name, "required": name in tool.required, "schema": schema}
            for name, schema in tool.properties.items()
        ]
        facts = {"name": tool.name, "description": tool.description}
        texts.append(QWEN_TOOL.format(parameters=dumps(parameters), **facts))
    names = ",".join(tool.name for tool in tools)
    return QWEN.format(tools="\n\n".join(texts), names=names)


def _reply(turn: Turn, lead: str, end: str | None = None) -> Segment:
    """lead: what stands in front of the reply's first word."""
    if not turn.calls:
        return Segment(lead + turn.content, turn.index, reply=True, end=end)
    (call,) = turn.calls
    thought = f"Thought: {turn.content}\n" if turn.content.strip() else "Thought:\n"
    action = _action(call)
    return write(turn.index, lead, thought, *action, reply=True, call=turn.first, end=end)


def _action(call: Call) -> tuple[str, ...]:
    return "Action: ", Name(call.name), "\nAction Input: ", dumps(arguments_of(call))


def _parse(reply: str) -> Message:
    text = reply.strip()
    action = ACTION.search(text)
    found = read_value(text, action.end()) if action else None
    if found is None or not isinstance(found[0], dict) or not action["name"]:
        return Message("assistant", text.removeprefix(FINAL))
    thought = text[: action.start()].strip().removeprefix("Thought:").strip()
    return Message("assistant", thought, (Call(action["name"], found[0]),))
