"""Calls as JSON objects, as most model families write them, and back.

    {"name": "get_weather", "arguments": {"city": "Oslo"}}

Read with some tolerance, because models vary: `parameters` for `arguments`, arguments as a JSON
text inside a string (the OpenAI API), the object inside of `function`, Python's quotes and
constants. Nothing is executed, and nothing is guessed: what lacks a name or arguments, or has
arguments that are no object, is no call.
"""

import json
import re
from typing import Any

from tl import InputError
from tl.calls.parse import CallError, scan_value
from tl.calls.schema import Call
from tl.calls.write import MAX_DEPTH

ARGUMENT_KEYS = ("arguments", "parameters")
LONE = re.compile("[\ud800-\udfff]")  # half a surrogate pair, which no tokenizer can encode


def dumps(value: Any, **style) -> str:
    """JSON that every tokenizer can encode; non-ASCII text stays readable. style: of json.dumps.

    InputError for a value that JSON cannot express.
    """
    try:
        text = json.dumps(value, **{"ensure_ascii": False} | style)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(
            f"a value cannot be written as JSON ({error}), expected null, booleans, numbers, "
            "strings, lists and objects"
        ) from None
    return LONE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def arguments_of(call: Call) -> dict[str, Any]:
    """InputError for values without a name: JSON calls have none."""
    if call.positional:
        raise InputError(
            f"the call of {call.name!r} has values without a name, which this dialect cannot "
            "write; name them"
        )
    return call.arguments


def read_value(text: str, start: int = 0) -> tuple[Any, int] | None:
    """The JSON (or Python) value that stands at `start` and the place behind it; None where there
    is none.
    """
    while start < len(text) and text[start].isspace():
        start += 1
    try:
        return _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        pass
    try:
        return scan_value(text, start)
    except CallError:
        return None


def call_in(value: Any) -> Call | None:
    """The call that a JSON value describes."""
    if not isinstance(value, dict):
        return None
    if isinstance(value.get("function"), dict):
        value = value["function"]
    name, given = value.get("name"), [value[key] for key in ARGUMENT_KEYS if key in value]
    if not isinstance(name, str) or not name.strip() or len(given) != 1:
        return None
    (arguments,) = given
    if isinstance(arguments, str):
        inner = read_value(arguments)
        arguments = inner[0] if inner and not arguments[inner[1] :].strip() else arguments
    if not isinstance(arguments, dict) or _depth(arguments) > MAX_DEPTH:
        return None
    return Call(name, arguments)


def calls_in(value: Any) -> tuple[Call, ...]:
    """The calls of one object, of a list of them, or under `tool_calls`; none unless all are."""
    if isinstance(value, dict) and isinstance(value.get("tool_calls"), list):
        value = value["tool_calls"]
    found = [call_in(each) for each in (value if isinstance(value, list) else [value])]
    return tuple(found) if found and None not in found else ()


def find_calls(text: str) -> tuple[str, tuple[Call, ...]]:
    """(text in front, calls) of the first JSON value that starts a line and makes calls, and of
    those that follow it, each perhaps behind a `;` or a `,`.
    """
    for start in _LINE_START.finditer(text):
        found = read_value(text, start.end())
        if not found or not calls_in(found[0]):
            continue
        calls: tuple[Call, ...] = ()
        while found and calls_in(found[0]):
            calls += calls_in(found[0])
            found = read_value(text, _BETWEEN.match(text, found[1]).end())
        return text[: start.start()].rstrip(), calls
    return text, ()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A key that is given twice is an error: one of its values would be lost."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is given twice")
    return found


def _depth(value: Any) -> int:
    """Levels of nesting; MAX_DEPTH + 1 stands for everything deeper."""
    level, depth = [value], 0
    while level and depth <= MAX_DEPTH:
        inner = [each for each in level if isinstance(each, dict | list)]
        level = [v for each in inner for v in (each.values() if isinstance(each, dict) else each)]
        depth += bool(inner)
    return depth


_DECODER = json.JSONDecoder(object_pairs_hook=_unique)
_LINE_START = re.compile(r"^[ \t]*(?=[\[{])", re.MULTILINE)
_BETWEEN = re.compile(r"[\s;,]*")
