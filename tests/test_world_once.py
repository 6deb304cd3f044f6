"""Texts in which every function is asked for once, by its description."""

import random
import re

import pytest

from tl.world.pretrain import once
from tl.world.pretrain.lexicon import plural

MAKERS = (once.sentences, once.worded, once.module)


@pytest.fixture
def watch(monkeypatch):
    """name of a function in `once` -> list that gets (arguments, result) of its calls."""

    def watched(name):
        calls, function = [], getattr(once, name)

        def call(*args):
            result = function(*args)
            calls.append((args, result))
            return result

        monkeypatch.setattr(once, name, call)
        return calls

    return watched


@pytest.mark.parametrize("maker", MAKERS)
def test_each_is_described_first_and_then_asked_for_once(words, watch, maker):
    renamed, mixed = watch("_renamed"), watch("draw_mixed")
    sizes = set()
    for seed in range(100):
        renamed.clear()
        mixed.clear()
        document = maker(words, random.Random(seed))
        told = [(f.name, f.description[:-1]) for _, functions in mixed for f in functions]
        told = told or [(entry.name, entry.purpose) for _, entry in renamed]
        sizes.add(len(told))
        end = max(document.index(purpose) for _, purpose in told)
        for name, _ in told:
            behind = re.findall(rf"(?<!\w){re.escape(name)}(?=[\n(`]|$)", document[end:])
            # a description may stand before its name; a single word may be one of requests, too
            assert len(behind) in (1, 2) or (behind and "_" not in name), (seed, name)
    assert sizes == set(once.COUNTS)


@pytest.mark.parametrize(("maker", "said_by"), ((once.sentences, "request"), (once.worded, "wish")))
def test_a_request_says_a_word_of_what_it_asks_for(words, watch, maker, said_by):
    said, renamed = watch(said_by), watch("_renamed")
    for seed in range(100):
        maker(words, random.Random(seed))
    for (entry, *_), text in said:
        forms = {form for word in entry.told for form in (word, plural(word))}
        assert any(form in text.lower() for form in forms), (entry, text)
    # a name that tells nothing: the request has a word of the description
    untold = [entry for (before, _), entry in renamed if entry.name != before.name]
    assert 0.2 < len(untold) / len(renamed) < 0.5
    for entry in untold:
        assert len(entry.told) > 1 and all(word in entry.purpose.lower() for word in entry.told)


def test_definitions_are_bare_or_have_parameters(words):
    made = [once.worded(words, random.Random(seed)) for seed in range(100)]
    bare = sum(not any(re.findall(r"def \w+\((.*?)\)", document)) for document in made)
    assert 35 <= bare <= 75
