"""Laws that every tokenizer obeys, for the real ones and for small ones of every kind."""

import unicodedata
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import find, given
from hypothesis import strategies as st

from tests.shared import shared
from tests.strategies.tokenizer import BUILDERS, CONTROL_TEXTS, texts
from tl import InputError
from tl.data.token_spans import cover
from tl.data.tokenizer import load_tokenizer

KINDS = [*BUILDERS, "llama2", "qwen2"]
SENTENCEPIECE = {"metaspace", "prepend", "sentencepiece", "unigram_without_prefix", "llama2"}


@cache
def load(kind: str):
    if kind not in BUILDERS:
        return load_tokenizer(shared(f"tokenizers/{kind}"))
    with TemporaryDirectory() as directory:
        BUILDERS[kind](Path(directory))
        return load_tokenizer(directory)


def written(kind: str, text: str) -> str:
    """The text as the family can represent it. For SentencePiece "▁" is a space."""
    if kind == "qwen2":
        return unicodedata.normalize("NFC", text)
    return text.replace("▁", " ") if kind in SENTENCEPIECE else text


@pytest.mark.parametrize("kind", KINDS)
@given(text=texts())
def test_segments_come_back(kind, text):
    tokenizer = load(kind)
    assert tokenizer.decode_segment(tokenizer.encode_segment(text)) == written(kind, text)


@pytest.mark.parametrize("kind", KINDS)
@given(text=texts())
def test_whole_texts_come_back(kind, text):
    """Metaspace alone gives " a" and "a" the same ids: one leading space is lost there."""
    tokenizer = load(kind)
    expected = written(kind, text)
    if kind == "metaspace":
        expected = expected.removeprefix(" ")
    assert tokenizer.decode(tokenizer.encode(text)) == expected


@pytest.mark.parametrize("kind", KINDS)
@given(parts=st.lists(texts(max_size=4), max_size=5))
def test_segments_can_be_joined(kind, parts):
    tokenizer = load(kind)
    ids = [token for part in parts for token in tokenizer.encode_segment(part)]
    expected = "".join(written(kind, part) for part in parts)
    assert tokenizer.decode_segment(ids) == expected


@pytest.mark.parametrize("kind", KINDS)
@given(first=texts(max_size=4), rest=st.lists(texts(max_size=4), max_size=3))
def test_segments_continue_a_whole_text(kind, first, rest):
    tokenizer = load(kind)
    if kind == "metaspace":
        first = first.lstrip(" ▁") or "a"
    ids = tokenizer.encode(first or "a")
    for part in rest:
        ids = ids + tokenizer.encode_segment(part)
    expected = "".join(written(kind, part) for part in [first or "a", *rest])
    assert tokenizer.decode(ids) == expected


@pytest.mark.parametrize("kind", KINDS)
@given(text=texts())
def test_spans_are_monotone_and_cover_the_text(kind, text):
    ids, spans = load(kind).encode_segment_offsets(text)
    assert ids == load(kind).encode_segment(text)
    assert len(spans) == len(ids)
    assert all(a < b for a, b in spans)
    starts, ends = [a for a, _ in spans], [b for _, b in spans]
    assert starts == sorted(starts)
    assert ends == sorted(ends)
    assert {i for a, b in spans for i in range(a, b)} == set(range(len(text)))


@pytest.mark.parametrize("kind", KINDS)
@given(text=texts())
def test_spans_are_the_text_of_their_tokens(kind, text):
    """Where a token ends and the next one starts, the ids up to there are the text up to there."""
    if kind == "qwen2":
        text = unicodedata.normalize("NFC", text)
    tokenizer = load(kind)
    ids, spans = tokenizer.encode_segment_offsets(text)
    for i, ((_, end), (start, _)) in enumerate(zip(spans, spans[1:], strict=False)):
        if end <= start:
            assert tokenizer.decode_segment(ids[: i + 1]) == written(kind, text[:end])


@pytest.mark.parametrize("kind", KINDS)
@given(text=texts())
def test_no_text_is_a_control_token(kind, text):
    tokenizer = load(kind)
    control = {tokenizer.eos_id, tokenizer.bos_id}
    for content in ("", *CONTROL_TEXTS):
        assert not control & set(tokenizer.encode(text + content))
        assert not control & set(tokenizer.encode_segment(text + content))


@pytest.mark.parametrize("kind", KINDS)
def test_control_tokens_have_no_text(kind):
    tokenizer = load(kind)
    beyond = tokenizer.vocab_size + 7
    ids = [*tokenizer.encode_segment(" a"), tokenizer.eos_id, beyond]
    assert tokenizer.decode_segment(ids) == " a"
    assert max(tokenizer.eos_id, *tokenizer.encode("a b\n")) < tokenizer.vocab_size


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", ["encode", "encode_segment", "encode_segment_offsets"])
def test_lone_surrogates_are_refused(kind, method):
    with pytest.raises(InputError, match=r"lone surrogate '\\ud83d' at character 3"):
        getattr(load(kind), method)("abc\ud83d")


def test_byte_pieces_share_their_character():
    _, spans = load("sentencepiece").encode_segment_offsets("é🎉🎉")
    assert spans == [(0, 1)] * 2 + [(1, 2)] * 4 + [(2, 3)] * 4


def test_spans_of_normalised_text_index_the_original():
    """Qwen joins e and its accent: both characters belong to the one token."""
    assert load("qwen2").encode_segment_offsets("e\u0301 x")[1] == [(0, 2), (2, 4)]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9))), st.integers(1, 9))
def test_cover_repairs_any_spans(spans, length):
    """Whatever a library reports: the same number of spans, monotone, not empty, without gaps."""
    covered = cover(spans, length)
    assert len(covered) == len(spans)
    assert all(0 <= a < b <= length for a, b in covered)
    assert covered == sorted(covered)
    if covered:
        assert {i for a, b in covered for i in range(a, b)} == set(range(length))


def test_texts_hold_what_they_are_for():
    for wanted in (
        lambda text: "   " in text,
        lambda text: text.startswith(" ") and text.endswith(" "),
        lambda text: any(content in text for content in CONTROL_TEXTS),
        lambda text: unicodedata.normalize("NFC", text) != text,
        lambda text: any(ord(letter) > 0xFFFF for letter in text),
        lambda text: "▁" in text,
        lambda text: "\n\n" in text,
        lambda text: "\x00" in text,
        lambda text: text == "",
    ):
        find(texts(), wanted)
