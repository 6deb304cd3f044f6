'''Python modules of made-up functions: definitions with docstrings, then requests, as comments or
as examples of a documentation, each with the line that calls the function which serves it.

    def find_apartments(city: str, rooms: int = None):
        """Look for apartments.

        Args:
            city (str): The city.
            rooms (int): Number of rooms.
        """

    # Show me apartments with 3 rooms in Brinor.
    find_apartments(city='Brinor', rooms=3)

Functions of a module are near misses of each other: the same verb with other things, the same thing
with other verbs. None has the name of a tool of the world.
'''

import json
import random
import re
from dataclasses import dataclass, replace
from functools import partial

from tl.world.pretrain import values
from tl.world.pretrain.lexicon import ACTIONS, ADJECTIVES, NOUNS, SYNONYMS, Action, plural
from tl.world.pretrain.parameters import Parameter, draw_parameters
from tl.world.pretrain.values import Words
from tl.world.tools import TOOLS

QUESTIONS = ("Is", "Are", "What", "How", "Which", "Where", "Do")
# What a session does with a thing that it has found.
USES = {"book", "order", "cancel", "delete", "rate", "open", "move", "track", "update"}


@dataclass(frozen=True)
class Function:
    """thing: the noun phrase that it is about. required: the leading parameters without default."""

    name: str
    action: Action
    thing: str
    adjective: str
    description: str
    parameters: tuple[Parameter, ...]
    required: int


def drill(words: Words, rng: random.Random) -> str:
    """Definitions of a line, then many requests with their calls."""
    functions = draw_functions(words, rng, rng.randint(1, 5))
    parts = [f"{signature(function)} ...  # {function.description}" for function in functions]
    example = draw_example(rng)
    parts += [use(rng.choice(functions), example, rng) for _ in range(3 * len(functions) + 4)]
    return "\n".join(parts)


def session(words: Words, rng: random.Random) -> str:
    """Two functions used in turn: what the first returned is given to the second."""
    noun, (find, use) = "", (None, None)
    while find is None or find.name in TOOLS or use.name in TOOLS:
        noun = rng.choice(NOUNS)
        find, use = _pair(noun, words, rng)
    others = draw_functions(words, rng, rng.choice((0, 1, 2)))
    functions = [find, use, *others]
    rng.shuffle(functions)
    parts = [docstring(function) for function in functions]
    for _ in range(rng.randint(2, 4)):
        parts.append(_use_of_pair(noun, find, use, words, rng))
    return "\n\n".join(parts)


def draw_functions(words: Words, rng: random.Random, count: int) -> list[Function]:
    """Functions with different names, near each other: verbs and things repeat."""
    functions: dict[str, Function] = {}
    noun, action = rng.choice(NOUNS), rng.choice(ACTIONS)
    while len(functions) < count:
        how = rng.random()
        near_noun = noun if how < 0.5 else rng.choice(NOUNS)
        near_action = action if 0.35 < how < 0.8 else rng.choice(ACTIONS)
        made = draw_function(near_noun, near_action, words, rng)
        if made.name not in TOOLS:
            functions.setdefault(made.name, made)
    return list(functions.values())


def draw_function(noun: str, action: Action, words: Words, rng: random.Random) -> Function:
    """One function about a thing, often a compound of two nouns or with an adjective."""
    how = rng.random()
    if how < 0.3:
        thing = f"{noun} {rng.choice(NOUNS)}"
    elif how < 0.4:
        thing = f"{rng.choice(NOUNS)} {noun}"
    elif how < 0.5:
        thing = f"{rng.choice(ADJECTIVES)} {noun}"
    elif how < 0.6:
        thing = values.word(words, rng)
    else:
        thing = noun
    adjective = rng.choice(ADJECTIVES)
    doc = fill(rng.choice(action.docs), thing, adjective)
    parameters = tuple(draw_parameters(thing, words, rng))
    outer = [p for p in parameters if not p.inline]
    if outer and rng.random() < 0.4:
        doc += f" {_about(rng.choice(outer))}"
    name = peculiar(_name(action, thing, words, rng), words, rng)
    required = rng.randint(min(1, len(parameters)), len(parameters))
    return Function(name, action, thing, adjective, doc + ".", parameters, required)


