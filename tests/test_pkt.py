"""Key tokens: the branching nodes of an explicit trie, and the counts known for real tools."""

import json
from collections import Counter

import pytest
from hypothesis import find, given
from hypothesis import strategies as st

from tests.shared import shared
from tl.data.pkt import (
    NameTokens,
    key_positions,
    key_weight,
    reply_key_tokens,
    token_range,
)
from tl.data.tokenizer import load_tokenizer

END = "end of name"
names = st.lists(st.integers(0, 2), min_size=1, max_size=5).map(tuple)
name_sets = st.lists(names, min_size=1, max_size=7, unique=True)


def trie_key_positions(name, offered):
    """The oracle: walk the trie of all names; a node decides if it has two or more ways on."""
    trie = {}
    for tokens in offered:
        node = trie
        for token in (*tokens, END):
            node = node.setdefault(token, {})
    keys, node = {0}, trie
    for position, token in enumerate((*name, END)):
        if len(node) > 1:
            keys.add(position)
        node = node[token]
    return keys


@given(name_sets)
def test_key_positions_are_the_branching_nodes_of_the_trie(offered):
    for name in offered:
        others = [other for other in offered if other != name]
        assert key_positions(name, others) == trie_key_positions(name, offered)


def test_the_strategy_draws_the_cases_that_matter():
    assert find(name_sets, lambda o: any(a != b and b[: len(a)] == a for a in o for b in o))
    assert find(name_sets, lambda o: max(len(trie_key_positions(n, o)) for n in o) >= 4)
    assert find(name_sets, lambda o: len(o) > 1 and len({n[0] for n in o}) == len(o))


def test_one_tool_alone_has_one_key_token():
    assert key_positions((7, 8, 9), []) == {0}


def test_a_name_that_starts_another_name_is_decided_by_the_token_after_it():
    assert key_positions((1, 2), [(1, 2, 3)]) == {0, 2}
    assert key_positions((1, 2, 3), [(1, 2)]) == {0, 2}


@pytest.mark.parametrize(
    ("tokens", "keys", "expected"),
    [(10, 2, 4.0), (30, 1, 9.0), (3, 2, 1.0), (2, 1, 1.0), (12, 1, 9.0), (9, 1, 8.0)],
)
def test_key_weight_is_the_clipped_ratio(tokens, keys, expected):
    assert key_weight(tokens, keys, max_weight=9) == expected


def test_max_weight_one_switches_the_weighting_off():
    assert key_weight(50, 1, max_weight=1) == 1.0


@given(st.lists(st.integers(1, 4), min_size=1, max_size=8), st.data())
def test_token_range_covers_the_characters(widths, data):
    starts = [sum(widths[:i]) for i in range(len(widths))]
    offsets = [(s, s + w) for s, w in zip(starts, widths, strict=True)]
    total = sum(widths)
    start = data.draw(st.integers(0, total - 1))
    end = data.draw(st.integers(start + 1, total))
    first, last = token_range(offsets, start, end)
    assert offsets[first][0] <= start < offsets[first][1]
    assert offsets[last - 1][0] < end <= offsets[last - 1][1]


@pytest.fixture(scope="module", params=["llama2", "qwen2"])
def tokenizer(request):
    return load_tokenizer(shared(f"tokenizers/{request.param}"))


def test_key_tokens_stand_where_the_reply_has_them(tokenizer):
    offered = ["search_flights", "search_flight_status", "search_hotels", "finish", "search"]
    text = " search_flight_status(flight = 'A1')"
    keys = reply_key_tokens(text, (1, 21), offered, NameTokens(tokenizer), tokenizer)
    ids = tokenizer.encode_segment(text)
    other_replies = [tokenizer.encode_segment(f" {name}(flight = 'A1')") for name in offered]
    # Independent of offsets: the first token at which the reply differs from one for another tool.
    differs = {
        next(i for i, (a, b) in enumerate(zip(ids, other, strict=False)) if a != b)
        for other in other_replies
        if other != ids
    }
    assert set(keys) == differs | {0}


def test_a_call_below_text_is_tokenised_as_it_stands_there(tokenizer):
    text = " Let me look.\nsearch_hotels(city = 'Oslo')"
    start = text.index("search")
    names = NameTokens(tokenizer)
    span = (start, start + len("search_hotels"))
    keys = reply_key_tokens(text, span, ["search_flights", "search_hotels"], names, tokenizer)
    ids = tokenizer.encode_segment(text)
    other = tokenizer.encode_segment(text.replace("hotels", "flights"))
    first = len(tokenizer.encode_segment(text[:start]))
    differs = next(i for i, (a, b) in enumerate(zip(ids, other, strict=False)) if a != b)
    assert keys == sorted({first, differs})


def rotbench_tool_lists() -> list[list[str]]:
    """The names that each item of RoTBench First_Turn clean lists, in its order."""
    text = shared("data/rotbench/Data/First_Turn/clean.json").read_text("utf-8")
    systems = [item["conversations"][0]["value"] for item in json.loads(text)]
    return [[tool["name"] for tool in json.loads(s[s.find("[") : -13])] for s in systems]


def test_key_counts_of_the_rotbench_tool_lists():
    """An independent count found, over 892 entries, |K| = 1 (425), 2 (350), 3 (79), 4 (38).

    It took every other entry of a list as another tool. Three lists name `drivers` twice; to a
    trainer these are one tool, so its six entries have one key token fewer there.
    """
    tokenizer = load_tokenizer(shared("tokenizers/llama2"))
    names = NameTokens(tokenizer)
    by_entry, by_name = Counter(), Counter()
    for tools in rotbench_tool_lists():
        tokens = [names(name, " ") for name in tools]
        for i, name in enumerate(tokens):
            by_entry[len(key_positions(name, tokens[:i] + tokens[i + 1 :]))] += 1
            by_name[len(key_positions(name, [other for other in tokens if other != name]))] += 1
    assert by_entry == {1: 425, 2: 350, 3: 79, 4: 38}
    assert by_name == {1: 431, 2: 344, 3: 79, 4: 38}


def test_a_space_that_is_a_token_of_its_own_is_key_only_where_it_decides():
    """Llama-2 writes " 2v_x" as ▁ 2 v ..., " get" as ▁get: the lone ▁ already excludes `get`."""
    tokenizer = load_tokenizer(shared("tokenizers/llama2"))
    text = " 2v_x(a = 1)"
    assert tokenizer.decode_segment(tokenizer.encode_segment(text)[:1]) == " "
    names = NameTokens(tokenizer)
    assert reply_key_tokens(text, (1, 5), ["get", "2v_x"], names, tokenizer) == [0]
    assert reply_key_tokens(text, (1, 5), ["get", "2v_x", "3d"], names, tokenizer) == [0, 1]
    assert reply_key_tokens(text, (1, 5), ["2v_x", "3d"], names, tokenizer) == [1]
    assert reply_key_tokens(text, (1, 5), ["2v_x"], names, tokenizer) == [1]
