"""What the tests of malformed training files share: small records, and the refusal of one."""

import json

import pytest

from tl import InputError
from tl.data.conversation import read_conversations

ASK = {"role": "user", "content": "Oslo?"}
END = {"role": "assistant", "content": "Rain."}
TOOL = {"type": "function", "function": {"name": "get", "parameters": {"type": "object"}}}


def openai(*messages, **beside) -> dict:
    return {"id": "a", "messages": list(messages)} | beside


def openai_call(name="get", arguments="{}", **beside) -> dict:
    return {
        "id": "1",
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    } | beside


def calling(*calls, **beside) -> dict:
    return {"role": "assistant", "tool_calls": list(calls)} | beside


def result(content="3", **beside) -> dict:
    return {"role": "tool", "tool_call_id": "1", "content": content} | beside


def authors(*turns, system=None) -> dict:
    opening = ("system", json.dumps([TOOL]) if system is None else system)
    messages = [{"role": role, "content": content} for role, content in (opening, *turns)]
    return {"id": "a", "conversations": messages}


def sharegpt(*turns, **beside) -> dict:
    return {"id": "a", "conversations": [{"from": f, "value": v} for f, v in turns]} | beside


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


CALL = '{"name": "get", "arguments": {}}'


def refusal(path) -> str:
    """The message that reading the file ends in: one line, with what is expected or to be done."""
    with pytest.raises(InputError) as raised:
        list(read_conversations(path))
    message = str(raised.value)
    assert "\n" not in message and ("; " in message or "expected" in message)
    return message


def record_refusal(tmp_path, record) -> str:
    """The same for a file with that one record; behind its place and id."""
    path = tmp_path / "bad.json"
    path.write_text(json.dumps([record]), encoding="utf-8")
    place = f"{path}:1: id 'a': "
    message = refusal(path)
    assert message.startswith(place)
    return message.removeprefix(place)
