"""World: runs a call on the world's Python functions and gives the feedback text.

A call is bound and executed for real, so that a wrong one gets Python's own words:

    name 'find_flights' is not defined
    search_flights() got an unexpected keyword argument 'city'
    search_flights() missing 1 required positional argument: 'date'
    '<=' not supported between instances of 'int' and 'str'
    {"error": "Unknown city: 'Atlantis'."}                            an error of the tool's domain
    HTTPSConnectionPool(host='api.travel.example', port=443): Max retries exceeded with url: ...
"""

import copy
import inspect
import json
import random
import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple
from urllib.parse import urlencode

from tl import InputError
from tl.calls.feedback import ErrorType
from tl.calls.schema import Call
from tl.world.tools import ALWAYS, FAMILY_OF, FUNCTIONS

# CPython from 3.13 on adds a guess to some messages; feedback must not depend on the version.
GUESS = re.compile(r"\.? Did you mean:? '[^']*'\?\Z")

CAUSES = (
    'NewConnectionError("HTTPSConnection({pool}): Failed to establish a new connection: '
    '[Errno 111] Connection refused")',
    "NameResolutionError(\"HTTPSConnection({pool}): Failed to resolve '{host}' "
    '([Errno -3] Temporary failure in name resolution)")',
    'ReadTimeoutError("HTTPSConnectionPool({pool}): Read timed out. (read timeout=10)")',
)


class Outcome(NamedTuple):
    """feedback: the text. error: what went wrong, known from the execution itself, not from the
    text.
    """

    feedback: str
    error: ErrorType | None


class World:
    """One episode: the tools on offer and the state of the network.

    tools: names of the tools on offer; all by default. InputError for an unknown name.
    functions: what the names stand for; the world's own by default.
    instability: probability that a call does not reach its tool. A call that was lost gets through
        when it is repeated. `seed` fixes which calls are lost.
    """

    def __init__(
        self,
        seed: int = 0,
        *,
        tools: Iterable[str] | None = None,
        functions: Mapping[str, Callable] = FUNCTIONS,
        instability: float = 0.0,
    ):
        names = list(functions if tools is None else tools)
        if foreign := [name for name in names if name not in functions]:
            raise InputError(f"tool {foreign[0]!r} is not one of {', '.join(sorted(functions))}")
        self._functions = {name: functions[name] for name in names}
        self._instability = instability
        self._random = random.Random(f"world {seed}")
        self._lost: set[str] = set()

    def execute(self, call: Call) -> str:
        """The feedback of a call. Returns text for every call, never raises."""
        return self.attempt(call).feedback

    def attempt(self, call: Call) -> Outcome:
        """`execute`, together with what went wrong."""
        function = self._functions.get(call.name)
        if function is None:
            return _outcome(f"name '{call.name}' is not defined", ErrorType.TOOL_HALLUCINATION)
        misfit = _misfit(function, call)
        try:
            if misfit is None and self._is_lost(call):
                return _outcome(self.interrupt(call), ErrorType.TOOL_INSTABILITY)
            # The tool gets its own copy, so that it cannot change the record of the conversation.
            positional, named = copy.deepcopy((call.positional, call.arguments))
            result = function(*positional, **named)
            text = json.dumps(result, ensure_ascii=False)
        except Exception as exception:
            words = GUESS.sub("", str(exception)) or type(exception).__name__
            return _outcome(words, misfit or ErrorType.TOOL_CALL_FAILURE)
        is_error = isinstance(result, dict) and list(result) == ["error"]
        return _outcome(text, ErrorType.TOOL_CALL_FAILURE if is_error else None)

    def interrupt(self, call: Call) -> str:
        """The feedback of a call that does not reach its tool, as urllib3 2.8 words it."""
        host = f"api.{FAMILY_OF.get(call.name, 'tools')}.example"
        url = f"/v1/{call.name}?{urlencode(call.arguments, errors='replace')}"
        cause = self._random.choice(CAUSES).format(host=host, pool=f"host='{host}', port=443")
        return (
            f"HTTPSConnectionPool(host='{host}', port=443): Max retries exceeded with url: {url} "
            f"(Caused by {cause})"
        )

    def _is_lost(self, call: Call) -> bool:
        if call.name in ALWAYS or self._random.random() >= self._instability:
            return False
        key = repr(call)
        is_repeated = key in self._lost
        self._lost.add(key)
        return not is_repeated


def _outcome(feedback: str, error: ErrorType | None) -> Outcome:
    """A model can write lone surrogates ('\\ud800'); text that is fed back must have none."""
    return Outcome(feedback.encode("utf-8", "replace").decode("utf-8"), error)


def _misfit(function: Callable, call: Call) -> ErrorType | None:
    """How the arguments fail to fit the function's parameters. Python complains first about a name
    that it does not know, then about one that it lacks.
    """
    parameters = inspect.signature(function).parameters
    names = list(parameters)
    taken = set(names[: len(call.positional)])
    extra = [name for name in call.arguments if name not in parameters or name in taken]
    if extra or len(call.positional) > len(names):
        return ErrorType.PARAMETER_HALLUCINATION
    required = {n for n, p in parameters.items() if p.default is p.empty}
    if required - taken - set(call.arguments):
        return ErrorType.PARAMETER_MISSING
    return None
