'''The noise of RoTBench on held-out cases: names are perturbed, so that only what is said about a
tool tells what it does.

Measured in RoTBench at 637e43a, Data/First_Turn, by comparing the 105 items of each level with the
105 clean ones (892 tools, 2,493 parameters). slight, medium and heavy hold every item twice: first
with noise on the tools, then on the parameters.

    slight   tools  419 names (47 %): characters omitted (142), substituted (144) or inserted (133);
                    never more than a third of them, 18 % in the mean
             params 877 names (35 %): omitted (273), substituted (302), inserted (302); 19 %
    medium   tools  528 names (59 %): reversed (285) or 1 to 10 random letters (243)
             params 1,353 names (54 %): reversed (617) or 1 to 10 random letters (736)
    heavy    tools  796 names (89 %) exchanged among the tools of the item
             params 250 tools (28 %) get one more required parameter of 1 to 5 letters, last:
                    'Whenever you use this parameter, please set it as "FGD".' (1 to 3 letters);
                    135 of the 543 tools with two or more exchange the names of theirs (25 %);
                    2 tools have both
    union           both kinds at once, the two levels independent of each other and even (slight,
                    medium, heavy for tools: 38, 32, 35 items)

`ask_to_user` and `finish` are perturbed like any tool (`finish` in 25, 53, 91, 38 of 105 items).
What is described stays: no description changed (the 5 that differ are accidents of two parameters
getting one name), no type, no value of a gold call. Golds are renamed with their tools.

Here each case comes once per level, with noise on the tools or on the parameters in turn, so that
the five levels ask the same queries. Names stay different from each other. Members of nested
arguments keep their names; RoTBench has none.
'''

import random
import string
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from tl.calls.schema import Call, Tool
from tl.world.heldout import Case

LEVELS = ("clean", "slight", "medium", "heavy", "union")
SINGLE = LEVELS[1:4]
# Shares of the names that are perturbed, of tools and of parameters.
SLIGHT_TOOLS, SLIGHT_PARAMETERS = 0.47, 0.35
MEDIUM_TOOLS, MEDIUM_PARAMETERS = 0.59, 0.54
HEAVY_TOOLS, ADDED_PARAMETER, EXCHANGED_PARAMETERS = 0.89, 0.28, 0.25
LARGEST_EDIT = 1 / 3
ADDED = 'Whenever you use this parameter, please set it as "{}".'

Names = dict[str, str]


def noisy(cases: Iterable[Case], level: str, seed: int = 0) -> list[Case]:
    """The cases at a level of noise, in their order, under their ids. clean: as they were."""
    assert level in LEVELS, level
    made = []
    for index, case in enumerate(cases):
        rng = random.Random(f"{seed} {level} {index}")
        if level == "clean":
            made.append(case)
            continue
        levels = (level, "clean") if index % 2 == 0 else ("clean", level)
        if level == "union":
            levels = rng.choice(SINGLE), rng.choice(SINGLE)
        made.append(_perturbed(case, level, *levels, rng))
    return made


def _perturbed(case: Case, level: str, on_tools: str, on_parameters: str, rng) -> Case:
    """The case with both kinds of noise; no kind is on where its level is "clean"."""
    names = _tool_names([tool.name for tool in case.tools], on_tools, rng)
    tools, golds = [], list(case.golds)
    for tool in case.tools:
        parameters = _parameter_names(tool.parameter_names, on_parameters, rng)
        made = _renamed(tool, names[tool.name], parameters)
        added: dict[str, str] = {}
        if on_parameters == "heavy" and rng.random() < ADDED_PARAMETER:
            made, added = _with_parameter(made, rng)
        for place, gold in enumerate(case.golds):
            if gold.name == tool.name:
                arguments = {parameters[key]: value for key, value in gold.arguments.items()}
                golds[place] = Call(made.name, arguments | added)
        tools.append(made)
    changed = {old: new for old, new in names.items() if old != new}
    return replace(case, tools=tuple(tools), golds=tuple(golds), noise=level, renamed=changed)


