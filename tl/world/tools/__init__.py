"""The families: every module of this folder is one. Its public functions are tools, its `Task`s are
requests that need them, its `SCENARIO` is the kind of use (one of the seven of ToolEyes).
"""

import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType

from tl.calls.schema import Tool
from tl.world.registry import describe, public_functions
from tl.world.tasks import Task

DIALOGUE = "dialogue"  # ask_to_user and finish: offered always, last
# The scenarios of the paper and their codes in RoTBench.
SCENARIOS = {
    "text generation": "TG",
    "real-time search": "RS",
    "data understanding": "DU",
    "personal life": "PL",
    "application manipulation": "AM",
    "information retrieval": "IR",
    "financial transactions": "FT",
}


@dataclass(frozen=True)
class Family:
    """functions: name -> the function. tasks: in the order of the file."""

    name: str
    scenario: str
    functions: Mapping[str, Callable]
    tasks: tuple[Task, ...]


def _read_families() -> Iterator[Family]:
    for name in sorted(module.name for module in pkgutil.iter_modules(__path__)):
        module = import_module(f"{__name__}.{name}")
        tasks = tuple(value for value in vars(module).values() if isinstance(value, Task))
        functions = MappingProxyType(public_functions(module))
        yield Family(name, module.SCENARIO, functions, tasks)


FAMILIES: Mapping[str, Family] = MappingProxyType({f.name: f for f in _read_families()})
FUNCTIONS: Mapping[str, Callable] = MappingProxyType(
    {name: function for family in FAMILIES.values() for name, function in family.functions.items()}
)
TOOLS: Mapping[str, Tool] = MappingProxyType({n: describe(f) for n, f in FUNCTIONS.items()})
FAMILY_OF: Mapping[str, str] = MappingProxyType(
    {name: family.name for family in FAMILIES.values() for name in family.functions}
)
ALWAYS = tuple(FAMILIES[DIALOGUE].functions)
