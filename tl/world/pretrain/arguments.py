'''Functions that need several values, and requests that say all of them in any words. What a value
is for is told by its kind, or by a word beside it, seldom by the name of the parameter.

    def plan_hill(seats: int, day: str, sign: str):
        """Plan the hill of a tower."""

    I need tower k on 2025-03-04 for 14 people.
    plan_hill(seats=14, day='2025-03-04', sign='k')
'''

import json
import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from tl.world.pretrain import values
from tl.world.pretrain.directories import POOL, draw_entries, wish, with_capital
from tl.world.pretrain.lexicon import NOUNS, UNITS, Action, plural
from tl.world.pretrain.manuals import Hand, define, draw_hand, draw_mixed
from tl.world.pretrain.modules import Function, call_line, fill
from tl.world.pretrain.parameters import ENDS, PEOPLE, PLACES, Parameter
from tl.world.pretrain.values import Words

LETTERS = "abcdefghijklmnopqrstuvwxyz"
GIVEN = 0.5  # share of the requests that say the optional value

Spell = Callable[[Function, dict[str, Any]], str]


def _spelling(form: str, pair: str, between: str) -> Callable[..., str]:
    """form: {n} is the name, {p} the parameters. pair: {k} is the key, {v} its value."""

    def spell(function: Function, given: dict[str, Any], quote: Callable[[Any], str]) -> str:
        pairs = [pair.format(k=key, v=quote(value)) for key, value in given.items()]
        return form.replace("{n}", function.name).replace("{p}", between.join(pairs))

    return spell


# None of them is how a dialect of `tl.dialects` writes calls.
SPELLINGS = (
    _spelling("{n}({p})", "{k} ={v}", ", "),
    _spelling("{n}({p})", "{k}= {v}", ", "),
    _spelling("{n} ({p})", "{k} = {v}", ", "),
    _spelling("{n}( {p} )", "{k} = {v}", ", "),
    _spelling("{n}(\n    {p}\n)", "{k} = {v}", ",\n    "),
    _spelling("{n}<{p}>", "{k} = {v}", "; "),
    _spelling("{n}({p});", "{k}: {v}", ", "),
    _spelling("{n} {{p}}", "{k} = {v}", ", "),
    _spelling("{n} [{p}]", "{k} = {v}", ", "),
    _spelling("{n}: {p}", "{k} = {v}", ", "),
    _spelling("{n} {p}", "{k} = {v}", " "),
    _spelling("{n} {p}", "--{k} {v}", " "),
    _spelling("[{n}]\n{p}\n", "{k} = {v}", "\n"),
    _spelling("{n}\n{p}\n", "  {k} = {v}", "\n"),
)
QUOTES = (repr, repr, partial(json.dumps, ensure_ascii=False))


class Need(NamedTuple):
    """One or two parameters whose values are said together. said: how, {0} and {1}."""

    parameters: tuple[Parameter, ...]
    said: tuple[str, ...]


def several(words: Words, rng: random.Random) -> str:
    """A few definitions, then two rounds of requests for each of them."""
    return _document(rng.choice((1, 1, 2, 2, 3, 4)), 2, call_line, words, rng)


def spelled(words: Words, rng: random.Random) -> str:
    """The same with more functions, and calls as other languages, files and hands write them: what
    a call holds is found in one way, however it is spelled.
    """
    count = rng.choice((1, 2, 2, 3, 4, 5, 6, 8))
    spell = partial(rng.choice(SPELLINGS), quote=rng.choice(QUOTES))
    return _document(count, rng.choice((1, 2)), spell, words, rng)


def _document(count: int, rounds: int, spell: Spell, words: Words, rng: random.Random) -> str:
    hand = draw_hand(words, rng)
    functions = _functions(count, words, rng)
    parts = [define(function, hand) for function, _ in functions]
    for _ in range(rounds):
        parts += [
            _use(function, needs, hand, spell, words, rng)
            for function, needs in rng.sample(functions, len(functions))
        ]
    return rng.choice(("\n", "\n", "\n\n")).join(parts)


