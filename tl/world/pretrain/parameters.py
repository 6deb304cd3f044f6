"""Parameters of the made-up functions: their names, types, descriptions, and how a request says
their values.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from tl.world.pretrain import values
from tl.world.pretrain.lexicon import ADJECTIVES, ENUM_TITLES, NOUNS, UNITS, plural
from tl.world.pretrain.values import Words

PLACES = ("city", "town", "place", "location", "country", "region", "station", "airport")
ENDS = (("origin", "destination"), ("start", "end"), ("from_city", "to_city"),
        ("source", "target"), ("departure", "arrival"))  # fmt: skip
PEOPLE = ("name", "person", "customer", "guest", "user", "member", "passenger", "patient", "owner")


@dataclass(frozen=True)
class Parameter:
    """phrases: how a request says the value, `{v}`. inline: the value stands beside the thing that
    the request is about ("track order AB12"). value: draws one. shown: as a request writes it."""

    name: str
    type: str
    description: str
    phrases: tuple[str, ...]
    value: Callable[[], Any]
    shown: Callable[[Any], str] = str
    inline: bool = False


def draw_parameters(noun: str, words: Words, rng: random.Random) -> list[Parameter]:
    """None to four parameters with different names."""
    chosen: dict[str, Parameter] = {}
    if rng.random() < 0.35:
        chosen |= {p.name: p for p in _identity(noun, words, rng)}
    for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3))):
        maker = rng.choices(MAKERS, SHARES)[0]
        made = maker(noun, words, rng)
        if not any(p.name in chosen for p in made):
            chosen |= {p.name: p for p in made}
    return list(chosen.values())[:4]


def _identity(noun: str, words: Words, rng: random.Random) -> list[Parameter]:
    last = noun.split()[-1]
    kind = rng.randrange(4)
    if kind < 2:
        name = rng.choice(
            (f"{last}_id", f"{last}_id", "id", f"{last}_number", f"{last}_code", last)
        )
        made = partial(values.identifier, rng)
        return [Parameter(name, "str", f"Id of the {noun}.", ("{v}",), made, inline=True)]
    if kind == 2:
        name = rng.choice(("title", "name", f"{last}_name", "label", last))
        made = partial(values.phrase, words, rng)
        text = f"{name.replace('_', ' ').capitalize()} of the {noun}."
        return [Parameter(name, "str", text, ("'{v}'",), made, inline=True)]
    name = rng.choice(("name", f"{last}_name", last, "path"))
    maker = rng.choice((values.name, values.file_name, values.word))
    return [Parameter(name, "str", f"Name of the {noun}.", ("{v}",), partial(maker, words, rng),
                      inline=True)]  # fmt: skip


def _place(noun: str, words: Words, rng: random.Random) -> list[Parameter]:
    name = rng.choice(PLACES)
    text = rng.choice(
        (f"The {name}.", f"{name.capitalize()} of the {noun}.", f"Name of the {name}.")
    )
    phrases = (rng.choice(("in {v}", "in {v}", "for {v}", "at {v}", "near {v}")), "in {v}")
    return [Parameter(name, "str", text, phrases, partial(values.name, words, rng))]


def _journey(noun: str, words: Words, rng: random.Random) -> list[Parameter]:
    first, second = rng.choice(ENDS)
    maker = rng.choice((values.name, values.name, values.code, values.word))
    draw = partial(maker, words, rng)
    return [
        Parameter(first, "str", f"Where the {noun} starts.", ("from {v}",), draw),
        Parameter(second, "str", f"Where the {noun} ends.", ("to {v}",), draw),
    ]


def _person(noun: str, words: Words, rng: random.Random) -> list[Parameter]:
    name, phrase = rng.choice(
        (("recipient", "to {v}"), ("author", "by {v}"), ("guest", "with {v}"), ("artist", "by {v}"))
        + tuple((name, rng.choice(("for {v}", "of {v}", "under the name {v}"))) for name in PEOPLE)
    )
    text = rng.choice((f"The {name}.", f"Full name of the {name}.", f"Who the {noun} is for."))
    maker = rng.choice((values.person, values.person, values.name))
    return [Parameter(name, "str", text, (phrase,), partial(maker, words, rng))]


def _day(noun: str, words: Words, rng: random.Random) -> list[Parameter]:
    if rng.random() < 0.2:
        draw = partial(values.date, rng)
        first, second = rng.choice((("start_date", "end_date"), ("first_day", "last_day")))
        return [Parameter(first, "str", "First day, like 2025-05-14.", ("from {v}",), draw),
                Parameter(second, "str", "Last day.", ("until {v}",), draw)]  # fmt: skip
    name = rng.choice(("date", "day", "when", f"{noun.split()[-1]}_date"))
    text = rng.choice(
        ("The day, like 2025-05-14.", f"Day of the {noun}.", "Date as year-month-day.")
    )
    return [Parameter(name, "str", text, ("on {v}",), partial(values.date, rng))]


def _hour(noun: str, words: Words, rng: random.Random) -> list[Parameter]:
    name = rng.choice(("time", "start", "hour", "start_time"))
    text = rng.choice(("Time of the day, like 09:30.", f"When the {noun} starts.", "The time."))
    return [Parameter(name, "str", text, ("at {v}",), partial(values.clock, rng))]


def _count(noun: str, words: Words, rng: random.Random) -> list[Parameter]:
    unit = rng.choice(UNITS)
    name = rng.choice((unit, unit, f"number_of_{unit}", "count", "amount"))
    phrases = (rng.choice(("for {v} U", "with {v} U", "of {v} U", "in {v} U", "{v} U")),)
    phrases = tuple(phrase.replace("U", unit) for phrase in phrases)
    text = rng.choice(
        (f"Number of {unit}.", f"How many {unit}.", f"{unit.capitalize()}, a number.")
    )
    return [Parameter(name, "int", text, phrases, partial(values.integer, rng))]


def _limit(noun: str, words: Words, rng: random.Random) -> list[Parameter]:
    thing = rng.choice(("price", "size", "weight", "length", "distance", "age", "rating", "score"))
    most = rng.random() < 0.6
    name = rng.choice((f"max_{thing}", f"{thing}_limit") if most else (f"min_{thing}",))
    words_ = (
        ("under {v}", "below {v}", "up to {v}")
        if most
        else ("over {v}", "above {v}", "from {v} up")
    )
    text = f"{'Largest' if most else 'Smallest'} {thing}."
    decimals = rng.random() < 0.3
    draw = (partial(values.decimal, rng)) if decimals else (partial(values.integer, rng))
    phrases = (rng.choice(words_), f"with a {thing} {rng.choice(words_)}")
    return [Parameter(name, "float" if decimals else "int", text, phrases, draw)]


def _choice(noun: str, words: Words, rng: random.Random) -> list[Parameter]:
    name = rng.choice(ENUM_TITLES)
    options = rng.sample(ADJECTIVES if rng.random() < 0.5 else words.lower, rng.randint(2, 4))
    listed = ", ".join(f"'{option}'" for option in options)
    text = rng.choice((f"One of {listed}.", f"The {name}: {' or '.join(options)}."))
    phrases = (
        rng.choice(("as {v}", "in {v}", "with {v} N", "in N {v}", "by {v}")).replace("N", name),
    )
    return [Parameter(name, "str", text, phrases, partial(rng.choice, options))]


def _member(noun: str, words: Words, rng: random.Random) -> list[Parameter]:
    """Any noun may name a parameter; then the request says the noun."""
    name = rng.choice(NOUNS) if rng.random() < 0.6 else values.word(words, rng)
    shapes = ("with the N {v}", "with N {v}", "N {v}", "whose N is {v}", "where the N is {v}")
    phrases = tuple(shape.replace("N", name) for shape in rng.sample(shapes, 2))
    text = rng.choice((f"The {name}.", f"{name.capitalize()} of the {noun}.", f"Its {name}."))
    kind = rng.randrange(5)
    if kind == 0:
        return [Parameter(name, "int", text, phrases, partial(values.integer, rng))]
    maker = (values.word, values.word, values.name, values.phrase)[kind - 1]
    return [Parameter(name, "str", text, phrases, partial(maker, words, rng))]


def _subject(noun: str, words: Words, rng: random.Random) -> list[Parameter]:
    name = rng.choice(("topic", "keyword", "subject", "query", "search_term", "title"))
    text = rng.choice((f"The {name}.", "What to look for.", f"What the {noun} is about."))
    maker = rng.choice((values.word, values.word, values.phrase, values.name))
    phrase = rng.choice(("about {v}", "on {v}", "about '{v}'", "with the word '{v}'"))
    return [Parameter(name, "str", text, (phrase,), partial(maker, words, rng))]


def _text(noun: str, words: Words, rng: random.Random) -> list[Parameter]:
    name = rng.choice(("text", "message", "note", "content", "body", "comment", "sentence"))
    phrase = rng.choice((": '{v}'", "'{v}'", "that says '{v}'", "with the N '{v}'")).replace(
        "N", name
    )
    maker = rng.choice((values.sentence, values.phrase))
    return [Parameter(name, "str", f"The {name}.", (phrase,), partial(maker, words, rng))]


def _several(noun: str, words: Words, rng: random.Random) -> list[Parameter]:
    """A list of words, names or numbers."""
    single = rng.choice(NOUNS)
    name = rng.choice((plural(single), "names", "values", "items", "numbers"))
    maker = {"numbers": lambda w, r: values.integer(r), "names": values.name}.get(name, values.word)
    draw = lambda: [maker(words, rng) for _ in range(rng.randint(2, 4))]
    phrase = rng.choice(("for {v}", "of {v}", "with {v}", "N {v}")).replace("N", name)
    return [Parameter(name, "list", f"The {name}.", (phrase,), draw, _enumeration)]


def _address(noun: str, words: Words, rng: random.Random) -> list[Parameter]:
    name = rng.choice(("email", "mail", "address", "to", "contact"))
    phrase = rng.choice(("to {v}", "for {v}", "with the address {v}"))
    return [Parameter(name, "str", "Mail address.", (phrase,), partial(values.mail, words, rng))]


def _enumeration(items: list) -> str:
    return f"{', '.join(map(str, items[:-1]))} and {items[-1]}"


MAKERS, SHARES = zip(
    (_place, 4), (_journey, 2), (_person, 4), (_day, 4), (_hour, 2), (_count, 4), (_limit, 2),
    (_choice, 3), (_member, 6), (_subject, 3), (_text, 2), (_several, 1), (_address, 1),
    strict=True,
)  # fmt: skip
