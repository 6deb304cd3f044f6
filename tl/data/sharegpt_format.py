"""ShareGPT with function calls: {"conversations": [{"from", "value"}], "tools", "system"}.

    from                                        value
    system                                      text
    human, user                                 text
    gpt, assistant, model                       the reply; weight 0 beside it: context only
    function_call, function-call, tool_call     {"name", "arguments"} as JSON, or a list of such
                                                calls; <think>...</think> in front of it is text
    observation, tool, tool_response,           the result of the next call
    function-response, function_response

- A function_call directly behind a gpt message or another function_call belongs to the same reply.
- The results of parallel calls are as many observations, or one that is a JSON list of as many.
- "tools" is a list of schemas or that list's JSON text; "system" a system message in front.

Hermes records say the same inside the text: `<tool_call>{...}</tool_call>` in a reply, behind its
text; `<tool_response>...</tool_response>` in a result, one per call; where the record has no
"tools", the system text has the schemas between <tools> and </tools> (tags around prose are prose).
That text stays as it is. Calls and schemas may also be Python literals, as repr writes them.

Sources: hiyouga/LLaMA-Factory at 015ff25, data/README.md and data/glaive_toolcall_en_demo.json;
NousResearch/hermes-function-calling-v1; hypervariance/function-calling-sharegpt (its role names).
"""

import json
import re
from typing import Any

from tl import InputError
from tl.calls.parse import CallError, scan_value
from tl.calls.schema import Call, Tool
from tl.data.fields import at, describe, is_trained, read_call, take_text
from tl.data.strict_json import read_json, read_json_values
from tl.data.tool_list import read_tools
from tl.data.turns import Content, Turns

SPEAKERS = {
    "system": "system",
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "model": "assistant",
    "function_call": "call",
    "function-call": "call",
    "tool_call": "call",
    "observation": "result",
    "tool": "result",
    "tool_response": "result",
    "function-response": "result",
    "function_response": "result",
}
THOUGHT = re.compile(r"\s*(<think>.*?</think>)?(.*)", re.DOTALL)
TAGS = {  # the closing tag of what Hermes writes inside the text, and how it opens
    "</tool_call>": re.compile("<tool_call>"),
    "</tool_response>": re.compile("<tool_response>"),
    "</tools>": re.compile(r"<tools>\s*(?=[\[{])"),
}
PYTHON_OBJECT = re.compile(r"\s*(\[\s*)?\{\s*'")  # how no JSON text starts
CALLS_AS_TEXT = ("<functioncall>", "<function_calls>", "<tool_call>", "</tool_call>")


def read_sharegpt(record: dict[str, Any], key: str) -> Content:
    """Tools and messages of a record, whose messages are record[key]."""
    messages = record[key]
    speakers = []
    for number, message in enumerate(messages):
        with at(f"{key}[{number}]"):
            speakers.append(_speaker(message))
    turns = Turns()
    system = _system(record, messages[0]["value"] if speakers[0] == "system" else "")
    if system and speakers[0] != "system":
        turns.system(system)
    reply = _Reply()
    around = [None, *speakers, None]
    for number, (message, speaker) in enumerate(zip(messages, speakers, strict=True)):
        before, following = around[number], around[number + 2]
        with at(f"{key}[{number}]"):
            if speaker in ("assistant", "call"):
                reply.add(message, speaker)
                if following != "call":
                    turns.assistant(reply.text, reply.calls, trained=reply.trained)
                    reply = _Reply()
            elif speaker == "result":
                alone = "result" not in (before, following)
                for result in _results(message["value"], turns.open_calls if alone else 1):
                    turns.result(result)
            elif speaker == "user":
                turns.user(message["value"])
            else:
                turns.system(message["value"])
    with at(key):
        return _tools(record, system), turns.finished()


class _Reply:
    """What one or several messages in a row say as one reply of the assistant."""

    def __init__(self):
        self.text = ""
        self.calls: list[Call] = []
        self.trained = True

    def add(self, message: dict, speaker: str) -> None:
        text, calls = (_text_and_call if speaker == "call" else _tagged_calls)(message["value"])
        self.text += text
        self.calls += calls
        self.trained &= is_trained(message)


