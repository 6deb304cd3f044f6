"""What stands before a known word: lines that begin with a name, then each name is asked for once,
by something that stands behind it.

    river kite_lamp                     kite: bell, open tower
                                        river_lamp: sharp coin
    kite_lamp river                     coin -> river_lamp

A description stands behind the name of its function, so this is what finds a function by what it
does. Nobody is asked for twice: a second time the name could be found by the first, as what stands
*behind* a known word, which is learned long before.
"""

import random
from collections.abc import Iterator, Sequence

from tl.world.pretrain.directories import ARROWS, POOL, around_key
from tl.world.pretrain.values import Words
from tl.world.tools import TOOLS

COUNTS = (2, 3, 4, 5, 6, 8, 10, 14)
BETWEEN = (" ", ", ", "\n", " - ", "; ", " | ")
LINE_ENDS = ("", "", "()", ";", ".")


def bare_row(words: Words, rng: random.Random) -> str:
    """Words in a row, then all but the first with the one before it: the one form in which this is
    learned first."""
    row = rng.sample(words.lower, rng.choice(COUNTS[:6]) + 1)
    return _document(" ".join(row), list(zip(row[1:], row, strict=False)), " ", rng)


def bare_pairs(words: Words, rng: random.Random) -> str:
    """Two words in each line, then the second and the first."""
    count = rng.choice(COUNTS)
    drawn = rng.sample(words.lower, 2 * count)
    pairs = list(zip(drawn[:count], drawn[count:], strict=True))
    lines = "\n".join(f"{name} {key}" for name, key in pairs)
    return _document(lines, [(key, name) for name, key in pairs], " ", rng)


def bare_scattered(words: Words, rng: random.Random) -> str:
    """`bare_pairs`, where the second stands between words that no line has."""
    count = rng.choice(COUNTS)
    drawn = iter(rng.sample(words.lower, 5 * count))
    listed = [(next(drawn), next(drawn)) for _ in range(count)]
    before, behind = rng.choice(((0, 1), (1, 1), (0, 2), (0, 1)))
    asked = []
    for name, key in listed:
        said = [*(next(drawn) for _ in range(before)), key, *(next(drawn) for _ in range(behind))]
        asked.append((" ".join(said), name))
    lines = "\n".join(f"{name} {key}" for name, key in listed)
    return _document(lines, asked, " : ", rng)


def row(words: Words, rng: random.Random) -> str:
    """`bare_row` with other signs between the words."""
    items = rng.sample(_pool(words, rng), rng.choice(COUNTS) + 1)
    asked = list(zip(items[1:], items, strict=False))
    return _document(rng.choice(BETWEEN).join(items), asked, rng.choice(ARROWS), rng)


def pairs(words: Words, rng: random.Random) -> str:
    """A name and a word in each line, with signs between; asked for by the word."""
    return _lines(words, rng, name_sizes=(1,), key_counts=(1,))


def entries(words: Words, rng: random.Random) -> str:
    """A name of some words and what it is for in each line; asked for by some of the latter, often
    with other words around."""
    return _lines(words, rng, name_sizes=(1, 2, 2, 3), key_counts=(1, 2, 3, 4))


def scattered(words: Words, rng: random.Random) -> str:
    """`entries`, asked for by words that stand among others, which no line has: what is found may
    have been found at any place of the request."""
    return _lines(
        words, rng, name_sizes=(1, 2, 2, 3), key_counts=(1, 2, 3, 4), others=(0, 1, 1, 2, 3, 4)
    )


def parts(words: Words, rng: random.Random) -> str:
    """Names of some words, asked for by one of these that is not the first."""
    pool, count = _pool(words, rng), rng.choice(COUNTS)
    drawn = iter(rng.sample(pool, 4 * count))
    names = [_name(drawn, rng.choice((2, 2, 3)), pool, rng) for _ in range(count)]
    between = rng.choice(("\n", ", ", "\n- ", "()\n", "; "))
    asked = [(rng.choice(name.split("_")[1:]), name) for name in names]
    return _document(between.join(names), asked, rng.choice(ARROWS), rng, around_key(pool, rng))


def _lines(
    words: Words,
    rng: random.Random,
    name_sizes: Sequence[int],
    key_counts: Sequence[int],
    others: Sequence[int] = (),
) -> str:
    """others: how many words of no line a request may have between its own, instead of some that
    all requests have around them."""
    pool, count = _pool(words, rng), rng.choice(COUNTS)
    first, end = rng.choice(ARROWS), rng.choice(LINE_ENDS)
    most = 1 + max(name_sizes) + max(key_counts) + max(others, default=0)
    drawn = iter(rng.sample(pool, count * most))
    lines, asked = [], []
    for _ in range(count):
        name = _name(drawn, rng.choice(name_sizes), pool, rng)
        keys = [next(drawn) for _ in range(rng.choice(key_counts))]
        lines.append(f"{name}{first}{' '.join(keys)}{end}")
        said = rng.sample(keys, rng.randint(1, len(keys)))
        if others:
            said += [next(drawn) for _ in range(rng.choice(others))]
            rng.shuffle(said)
        asked.append((" ".join(said), name))
    around = "{k}" if max(key_counts) == 1 or others else around_key(pool, rng)
    return _document("\n".join(lines), asked, rng.choice(ARROWS), rng, around)


def _document(
    listed: str, asked: list[tuple[str, str]], arrow: str, rng: random.Random, around: str = "{k}"
) -> str:
    """What is listed, then a request of every (key, name), in any order."""
    drawn = rng.sample(asked, len(asked))
    requests = [f"{around.replace('{k}', key)}{arrow}{name}" for key, name in drawn]
    return "\n".join([listed, "", *requests])


def _name(drawn: Iterator[str], size: int, pool: Sequence[str], rng: random.Random) -> str:
    """Words joined to a name, a longer one where that is a tool of the world."""
    name = "_".join(next(drawn) for _ in range(size))
    while name in TOOLS:
        name = f"{name}_{rng.choice(pool)}"
    return name


def _pool(words: Words, rng: random.Random) -> Sequence[str]:
    return words.lower if rng.random() < 0.5 else POOL
