"""The dense texts of pre-training: what is asked for can be found, and every word is copied."""

import random
import re
from collections import Counter

import pytest

from tl.calls.parse import parse_call
from tl.data.tokenizer import load_tokenizer
from tl.world import TOOLS
from tl.world.pretrain import before, coverage, directories, lookups
from tl.world.pretrain.documents import draw_document
from tl.world.tokenizer import TINY


def spoken(text):
    """The words of a text; those of a name one by one, in the singular as near as it matters."""
    return {word.removesuffix("s") for word in re.findall("[a-z]+", text.lower())}


@pytest.mark.parametrize("maker", [directories.keyed, directories.keyed_behind])
def test_every_request_for_a_key_says_a_word_of_its_entry(words, maker):
    """Where the keys of two entries are the same the request is open: that must stay rare."""
    rng, seen = random.Random(0), Counter()
    for _ in range(300):
        listed, _, asked = maker(words, rng).partition("\n\n")
        entries = listed.split("\n")
        for line in asked.replace("\n>>> ", " >>> ").split("\n"):
            names = [entry for entry in entries if spoken(entry) & spoken(line)]
            seen["asked"] += 1
            seen["found"] += bool(names)
            seen["open"] += len(names) > 3
    assert seen["found"] == seen["asked"] > 3000
    assert seen["open"] < 0.05 * seen["asked"]


@pytest.mark.parametrize("maker", [directories.directory, directories.named])
def test_requests_share_more_with_their_entry_than_with_others(words, maker):
    """The entry that a request is for is found by the words that they share.

    Most often by counting them; an entry drawn near another, a plural that hides a word, and a
    request that says little leave a share that counting cannot tell.
    """
    rng, seen = random.Random(1), Counter()
    for _ in range(150):
        with pytest.MonkeyPatch.context() as patch:
            made = []

            def watched(entry, *rest, made=made):
                made.append((entry, request(entry, *rest)))
                return made[-1][1]

            request = directories.request
            patch.setattr(directories, "request", watched)
            document = maker(words, rng)
        entries = {entry for entry, _ in made}
        for entry, asked in made:
            assert asked in document and entry.name in document
            shared = {e: len(spoken(f"{e.name} {e.purpose}") & spoken(asked)) for e in entries}
            best = max(shared.values())
            seen["asked"] += 1
            seen["found"] += shared[entry] == best > 0
            seen["alone"] += shared[entry] == best and list(shared.values()).count(best) == 1
    assert seen["asked"] > 1500
    assert seen["found"] > 0.85 * seen["asked"]
    assert seen["alone"] > 0.7 * seen["asked"]