def _functions(count: int, words: Words, rng: random.Random) -> list[tuple[Function, list[Need]]]:
    """Functions as other modules have them, each with what it needs instead of its parameters."""
    if rng.random() < 0.5:
        functions = draw_mixed(words, rng, count)
    else:
        functions = [
            Function(
                entry.name,
                Action(("",), (entry.purpose,), tuple(wish(entry, words, rng) for _ in range(3))),
                rng.choice(entry.told), "", f"{entry.purpose}.", (), 0,
            )
            for entry in draw_entries(words, rng, count)
        ]  # fmt: skip
    made = []
    for function in functions:
        needs = _needs(words, rng)
        parameters = tuple(p for need in needs for p in need.parameters)
        optional = len(needs[-1].parameters) if len(needs) > 1 and rng.random() < 0.3 else 0
        made.append(
            (replace(function, parameters=parameters, required=len(parameters) - optional), needs)
        )
    return made


def _needs(words: Words, rng: random.Random) -> list[Need]:
    """One to four, of different kinds: what has the kind of a parameter is its value."""
    count = rng.choice((1, 2, 2, 2, 3, 3, 4))
    made: dict[str, Need] = {}
    for kind in rng.sample(KINDS, count):
        need = kind(words, rng)
        names = [p.name for p in need.parameters]
        if not any(p.name in names for other in made.values() for p in other.parameters):
            made[kind.__name__] = need
    return list(made.values())


def _use(
    function: Function,
    needs: list[Need],
    hand: Hand,
    spell: Spell,
    words: Words,
    rng: random.Random,
) -> str:
    """A request and its call."""
    given: dict[str, Any] = {}
    chunks = []
    for need in needs:
        if need.parameters[0] not in function.parameters[: function.required]:
            if rng.random() >= GIVEN:
                continue
        drawn = [parameter.value() for parameter in need.parameters]
        given |= {p.name: value for p, value in zip(need.parameters, drawn, strict=True)}
        shown = [p.shown(value) for p, value in zip(need.parameters, drawn, strict=True)]
        chunks.append(rng.choice(need.said).format(*shown, w=rng.choice(POOL)))
    rng.shuffle(chunks)
    head = fill(rng.choice(function.action.asks), function.thing, function.adjective)
    request = _with_chunks(head.rstrip(".?!"), chunks, rng)
    request += rng.choice((".", "?", "", ", please."))
    return hand.example.format(r=request, c=spell(function, given))


def _with_chunks(head: str, chunks: list[str], rng: random.Random) -> str:
    """The values behind the head, in front of it, or between its words."""
    how = rng.random()
    if how < 0.5:
        return " ".join([head, *chunks])
    parts = head.split() if how < 0.8 else [head]
    for chunk in chunks:
        parts.insert(rng.randint(0, len(parts)), chunk)
    return with_capital(" ".join(parts))


# --- kinds of values


def _letter(words: Words, rng: random.Random) -> Need:
    name = rng.choice(("letter", "character", "sign", "symbol", "initial", "key", "vowel"))
    text = rng.choice((f"The {name}.", "A single letter.", "One letter.", f"One {name}."))
    said = ("{0}", "{w} {0}", f"the {name} {{0}}", f"{name} {{0}}", f"{name}s {{0}}", "the {0}")
    return _need(name, "str", text, said, partial(rng.choice, LETTERS))


def _number(words: Words, rng: random.Random) -> Need:
    name = plural(rng.choice(NOUNS)) if rng.random() < 0.6 else rng.choice(UNITS)
    name = name.replace(" ", "_")
    text = rng.choice((f"How many {name}.", f"Number of {name}.", f"The {name}, a number.",
                       f"{name.capitalize()} of the {rng.choice(NOUNS)}."))  # fmt: skip
    other = plural(rng.choice(NOUNS))
    said = ("{0} {w}", f"{{0}} {other}", f"for {{0}} {other}", f"in {{0}} {name}", f"{{0}} {name}",
            f"with {{0}} {name}", "{w} {0}")  # fmt: skip
    return _need(name, "int", text, said, partial(values.integer, rng))