def _speaker(message: Any) -> str:
    name = take_text(message, "from")
    take_text(message, "value")
    if name not in SPEAKERS:
        raise InputError(f"from {name!r}, expected one of {', '.join(SPEAKERS)}")
    return SPEAKERS[name]


def _text_and_call(value: str) -> tuple[str, list[Call]]:
    """The value of a function_call message."""
    thought, calls = THOUGHT.fullmatch(value).groups()
    value = read_json(calls)
    return thought or "", _calls(value if isinstance(value, list) else [value])


def _tagged_calls(value: str) -> tuple[str, list[Call]]:
    """The value of a gpt message: text, then perhaps Hermes calls."""
    tagged, (text, *behind) = _tagged(value, "</tool_call>")
    calls = [call for inside in tagged for call in _calls(_values(inside))]
    left = next((tag for tag in CALLS_AS_TEXT if tag in "".join([text, *behind])), None)
    if left:
        raise InputError(
            f"the text has {left} in it, expected a call as a function_call message, or as a JSON "
            "object between <tool_call> and </tool_call>; convert it"
        )
    if rest := "".join(behind).strip():
        raise InputError(
            f"{describe(rest)} behind a call, expected text in front of calls only; move it"
        )
    return (text.rstrip() if calls else text), calls


def _tagged(text: str, closing: str) -> tuple[list[str], list[str]]:
    """What stands between the tags, each time; and the text around, which is one piece more."""
    inside, around = [], [""]
    *closed, end = text.split(closing)
    for part in closed:
        opening = TAGS[closing].search(part)
        if opening:
            around[-1] += part[: opening.start()]
            inside.append(part[opening.end() :])
            around.append("")
        else:
            around[-1] += part + closing
    around[-1] += end
    return inside, around


def _values(text: str) -> list[Any]:
    """The JSON values between two Hermes tags, one list of them or one behind the other; or the
    same with Python's quotes.
    """
    values = _python_values(text) if PYTHON_OBJECT.match(text) else read_json_values(text)
    return values[0] if len(values) == 1 and isinstance(values[0], list) else values


def _python_values(text: str) -> list[Any]:
    values, position = [], 0
    try:
        while position < len(text):
            value, position = scan_value(text, position)
            values.append(value)
    except CallError as error:
        raise InputError(f"{error}, expected objects as in JSON; correct it") from None
    return read_json(json.dumps(values))  # what JSON cannot hold is refused here too


def _calls(listed: list[Any]) -> list[Call]:
    if not listed:
        raise InputError("an empty list of calls, expected at least one")
    calls = []
    for number, item in enumerate(listed):
        with at(f"call {number}"):
            calls.append(read_call(item))
    return calls


def _results(value: str, calls: int) -> list[str]:
    """What one message says about so many calls: Hermes tags, a JSON list if there are several, or
    the text itself.
    """
    tagged, around = _tagged(value, "</tool_response>")
    if tagged:
        if rest := "".join(around).strip():
            raise InputError(
                f"{describe(rest)} beside <tool_response>, expected nothing else; take it out"
            )
        return [inside.strip() for inside in tagged]
    if calls < 2:
        return [value]
    with at(f"one result for {calls} calls"):
        listed = read_json(value)
        if not isinstance(listed, list) or len(listed) != calls:
            raise InputError(
                f"{describe(listed)}, expected a JSON list of {calls} results, or one message for "
                "each"
            )
    return [
        item if isinstance(item, str) else json.dumps(item, ensure_ascii=False) for item in listed
    ]


def _system(record: dict, opening: str) -> str:
    """The system text: the first message, or the record's "system"; InputError if they differ."""
    beside = record.get("system") or ""
    if not isinstance(beside, str):
        raise InputError(f"'system' is {describe(beside)}, expected a string")
    if beside and opening and beside != opening:
        raise InputError("'system' and the first message are two system texts; keep one of them")
    return opening or beside


def _tools(record: dict, system: str) -> tuple[Tool, ...]:
    with at("tools"):
        declared = read_tools(record.get("tools"))
    if declared:
        return declared
    tagged, _ = _tagged(system, "</tools>")
    with at("<tools> of the system text"):
        return read_tools([tool for inside in tagged for tool in _values(inside)])
