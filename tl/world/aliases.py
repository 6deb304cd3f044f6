"""Tools of the world under the names of another provider: the same code, description and types.

    search_flights(origin, destination)     here
    query_flights(origin, last_port)        there

The world has some seventy tools. Who meets the same names in every trajectory learns them by heart
instead of reading them where they are defined, and is lost where a tool is new. So in a share of
the training trajectories every tool on offer but `ask_to_user` and `finish` has other names, drawn
anew; no name is one of the world. The functions are renamed, not wrapped: what goes wrong is still
told in CPython's own words.
"""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from keyword import iskeyword
from types import FunctionType

from tl.calls.schema import Call, Tool
from tl.world.pretrain.lexicon import ADJECTIVES, NOUNS
from tl.world.tools import ALWAYS, FUNCTIONS, TOOLS

VERBS = ("get", "find", "fetch", "show", "read", "check", "query", "list", "look_up", "request",
         "load", "view", "make", "do", "run")  # fmt: skip
WORDS = (*NOUNS, *ADJECTIVES)


@dataclass(frozen=True)
class Provider:
    """What the tools on offer are called, in their order. tools, functions: by the new names.
    names: the new name of each. parameters: of each tool, by its name in the world, old -> new.
    """

    tools: Mapping[str, Tool]
    functions: Mapping[str, Callable]
    names: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def rename(self, call: Call) -> Call:
        """A call of the world, as it is made here; one of a tool that is not on offer stays."""
        if call.name not in self.names:
            return call
        parameters = self.parameters[call.name]
        arguments = {parameters.get(key, key): value for key, value in call.arguments.items()}
        return replace(call, name=self.names[call.name], arguments=arguments)


def world_provider(offered: Iterable[str]) -> Provider:
    """The names of the world."""
    offered = list(offered)
    return Provider({n: TOOLS[n] for n in offered}, {n: FUNCTIONS[n] for n in offered})


def draw_provider(offered: Iterable[str], rng: random.Random) -> Provider:
    """Other names for all on offer."""
    names: dict[str, str] = {}
    parameters: dict[str, dict[str, str]] = {}
    tools, functions = {}, {}
    for old in offered:
        new = old if old in ALWAYS else _fresh(_tool_name, old, {*TOOLS, *tools}, rng)
        names[old], parameters[old] = new, {}
        for parameter in TOOLS[old].parameter_names if new != old else ():
            taken = {*FUNCTIONS[old].__code__.co_varnames, *parameters[old].values()}
            is_kept = rng.random() < 0.5
            parameters[old][parameter] = (
                parameter if is_kept else _fresh(_parameter_name, parameter, taken, rng)
            )
        kept = {name: name for name in TOOLS[old].parameter_names}
        tools[new] = renamed_tool(TOOLS[old], new, kept | parameters[old])
        functions[new] = _function_under(FUNCTIONS[old], new, parameters[old])
    return Provider(tools, functions, names, parameters)


def renamed_tool(tool: Tool, name: str, parameters: Mapping[str, str]) -> Tool:
    """The tool under other names, everything else in its place."""
    schema = tool.parameters | {
        "properties": {parameters[old]: of for old, of in tool.properties.items()},
        "required": [parameters[old] for old in tool.required],
    }
    return Tool(name, tool.description, schema)


def _fresh(draw: Callable, old: str, taken: set[str], rng: random.Random) -> str:
    while (new := draw(old, rng)) in taken or iskeyword(new):
        pass
    return new


def _tool_name(old: str, rng: random.Random) -> str:
    """Another verb, a word more, or two words that say nothing."""
    first, *rest = old.split("_")
    how = rng.random()
    if how < 0.35 and rest:
        return "_".join([rng.choice(VERBS), *rest])
    if how < 0.7:
        parts = [first, *rest]
        parts.insert(rng.randint(0, len(parts)), rng.choice(WORDS))
        return "_".join(parts)
    return f"{rng.choice(WORDS)}_{rng.choice(WORDS)}"


def _parameter_name(old: str, rng: random.Random) -> str:
    """A word more, or another one."""
    word = rng.choice(WORDS)
    return rng.choice((f"{old}_{word}", f"{word}_{old}", word))


def _function_under(
    function: FunctionType, name: str, parameters: Mapping[str, str]
) -> FunctionType:
    """The same code under another name, with other names of its parameters."""
    code = function.__code__

    def new(variables: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(parameters.get(variable, variable) for variable in variables)

    code = code.replace(
        co_name=name, co_qualname=name, co_varnames=new(code.co_varnames),
        co_cellvars=new(code.co_cellvars),
    )  # fmt: skip
    made = FunctionType(
        code, function.__globals__, name, function.__defaults__, function.__closure__
    )
    defaults = function.__kwdefaults__
    made.__kwdefaults__ = defaults and {parameters.get(n, n): v for n, v in defaults.items()}
    return made
