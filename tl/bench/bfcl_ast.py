"""BFCL's own accuracy for calls whose parameters have lists of accepted values.

Source: bfcl_eval/eval_checker/ast_eval/ast_checker.py of ShishirPatil/gorilla at 6ea57973, for
Python. All calls of a reply count: as many as gold has, in any order where several are asked for
(each gold call takes the first call left that fits). A call fits when

- it has the name, every required parameter, and no parameter that is undocumented or not accepted;
- what it leaves out accepts "", the mark of an optional parameter;
- every value has the documented type, an int being good enough for a float, and the items of a list
  theirs; or the type of the accepted values, where they stand for a variable;
- texts agree up to case, quotes and the characters ` ,./-_*^`, alone, in a list or in an object;
  lists in their order, objects up to keys that accept ""; all else is equal.

Here as there, values without a name are not looked at. Only the reading of a reply differs: a tuple
is a list, and a word without quotes is no value.
"""

import re
from collections.abc import Sequence
from typing import Any

from tl.calls.schema import Call, Tool

TYPES = {"string": str, "integer": int, "float": float, "boolean": bool, "array": list,
         "tuple": list, "dict": dict, "any": str}  # fmt: skip
OMITTED = ""  # accepted where a parameter may be left out
IGNORED = re.compile(r"[ ,./\-_*^]")

Accepted = dict[str, list]  # parameter -> accepted values


def is_correct(
    calls: Sequence[Call], answers: Sequence[dict[str, Accepted]], tools: Sequence[Tool],
    category: str,
) -> bool:  # fmt: skip
    """Whether the calls of a reply are right; see the module docstring."""
    if len(calls) != len(answers):
        return False
    left = list(calls)
    for answer in answers:
        ((name, accepted),) = answer.items()
        by_name = (tool for tool in tools if tool.name == name)
        tool = tools[0] if category == "simple" else next(by_name)
        place = next((i for i, call in enumerate(left) if _fits(call, accepted, tool)), None)
        if place is None:
            return False
        del left[place]
    return True


def _fits(call: Call, accepted: Accepted, tool: Tool) -> bool:
    given = call.arguments
    return (
        call.name == tool.name
        and all(name in given for name in tool.required)
        and all(name in tool.properties and name in accepted for name in given)
        and all(_accepts(accepted[name], given[name], tool.properties[name]) for name in given)
        and all(name in given or OMITTED in values for name, values in accepted.items())
    )


def _accepts(accepted: list, value: Any, schema: dict) -> bool:
    kind = TYPES[schema["type"]]
    items = TYPES[schema["items"]["type"]] if schema["type"] in ("array", "tuple") else None
    if schema["type"] == "float" and type(value) is int:
        value = _as_float(value)
    stands_for = _type_of(accepted)
    if type(value) is kind:
        if items is not None and not any(_items_fit(value, each, items) for each in accepted):
            return False
        is_variable = stands_for not in (None, kind)
    else:
        is_variable = type(value) is stands_for
        if not is_variable:
            return False
    if is_variable or kind not in (str, list, dict):
        return value in accepted
    if kind is str:
        return _plain(value) in _plain_texts(accepted)
    if kind is dict:
        return any(_object_fits(value, each) for each in accepted)
    if items is dict:
        return any(_objects_fit(value, each) for each in accepted)
    return [_plain(item) for item in value] in [[_plain(i) for i in each] for each in accepted]


def _type_of(accepted: list) -> type | None:
    return next((type(value) for value in accepted if value != OMITTED), None)


def _items_fit(values: list, accepted: Any, kind: type) -> bool:
    """One level deep; an accepted value that is no list lets any items pass."""
    if not isinstance(accepted, list):
        return True
    return all(type(value) in (kind, _type_of(accepted)) for value in values)


def _object_fits(value: Any, accepted: Any) -> bool:
    """accepted: {key: accepted values}."""
    if accepted == OMITTED or not isinstance(value, dict):
        return False
    return all(
        key in accepted and _plain(value[key]) in map(_plain, accepted[key]) for key in value
    ) and all(key in value or OMITTED in accepted[key] for key in accepted)


def _objects_fit(values: list, accepted: Any) -> bool:
    return len(values) == len(accepted) and all(map(_object_fits, values, accepted))


def _plain(value: Any) -> Any:
    """A text as it is compared; other values as they are."""
    if not isinstance(value, str):
        return value
    return IGNORED.sub("", value).lower().replace("'", '"')


def _plain_texts(accepted: list) -> list[str]:
    return [_plain(value) for value in accepted if isinstance(value, str)]


def _as_float(value: int) -> float | int:
    try:
        return float(value)
    except OverflowError:
        return value
