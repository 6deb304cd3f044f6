"""OpenAI chat messages: {"messages": [...], "tools": [...]}.

    system, developer   content
    user                content
    assistant           content, tool_calls or both; trained, but context only with weight 0
    tool                content, tool_call_id: the result of that call of the message before it

Content is a string, null, absent, or a list of {"type": "text", "text"} parts, which are joined. A
`refusal` is the text of a reply without other content. `arguments` is a string with a JSON object.
If no call of a message has an id, its results stand in the order of the calls.

The older form is read too: "functions" in place of "tools", `function_call` in place of tool_calls,
results with the role function and, where given, the name of the called function.

A result without tool_call_id answers the only open call. A key with null counts as absent, as files
of the datasets library have every key in every record. Keys that are not named here are ignored.

Source: OpenAI API reference, chat completions and fine-tuning; https://platform.openai.com/docs
"""

from typing import Any

from tl import InputError
from tl.calls.schema import Call
from tl.data.fields import at, describe, is_trained, read_call, take, take_text
from tl.data.tool_list import merge_tools, read_tools
from tl.data.turns import Content, Turns

ROLES = "system, developer, user, assistant, tool or function"


def read_openai(record: dict[str, Any], key: str) -> Content:
    """Tools and messages of a record, whose messages are record[key]."""
    tools = []
    for name in ("tools", "functions"):
        with at(name):
            tools += read_tools(record.get(name))
    turns = Turns()
    for number, message in enumerate(record[key]):
        with at(f"{key}[{number}]"):
            _read_message(message, turns)
    with at(key):
        return merge_tools(tools), turns.finished()


def _read_message(message: Any, turns: Turns) -> None:
    role = take_text(message, "role")
    if role in ("system", "developer"):
        turns.system(_text(message))
    elif role == "user":
        turns.user(_text(message))
    elif role == "assistant":
        calls, ids = _calls(message)
        turns.assistant(_reply_text(message), calls, ids, is_trained(message))
    elif role == "tool":
        turns.result(_text(message), _optional_text(message, "tool_call_id"))
    elif role == "function":
        turns.result(_text(message), name=_optional_text(message, "name"))
    else:
        raise InputError(f"role {role!r}, expected {ROLES}")


def _text(message: dict) -> str:
    """The content as one string; absent and null are the empty text."""
    content = message.get("content")
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise InputError(f"'content' is {describe(content)}, expected a string or a list of parts")
    parts = []
    for number, part in enumerate(content):
        with at(f"content[{number}]"):
            kind = take_text(part, "type")
            if kind not in ("text", "refusal"):
                raise InputError(f"a part of type {kind!r}, expected text only; take it out")
            parts.append(take_text(part, kind))
    return "".join(parts)


def _reply_text(message: dict) -> str:
    text, refusal = _text(message), message.get("refusal")
    if not refusal:
        return text
    if text or not isinstance(refusal, str):
        raise InputError(
            f"'refusal' is {describe(refusal)} and 'content' is {describe(text)}, expected one "
            "text; keep the one to train"
        )
    return refusal


def _calls(message: dict) -> tuple[list[Call], list[str]]:
    """The calls and their ids (no ids: the results come in the order of the calls)."""
    tool_calls, function_call = message.get("tool_calls"), message.get("function_call")
    if tool_calls and function_call:
        raise InputError("both 'tool_calls' and 'function_call', expected one of them")
    if function_call:
        with at("function_call"):
            return [_function(function_call)], []
    if not isinstance(tool_calls, list | None):
        raise InputError(f"'tool_calls' is {describe(tool_calls)}, expected a list of calls")
    calls, ids = [], []
    for number, tool_call in enumerate(tool_calls or []):
        with at(f"tool_calls[{number}]"):
            kind = take(tool_call, "function", dict, "the called function")
            if tool_call.get("type") not in (None, "function"):
                raise InputError(f"'type' is {describe(tool_call['type'])}, expected 'function'")
            with at("function"):
                calls.append(_function(kind))
            ids.append(_optional_text(tool_call, "id"))
    if ids and any(ids) and not all(ids):
        raise InputError("some of the tool_calls have an id and some have none; give all an id")
    return calls, ids if any(ids) else []


def _function(value: Any) -> Call:
    take(value, "arguments", str, "a string with a JSON object; write it with json.dumps")
    return read_call(value)


def _optional_text(holder: dict, key: str) -> str | None:
    name = holder.get(key)
    if not isinstance(name, str | None) or name == "":
        raise InputError(f"{key!r} is {describe(name)}, expected a non-empty string")
    return name