def _year(words: Words, rng: random.Random) -> Need:
    name = rng.choice(("year", "season", "period", "first_year", "since", "edition"))
    text = rng.choice(("The year.", f"Year of the {rng.choice(NOUNS)}.", "Year of the beginning."))
    said = ("in {0}", "of {0}", "{0}", "for {0}", "{w} {0}")
    return _need(name, "int", text, said, partial(rng.randint, 1900, 2040))


def _decimal(words: Words, rng: random.Random) -> Need:
    name = rng.choice(("price", "amount", "size", "weight", "length", "distance", "score"))
    name = rng.choice((name, f"max_{name}", f"min_{name}"))
    said = ("{0}", "{0} {w}", "under {0}", "over {0}", f"{name} {{0}}".replace("_", " "))
    text = f"The {name.replace('_', ' ')}."
    return _need(name, "float", text, said, partial(values.decimal, rng))


def _date(words: Words, rng: random.Random) -> Need:
    name = rng.choice(("date", "day", "when", f"{rng.choice(NOUNS)}_date"))
    text = rng.choice(("The day, like 2025-05-14.", "The day.", f"Day of the {rng.choice(NOUNS)}."))
    said = ("on {0}", "on {0}", "{0}", "for {0}", "{w} on {0}")
    return _need(name, "str", text, said, partial(values.date, rng))


def _clock(words: Words, rng: random.Random) -> Need:
    name = rng.choice(("time", "start", "hour", "start_time", "clock"))
    text = rng.choice(("The time.", "Time of the day, like 09:30.", "When it starts."))
    return _need(name, "str", text, ("at {0}", "{0}", "from {0}"), partial(values.clock, rng))


def _code(words: Words, rng: random.Random) -> Need:
    name = rng.choice(("currency", "symbol", "code", "airport", "unit", "stock", "station"))
    text = rng.choice((f"The {name}.", "Three letters.", f"Code of the {rng.choice(NOUNS)}."))
    said = ("{0}", "in {0}", "of {0}", "about {0}", f"{name} {{0}}", "{w} {0}")
    return _need(name, "str", text, said, partial(values.code, words, rng))


def _identifier(words: Words, rng: random.Random) -> Need:
    noun = rng.choice(NOUNS)
    name = rng.choice((f"{noun}_id", f"{noun}_id", f"{noun}_number", noun, "id"))
    text = rng.choice((f"Id of the {noun}.", f"The {noun}.", f"Number of the {noun}."))
    said = ("{0}", "of {0}", f"{noun} {{0}}", "{w} {0}", "with {0}")
    return _need(name, "str", text, said, partial(values.identifier, rng))


def _place(words: Words, rng: random.Random) -> Need:
    name = rng.choice((*PLACES, rng.choice(NOUNS)))
    text = rng.choice((f"The {name}.", f"City of the {rng.choice(NOUNS)}.", f"Name of the {name}."))
    said = ("in {0}", "{0}", "of {0}", "for {0}", "at {0}", "{0} {w}", "{w} {0}")
    return _need(name, "str", text, said, partial(values.name, words, rng))


def _person(words: Words, rng: random.Random) -> Need:
    name = rng.choice((*PEOPLE, "author", "artist", "singer", "doctor", "player"))
    text = rng.choice((f"The {name}.", f"Full name of the {name}.", "First and last name."))
    said = ("{0}", "of {0}", "for {0}", "with {0}", "by {0}", "{w} {0}", "{0} {w}")
    return _need(name, "str", text, said, partial(values.person, words, rng))


