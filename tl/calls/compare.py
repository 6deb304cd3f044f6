"""When a predicted call agrees with the gold one: the single definition behind the reward of
paper section 4.3 and the metrics TS, PI and CF (tool selection, parameter identification, content
filling; RoTBench, Code/Evaluation/evaluate.py at 637e43a).

    TS = tool_match        PI = names_match        CF = correct

Names are compared exactly. Values are compared exactly and with their types: True is not 1, "4" is
not 4, no case or space is ignored; an int equals the float of the same value.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tl.calls.schema import Call, Tool


@dataclass(frozen=True)
class CallDiff:
    """How a predicted call differs from the gold call.

    tool_offered: the predicted tool is in the list (False: tool hallucination).
    tool_match: it is the gold tool.
    hallucinated: predicted parameters that the called tool does not document and gold does not use.
    redundant: predicted parameters that are documented, but not used by gold.
    missing: parameters of gold that are not predicted.
    wrong: parameters of both whose values differ.

    Parameters stand in the order of their call. Between two different tools the four say little;
    ask tool_match first.
    """

    tool_offered: bool
    tool_match: bool
    hallucinated: tuple[str, ...]
    redundant: tuple[str, ...]
    missing: tuple[str, ...]
    wrong: tuple[str, ...]

    @property
    def names_match(self) -> bool:
        """The gold tool with exactly gold's parameters."""
        return self.tool_match and not (self.hallucinated or self.redundant or self.missing)

    @property
    def correct(self) -> bool:
        """Agrees in everything. Some golds of ToolAlpaca call tools that are not on offer, so this
        does not look at tool_offered.
        """
        return self.names_match and not self.wrong


def compare(predicted: Call, gold: Call, tools: Sequence[Tool]) -> CallDiff:
    """The difference between a call and the gold call, for the tools on offer."""
    documented = _documented(predicted, tools)
    given = named_arguments(predicted, documented)
    expected = named_arguments(gold, _documented(gold, tools))
    extra = [name for name in given if name not in expected]
    shared = [name for name in given if name in expected]
    return CallDiff(
        tool_offered=any(tool.name == predicted.name for tool in tools),
        tool_match=predicted.name == gold.name,
        hallucinated=tuple(name for name in extra if name not in documented),
        redundant=tuple(name for name in extra if name in documented),
        missing=tuple(name for name in expected if name not in given),
        wrong=tuple(name for name in shared if not values_equal(given[name], expected[name])),
    )


def named_arguments(call: Call, documented: Sequence[str]) -> dict[str, Any]:
    """All arguments by name; those without one take the documented names in order.

    What Python would refuse gets a name that no documentation has, and so never agrees with a gold
    call: the n-th argument without a parameter is `positional argument n`; a keyword that a
    positional argument has already filled is `name (given twice)`.
    """
    named = {}
    for number, value in enumerate(call.positional):
        known = number < len(documented)
        named[documented[number] if known else f"positional argument {number + 1}"] = value
    for name, value in call.arguments.items():
        while name in named:
            name += " (given twice)"
        named[name] = value
    return named


def values_equal(a: Any, b: Any) -> bool:
    """Whether two JSON values are the same: typed, lists and tuples alike, objects in any order.
    NaN equals NaN. Any depth.
    """
    pending = [(a, b)]
    while pending:
        a, b = pending.pop()
        if _kind(a) != _kind(b):
            return False
        if isinstance(a, dict):
            if a.keys() != b.keys():
                return False
            pending += [(a[key], b[key]) for key in a]
        elif isinstance(a, list | tuple):
            if len(a) != len(b):
                return False
            pending += zip(a, b, strict=True)
        elif a != b and not (_is_nan(a) and _is_nan(b)):
            return False
    return True


def _documented(call: Call, tools: Sequence[Tool]) -> list[str]:
    """The parameters of the called tool in order; of a tool that is listed twice, the first's."""
    return next((tool.parameter_names for tool in tools if tool.name == call.name), [])


def _kind(value: Any) -> type:
    """The JSON type, with int and float as one."""
    if isinstance(value, bool):
        return bool
    if isinstance(value, int | float):
        return float
    if isinstance(value, list | tuple):
        return list
    return dict if isinstance(value, dict) else type(value)


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)
