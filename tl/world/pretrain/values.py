"""Values that stand in the pre-training text: drawn fresh, so that they have to be copied.

Half of the words are drawn from the vocabulary of the tokenizer, so that each of its words is seen
where a value stands; names are also put together from syllables, so that values of several tokens
are copied too.
"""

import random
from dataclasses import dataclass

ONSETS = "b d f g h k l m n p r s t v w z br dr gr kl st tr sh th".split()
VOWELS = "a e i o u a e i o u ai ea io".split()
CODAS = "n r s l m t k".split()
MONTHS = tuple("""January February March April May June July August September October November
    December""".split())  # fmt: skip
WEEKDAYS = tuple("Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split())
MAIL_HOSTS = ("mail.com", "post.org", "example.com", "work.net")
ENDINGS = ("txt", "pdf", "csv", "jpg", "py", "doc")

# Words that open the lines of a chat in some dialect: no value is one of them, and no line begins
# with one.
CHAT_WORDS = frozenset(
    ("System", "User", "Assistant", "Output", "Function", "Human", "Observation", "Action",
     "Thought", "Question", "Answer", "Tool")
)  # fmt: skip


@dataclass(frozen=True)
class Words:
    """The words of a tokenizer that are one token: lower-case ones, names, codes (CHF), and stems,
    words that are one token with the underscore behind them, here without it. pieces: its other
    tokens of ASCII, signs (`?')`) and fragments of words."""

    lower: tuple[str, ...]
    names: tuple[str, ...]
    codes: tuple[str, ...] = ()
    stems: tuple[str, ...] = ()
    pieces: tuple[str, ...] = ()


def made_up(rng: random.Random) -> str:
    """A name that nobody has seen, of two or three syllables: Hafaho, Brinor."""
    parts = [rng.choice(ONSETS) + rng.choice(VOWELS) for _ in range(rng.choice((2, 2, 3)))]
    return ("".join(parts) + rng.choice((*CODAS, "", "", "", ""))).capitalize()


def name(words: Words, rng: random.Random) -> str:
    """A name of one word: mostly one of the vocabulary."""
    return made_up(rng) if rng.random() < 0.25 else rng.choice(words.names)


def person(words: Words, rng: random.Random) -> str:
    """First name and last name."""
    return f"{name(words, rng)} {name(words, rng)}"


def word(words: Words, rng: random.Random) -> str:
    """A lower-case word, rarely a made-up one."""
    return made_up(rng).lower() if rng.random() < 0.1 else rng.choice(words.lower)


def phrase(words: Words, rng: random.Random) -> str:
    """Two to five words."""
    return " ".join(word(words, rng) for _ in range(rng.randint(2, 5)))


def sentence(words: Words, rng: random.Random) -> str:
    """Three to seven words, the first with a capital letter, with a stop or without."""
    text = " ".join(word(words, rng) for _ in range(rng.randint(3, 7)))
    return text[0].upper() + text[1:] + rng.choice(("", ".", ".", "!"))


def identifier(rng: random.Random) -> str:
    """Letters and digits: AB1234, K-77, inv_9921."""
    letters = "".join(rng.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=rng.choice((1, 2, 2, 2, 3))))
    digits = "".join(rng.choices("0123456789", k=rng.randint(2, 5)))
    return letters + rng.choice(("", "", "", "", "-", "_")) + digits


def integer(rng: random.Random) -> int:
    """Small numbers mostly."""
    return rng.randint(*rng.choice(((1, 9), (1, 9), (2, 12), (10, 99), (10, 99), (100, 2500))))


def decimal(rng: random.Random) -> float:
    """One or two places."""
    return round(rng.uniform(0, rng.choice((10, 100, 1000))), rng.choice((1, 2)))


def date(rng: random.Random) -> str:
    """2025-05-14."""
    return f"20{rng.randint(10, 39)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"


def clock(rng: random.Random) -> str:
    """09:30."""
    return f"{rng.randint(0, 23):02}:{rng.choice((0, 0, 15, 30, 30, 45, rng.randint(0, 59))):02}"


def mail(words: Words, rng: random.Random) -> str:
    """anna.berg@mail.com."""
    return f"{name(words, rng)}.{name(words, rng)}@{rng.choice(MAIL_HOSTS)}".lower()


def file_name(words: Words, rng: random.Random) -> str:
    """notes.txt, report_7.pdf."""
    number = rng.choice(("", "", f"_{rng.randint(1, 99)}"))
    return f"{word(words, rng)}{number}.{rng.choice(ENDINGS)}"


def code(words: Words, rng: random.Random) -> str:
    """Three capital letters, as currencies and airports have."""
    return "".join(rng.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=3))


def anything(words: Words, rng: random.Random) -> str | int | float:
    """Some value."""
    draw = rng.random()
    if draw < 0.3:
        return word(words, rng)
    if draw < 0.55:
        return name(words, rng)
    if draw < 0.7:
        return integer(rng)
    makers = (lambda: identifier(rng), lambda: date(rng), lambda: person(words, rng),
              lambda: decimal(rng), lambda: clock(rng), lambda: mail(words, rng),
              lambda: phrase(words, rng), lambda: file_name(words, rng))  # fmt: skip
    return rng.choice(makers)()
