"""Texts that ask for what stands before a known word: nothing else finds it."""

import random
import re

import pytest

from tl.world.pretrain import before

MAKERS = (
    before.bare_row, before.bare_pairs, before.row, before.pairs, before.entries, before.parts,
)  # fmt: skip


@pytest.fixture
def made(words, monkeypatch):
    """maker, seed -> (document, what is listed, [(key, name)] as they are asked for)."""
    seen, write = [], before._document

    def watched(listed, asked, *rest):
        seen.append((listed, asked))
        return write(listed, asked, *rest)

    monkeypatch.setattr(before, "_document", watched)

    def make(maker, seed):
        document = maker(words, random.Random(seed))
        return document, *seen.pop()

    return make


@pytest.mark.parametrize("maker", MAKERS)
def test_each_name_is_asked_for_once_by_what_stands_behind_its_beginning(made, maker):
    sizes = set()
    for seed in range(200):
        document, listed, asked = made(maker, seed)
        head, _, requests = document.partition("\n\n")
        assert head == listed
        sizes.add(len(asked))
        assert len({name for _, name in asked}) == len(asked)
        for key, name in asked:
            assert len(re.findall(rf"(?<![\w']){name}(?![\w'])", requests)) >= 1
            start = re.search(rf"(?<![a-z_]){name}(?![a-z_])", listed).start()
            for word in key.split(" "):
                assert re.search(rf"(?<![a-z]){word}(?![a-z])", listed[start + 1 :]), (word, name)
    assert len(sizes) >= 6  # from two to many


@pytest.mark.parametrize("maker", (before.bare_row, before.row))
def test_a_row_gives_the_word_before(made, maker):
    in_order = 0
    for seed in range(100):
        document, listed, asked = made(maker, seed)
        row = re.findall("[a-z]+", listed)
        assert sorted(asked) == sorted(zip(row[1:], row, strict=False))
        requests = re.findall("[a-z]+", document.partition("\n\n")[2].replace(" is ", " "))
        assert sorted(zip(requests[::2], requests[1::2], strict=True)) == sorted(asked)
        in_order += requests[::2] in (row[1:], row[:0:-1])
    assert in_order < 40  # places cannot be counted


@pytest.mark.parametrize("maker", (before.bare_pairs, before.pairs, before.entries))
def test_a_key_stands_in_the_line_of_its_name_alone(made, maker):
    """So it is answered in one way, and not by what follows it."""
    for seed in range(100):
        _, listed, asked = made(maker, seed)
        lines = re.split(r"\n(?!>>> |[a-z ]+$)", listed) if maker is not before.bare_pairs else []
        lines = lines if len(lines) == len(asked) else []  # written over two lines
        for key, name in asked:
            said = set(key.split())
            holding = [line for line in lines if said <= set(re.findall("[a-z]+", line))]
            assert all(line.startswith(name) for line in holding) and (holding or not lines)


@pytest.mark.parametrize("maker", (before.bare_scattered, before.scattered))
def test_scattered_words_stand_among_words_of_no_line(made, maker):
    """The words of one line, at any place; all others are said once in the document."""
    places, others = set(), set()
    for seed in range(200):
        document, listed, asked = made(maker, seed)
        assert document.startswith(listed + "\n\n")
        assert len({name for _, name in asked}) == len(asked) >= 2
        lines = dict.fromkeys(re.split(r"\n(?!>>> )", listed))
        for key, name in asked:
            said = key.split(" ")
            known = [word for word in said if re.search(rf"(?<![a-z]){word}(?![a-z])", listed)]
            assert known, (seed, key)
            if len(lines) == len(asked):  # else one is written over two lines
                line = next(line for line in lines if re.match(rf"{name}(?![a-z_])", line))
                for word in known:
                    assert re.search(rf"(?<![a-z]){word}(?![a-z])", line), (seed, key, line)
            places |= {said.index(word) for word in known}
            others.add(len(said) - len(known))
            for word in set(said) - set(known):
                assert len(re.findall(rf"(?<![a-z]){word}(?![a-z])", document)) == 1
    assert others == ({1, 2} if maker is before.bare_scattered else {0, 1, 2, 3, 4})
    assert places >= {0, 1}


def test_parts_are_asked_for_by_a_part_that_is_not_the_first(made):
    for seed in range(100):
        _, listed, asked = made(before.parts, seed)
        for key, name in asked:
            assert key in name.split("_")[1:]
            assert sum(key in other.split("_") for other in re.findall("[a-z_]+", listed)) == 1
