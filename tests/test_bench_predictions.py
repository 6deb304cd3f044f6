"""predictions.jsonl: what is written comes back; what is wrong is named with its line."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies.bench import HOSTILE
from tl import InputError
from tl.bench.predictions import read_predictions, render_predictions

GOOD = '{"id": "a", "text": "now()"}\n'
EPISODE = {"id": "m", "turns": [{"text": "now()", "feedback": None}], "end": "finish"}
TEXTS = st.text(st.characters()) | st.sampled_from([*HOSTILE, "\u2028\x85\r\n", "{}\n[]"])


def read(tmp_path, text: str | bytes, ids=("a", "b"), played=()):
    path = tmp_path / "predictions.jsonl"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_predictions(path, ids, played)


@given(texts=st.lists(TEXTS, max_size=5))
def test_any_text_comes_back(tmp_path_factory, texts):
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    rows = [{"id": f"case {i}", "text": text} for i, text in enumerate(texts)]
    turns = [{"text": text, "feedback": text or None} for text in texts]
    rows.append({"id": "m", "turns": turns, "end": "turns"})
    path.write_text(render_predictions(rows), encoding="ascii")
    assert len(path.read_bytes().split(b"\n")) == len(rows) + 1, "one line each"
    assert read_predictions(path, [row["id"] for row in rows], {"m"}) == rows


def test_the_order_is_that_of_the_set(tmp_path):
    rows = read(tmp_path, '\n{"id": "b", "text": ""}\r\n\n{"id": "a", "text": "x", "seconds": 2}')
    assert [row["id"] for row in rows] == ["a", "b"]


def test_only_line_feeds_end_lines(tmp_path):
    """Others write JSON without escapes."""
    rows = read(tmp_path, '{"id": "a", "text": "x\u2028y\x85z"}\n{"id": "b", "text": "é"}\n')
    assert [row["text"] for row in rows] == ["x\u2028y\x85z", "é"]


BAD = [
    (GOOD + '{"id": "b", "te', ":2: is no JSON"),
    (GOOD + "[1]", ":2: is a list"),
    (GOOD + "null", ":2: is null"),
    (GOOD + '{"text": "x"}', ":2: has no 'id'"),
    (GOOD + '{"id": 3, "text": "x"}', ":2: 'id' is a number, expected a text"),
    (GOOD + '{"id": "b"}', ":2: has no 'text'"),
    (GOOD + '{"id": "b", "text": ["x"]}', ":2: 'text' is a list, expected a text"),
    (GOOD + '{"id": "b", "text": null}', ":2: 'text' is null, expected a text"),
    (GOOD + '{"id": "b", "text": "x", "cut": 1}', ":2: 'cut' is a number, expected true or false"),
    (GOOD + '{"id": "c", "text": "x"}', ":2: the id 'c' is not in the set of 2 cases"),
    (GOOD + GOOD, ":2: the id 'a' stands twice"),
    (GOOD, ": 1 of 2 cases have no line, the first is 'b'"),
    ("", ": 2 of 2 cases have no line, the first is 'a'"),
    (GOOD + "[" * 100_000, ":2: is nested too deeply"),
    (b"\xff\xfe", ": is not UTF-8 text (byte 0)"),
]


@pytest.mark.parametrize(("text", "message"), BAD)
def test_what_is_wrong_is_named(tmp_path, text, message):
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path / 'predictions.jsonl'}{message}")
    assert "\n" not in str(caught.value)
    assert "expected" in str(caught.value) or "must be" in str(caught.value)


EPISODES = [
    ({"turns": None}, "'turns' is null, expected a list"),
    ({"turns": ["now()"]}, "turns[0] is a text, expected an object"),
    ({"turns": [{"feedback": None}]}, "turns[0]: has no 'text'"),
    ({"turns": [{"text": "x"}]}, "turns[0]: has no 'feedback'"),
    ({"turns": [{"text": "x", "feedback": 1}]}, "'feedback' is a number, expected a text or null"),
    ({"end": "tired"}, "end is 'tired', expected one of finish, answer"),
    ({"end": True}, "'end' is true or false, expected a text"),
]


@pytest.mark.parametrize(("change", "message"), EPISODES)
def test_what_is_wrong_with_an_episode(tmp_path, change, message):
    assert read(tmp_path, json.dumps(EPISODE), ["m"], {"m"}) == [EPISODE]
    with pytest.raises(InputError, match=r":1: ") as caught:
        read(tmp_path, json.dumps(EPISODE | change), ["m"], {"m"})
    assert message in str(caught.value) and "expected" in str(caught.value)


def test_a_reply_is_no_episode(tmp_path):
    with pytest.raises(InputError, match="has no 'turns'"):
        read(tmp_path, '{"id": "m", "text": "now()"}', ["m"], {"m"})


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="cannot be read .*expected"):
        read_predictions(tmp_path / "none.jsonl", [])
    with pytest.raises(InputError, match="cannot be read .*expected"):
        read_predictions(tmp_path, [])