def _name(action: Action, thing: str, words: Words, rng: random.Random) -> str:
    verb = rng.choice(action.names)
    noun = plural(thing) if rng.random() < 0.3 else thing
    how = rng.random()
    if how < 0.05:  # a name that says nothing: the docstring must be read
        return values.made_up(rng).lower()
    if how < 0.15:
        return f"{noun} {verb}".replace(" ", "_")
    if how < 0.25 and " " in noun:
        return noun.replace(" ", "_")
    return f"{verb} {noun}".replace(" ", "_")


def peculiar(name: str, words: Words, rng: random.Random) -> str:
    """The name, often with a word that no request says, or quite another one.

    A name that follows from its request is composed, not copied, and so are the names of tools.
    """

    def word() -> str:
        return values.word(words, rng) if rng.random() < 0.2 else rng.choice(NOUNS + ADJECTIVES)

    how = rng.random()
    if how < 0.08:
        return f"{word()}_{word()}"
    if how < 0.35:
        parts = name.split("_")
        parts.insert(rng.randint(0, len(parts)), word())
        return "_".join(parts)
    return name


def _about(parameter: Parameter) -> str:
    phrase = parameter.phrases[0]
    return phrase.replace("'{v}'", "a text").replace(": ", "").replace(
        "{v}", f"a {parameter.name.replace('_', ' ')}"
    )  # fmt: skip


def fill(template: str, thing: str, adjective: str) -> str:
    text = template.format(s=thing, p=plural(thing), a=adjective)
    return re.sub(r"\b([Aa]) (?=[aeiou])", r"\1n ", text)


def docstring(function: Function) -> str:
    """The definition with a described list of parameters."""
    lines = [signature(function), '    """', f"    {function.description}"]
    if function.parameters:
        lines += ["", "    Args:"]
        lines += [f"        {p.name} ({p.type}): {p.description}" for p in function.parameters]
    return "\n".join([*lines, '    """'])


def signature(function: Function) -> str:
    """def name(a: str, b: int = None):"""
    given = [
        f"{p.name}: {p.type}" + ("" if place < function.required else " = None")
        for place, p in enumerate(function.parameters)
    ]
    return f"def {function.name}({', '.join(given)}):"


def draw_values(function: Function, rng: random.Random) -> dict[str, object]:
    """The values of a call: all required ones, some of the others."""
    return {
        p.name: p.value()
        for place, p in enumerate(function.parameters)
        if place < function.required or rng.random() < 0.5
    }


def draw_example(rng: random.Random) -> str:
    """How a document shows a request {r} with its call {c}: a comment above it mostly."""
    if rng.random() < 0.4:
        return "# {r}\n{c}"
    return rng.choice(
        ("# {r}\n>>> {c}", "{r}\n    {c}", "- {r} `{c}`", "{r} -> {c}", '"""{r}"""\n{c}')
    )


def use(function: Function, example: str, rng: random.Random) -> str:
    """A request and its call, as `example` shows them."""
    given = draw_values(function, rng)
    return example.format(r=say(function, given, rng), c=call_line(function, given))


def call_line(function: Function, given: dict[str, object]) -> str:
    """name(a='x', b=3)"""
    return f"{function.name}({', '.join(f'{key}={value!r}' for key, value in given.items())})"


