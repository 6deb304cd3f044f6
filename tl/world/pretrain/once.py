'''Functions that are asked for once each, by words of their descriptions: as sentences in a list,
as definitions in a module. Only its description, which stands behind it, can find a name here.

    def find_river_bell(lamp: str):
        """The bell of a tower with the most coins."""

    I need tower and coins, with the lamp Brinor
    find_river_bell(lamp='Brinor')
'''

import random

from tl.world.pretrain.directories import (
    ANSWERS,
    ENTRIES,
    POOL,
    Entry,
    draw_entries,
    request,
    wish,
)
from tl.world.pretrain.lexicon import Action
from tl.world.pretrain.manuals import define, draw_hand, draw_mixed, use
from tl.world.pretrain.modules import Function
from tl.world.pretrain.parameters import draw_parameters
from tl.world.pretrain.values import Words
from tl.world.tools import TOOLS

COUNTS = (2, 3, 4, 5, 6, 8, 10, 12)
UNTOLD = 0.35  # share of the names that no request has a word of


def sentences(words: Words, rng: random.Random) -> str:
    """Entries, then a request for each, and its name."""
    entries = _entries(words, rng)
    (line, gap), answer = rng.choice(ENTRIES), rng.choice(ANSWERS)
    parts = [line.format(n=entry.name, p=entry.purpose) for entry in entries]
    asked = [
        answer.format(r=request(entry, words, rng), n=entry.name)
        for entry in rng.sample(entries, len(entries))
    ]
    return "\n".join([gap.join(parts) + gap, *asked])


def worded(words: Words, rng: random.Random) -> str:
    """Definitions of any words, then a request for each that shares some of them, and its call."""
    entries = _entries(words, rng)
    bare = rng.random() < 0.5
    return _module([_function(entry, bare, words, rng) for entry in entries], words, rng)


def module(words: Words, rng: random.Random) -> str:
    """Definitions as modules have them, then a request for each, and its call."""
    return _module(draw_mixed(words, rng, rng.choice(COUNTS)), words, rng)


def _module(functions: list[Function], words: Words, rng: random.Random) -> str:
    hand = draw_hand(words, rng)
    parts = [define(function, hand) for function in functions]
    parts += [
        use(function, functions, hand, rng) for function in rng.sample(functions, len(functions))
    ]
    return rng.choice(("\n", "\n\n")).join(parts)


def _entries(words: Words, rng: random.Random) -> list[Entry]:
    """Some of them under names that do not tell what they are for."""
    return [_renamed(entry, rng) for entry in draw_entries(words, rng, rng.choice(COUNTS))]


def _renamed(entry: Entry, rng: random.Random) -> Entry:
    """The entry, perhaps under a name that does not tell what it is for."""
    if rng.random() >= UNTOLD:
        return entry
    name = "_".join(rng.sample(POOL, rng.choice((1, 2, 2))))
    told = tuple(word for word in entry.told if word in entry.purpose.lower())
    return entry if name in TOOLS or len(told) < 2 else Entry(name, entry.purpose, told)


def _function(entry: Entry, bare: bool, words: Words, rng: random.Random) -> Function:
    """bare: without parameters."""
    asks = tuple(wish(entry, words, rng) for _ in range(2))
    verb, thing = entry.name.split("_")[0], rng.choice(entry.told)
    drawn = [] if bare else draw_parameters(thing, words, rng)
    parameters = tuple(p for p in drawn if not p.inline)
    required = rng.randint(min(1, len(parameters)), len(parameters))
    action = Action((verb,), (entry.purpose,), asks)
    return Function(entry.name, action, thing, "", f"{entry.purpose}.", parameters, required)
