"""Copy-dense documents: what stands above has to be found and written again.

A model that predicts them well has learned to look a word up in its context and to copy what
follows it, which is all that filling in an argument is. Nothing in them can be known by heart.
"""

import json
import random

from tl.world.pretrain.lexicon import ADJECTIVES, NOUNS
from tl.world.pretrain.values import Words, anything, made_up, name, person, word

OFFERS = ("how are you", "what can I do for you", "nice to meet you")
SEPARATORS = ("", " ", " ", ", ", ": ", "\n", " -> ", " = ")
ARROWS = (": ", " = ", " -> ", " is ", ", ", " | ")


def echo(words: Words, rng: random.Random) -> str:
    """Words written together, twice: kitelampriver / kitelampriver. Each token predicts the next
    one of its first occurrence, with nothing in between: the easiest thing to copy, and the more
    different tokens there are, the sooner it is learned."""
    line = "".join(rng.choice(words.lower) for _ in range(rng.randint(4, 16)))
    return f"{line}\n{line}"


def underscores(words: Words, rng: random.Random) -> str:
    """The same of words that end in underscores: kite_lamp_river / kite_lamp_river. They are other
    tokens, which are to be copied as well."""
    pool = words.lower if rng.random() < 0.2 else NOUNS + ADJECTIVES
    line = "_".join(rng.choice(pool) for _ in range(rng.randint(4, 16)))
    return f"{line}\n{line}"


def backwards(words: Words, rng: random.Random) -> str:
    """Words, then the same ones from the last to the first: each is followed by the one that stood
    before it. (It can be written by counting places, too: see tiny/README.md.)"""
    pool = rng.choice((words.lower, words.lower, words.names, NOUNS + ADJECTIVES))
    items = rng.sample(pool, rng.randint(4, 16))
    first, second = rng.choice(SEPARATORS), rng.choice(SEPARATORS)
    return f"{first.join(items)}\n{second.join(reversed(items))}"


def repetition(words: Words, rng: random.Random) -> str:
    """A list of words, twice, with signs between them."""
    pool = rng.choice((words.lower, words.names, (*words.lower, *words.names)))
    items = [rng.choice(pool) for _ in range(rng.randint(4, 16))]
    separator = rng.choice((" ", ", ", "\n", "; ", " / ", "', '", "_", "-", '", "'))
    return f"{separator.join(items)}\n{separator.join(items)}"


def listing(words: Words, rng: random.Random) -> str:
    """A list of values, and the same list again, once or more often."""
    items = [str(anything(words, rng)) for _ in range(rng.randint(3, 9))]
    separator = rng.choice((", ", "\n", "; ", "\n- ", " / "))
    title = name(words, rng)
    lines = (separator.join(items), separator.join(map(repr, items)))
    return "\n\n".join(f"{title}: {rng.choice(lines)}" for _ in range(rng.choice((2, 2, 3))))


def table(words: Words, rng: random.Random) -> str:
    """Keys with values, then some keys again, in another order, with another sign between."""
    rows = _pairs(words, rng, rng.randint(4, 14))
    first, second = rng.choice(ARROWS), rng.choice(ARROWS)
    lines = [f"{key}{first}{value}" for key, value in rows.items()]
    asked = rng.sample(list(rows), rng.randint(3, len(rows)))
    quote = rng.choice((str, repr))
    return "\n".join([*lines, "", *(f"{key}{second}{quote(rows[key])}" for key in asked)])


def association(words: Words, rng: random.Random) -> str:
    """What belongs to some words; then it is asked for by a few of them among others."""
    known = {}
    for _ in range(rng.randint(3, 10)):
        belongs = rng.choice((word, name))(words, rng)
        known[belongs] = [rng.choice(words.lower) for _ in range(rng.randint(2, 4))]
    arrow = rng.choice(ARROWS)
    lines = [f"{' '.join(given)}{arrow}{belongs}" for belongs, given in known.items()]
    for _ in range(2 * len(known)):
        belongs = rng.choice(list(known))
        given = rng.sample(known[belongs], rng.randint(1, len(known[belongs])))
        given += [rng.choice(words.lower) for _ in range(rng.randint(0, 2))]
        lines.append(f"{' '.join(rng.sample(given, len(given)))}{arrow}{belongs}")
    return "\n".join(lines)


def lookup(words: Words, rng: random.Random) -> str:
    """A Python dictionary and what its keys give."""
    rows, title = _pairs(words, rng, rng.randint(3, 9)), word(words, rng)
    lines = [f"{title} = {rows!r}" if rng.random() < 0.5 else f"{title} = {json.dumps(rows)}"]
    lines += [f">>> {title}[{key!r}]\n{rows[key]!r}" for key in rng.choices(list(rows), k=6)]
    return "\n".join(lines)


