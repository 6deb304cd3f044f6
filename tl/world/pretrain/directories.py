"""Search made dense: short entries that say what something is for, then many requests that share
words with one of them, and its name.

    open_tower: The tower of a harbor and its bell.
    find_bell_price: About the letter and the bridge.

    Which letter has the bridge -> find_bell_price

The words are drawn from all words, so nothing of it is known beforehand: a request is found by the
words that it shares with an entry, among others that it does not. In a `roster` alone requests may
say it in other words.
"""

import random
import re
from collections.abc import Sequence
from typing import NamedTuple

from tl.world.pretrain.fields import FIELDS, REQUESTS
from tl.world.pretrain.lexicon import ADJECTIVES, NOUNS, plural
from tl.world.pretrain.manuals import ask, draw_mixed
from tl.world.pretrain.modules import draw_values
from tl.world.pretrain.values import CHAT_WORDS, Words, word
from tl.world.tools import TOOLS

FIELD_WORDS = tuple(
    dict.fromkeys(each for field in FIELDS for each in field if each.islower())
)  # fmt: skip
POOL = tuple(dict.fromkeys((*NOUNS, *ADJECTIVES, *FIELD_WORDS)))
VERBS = ("get", "get", "find", "show", "check", "search", "make", "add", "list", "read", "set")
# {a}, {b}, {c}: words of the entry, of any part of speech.
PURPOSES = (
    "The {a} of a {b}", "A {a} for the {b}", "Get the {a} and the {b} of a {c}", "{a} and {b}",
    "Make a {a} from a {b}", "Whether a {a} is {b}", "How {a} a {b} is", "The {a}", "All {a} {b}",
    "Find a {a} by its {b}", "Set the {a} of a {b} to a {c}", "{a}, {b}, {c}", "What a {a} has",
    "{a} {b}", "The {a} with the most {b} in a {c}", "Look up {a} on a {b}",
)  # fmt: skip
# How the entry of a name {n} with its purpose {p} is written, and what is between it and the next.
ENTRIES = (
    ("{n}: {p}.", "\n"), ("{p}: {n}", "\n"), ("{p} -> {n}", "\n"), ("{n} = {p}", "\n"),
    ("def {n}(): ...  # {p}.", "\n"), ('def {n}():\n    """{p}."""', "\n"),
    ('def {n}():\n    """\n    {p}.\n    """', "\n\n"), ("def {n}(): ...  # {p}.", "\n\n"),
    ('{{"name": "{n}", "description": "{p}."}}', "\n"), ("- {n} ({p})", "\n"),
    ("def {n}():\n    # {p}.", "\n"), ("## {n}\n\n{p}.", "\n\n"),
)  # fmt: skip
# How a request {r} and the name that serves it are written.
ANSWERS = (
    "{r} -> {n}", "{r}: {n}", "# {r}\n{n}()", "# {r}\n>>> {n}()", "{r}\n    {n}()", "- {r} `{n}()`",
    "{r}\n{n}", "{r} => {n}()", '"""{r}"""\n{n}()', "# {r}\nreturn {n}()",
)  # fmt: skip
# What stands between the words of an entry and its name, in lists and in their requests.
ARROWS = (": ", " = ", " -> ", " is ", ", ", " | ", " => ", "\n>>> ", "\n", " ")
# What is said around the word {k} that is looked up; {a} and {b} are words, the same in a document.
AROUND = (
    "{k}", "{k}", "{k}", "{k}", "about {k}", "the {k} please", "# {k}", "- {k}", "{a} {k}",
    "{k} {a}", "{a} {k} {b}", "What is the {k} of {a}?", "I want {k}.", "{a} {b}: {k}",
)  # fmt: skip
# Where the words stand, seen from the name.
PLACES = ("before", "before", "behind", "behind", "inside")


class Entry(NamedTuple):
    """name, purpose: of a function. told: the words of both that a request may say."""

    name: str
    purpose: str
    told: tuple[str, ...]


