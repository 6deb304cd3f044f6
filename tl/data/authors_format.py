"""The formats of the paper's authors, {"id", "conversations": [{"role", "content"}]}.

raw_data.json, one trajectory per record:
    system      the tools, a JSON list in a string
    user        text
    assistant   "<tool>\\n<arguments, a JSON object>", space around both does not count
    function    the feedback of the call right before it (finish and ask_to_user have none)

mae_data.json, one reply per record, what their mae.py makes of it:
    system      the tools as Python signatures, or nothing
    user        text
    assistant   "tool(k=<json>, ...)"; what is no call as a whole, or has values without names as
                in "Oslo (3)", is plain text
    function    feedback
Only the last reply of such a record is trained, the ones before it are context. The role names of
the authors' README (System, User, Assistant, Output) are read as well.

Source: Junjie-Ye/TL-Training at 77c875a, code/mae/mae.py and README.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tl import InputError
from tl.calls.parse import CallError, scan_call
from tl.calls.schema import Call, Tool
from tl.calls.signature import parse_tools
from tl.data.fields import at, describe, read_arguments, take_text
from tl.data.tool_list import merge_tools, read_tools
from tl.data.turns import Content, Turns

ROLES = "system, user, assistant or function"


def read_raw(record: dict[str, Any], key: str) -> Content:
    """Tools and messages of a record of raw_data.json, whose messages are record[key]."""
    return _read(record, key, read_tools, _raw_reply)


def read_mae(record: dict[str, Any], key: str) -> Content:
    """Tools and messages of a record of mae_data.json."""
    tools, messages = _read(record, key, _signatures, _mae_reply)
    replies = [n for n, message in enumerate(messages) if message.role == "assistant"]
    context = set(replies[:-1])
    return tools, tuple(
        replace(message, trained=n not in context) for n, message in enumerate(messages)
    )


def _read(
    record: dict[str, Any],
    key: str,
    tools_of: Callable[[str], tuple[Tool, ...]],
    reply_of: Callable[[str], tuple[str, list[Call]]],
) -> Content:
    tools: tuple[Tool, ...] = ()
    turns = Turns()
    for number, message in enumerate(record[key]):
        with at(f"{key}[{number}]"):
            role, content = take_text(message, "role").lower(), take_text(message, "content")
            if role == "system" and number == 0:
                tools = tools_of(content)
            elif role == "user":
                turns.user(content)
            elif role == "assistant":
                turns.assistant(*reply_of(content))
            elif role in ("function", "output"):
                turns.result(content)
            elif role == "system":
                raise InputError("a second system message, expected one, with the tools, in front")
            else:
                raise InputError(f"role {message['role']!r}, expected {ROLES}")
    with at(key):
        return tools, turns.finished()


def _raw_reply(content: str) -> tuple[str, list[Call]]:
    name, line_break, arguments = content.strip().partition("\n")
    name = name.rstrip()
    if not (name and line_break):
        raise InputError(
            f"a call reads {describe(content)}, expected '<tool>\\n<arguments as JSON>'"
        )
    with at(f"the arguments of {name!r}"):
        return "", [Call(name, read_arguments(arguments))]


def _mae_reply(content: str) -> tuple[str, list[Call]]:
    try:
        call, end = scan_call(content)
    except CallError:
        return content, []
    whole = not content[end:].strip() and not call.positional
    return ("", [call]) if whole else (content, [])


def _signatures(content: str) -> tuple[Tool, ...]:
    return merge_tools(parse_tools(content))