def variables(words: Words, rng: random.Random) -> str:
    """Variables are set, then calls get them by name."""
    rows = _pairs(words, rng, rng.randint(3, 7))
    lines = [f"{key} = {value!r}" for key, value in rows.items()]
    for _ in range(rng.randint(2, 5)):
        used = rng.sample(list(rows), rng.randint(1, min(3, len(rows))))
        function = word(words, rng)
        given = ", ".join(f"{key}={key}" for key in used)
        result = {key: rows[key] for key in used}
        lines.append(f">>> {function}({given})\n{function}: {json.dumps(result)}")
    return "\n".join(lines)


def record(words: Words, rng: random.Random) -> str:
    """A JSON record, then its members one by one, as sentences or as lines."""
    rows = _pairs(words, rng, rng.randint(2, 6))
    asked = rng.sample(list(rows), len(rows))
    shape = rng.choice(("The {k} is {v}.", "{k}: {v}", "{v} is the {k}.", "Its {k}: {v}.",
                        "With the {k} {v}.", "{v} ({k})"))  # fmt: skip
    return "\n".join([json.dumps(rows), *(shape.format(k=k, v=rows[k]) for k in asked)])


def records(words: Words, rng: random.Random) -> str:
    """A list of JSON records; then what one of them says, found by another of its members."""
    keys = [word(words, rng) for _ in range(rng.randint(2, 4))]
    rows = [{key: anything(words, rng) for key in keys} for _ in range(rng.randint(2, 5))]
    title = word(words, rng)
    lines = [json.dumps({title: rows})]
    places = ("first", "second", "third", "fourth", "fifth")
    for _ in range(rng.randint(3, 6)):
        place, (known, wanted) = rng.randrange(len(rows)), rng.sample(keys, 2)
        row = rows[place]
        lines.append(
            rng.choice(
                (
                    f"The {wanted} of the {places[place]} {title}: {row[wanted]}",
                    f"The {wanted} where {known} is {row[known]}: {row[wanted]}",
                    f"{title}[{place}][{wanted!r}] = {row[wanted]!r}",
                )
            )
        )
    return "\n".join(lines)


def extraction(words: Words, rng: random.Random) -> str:
    """Sentences, and the record that each of them gives."""
    verbs = [word(words, rng) for _ in range(3)]
    joints = rng.sample(("in", "from", "to", "for", "with", "at", "by", "on", "of", "under"), 3)
    keys = [word(words, rng) for _ in range(4)]
    lines = []
    for _ in range(rng.randint(3, 6)):
        who, *values = person(words, rng), *(anything(words, rng) for _ in joints)
        rest = " ".join(f"{joint} {value}" for joint, value in zip(joints, values, strict=True))
        row = dict(zip(keys, (who, *values), strict=True))
        given = ", ".join(f"{key}={value!r}" for key, value in row.items())
        lines.append(
            f"{who} {rng.choice(verbs)} {rest}.\n{rng.choice((f'dict({given})', json.dumps(row)))}"
        )
    return "\n".join(lines)


def dialogue(words: Words, rng: random.Random) -> str:
    """Two people talk: something is said, and asked for later."""
    asker, teller = name(words, rng), name(words, rng)
    rows = _pairs(words, rng, rng.randint(2, 5))
    lines = [f"{teller}: The {key} is {value}." for key, value in rows.items()]
    for key in rng.sample(list(rows), len(rows)):
        question = rng.choice(
            ("What is the {k}?", "And the {k}?", "Tell me the {k}.", "Which {k}?")
        )
        reply = rng.choice(("The {k} is {v}.", "{v}.", "It is {v}.", "{v}, as I said."))
        lines.append(f"{asker}: {question.format(k=key)}")
        lines.append(f"{teller}: {reply.format(k=key, v=rows[key])}")
    return "\n".join(lines)


def greeting(words: Words, rng: random.Random) -> str:
    """Small talk: names are repeated, thanks are answered."""
    asker, teller, third = (name(words, rng) for _ in range(3))
    hello = rng.choice(("Hello", "Hi", "Good morning", "Good evening", "Hey"))
    lines = (
        f"{asker}: {hello}, {rng.choice(('I am', 'my name is', 'this is'))} {third}.",
        f"{teller}: {hello} {third}, {rng.choice(OFFERS)}?",
        f"{asker}: {rng.choice(('Thank you', 'Thanks', 'Many thanks'))}, {teller}!",
        f"{teller}: {rng.choice(('You are welcome', 'With pleasure', 'No problem'))}, {third}.",
    )
    return "\n".join(lines)


def arithmetic(words: Words, rng: random.Random) -> str:
    """Small sums."""
    lines = []
    for _ in range(rng.randint(4, 10)):
        a, b = rng.randint(0, 20), rng.randint(0, 20)
        sign, result = rng.choice((("+", a + b), ("-", a - b), ("*", a * b)))
        lines.append(
            f"{a} {sign} {b} = {result}" if rng.random() < 0.7 else f"{a}{sign}{b}={result}"
        )
    return "\n".join(lines)


def _pairs(words: Words, rng: random.Random, count: int) -> dict[str, str | int | float]:
    keys = (word(words, rng) if rng.random() < 0.9 else made_up(rng).lower() for _ in range(count))
    return {key: anything(words, rng) for key in keys}