def test_names_begin_alike_and_differ_behind(words):
    rng, shared = random.Random(2), 0
    for _ in range(100):
        document = directories.named(words, rng)
        names = {n for n in re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", document)}
        firsts = Counter(name.split("_")[0] for name in names)
        assert set(firsts) <= set(directories.VERBS) and len(firsts) <= 3
        shared += max(firsts.values()) > 1
    assert shared > 60


@pytest.mark.parametrize(
    "module, maker",
    [
        (directories, directories.keyed),
        (directories, directories.keyed_behind),
        (directories, directories.directory),
        (directories, directories.named),
        (coverage, coverage.quoted),
        (before, before.entries),
        (before, before.parts),
    ],
)
def test_a_tool_of_the_world_is_drawn_again(words, module, maker, monkeypatch):
    """Whatever the words make: with every second name forbidden, none of these is written."""

    class Half:
        def __contains__(self, name):
            return len(name) % 2 == 0 or name in TOOLS

    monkeypatch.setattr(module, "TOOLS", Half())
    rng, names = random.Random(3), []
    for _ in range(100):
        names += re.findall(r"(?<![\w'-])[a-z]+(?:_[a-z]+)+\b", maker(words, rng))
    assert len(names) > 300 and not [name for name in names if name in Half()]


def test_the_vocabulary_is_drawn_evenly(words):
    """Hardly a word or a stem is lacking in 6,000 lines, no code is, and no stem is frequent."""
    rng, seen, stems = random.Random(4), Counter(), Counter()
    for _ in range(6000):
        line, *again = coverage.vocabulary(words, rng).split("\n")
        seen.update(re.findall(r"[A-Za-z]+", line))
        stems.update(line.split("_")[:-1] if "_" in line else ())
    lacking = [word for word in (*words.lower, *words.names, *words.codes) if not seen[word]]
    assert len(lacking) < 0.03 * len(seen) and not set(words.codes) & set(lacking)
    assert sum(not stems[stem] for stem in words.stems) < 0.03 * len(words.stems)
    assert max(stems.values()) < 5 * sum(stems.values()) / len(words.stems)


def test_texts_hold_every_token_of_ascii(words):
    """But for some that the tokenizer never writes: `with ` is one token, never `w` and `ith `."""
    tiny, rng, read = load_tokenizer(TINY), random.Random(3), set()
    for _ in range(1500):
        for document in (coverage.pieces, coverage.vocabulary, draw_document):
            read.update(tiny.encode(document(words, rng)))
    written = {t for t in range(tiny.vocab_size) if is_written(tiny.decode_segment([t]))}
    missed = {tiny.decode_segment([token]) for token in written - read}
    assert len(missed) < 0.01 * len(written), missed
    assert tiny.encode("day?')")[-1] in read and "?')" in words.pieces
    assert any(not token.isascii() for token in map(tiny.decode_segment, ([t] for t in read)))


def is_written(token):
    return token.isascii() and token.isprintable() and token.strip() != ""


def test_pieces_are_said_again(words):
    rng = random.Random(4)
    for _ in range(100):
        lines = coverage.pieces(words, rng).split("\n")
        assert all(count >= 2 for count in Counter(lines).values())


def test_a_line_is_said_again(words):
    rng = random.Random(5)
    for _ in range(200):
        text = coverage.vocabulary(words, rng)
        half = text[: len(text) // 2], text[: len(text) // 3]
        assert text in {half[0] + "\n" + half[0], "\n".join([half[1]] * 3)}


def test_quoted_values_were_said_before(words):
    """Each call holds what the line before it says, at the same places in all of a document."""
    rng, seen = random.Random(6), Counter()
    for _ in range(200):
        document = coverage.quoted(words, rng)
        names = set()
        for match in re.finditer(r"\w+\((?:\w+=(?:'[^']*'|\d+)(?:, )?)+\)", document):
            call = parse_call(match[0])
            names.add((call.name, *call.arguments))
            before = document[: match.start()].rstrip(' \n->=#"')
            said = before[before.rfind("\n", 0, before.rfind("\n") + 1) + 1 :]
            said = re.split(r"[)\n]", said)[-1]
            for value in call.arguments.values():
                assert str(value) in said, (said, match[0])
                seen[type(value)] += 1
        assert len(names) == 1
    assert seen[str] > 1000 and seen[int] > 200


def test_a_roster_asks_for_each_of_its_functions_once(words, monkeypatch):
    """So no request can be answered from an earlier one."""
    made, draw = [], directories.draw_mixed

    def watched(*given):
        made.append(draw(*given))
        return made[-1]

    monkeypatch.setattr(directories, "draw_mixed", watched)
    rng = random.Random(7)
    for _ in range(100):
        document = directories.roster(words, rng)
        for function in made.pop():
            assert function.description.removesuffix(".") in document
            if "_" in function.name:  # a single word may stand in texts as well
                assert len(re.findall(rf"\b{function.name}\b", document)) == 2
        assert not made


@pytest.mark.parametrize("maker, before", [(directories.keyed, 0.4), (directories.keyed_behind, 0)])
def test_keys_stand_behind_their_names(words, maker, before):
    """As descriptions do: the lines of `keyed_behind` begin with what the requests end in."""
    rng, places = random.Random(8), Counter()
    for _ in range(300):
        listed, _, asked = maker(words, rng).partition("\n\n")
        entries, requests = listed.split("\n"), asked.split("\n")
        ends = [re.search(r"([a-z_]+)(?:\(\)|;|)$", line) for line in requests]
        if len(requests) != 3 * len(entries) or not all(ends):
            continue  # written over two lines
        names = {end[1] for end in ends}
        first = re.match("[a-z_]+", listed)[0]
        places["before" if first not in names else "behind"] += 1
    assert places.total() > 150
    assert abs(places["before"] / places.total() - before) < 0.1


def test_backwards_is_the_same_words_from_the_end(words):
    rng, again = random.Random(9), 0
    for _ in range(200):
        text = lookups.backwards(words, rng)
        tokens = re.findall(r"[A-Za-z]+", text)
        if 2 * len(set(tokens)) == len(tokens):  # no words written together
            half = len(tokens) // 2
            assert tokens[half:] == tokens[:half][::-1]
            again += 1
    assert again > 100


def test_forms_are_of_the_same_words(words):
    rng, often = random.Random(10), Counter()
    for _ in range(200):
        parts = re.findall(r"[A-Za-z]+", coverage.forms(words, rng))
        for times in Counter(part.lower()[:3] for part in parts).values():
            often[times >= 3] += 1
    assert often[True] > 20 * often[False]  # but for people and other irregular ones
    assert [coverage.other_number(w) for w in ("letter", "letters", "glass")] == [
        "letters", "letter", "glasses",
    ]  # fmt: skip