def keyed(words: Words, rng: random.Random, places: tuple[str, ...] = PLACES) -> str:
    """Names, with words before them, behind them, or in them; then rounds of requests that say one
    of these words, and the name.

    The barest form of search: nothing helps but the place where the word stood.
    """
    count, size = rng.choice((2, 3, 4, 5, 6, 8, 10)), rng.choice((1, 1, 2, 3))
    arrow, answer = rng.choice(ARROWS), rng.choice(ARROWS)
    where = rng.choice(places)
    if where == "before" and rng.random() < 0.7:
        answer = arrow
    pool = words.lower if rng.random() < 0.3 else POOL
    around = around_key(pool, rng)
    end = rng.choice(("", "", "()", ";"))
    entries: dict[str, list[str]] = {}
    while len(entries) < count:
        parts = rng.sample(pool, 2 if where == "inside" else rng.choice((1, 1, 2)))
        name = "_".join(parts)
        if name in TOOLS:
            continue
        entries[name] = parts if where == "inside" else rng.sample(pool, size)
    shape = {"before": "{k}{a}{n}{e}", "behind": "{n}{e}{a}{k}", "inside": "{n}{e}"}[where]
    lines = [
        shape.format(k=" ".join(keys), a=arrow, n=name, e=end) for name, keys in entries.items()
    ]
    lines.append("")
    for _ in range(3):
        for name in rng.sample(list(entries), count):
            keys = entries[name]
            said = " ".join(rng.sample(keys, len(keys) if rng.random() < 0.2 else 1))
            lines.append(f"{around.replace('{k}', said)}{answer}{name}{end}")
    return "\n".join(lines)


def keyed_behind(words: Words, rng: random.Random) -> str:
    """`keyed` with the words behind their names or in them: what is looked for stands in front of
    what is known, as a function's name in front of its description."""
    return keyed(words, rng, ("behind", "behind", "behind", "inside"))


def directory(words: Words, rng: random.Random) -> str:
    """Entries, then three rounds of requests for each of them."""
    entries = draw_entries(words, rng, rng.choice((2, 3, 3, 4, 4, 5, 6, 7, 8, 10)))
    (line, gap), answer = rng.choice(ENTRIES), rng.choice(ANSWERS)
    parts = [line.format(n=entry.name, p=entry.purpose) for entry in entries]
    text = gap.join(parts) + gap
    return "\n".join([text, *_rounds(answer, entries, words, rng)])


def named(words: Words, rng: random.Random) -> str:
    """Functions whose names begin alike and end in what they are about, then three rounds of
    requests that say it: once `get_` is written, which name goes on in the right way?
    """
    verbs, entries = rng.sample(VERBS, rng.choice((1, 2, 3))), {}
    pool = words.lower if rng.random() < 0.2 else POOL
    for _ in range(rng.choice((2, 3, 4, 5, 6, 8, 10, 12))):
        told = rng.sample(pool, rng.choice((1, 1, 2, 2, 3)))
        name = "_".join((rng.choice(verbs), *told))
        if name not in TOOLS:
            entries[name] = Entry(name, _purpose(told + [_word(words, rng)], rng), tuple(told))
    if rng.random() < 0.4:
        first = rng.choice(("{n}()", "- {n}", "def {n}(): ...", "{n}"))
        parts, gap = [first.format(n=name) for name in entries], "\n"
    else:
        line, gap = rng.choice(ENTRIES)
        parts = [line.format(n=entry.name, p=entry.purpose) for entry in entries.values()]
    answer = rng.choice(ANSWERS)
    asked = _rounds(answer, list(entries.values()), words, rng)
    return "\n".join([gap.join(parts) + gap, *asked])