def _tool_names(names: list[str], level: str, rng: random.Random) -> Names:
    if level == "heavy":
        return _exchanged(names, HEAVY_TOOLS, rng)
    share = {"slight": SLIGHT_TOOLS, "medium": MEDIUM_TOOLS}.get(level, 0.0)
    return _edited(names, share, level, rng)


def _parameter_names(names: list[str], level: str, rng: random.Random) -> Names:
    if level == "heavy":
        exchanges = len(names) > 1 and rng.random() < EXCHANGED_PARAMETERS
        return _exchanged(names, 1.0 if exchanges else 0.0, rng)
    share = {"slight": SLIGHT_PARAMETERS, "medium": MEDIUM_PARAMETERS}.get(level, 0.0)
    return _edited(names, share, level, rng)


def _edited(names: list[str], share: float, level: str, rng: random.Random) -> Names:
    """A share of the names, each perturbed on its own; all results differ."""
    made: Names = {}
    for name in names:
        new = name
        if rng.random() < share:
            perturb: Callable = _slight if level == "slight" else _medium
            while new == name or new in names or new in made.values():
                new = perturb(name, rng)
        made[name] = new
    return made


def _exchanged(names: list[str], share: float, rng: random.Random) -> Names:
    """A share of the names, exchanged in a circle among themselves."""
    chosen = [name for name in names if rng.random() < share]
    rng.shuffle(chosen)
    circle = dict(zip(chosen, chosen[1:] + chosen[:1], strict=True))
    return {name: circle.get(name, name) for name in names}


def _slight(name: str, rng: random.Random) -> str:
    """Characters omitted, substituted or inserted: one of the three, at most a third of them."""
    edit = rng.choice((_omit, _substitute, _insert))
    count = rng.randint(1, max(1, int(len(name) * LARGEST_EDIT)))
    return edit(name, count, rng)


def _omit(name: str, count: int, rng: random.Random) -> str:
    places = set(rng.sample(range(len(name)), min(count, len(name) - 1)))
    return "".join(letter for place, letter in enumerate(name) if place not in places)


def _substitute(name: str, count: int, rng: random.Random) -> str:
    letters = list(name)
    for place in rng.sample(range(len(name)), count):
        letters[place] = rng.choice(string.ascii_letters)
    return "".join(letters)


def _insert(name: str, count: int, rng: random.Random) -> str:
    for _ in range(count):
        place = rng.randint(0, len(name))
        name = name[:place] + rng.choice(string.ascii_letters) + name[place:]
    return name


def _medium(name: str, rng: random.Random) -> str:
    """Reversed, or nonsense."""
    return name[::-1] if rng.random() < 0.5 else _letters(rng, 1, 10)


def _letters(rng: random.Random, fewest: int, most: int) -> str:
    return "".join(rng.choices(string.ascii_letters, k=rng.randint(fewest, most)))


def _renamed(tool: Tool, name: str, parameters: Mapping[str, str]) -> Tool:
    """The tool under other names, everything else in its place."""
    schema = tool.parameters | {
        "properties": {parameters[old]: of for old, of in tool.properties.items()},
        "required": [parameters[old] for old in tool.required],
    }
    return Tool(name, tool.description, schema)


def _with_parameter(tool: Tool, rng: random.Random) -> tuple[Tool, dict[str, str]]:
    """The tool with one more required parameter, and the argument that it has to get."""
    name = _letters(rng, 1, 5)
    while name in tool.properties:
        name = _letters(rng, 1, 5)
    value = _letters(rng, 1, 3)
    added = {name: {"type": "string", "description": ADDED.format(value)}}
    schema = tool.parameters | {
        "properties": tool.properties | added,
        "required": [*tool.required, name],
    }
    return Tool(tool.name, tool.description, schema), {name: value}
