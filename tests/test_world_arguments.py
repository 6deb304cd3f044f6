"""Texts whose calls have several values of different kinds."""

import random
import re
from collections import Counter

import pytest

from tl.calls.parse import format_call, parse_call
from tl.calls.schema import Call
from tl.world.pretrain import arguments

SEEDS = range(200)


@pytest.fixture
def made(words, monkeypatch):
    """seed -> (document, [(function, values)] of its calls)."""
    calls, write = [], arguments.call_line

    def watched(function, given):
        calls.append((function, given))
        return write(function, given)

    monkeypatch.setattr(arguments, "call_line", watched)

    def make(seed):
        calls.clear()
        return arguments.several(words, random.Random(seed)), list(calls)

    return make


def flat(value):
    """What of a value a request has to say."""
    if isinstance(value, list):
        return [part for item in value for part in item.values()]
    return [value]


def test_calls_have_all_that_is_required_and_nothing_unknown(made):
    optional, values = Counter(), Counter()
    for seed in SEEDS:
        for function, given in made(seed)[1]:
            names = [p.name for p in function.parameters]
            assert list(given) == [name for name in names if name in given]  # in their order
            assert set(names[: function.required]) <= given.keys()
            if function.required < len(names):
                optional[len(given) == len(names)] += 1
            values[len(given)] += 1
    assert min(optional[False], optional[True]) > 30  # said, and not said
    assert all(values[count] > 30 for count in (1, 2, 3, 4))


def test_every_value_is_said_where_it_is_asked_for(made):
    for seed in SEEDS:
        document, calls = made(seed)
        place = max(document.index(f.description) for f, _ in calls)
        for function, given in calls:
            start = re.compile(rf"(?<!\w){re.escape(function.name)}\((?!\w+:)").search(
                document, place
            )
            request = document[place : start.start()].lower()
            for value in given.values():
                for part in flat(value):
                    assert str(part).lower() in request, (seed, function.name, part)
            place = start.end()


def test_calls_are_read_as_what_they_say(made):
    kinds = set()
    for seed in SEEDS:
        document, calls = made(seed)
        for function, given in calls:
            line = arguments.call_line(function, given)
            assert line in document
            call = parse_call(line)
            assert (call.name, call.arguments) == (function.name, given)
            kinds |= {type(value).__name__ for value in given.values()}
    assert kinds == {"str", "int", "float", "list"}


def test_parameters_have_names_of_their_own_and_every_kind_appears(words, monkeypatch):
    drawn = Counter()

    def counted(kind):
        def draw(*args):
            drawn[kind.__name__] += 1
            return kind(*args)

        draw.__name__ = kind.__name__
        return draw

    monkeypatch.setattr(arguments, "KINDS", tuple(map(counted, arguments.KINDS)))
    for seed in range(400):
        needs = arguments._needs(words, random.Random(seed))
        names = [p.name for need in needs for p in need.parameters]
        assert names and len(names) == len(set(names))
        assert all(name.isidentifier() for name in names)
    assert len(drawn) == len(arguments.KINDS) and min(drawn.values()) > 20


def test_no_spelling_is_that_of_a_dialect(words, monkeypatch):
    """And each of them says the name, then every key with its value."""
    drawn = Counter()

    def watched(place, spell):
        def write(function, given, quote):
            line = spell(function, given, quote)
            drawn[place] += 1
            assert line != format_call(Call(function.name, given))
            assert line != arguments.call_line(function, given)
            end = line.index(function.name) + len(function.name)
            for key, value in given.items():
                end = line.index(quote(value), line.index(key, end) + len(key)) + len(quote(value))
            return line

        return write

    spellings = [watched(place, spell) for place, spell in enumerate(arguments.SPELLINGS)]
    monkeypatch.setattr(arguments, "SPELLINGS", spellings)
    for seed in SEEDS:
        arguments.spelled(words, random.Random(seed))
    assert len(drawn) == len(spellings)
