"""Fields of a record: taken out with their type checked, errors named by the path to the field."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tl import InputError
from tl.calls.schema import Call
from tl.data.strict_json import read_json


@contextmanager
def at(place: str) -> Iterator[None]:
    """Put a place in front of the message of an InputError that is raised inside."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{place}: {error}") from None


def describe(value: Any) -> str:
    """A value in an error message: its JSON type, and the value itself where it is short."""
    if isinstance(value, str):
        return f"the string {value[:60]!r}" + ("..." if len(value) > 60 else "")
    if isinstance(value, dict):
        return f"an object with the keys {list(value)[:8]}" if value else "an empty object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    words = {None: "null", True: "true", False: "false"}
    if value is None or isinstance(value, bool):
        return words[value]
    return f"the number {str(value)[:40]}"


def take(holder: Any, key: str, kind: type, expected: str) -> Any:
    """holder[key], of the given type; InputError if it is absent or of another type."""
    if not isinstance(holder, dict):
        raise InputError(f"{describe(holder)}, expected an object")
    if key not in holder:
        raise InputError(f"no {key!r} among the keys {list(holder)[:8]}, expected {expected}")
    value = holder[key]
    if not isinstance(value, kind):
        raise InputError(f"{key!r} is {describe(value)}, expected {expected}")
    return value


def take_text(holder: Any, key: str) -> str:
    return take(holder, key, str, "a string")


def read_arguments(text: str) -> dict[str, Any]:
    """The arguments of a call, written as a JSON object in a string."""
    value = read_json(text)
    if not isinstance(value, dict):
        raise InputError(f"{describe(value)}, expected a JSON object of arguments")
    return value


def read_call(value: Any) -> Call:
    """{"name": ..., "arguments": {...}}; the arguments may also be that object's JSON text."""
    name = take_text(value, "name")
    if not name:
        raise InputError("'name' is empty, expected the name of the called tool")
    arguments = take(value, "arguments", dict | str, "an object of arguments")
    if isinstance(arguments, str):
        with at("'arguments'"):
            arguments = read_arguments(arguments)
    return Call(name, arguments)


def is_trained(message: dict) -> bool:
    """`weight` of an assistant message: 0 is context only, 1 (as without it) is trained."""
    weight = message.get("weight")
    if weight is None:
        return True
    if not isinstance(weight, int | float) or weight not in (0, 1):
        raise InputError(f"'weight' is {describe(weight)}, expected 0 (context) or 1 (trained)")
    return bool(weight)