def say(function: Function, given: dict[str, object], rng: random.Random) -> str:
    """A request for a call."""
    head = rng.choice(function.action.asks)
    thing, inline, phrases = _reworded(function.thing, rng), "", []
    for parameter in function.parameters:
        if parameter.name not in given:
            continue
        phrase = rng.choice(parameter.phrases).format(v=parameter.shown(given[parameter.name]))
        if parameter.inline:
            inline = f" {phrase}"
        else:
            phrases.append(phrase)
    rng.shuffle(phrases)
    if inline and "{s}" in head:
        head = head.replace("{s}", "{s}" + inline.replace("{", "").replace("}", ""))
        if rng.random() < 0.4:
            head = head.replace("the {s}", "{s}")
    elif inline:
        phrases.insert(0, inline.strip())
    text = fill(head, thing, function.adjective)
    return _assemble(text, phrases, rng)


def _reworded(thing: str, rng: random.Random) -> str:
    """The thing, one word of it perhaps replaced by a synonym."""
    if rng.random() < 0.25:
        for pair in SYNONYMS:
            for one, other in (pair, pair[::-1]):
                if one in thing.split():
                    return " ".join(other if w == one else w for w in thing.split())
    return thing


def _assemble(text: str, phrases: list[str], rng: random.Random) -> str:
    stop = "?" if text.split()[0] in QUESTIONS else "."
    if phrases and rng.random() < 0.1 and phrases[-1][0] != ":":
        first = phrases.pop()
        text = f"{first[0].upper()}{first[1:]}, {text[0].lower()}{text[1:]}"
        stop = "."
    text = " ".join([text, *phrases]).replace(" :", ":")
    how = rng.random()
    if how < 0.05:
        return f"Please {text[0].lower()}{text[1:]}{stop}"
    if how < 0.1:
        return f"{text}, please{stop}"
    return text + stop


def _pair(noun: str, words: Words, rng: random.Random) -> tuple[Function, Function]:
    """A function that finds things and one that does something with the id of a thing."""
    search = next(action for action in ACTIONS if "search" in action.names)
    action = rng.choice([action for action in ACTIONS if USES & set(action.names)])
    found = draw_function(noun, search, words, rng)
    find = replace(
        found,
        name=f"{rng.choice(search.names)}_{plural(noun)}",
        thing=noun,
        parameters=tuple(p for p in found.parameters if not p.inline),
    )
    id_of = partial(values.identifier, rng)
    identity = Parameter(f"{noun}_id", "str", f"Id of the {noun}.", ("{v}",), id_of, inline=True)
    rest = tuple(p for p in draw_parameters(noun, words, rng) if not p.inline)[:2]
    name = f"{rng.choice(action.names)}_{noun}"
    doc = f"{fill(rng.choice(action.docs), noun, '')}."
    return find, Function(name, action, noun, "", doc, (identity, *rest), 1 + len(rest))


def _use_of_pair(noun: str, find: Function, use: Function, words: Words, rng: random.Random) -> str:
    wanted, given = draw_values(find, rng), draw_values(use, rng)
    key, many = f"{noun}_id", plural(noun).replace(" ", "_")
    extra = values.word(words, rng)
    rows = [
        {key: values.identifier(rng), extra: values.integer(rng)} for _ in range(rng.randint(1, 3))
    ]
    place = rng.randrange(len(rows))
    title = ("first", "second", "third")[place]
    given[key] = rows[place][key]
    phrases = [
        rng.choice(p.phrases).format(v=p.shown(source[p.name]))
        for function, source in ((find, wanted), (use, given))
        for p in function.parameters
        if p.name in source and not p.inline
    ]
    head = fill(rng.choice(use.action.asks), f"{title} {noun}", "").replace(
        " a first", " the first"
    )
    result = {rng.choice(("status", "state", noun, extra)): values.anything(words, rng)}
    told = next(iter(result.items()))
    return "\n".join(
        (
            f"# {_assemble(head, phrases, rng)}",
            f">>> {call_line(find, wanted)}",
            json.dumps({many: rows}),
            f">>> {call_line(use, given)}",
            json.dumps(result),
            f"# The {told[0]} of {noun} {given[key]} is {told[1]}.",
        )
    )
