'''Modules as different hands write them: types by Python's or by JSON's names, docstrings of
several kinds; requests that name a thing, only its number, or only what is asked about it.

    def get_route_distance(route_id: string):
        """How long a route is."""

    Is BX-204 far?
    found = get_route_distance(route_id='BX-204')
'''

import random
from typing import NamedTuple

from tl.world.pretrain import lookups, values
from tl.world.pretrain.aspects import ASPECTS
from tl.world.pretrain.fields import DESCRIPTIONS, FIELDS, REQUESTS
from tl.world.pretrain.lexicon import ADJECTIVES, NOUNS, Action, plural
from tl.world.pretrain.modules import (
    Function,
    call_line,
    draw_functions,
    draw_values,
    fill,
    peculiar,
    say,
)
from tl.world.pretrain.parameters import draw_parameters
from tl.world.pretrain.values import Words
from tl.world.tools import TOOLS

PYTHON_TYPES = {kind: kind for kind in ("str", "int", "float", "list")}
JSON_TYPES = {"str": "string", "int": "integer", "float": "number", "list": "array"}
# No text of `tl.calls.signature` among them: that is what fine-tuning shows first.
DEFINITIONS = (
    *((PYTHON_TYPES, kind) for kind in ("flat", "flat", "indented", "short", "line")),
    *((JSON_TYPES, kind) for kind in ("indented", "indented", "short", "line")),
)
# How a request {r} and its call {c} are shown; {w} is a word, the same in all of a document.
EXAMPLES = (
    "# {r}\n{c}", "# {r}\n>>> {c}", "{r}\n    {c}", "- {r} `{c}`", '"""{r}"""\n{c}', "{r} -> {c}",
    "# {r}\n{w} = {c}", "{r}\n{w} = {c}", "{r} => {w} = {c}", "# {w}: {r}\nprint({c})",
    "# {r}\nreturn {c}", "* {r}\n\n    {w} = {c}\n",
)  # fmt: skip
OTHER_TEXTS = (
    lookups.listing, lookups.records, lookups.table, lookups.dialogue, lookups.extraction,
    lookups.variables,
)  # fmt: skip


class Hand(NamedTuple):
    """A way to write: the names of types, a kind of docstring, how a call is shown."""

    types: dict[str, str]
    docstring: str
    example: str


def draw_hand(words: Words, rng: random.Random) -> Hand:
    """One for a whole document."""
    types, docstring = rng.choice(DEFINITIONS)
    return Hand(types, docstring, rng.choice(EXAMPLES).replace("{w}", values.word(words, rng)))


def manual(words: Words, rng: random.Random) -> str:
    """Definitions, then requests with their calls."""
    hand = draw_hand(words, rng)
    functions = draw_mixed(words, rng, rng.choice((1, 2, 3, 4, 4, 5, 6, 7, 8, 10)))
    parts = [define(function, hand) for function in functions]
    served = rng.choices(functions, k=len(functions) + 4)
    if len(functions) > 2 and rng.random() < 0.5:  # never called before: only its definition helps
        served = rng.sample(functions, len(functions))
    parts += [use(function, functions, hand, rng) for function in served]
    return rng.choice(("\n", "\n\n")).join(parts)


def practice(words: Words, rng: random.Random) -> str:
    """A few definitions, then three rounds of requests for each of them: little to read, much to
    do.
    """
    hand = draw_hand(words, rng)
    functions = draw_mixed(words, rng, rng.choice((1, 2, 2, 3, 3, 4, 5, 6)))
    parts = [define(function, hand) for function in functions]
    for _ in range(3):
        parts += [
            use(function, functions, hand, rng)
            for function in rng.sample(functions, len(functions))
        ]
    return "\n".join(parts)


def handbook(words: Words, rng: random.Random) -> str:
    """Many definitions, other texts before and behind them, and then requests: what is asked for
    stands hundreds of tokens above.
    """
    hand = draw_hand(words, rng)
    functions = draw_mixed(words, rng, rng.randint(4, 12))
    parts = [_other_text(words, rng) for _ in range(rng.choice((0, 0, 1)))]
    parts += [define(function, hand) for function in functions]
    parts += [_other_text(words, rng) for _ in range(rng.choice((0, 1, 1, 2)))]
    served = rng.sample(functions, min(len(functions), rng.randint(3, 8)))
    parts += [use(function, functions, hand, rng) for function in served]
    return rng.choice(("\n", "\n\n")).join(parts)


def _other_text(words: Words, rng: random.Random) -> str:
    return rng.choice(OTHER_TEXTS)(words, rng)


def contents(words: Words, rng: random.Random) -> str:
    """The functions of a module, a line each; then requests, and which function serves them."""
    functions = draw_mixed(words, rng, rng.randint(2, 8))
    arrow = rng.choice((" -> ", ": ", "  =>  ", "\n", " = "))
    first = [f"{function.description}{arrow}{function.name}" for function in functions]
    if rng.random() < 0.5:
        first = [f"{function.name}: {function.description}" for function in functions]
    lines, wordy = [], rng.random() < 0.3
    for _ in range(3 * len(functions) + 2):
        function = rng.choice(functions)
        given = draw_values(function, rng) if wordy else {}
        lines.append(f"{ask(function, given, functions, rng)}{arrow}{function.name}")
    return "\n".join(first + lines)


