"""A stand-in for a library of tools that cannot be run here: it knows their documentation alone.

A call that the documentation forbids is answered with Python's own words for it, any other with a
made-up result that repeats the call. So documentation errors (DE) are those of the real library,
as far as it does what it documents; its own failures never happen, so CE counts next to nothing and
VA says only whether the model comes to an end.
"""

import json
from collections.abc import Sequence

from tl.calls.compare import named_arguments
from tl.calls.schema import Call, Tool


def simulate(tools: Sequence[Tool], call: Call) -> str:
    """The feedback of a call; of a tool that is listed twice, the first counts."""
    tool = next((tool for tool in tools if tool.name == call.name), None)
    if tool is None:
        return f"name '{call.name}' is not defined"
    return _misuse(tool, call) or _result(tool, call)


def _misuse(tool: Tool, call: Call) -> str | None:
    """What Python says where the arguments do not fit the signature, in its order of looking."""
    documented, given = tool.parameter_names, len(call.positional)
    for name in call.arguments:
        if name not in documented:
            return f"{tool.name}() got an unexpected keyword argument '{name}'"
        if name in documented[:given]:
            return f"{tool.name}() got multiple values for argument '{name}'"
    required = list(dict.fromkeys(tool.required))
    if given > len(documented):
        return _too_many(tool.name, len(required), len(documented), given)
    filled = {*documented[:given], *call.arguments}
    missing = [f"'{name}'" for name in required if name not in filled]
    if missing:
        what = f"{len(missing)} required positional argument{'s' * (len(missing) != 1)}"
        return f"{tool.name}() missing {what}: {_listed(missing)}"
    return None


def _too_many(name: str, fewest: int, most: int, given: int) -> str:
    count = str(most) if fewest == most else f"from {fewest} to {most}"
    plural = "" if fewest == most == 1 else "s"
    verb = "was" if given == 1 else "were"
    return f"{name}() takes {count} positional argument{plural} but {given} {verb} given"


def _listed(names: list[str]) -> str:
    """'a'; 'a' and 'b'; 'a', 'b', and 'c'."""
    if len(names) < 3:
        return " and ".join(names)
    return f"{', '.join(names[:-1])}, and {names[-1]}"


def _result(tool: Tool, call: Call) -> str:
    given = named_arguments(call, tool.parameter_names)
    return json.dumps({"tool": tool.name, "given": given, "result": "simulated"}, default=str)
