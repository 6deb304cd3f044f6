"""Texts in which every word of the vocabulary is copied, the rare ones as often as the others.

A token that no text holds is only ever pushed away from what is said, all such tokens the same way:
their vectors grow long and alike, and where one of them is to be copied it cannot be told from the
others. So these texts draw evenly from the vocabulary: words, names, codes (`CHF`), what names of
functions begin with (`rules_`), and the signs and fragments between them (`?')`).

    show rules_film medicine 'CHF' by 14
    take(topic='medicine', market='CHF', rows=14)
"""

import random
from collections.abc import Callable

from tl.world.pretrain import values
from tl.world.pretrain.lexicon import ENUM_TITLES, NOUNS, plural
from tl.world.pretrain.values import CHAT_WORDS, Words
from tl.world.tools import TOOLS

SEPARATORS = (" ", " ", ", ", "\n", "', '", "'\n'", " = ", " | ", "")
JOINTS = (
    " ", " ", " in ", " from ", " to ", " for ", " with ", " of ", " on ", " and ", ", ", ": ",
)  # fmt: skip
FOREIGN = tuple(
    "äöüßéèêàâçñóíúøåæœčšžłęąğışřýþðαβγδλμπσΩабвгджзиклмнопрстуя中文字日本語한국어"
    "€£¥°±²³×÷½→←–—…“”„’‘«»•"
)
# How what is said {r} and the call {c} that follows are shown.
SHOWN = (
    "# {r}\n{c}", "# {r}\n>>> {c}", "{r}\n    {c}", "{r} -> {c}", '"""{r}"""\n{c}', "{r} => {c}",
    "- {r}\n  - {c}", "{r}\n{c}\n",
)  # fmt: skip


def vocabulary(words: Words, rng: random.Random) -> str:
    """A line of tokens of one kind or of all, twice or three times."""
    kinds = (words.lower, words.names, words.codes, ())
    pool = rng.choices(kinds, (3, 1, 1, 5))[0]
    count, separator = rng.randint(4, 16), rng.choice(SEPARATORS)
    if pool and rng.random() < 0.7:
        line = separator.join(rng.choice(pool) for _ in range(count))
    elif rng.random() < 0.6:
        line = "".join(rng.choice(words.stems) + "_" for _ in range(count)) + word(words, rng)
    else:
        line = separator.join(item(words, rng) for _ in range(count))
    return "\n".join([line] * rng.choice((2, 2, 3)))


def pieces(words: Words, rng: random.Random) -> str:
    """Lines of words with signs and fragments between them, twice or three times: all of them in
    their order, or one after the other."""
    lines = []
    for _ in range(rng.randint(3, 10)):
        parts = [word(words, rng)]
        for _ in range(rng.randint(1, 4)):
            piece = rng.choice(FOREIGN) if rng.random() < 0.1 else rng.choice(words.pieces)
            parts += [piece, rng.choice((word(words, rng), word(words, rng), "", " "))]
        lines.append("".join(parts).rstrip())
    times = rng.choice((2, 2, 3))
    if rng.random() < 0.5:
        return "\n".join(lines * times)
    return "\n".join(line for line in lines for _ in range(times))


def forms(words: Words, rng: random.Random) -> str:
    """The same words in a few forms, a line each: letter rate, letter_rate, Letter Rate, letters
    rates. They are different tokens of the same meaning, and only texts can tell."""
    pool = rng.choice((words.stems, words.stems, NOUNS, words.lower))
    chosen = [rng.choice(pool) for _ in range(rng.randint(3, 10))]
    lines = []
    for _ in range(rng.randint(3, 5)):
        form, joint = rng.choice(FORMS), rng.choice(SEPARATORS[:4])
        formed = ["_".join(chosen)] if form is None else [_formed(each, form) for each in chosen]
        lines.append(joint.join(formed))
    return rng.choice(("\n", "\n\n", "\n- ")).join(lines)


def _formed(text: str, form: Callable[[str], str]) -> str:
    """The text in another form, unless that would look like a line of a chat."""
    made = form(text)
    return text if made in CHAT_WORDS else made


def quoted(words: Words, rng: random.Random) -> str:
    """Calls of one function, each behind a line that says its values among other words.

    The places of the values are the same in all lines, and now and then a parameter has a few
    values only, which are listed first.
    """
    name = _name(words, rng)
    while name in TOOLS:
        name = _name(words, rng)
    keys = rng.sample(NOUNS, rng.choice((1, 1, 2, 2, 3)))
    makers = [rng.choices(MAKERS, SHARES)[0] for _ in keys]
    options = {}
    if rng.random() < 0.3:
        options[keys[0]] = [word(words, rng) for _ in range(rng.randint(2, 6))]
    joints = [rng.choice(JOINTS) for _ in keys]
    quote = rng.choice(("{v}", "{v}", "{v}", "'{v}'"))
    head, end = item(words, rng), rng.choice(("", "", ".", "?", ", please.", "!"))
    shown = rng.choice(SHOWN)
    fresh, order = rng.random() < 0.5, rng.sample(range(len(keys)), len(keys))
    lines = [
        f"{rng.choice(ENUM_TITLES)} {key}: one of {', '.join(map(repr, listed))}"
        for key, listed in options.items()
    ]
    for _ in range(rng.randint(4, 10)):
        given = {
            key: rng.choice(options[key]) if key in options else maker(words, rng)
            for key, maker in zip(keys, makers, strict=True)
        }
        said = item(words, rng) if fresh else head
        for place in order:
            value = given[keys[place]]
            text = quote.format(v=value) if isinstance(value, str) else str(value)
            said += joints[place] + text
            if fresh and rng.random() < 0.3:
                said += f" {word(words, rng)}"
        call = f"{name}({', '.join(f'{key}={value!r}' for key, value in given.items())})"
        lines.append(shown.format(r=said + end, c=call))
    return "\n".join(lines)


def other_number(noun: str) -> str:
    """The plural of a singular, the singular of a plural, as far as the last letter tells."""
    return noun[:-1] if noun.endswith("s") and not noun.endswith("ss") else plural(noun)


FORMS = (None, None, str, str.capitalize, other_number)  # None: as in the name of a function


def _name(words: Words, rng: random.Random) -> str:
    first = [rng.choice(words.stems) for _ in range(rng.randint(0, 2))]
    return "_".join([*first, rng.choice(NOUNS)])


def word(words: Words, rng: random.Random) -> str:
    """A lower-case word of the vocabulary."""
    return rng.choice(words.lower)


def item(words: Words, rng: random.Random) -> str:
    """A word, a name or a code."""
    (pool,) = rng.choices((words.lower, words.names, words.codes), (7, 2, 2))
    return rng.choice(pool)


def code(words: Words, rng: random.Random) -> str:
    """A code with a number behind it, or alone."""
    digits = "".join(rng.choices("0123456789", k=rng.randint(2, 4)))
    return rng.choice(words.codes) + rng.choice(("", digits, digits))


def two(words: Words, rng: random.Random) -> str:
    """Two or three words, or two names."""
    if rng.random() < 0.5:
        return f"{rng.choice(words.names)} {rng.choice(words.names)}"
    return " ".join(word(words, rng) for _ in range(rng.choice((2, 2, 3))))


def number(words: Words, rng: random.Random) -> int:
    """A whole number."""
    return values.integer(rng)


def day(words: Words, rng: random.Random) -> str:
    """2025-05-14."""
    return values.date(rng)


MAKERS, SHARES = zip(
    (word, 8), (item, 4), (code, 2), (two, 2), (number, 3), (day, 1), strict=True
)  # fmt: skip