def draw_mixed(words: Words, rng: random.Random, count: int) -> list[Function]:
    """Functions with different names: some near each other, some about an aspect of a thing, some
    of a field of their own.
    """
    made = {f.name: f for f in draw_functions(words, rng, (count + 1) // 3)}
    thing = rng.choice(list(made.values())).thing if made else rng.choice(NOUNS)
    fields = rng.sample(FIELDS, len(FIELDS))
    while len(made) < count:
        if rng.random() < 0.5:
            about = thing if rng.random() < 0.6 else rng.choice(NOUNS)
            function = draw_aspect(about, words, rng)
        else:
            function = draw_of_field(fields.pop(), words, rng)
        if function.name not in TOOLS:
            made.setdefault(function.name, function)
    functions = list(made.values())
    rng.shuffle(functions)
    return functions


def draw_aspect(thing: str, words: Words, rng: random.Random) -> Function:
    """A function that answers a question about a thing."""
    aspect = rng.choice(ASPECTS)
    verb = rng.choice(("get", "get", "get", "find", "show", "check", "search", "look_up", ""))
    noun = plural(thing) if rng.random() < 0.2 else thing
    what = rng.choice(aspect.names)
    order = (verb, noun, what) if rng.random() < 0.8 else (verb, what, "of", noun)
    name = peculiar("_".join(part for part in order if part).replace(" ", "_"), words, rng)
    parameters = tuple(draw_parameters(thing, words, rng))
    required = rng.randint(min(1, len(parameters)), len(parameters))
    adjective = rng.choice(ADJECTIVES)
    doc = fill(rng.choice(aspect.docs), thing, adjective)
    return Function(name, aspect, thing, adjective, f"{doc}.", parameters, required)


def draw_of_field(field: tuple[str, ...], words: Words, rng: random.Random) -> Function:
    """A function whose name and description have some words of a field; requests have others."""
    mixed = rng.sample(field, len(field))
    named = mixed[: rng.choice((1, 1, 2))]
    verb = rng.choice(("get", "find", "show", "check", "search", "make", "add", "list", "read", ""))
    name = peculiar("_".join(part for part in (verb, *named) if part).lower(), words, rng)
    said, asked = mixed[:3], mixed[len(named) :]
    doc = rng.choice(DESCRIPTIONS).format(a=said[0], b=said[1], c=said[2])
    doc = doc[0].upper() + doc[1:]
    asks = []
    for template in rng.sample(REQUESTS, 4):
        a, b, c = rng.sample(asked if rng.random() < 0.8 and len(asked) > 2 else field, 3)
        text = template.format(a=a, b=b, c=c)
        asks.append(text[0].upper() + text[1:])
    parameters = tuple(p for p in draw_parameters(named[0], words, rng) if not p.inline)
    required = rng.randint(min(1, len(parameters)), len(parameters))
    action = Action((verb,), (doc,), tuple(asks))
    return Function(name, action, named[0], "", f"{doc}.", parameters, required)


def define(function: Function, hand: Hand) -> str:
    """The definition with its docstring, as the hand writes it."""
    given = [
        f"{p.name}: {hand.types[p.type]}" + ("" if place < function.required else " = None")
        for place, p in enumerate(function.parameters)
    ]
    head = f"def {function.name}({', '.join(given)}):"
    if hand.docstring == "line":
        return f"{head} ...  # {function.description}"
    if hand.docstring == "short":
        return f'{head}\n    """{function.description}"""'
    lines = [head, '    """', f"    {function.description}"]
    lines += ["", "    Args:"] if function.parameters else []
    inner = " " * (8 if hand.docstring == "indented" else 4)
    lines += [f"{inner}{p.name} ({hand.types[p.type]}): {p.description}"
              for p in function.parameters]  # fmt: skip
    return "\n".join([*lines, '    """'])


def use(function: Function, functions: list[Function], hand: Hand, rng: random.Random) -> str:
    """A request and its call."""
    given = draw_values(function, rng)
    request = ask(function, given, functions, rng)
    return hand.example.format(r=request, c=call_line(function, given))


def ask(
    function: Function, given: dict[str, object], functions: list[Function], rng: random.Random
) -> str:
    """A request; where no other function does the same to something, its thing may go unsaid."""
    named = [p for p in function.parameters if p.inline and p.name in given]
    same = [other for other in functions if other.action is function.action]
    request = say(function, given, rng)
    if named and len(same) == 1 and rng.random() < 0.4:
        shown = named[0].phrases[0].format(v=named[0].shown(given[named[0].name]))
        for before in (f"the {function.thing} ", f"a {function.thing} ", f"{function.thing} "):
            request = request.replace(before + shown, shown)
    return request
