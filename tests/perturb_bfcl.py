"""Questions in the form of BFCL's, made at random, and replies to them: right ones and ones that are
perturbed in one or two ways. `make_bfcl_goldens.py` has had them judged by BFCL's own checker.
"""

import copy
import random
from typing import Any, NamedTuple

SCALARS = ("string", "integer", "float", "boolean", "any")
NAMES = ("city", "day", "count", "unit", "price", "flag", "items", "point", "options")
TEXTS = ("New York, NY", "new york ny", "NYC", "it's", 'it"s', "a_b-c", "A.B/C", "x^2", "", "Paris", "7")
KEYS = ("k", "name", "n")
OMITTED = ""


class Reply(NamedTuple):
    """functions: as in the question files. answers: as in possible_answer. calls: of the reply,
    [{name: {parameter: value}}].
    """

    category: str
    functions: list[dict[str, Any]]
    answers: list[dict[str, dict[str, list]]]
    calls: list[dict[str, dict[str, Any]]]


def replies(number: int, seed: int) -> list[Reply]:
    """Each category in turn; the same for the same arguments, whatever else was drawn."""
    categories = ("simple", "multiple", "parallel", "parallel_multiple")
    return [_reply(random.Random(f"{seed}/{i}"), categories[i % 4]) for i in range(number)]


def _reply(draw: random.Random, category: str) -> Reply:
    several = 1 if category in ("simple", "parallel") else draw.randint(2, 3)
    functions = [_function(draw, f"f{i}") for i in range(several)]
    gold = draw.randint(2, 3) if "parallel" in category else 1
    asked = [draw.choice(functions) for _ in range(gold)]
    if category == "multiple":
        functions.sort(key=lambda each: each is not asked[0])
    answers = [{each["name"]: _accepted(draw, each)} for each in asked]
    calls = [{name: _given(draw, accepted)} for answer in answers for name, accepted in answer.items()]
    for _ in range(draw.choice((0, 1, 1, 2))):
        draw.choice((_calls_changed, _value_changed, _value_changed, _parameters_changed))(draw, calls)
    return Reply(category, functions, answers, calls)


def _function(draw: random.Random, name: str) -> dict[str, Any]:
    chosen = draw.sample(NAMES, draw.randint(1, 4))
    properties = {each: _schema(draw) for each in chosen}
    required = [each for each in chosen if draw.random() < 0.6]
    parameters = {"type": "dict", "properties": properties, "required": required}
    return {"name": name, "description": "", "parameters": parameters}


def _schema(draw: random.Random) -> dict[str, Any]:
    kind = draw.choice((*SCALARS[:4], *SCALARS, "array", "array", "tuple", "dict"))
    if kind in ("array", "tuple"):
        return {"type": kind, "items": {"type": draw.choice((*SCALARS[:4], "dict"))}}
    return {"type": kind}


def _value(draw: random.Random, schema: dict[str, Any]) -> Any:
    """An accepted value of the documented type; in an object every key has its accepted values."""
    kind = schema["type"]
    if kind in ("array", "tuple"):
        return [_value(draw, schema["items"]) for _ in range(draw.randint(0, 3))]
    if kind == "dict":
        keys = draw.sample(KEYS, draw.randint(1, 3))
        return {key: _several(draw, {"type": draw.choice(SCALARS[:4])}) for key in keys}
    return {"string": lambda: draw.choice(TEXTS), "any": lambda: draw.choice(TEXTS),
            "integer": lambda: draw.randint(-2, 3), "boolean": lambda: draw.random() < 0.5,
            "float": lambda: draw.choice((0.5, 1.0, 2.0, -1.5))}[kind]()  # fmt: skip


def _several(draw: random.Random, schema: dict[str, Any]) -> list:
    """Accepted values: some of another type than is documented, which stand for a variable."""
    if draw.random() < 0.1:
        schema = {"type": draw.choice(SCALARS)}
    values = [_value(draw, schema) for _ in range(draw.randint(1, 2))]
    return values + [OMITTED] * (draw.random() < 0.4)


def _accepted(draw: random.Random, function: dict[str, Any]) -> dict[str, list]:
    properties = function["parameters"]["properties"]
    return {name: _several(draw, schema) for name, schema in properties.items()}


def _given(draw: random.Random, accepted: dict[str, list]) -> dict[str, Any]:
    """What a model would have to say: one accepted value of each, optional ones now and then."""
    return {
        name: _plain(draw, draw.choice(values))
        for name, values in accepted.items()
        if OMITTED not in values or draw.random() < 0.6
    }


def _plain(draw: random.Random, value: Any) -> Any:
    """An accepted value as a value: of an object's keys one of theirs, or none where they may go."""
    if isinstance(value, list):
        return [_plain(draw, each) for each in value]
    if isinstance(value, dict):
        return {key: draw.choice(of) for key, of in value.items()
                if OMITTED not in of or draw.random() < 0.7}  # fmt: skip
    return copy.deepcopy(value)


def _calls_changed(draw: random.Random, calls: list[dict]) -> None:
    how = draw.choice(("drop", "twice", "shuffle", "rename", "extra"))
    if how == "drop" and calls:
        calls.pop(draw.randrange(len(calls)))
    elif how == "twice" and calls:
        calls.append(copy.deepcopy(draw.choice(calls)))
    elif how == "shuffle":
        draw.shuffle(calls)
    elif how == "rename" and calls:
        place = draw.randrange(len(calls))
        (given,) = calls[place].values()
        calls[place] = {draw.choice(("f0", "f1", "F0", "g")): given}
    elif how == "extra":
        calls.append({"f0": {}})


def _parameters_changed(draw: random.Random, calls: list[dict]) -> None:
    for call in calls[:1]:
        (given,) = call.values()
        if given and draw.random() < 0.5:
            given.pop(draw.choice(list(given)))
        else:
            given[draw.choice((*NAMES, "City", "x"))] = draw.choice((1, "a", [], {}))


def _value_changed(draw: random.Random, calls: list[dict]) -> None:
    filled = [given for call in calls for given in call.values() if given]
    if filled:
        given = draw.choice(filled)
        name = draw.choice(list(given))
        given[name] = _changed(draw, given[name])


def _changed(draw: random.Random, value: Any) -> Any:
    if isinstance(value, list) and value and draw.random() < 0.8:
        how = draw.randrange(4)
        if how == 0:
            return value[::-1]
        if how == 1:
            return value[:-1]
        if how == 2:
            return [*value, copy.deepcopy(value[0])]
        return [_changed(draw, value[0]), *value[1:]]
    if isinstance(value, dict) and value and draw.random() < 0.8:
        key = draw.choice(list(value))
        how = draw.randrange(3)
        if how == 0:
            return {k: v for k, v in value.items() if k != key}
        return value | ({"other": 1} if how == 1 else {key: _changed(draw, value[key])})
    if isinstance(value, str) and draw.random() < 0.7:
        return draw.choice((value.upper(), value.replace(" ", "_"), f"{value}.", f" {value}",
                            value.replace("'", '"'), f"{value}s"))  # fmt: skip
    if isinstance(value, bool):
        return draw.choice((int(value), not value, str(value)))
    if isinstance(value, int | float) and draw.random() < 0.7:
        return draw.choice((float(value), int(value), str(value), value + 1, bool(value)))
    return draw.choice(("a", 1, 1.0, True, None, [], {}, ["a"], {"k": "v"}, "1"))