def roster(words: Words, rng: random.Random) -> str:
    """Functions as modules have them, an entry each; then every one is asked for once, often in
    other words than it is written with, so that nothing helps but its entry.
    """
    functions = draw_mixed(words, rng, rng.choice((2, 3, 4, 5, 6, 8, 10, 12)))
    (line, gap), answer = rng.choice(ENTRIES), rng.choice(ANSWERS)
    wordy = rng.random() < 0.5
    parts = [line.format(n=f.name, p=f.description.removesuffix(".")) for f in functions]
    asked = []
    for function in rng.sample(functions, len(functions)):
        given = draw_values(function, rng) if wordy else {}
        asked.append(answer.format(r=ask(function, given, functions, rng), n=function.name))
    return "\n".join([gap.join(parts) + gap, *asked])


def draw_entries(words: Words, rng: random.Random, count: int) -> list[Entry]:
    """Entries with different names that share verbs and, here and there, other words."""
    near, verbs, entries = rng.choice(POOL), rng.sample(VERBS, 3), {}
    while len(entries) < count:
        told = [_word(words, rng) for _ in range(rng.choice((2, 3, 3, 4)))]
        if rng.random() < 0.4:
            told[0] = near
        named = rng.sample(told, rng.choice((1, 1, 2)))
        if rng.random() < 0.3:
            named.append(_word(words, rng))
        verb = rng.choice(verbs) if rng.random() < 0.8 else ""
        name = "_".join(part for part in (verb, *named) if part)
        purpose = _purpose(told, rng)
        if name not in TOOLS:
            said = tuple(dict.fromkeys([*named, *(w for w in told if w in purpose.lower())]))
            entries.setdefault(name, Entry(name, purpose, said))
    return list(entries.values())


def _rounds(answer: str, entries: list[Entry], words: Words, rng: random.Random) -> list[str]:
    """Three rounds of requests, each for every entry, with their answers."""
    return [
        answer.format(r=request(entry, words, rng), n=entry.name)
        for _ in range(3)
        for entry in rng.sample(entries, len(entries))
    ]


def _purpose(told: list[str], rng: random.Random) -> str:
    a, b, c = (*rng.sample(told, 2), rng.choice(told))
    purpose = rng.choice(PURPOSES).format(a=a, b=b, c=c)
    return with_capital(purpose)


def request(entry: Entry, words: Words, rng: random.Random) -> str:
    """A wish, as somebody says it."""
    return wish(entry, words, rng) + rng.choice(("", ".", "?", ", please.", "."))


def wish(entry: Entry, words: Words, rng: random.Random) -> str:
    """What somebody wants who wants the entry: some of its words, and now and then one of another.

    The word that several entries may share, if it is said, is not said alone.
    """
    said = rng.sample(entry.told, min(len(entry.told), rng.choice((1, 2, 2, 3))))
    if len(said) == 1:
        said = rng.sample(entry.told, min(len(entry.told), 2))
    said = [plural(w) if rng.random() < 0.15 and w in NOUNS else w for w in said]
    template = rng.choice(REQUESTS)
    wanted = sum(f"{{{letter}}}" in template for letter in "abc")
    others = [_word(words, rng) for _ in range(wanted - len(said))]
    a, b, c = (*rng.sample(said + others, min(3, len(said + others))), "", "", "")[:3]
    text = template.format(a=a, b=b, c=c)
    return with_capital(text)


def around_key(pool: Sequence[str], rng: random.Random) -> str:
    """What is said around a word {k} that is looked up."""
    return rng.choice(AROUND).format(k="{k}", a=rng.choice(pool), b=rng.choice(pool))


def with_capital(text: str) -> str:
    """As a sentence begins, unless that would look like a line of a chat."""
    capital = text[0].upper() + text[1:]
    return text if re.match(r"\w*", capital)[0] in CHAT_WORDS else capital


def _word(words: Words, rng: random.Random) -> str:
    return word(words, rng) if rng.random() < 0.15 else rng.choice(POOL)