def _quoted(words: Words, rng: random.Random) -> Need:
    name = rng.choice(("text", "query", "title", "keyword", "content", "note", rng.choice(NOUNS)))
    text = rng.choice((f"The {name}.", f"{name.capitalize()} of the {rng.choice(NOUNS)}."))
    said = ("'{0}'", "'{0}'", "{w} '{0}'", "with '{0}'", "in '{0}'", f"the {name} '{{0}}'")
    maker = rng.choice((values.word, values.phrase, values.phrase))
    return _need(name, "str", text, said, partial(maker, words, rng))


def _bare(words: Words, rng: random.Random) -> Need:
    """A word among words: only what stands beside it tells that it is a value."""
    name = rng.choice(NOUNS)
    said = (f"{name} {{0}}", f"the {name} {{0}}", f"{{0}} as {name}", f"{{0}} for the {name}")
    text = rng.choice((f"The {name}.", f"Name of the {name}."))
    return _need(name, "str", text, said, partial(values.word, words, rng))


def _option(words: Words, rng: random.Random) -> Need:
    name, options = rng.choice(NOUNS), rng.sample(POOL, rng.choice((2, 3, 3, 4)))
    listed = " or ".join(rng.choice(("{}", "'{}'")).format(option) for option in options)
    text = rng.choice((f"The {name}: {listed}.", f"{listed}.", f"One of {listed}."))
    said = ("{0}", "{0}", "in {0}", "{0} {w}", f"{name} {{0}}", "as {0}")
    return _need(name, "str", text, said, partial(rng.choice, options))


def _ends(words: Words, rng: random.Random) -> Need:
    """Two values of a kind: their order tells which is which."""
    first, second = rng.choice((*ENDS, ("first", "second"), ("from_unit", "to_unit")))
    thing = rng.choice(NOUNS)
    maker = rng.choice((values.name, values.code, values.code, values.identifier))
    value = partial(maker, rng) if maker is values.identifier else partial(maker, words, rng)
    texts = rng.choice(((f"The first {thing}.", f"The second {thing}."),
                        (f"{first.capitalize()} of the {thing}.".replace("_", " "),
                         f"{second.capitalize()} of the {thing}.".replace("_", " "))))  # fmt: skip
    pair = tuple(
        Parameter(name, "str", text, (), value)
        for name, text in zip((first, second), texts, strict=True)
    )
    return Need(pair, ("from {0} to {1}", "{0} to {1}", "{0} in {1}", "{0} {w} in {1}",
                       "between {0} and {1}", "{0} and {1}"))  # fmt: skip


def _parts(words: Words, rng: random.Random) -> Need:
    """A list of things with a number each."""
    name = rng.choice((plural(rng.choice(NOUNS)), "items", "parts", "lines", "goods"))
    name, key = name.replace(" ", "_"), rng.choice(("name", "item", "title", rng.choice(NOUNS)))
    number = rng.choice((*UNITS, "count", "amount", "quantity"))
    form = rng.choice(("'{v}' ({n} U)", "{n} U of {v}", "{n} {v}", "{v} ({n})", "{v}, {n} U"))
    form = form.replace("U", number)

    def draw() -> list[dict[str, Any]]:
        return [
            {key: values.word(words, rng), number: values.integer(rng)}
            for _ in range(rng.choice((1, 2, 2, 3)))
        ]

    def show(items: list[dict[str, Any]]) -> str:
        return " and ".join(form.format(v=item[key], n=item[number]) for item in items)

    text = rng.choice((f"Each with {key} and {number}.", f"The {name}: {key} and {number}."))
    parameter = Parameter(name, "list", text, (), draw, show)
    return Need((parameter,), ("{0}", "with {0}", "{w} {0}", "for {0}"))


def _need(name: str, kind: str, text: str, said: tuple[str, ...], value: Any) -> Need:
    return Need((Parameter(name, kind, text, (), value),), said)


KINDS = (
    _letter, _number, _year, _decimal, _date, _clock, _code, _identifier, _place,
    _person, _quoted, _bare, _option, _ends, _parts,
)  # fmt: skip
