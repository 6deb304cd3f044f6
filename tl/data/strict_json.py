"""JSON as the standard has it (RFC 8259), with what a training record cannot hold refused too.

Python's own reader lets these through: duplicate keys (the last wins), NaN and Infinity, numbers
beyond float64 (they become Infinity), half surrogate pairs (no text that could be encoded). Here
they are found and named, after the whole value was read, so that a list goes on behind a bad item.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from tl import InputError

MAX_NESTING = 100  # objects and lists inside each other; a record needs about ten
SPACE = re.compile(r"[ \t\n\r]*")
MAY_BE_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
SURROGATE = re.compile("[\ud800-\udfff]")


class Item(NamedTuple):
    """One value of a list; `defect` says why it cannot be used, the value is None then."""

    value: Any
    defect: str | None


def read_json(text: str) -> Any:
    """The value of a JSON text. InputError, without a place, says what is wrong with it."""
    start = SPACE.match(text).end()
    item, end = _read_item(text, start)
    end = SPACE.match(text, end).end()
    if end < len(text):
        raise InputError(f"more text behind the JSON value, at {_place(text, end)}")
    if item.defect:
        raise InputError(item.defect)
    return item.value


def read_json_values(text: str) -> list[Any]:
    """The values of a text with several, space between them. InputError as in `read_json`."""
    values, position = [], SPACE.match(text).end()
    while position < len(text):
        item, end = _read_item(text, position)
        if item.defect:
            raise InputError(item.defect)
        values.append(item.value)
        position = SPACE.match(text, end).end()
    return values


def read_json_list(text: str) -> Iterator[Item]:
    """The items of a text that is one JSON list. InputError where the text is broken: what stands
    behind that place cannot be told apart.
    """
    position = SPACE.match(text, 1 + text.index("[")).end()
    if text[position : position + 1] == "]":
        position += 1
    else:
        position = yield from _read_items(text, position)
    position = SPACE.match(text, position).end()
    if position < len(text):
        raise InputError(f"more text behind the JSON list, at {_place(text, position)}")


def _read_items(text: str, position: int) -> Iterator[Item]:
    while True:
        item, position = _read_item(text, position)
        yield item
        position = SPACE.match(text, position).end()
        separator = text[position : position + 1]
        position += 1
        if separator == "]":
            return position
        if separator != ",":
            raise InputError(f"broken JSON: expected ',' or ']' at {_place(text, position - 1)}")
        position = SPACE.match(text, position).end()


def _read_item(text: str, start: int) -> tuple[Item, int]:
    """The value that starts at `start`, and the place behind it."""
    defects: list[str] = []
    try:
        value, end = _decoder(defects).raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise InputError(f"broken JSON: {error.msg} at {_place(text, error.pos)}") from None
    except RecursionError:
        raise InputError(f"JSON nested deeper than {MAX_NESTING}; flatten it") from None
    _check_values(value, bool(MAY_BE_SURROGATE.search(text, start, end)), defects)
    return (Item(None, defects[0]) if defects else Item(value, None)), end


def _decoder(defects: list[str]) -> json.JSONDecoder:
    """A decoder that notes what is forbidden instead of stopping there."""

    def members(pairs: list[tuple[str, Any]]) -> dict:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            defects.append(f"the key {twice[:80]!r} stands twice in one object; keep one of them")
        return found

    def integer(digits: str) -> int:
        try:
            return int(digits)
        except ValueError:  # Python's limit against quadratic conversion
            defects.append(f"an integer of {len(digits)} digits; write it as a string")
            return 0

    def number(digits: str) -> float:
        value = float(digits)
        if value in (float("inf"), float("-inf")):
            defects.append(f"the number {digits[:40]} is beyond float64; write it as a string")
        return value

    def constant(name: str) -> None:
        defects.append(f"{name} is no JSON value; write null or a string")

    return json.JSONDecoder(
        object_pairs_hook=members, parse_int=integer, parse_float=number, parse_constant=constant
    )


def _check_values(value: Any, surrogates: bool, defects: list[str]) -> None:
    """Walk without recursion: nesting, and half surrogate pairs where the text may have some."""
    stack = [(value, 1)]
    while stack:
        value, depth = stack.pop()
        if isinstance(value, str) and surrogates and SURROGATE.search(value):
            defects.append(
                "a string has one half of a surrogate pair (\\ud800 to \\udfff), which is no text; "
                "write the whole pair or take it out"
            )
            return
        if isinstance(value, dict | list):
            if depth > MAX_NESTING:
                defects.append(f"JSON nested deeper than {MAX_NESTING}; flatten it")
                return
            inside = [*value, *value.values()] if isinstance(value, dict) else value
            stack.extend((item, depth + 1) for item in inside)


def _place(text: str, position: int) -> str:
    """`line 3 column 7: 'what stands there'`; lines count where there are several."""
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    there = repr(text[position : position + 30]) if position < len(text) else "the end of the text"
    where = f"line {line} column {column}" if line > 1 else f"column {column}"
    return f"{where}, got {there}; correct the JSON"
