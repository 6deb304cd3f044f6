"""How a call is written: `search(query = 'love', limit = 3)`, one line, the inverse of parsing.

The style is that of the authors' README (Junjie-Ye/TL-Training at 77c875a): spaces around `=`,
Python literals, strings in single quotes. Their mae.py writes `k="v"` instead, which neither the
key tokens nor the reward of the same repository can read.
"""

from typing import Any

from tl import InputError
from tl.calls.literals import LARGEST_INT, MAX_DIGITS, is_tool_name, is_word
from tl.calls.schema import Call

MAX_DEPTH = 100  # nesting of values in a call; the parser needs four stack frames for each


def format_call(call: Call) -> str:
    """`name(value, key = value)`. InputError for a call that no text can express."""
    if not is_tool_name(call.name):
        raise InputError(
            f"tool name {call.name!r} cannot be written as a call, expected a name without spaces, "
            "quotes, brackets, commas, '=', ';' and '`'; rename the tool"
        )
    positional = [format_value(value) for value in call.positional]
    named = [f"{_format_key(key)} = {format_value(v)}" for key, v in call.arguments.items()]
    return f"{call.name}({', '.join(positional + named)})"


def format_value(value: Any, depth: int = 1) -> str:
    """A JSON value as a Python literal on one line; NaN and Infinity as JSON writes them.

    InputError for a value that is none (bytes, sets, keys that are no strings), is nested deeper
    than MAX_DEPTH or has more than MAX_DIGITS digits.
    """
    if depth > MAX_DEPTH:
        raise InputError(f"a call argument is nested deeper than {MAX_DEPTH}; flatten it")
    if value is None or isinstance(value, bool):
        return str(value)
    if isinstance(value, str):
        return _format_string(value)
    if isinstance(value, int) and abs(value) < LARGEST_INT:
        return str(int(value))
    if isinstance(value, float):
        return _format_float(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(format_value(item, depth + 1) for item in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(_format_item(k, v, depth + 1) for k, v in value.items()) + "}"
    raise InputError(
        f"a call argument is {_describe(value)}, expected a JSON value "
        "(null, boolean, number, string, list, object)"
    )


def _format_item(key: Any, value: Any, depth: int) -> str:
    if not isinstance(key, str):
        raise InputError(f"a call argument has the object key {key!r}, expected a string")
    return f"{_format_string(key)}: {format_value(value, depth)}"


def _format_key(key: Any) -> str:
    if not isinstance(key, str) or not key:
        raise InputError(f"a call has the parameter name {key!r}, expected a non-empty string")
    return key if is_word(key) and key.isprintable() else _format_string(key)


def _format_float(value: float) -> str:
    if value != value:
        return "NaN"
    if abs(value) == float("inf"):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(float(value))


def _format_string(text: str) -> str:
    """Python's repr, always in single quotes: what is not printable (line breaks, controls, lone
    surrogates) is escaped, other non-ASCII text stays readable.
    """
    inside = repr('"' + str(text))[2:-1]  # the double quote keeps repr from changing its quotes
    return f"'{inside}'"


def _describe(value: Any) -> str:
    if isinstance(value, int):
        return f"an integer of more than {MAX_DIGITS} digits"
    return f"{type(value).__name__} {str(value)[:40]!r}"
