"""Wrong calls, one maker for each kind of error in paper Figure 3, made from a right call.

A maker proposes; the world decides: a proposal counts only if executing it gives the error that was
wanted (many a wrong value is still a value that the tool accepts).
"""

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from tl.calls.feedback import ErrorType
from tl.calls.schema import Call
from tl.world.execute import World
from tl.world.tools import TOOLS

CATEGORIES = (
    ErrorType.TOOL_HALLUCINATION,
    ErrorType.PARAMETER_HALLUCINATION,
    ErrorType.PARAMETER_MISSING,
    ErrorType.TOOL_CALL_FAILURE,
    ErrorType.TOOL_INSTABILITY,
)
# What models like to call a tool that has another name, and parameters that tools often have.
VERBS = ("find", "fetch", "query", "lookup", "list", "request")
ENDINGS = ("info", "data", "api", "v2", "by_name", "tool")
PARAMETERS = ("language", "format", "api_key", "page", "sort", "timeout", "verbose", "user_id")
NUMBER_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


class Mistake(NamedTuple):
    """A wrong call, its feedback, and how it was made."""

    call: Call
    feedback: str
    error: ErrorType
    subtype: str


def make_mistake(right: Call, error: ErrorType, world: World, rng: random.Random) -> Mistake | None:
    """A wrong call of the wanted kind that could have been meant to be `right`; None if this call
    cannot go wrong in that way (no parameter can be missing where none is required).
    """
    if error is ErrorType.TOOL_INSTABILITY:
        return Mistake(right, world.interrupt(right), error, "connection")
    proposals = list(_MAKERS[error](right, rng))
    rng.shuffle(proposals)
    for call, subtype in proposals:
        outcome = world.attempt(call)
        if outcome.error is error:
            return Mistake(call, outcome.feedback, error, subtype)
    return None


Proposals = Iterator[tuple[Call, str]]


def _wrong_names(right: Call, rng: random.Random) -> Proposals:
    verb, _, rest = right.name.partition("_")
    yield replace(right, name=f"{rng.choice(VERBS)}_{rest}"), "renamed"
    yield replace(right, name=f"{right.name}_{rng.choice(ENDINGS)}"), "renamed"
    yield replace(right, name=f"{rest}_{verb}"), "renamed"
    subject = next(iter(right.arguments), "data")
    yield replace(right, name=f"{rng.choice(VERBS)}_{subject}"), "invented"


def _extra_parameters(right: Call, rng: random.Random) -> Proposals:
    value: Any = rng.choice(("en", "json", 10, True))
    yield _with(right, rng.choice(PARAMETERS), value), "extra"
    name = rng.choice(list(right.arguments))
    for other in (f"{name}_name", f"{name}_value", f"target_{name}"):
        renamed = {other if key == name else key: v for key, v in right.arguments.items()}
        yield replace(right, arguments=renamed), "renamed"


def _dropped_parameters(right: Call, rng: random.Random) -> Proposals:
    required = [name for name in TOOLS[right.name].required if name in right.arguments]
    for name in required:
        yield _without(right, {name}), "dropped_one"
    if len(required) > 1:
        yield _without(right, set(rng.sample(required, 2))), "dropped_two"


def _wrong_values(right: Call, rng: random.Random) -> Proposals:
    for name, value in right.arguments.items():
        for wrong, how in _wrong_forms(value, rng):
            yield _with(right, name, wrong), how


def _wrong_forms(value: Any, rng: random.Random) -> Iterator[tuple[Any, str]]:
    if isinstance(value, int | float):
        yield str(value), "number_as_text"
        if 1 <= value <= len(NUMBER_WORDS):
            yield NUMBER_WORDS[int(value) - 1], "number_as_word"
        else:
            yield -value, "out_of_range"
    elif isinstance(value, str):
        place = rng.randrange(len(value))
        yield value[:place] + value[place + 1 :], "misspelt"
        yield value.upper(), "other_case"
        yield value.lower(), "other_case"
    elif isinstance(value, list):
        yield ", ".join(map(str, value)), "list_as_text"


def _with(call: Call, name: str, value: Any) -> Call:
    return replace(call, arguments=call.arguments | {name: value})


def _without(call: Call, names: set[str]) -> Call:
    kept = {name: value for name, value in call.arguments.items() if name not in names}
    return replace(call, arguments=kept)


_MAKERS = {
    ErrorType.TOOL_HALLUCINATION: _wrong_names,
    ErrorType.PARAMETER_HALLUCINATION: _extra_parameters,
    ErrorType.PARAMETER_MISSING: _dropped_parameters,
    ErrorType.TOOL_CALL_FAILURE: _wrong_values,
}
