"""Which calls are right at a point of a plan. A world of pure functions lets it be said exactly.

- The call that the plan makes there.
- At the start of a plan whose first k calls are independent (`Task.any_order`), each of those that
  has not been made yet: who compares two cities may begin with either.
- Each of these with the default of an optional parameter written out: the tool runs just the same.
  An optional parameter without a default has to be left out, where the request does not state it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations

from tl.calls.schema import Call
from tl.world.tools import TOOLS


def alternatives(calls: Sequence[Call], place: int, any_order: int) -> tuple[Call, ...]:
    """The right calls where calls[:place] have been made; the plan's own comes first."""
    free = calls[place : max(place + 1, any_order)]
    return tuple(variant for call in free for variant in with_defaults(call))


def with_defaults(call: Call) -> Iterator[Call]:
    """The call, then the call with any defaults of its omitted parameters written out."""
    properties = TOOLS[call.name].properties
    omitted = {
        name: schema["default"]
        for name, schema in properties.items()
        if name not in call.arguments and "default" in schema
    }
    for size in range(len(omitted) + 1):
        for names in combinations(omitted, size):
            yield replace(call, arguments=call.arguments | {name: omitted[name] for name in names})
