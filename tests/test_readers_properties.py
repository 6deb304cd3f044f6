"""Readers under random input: what an independent writer wrote is read back equal, and no JSON
value, no byte and no damage to a good record ends in anything but an InputError with its place.
"""

import copy
import json
import random

import pytest
from hypothesis import Phase, assume, find, given, settings
from hypothesis import strategies as st

from tests.record_writers import mae_record, openai_record, raw_record, sharegpt_record
from tests.strategies.conversations import (
    JSON_VALUES,
    TEXTS,
    WORDS,
    conversations,
    tool_lists,
    without_source,
)
from tl import InputError
from tl.calls.schema import Message
from tl.data.conversation import read_conversations

# mae.py escapes nothing: only texts that cannot be taken for its own lines come back.
PLAIN_WORDS = st.text("abcdefgh xyz", min_size=1, max_size=12).filter(lambda t: t == t.strip())
RAW = conversations(plain=None)
MAE = conversations(tools=tool_lists(texts=PLAIN_WORDS), plain=PLAIN_WORDS)
OPENAI = conversations(parallel=True, text_with_calls=True, systems=True, context_only=True)
SHAREGPT = conversations(parallel=True, text_with_calls=True, systems=True, context_only=True)
WRITERS = {
    "raw": (RAW, raw_record),
    "mae": (MAE, mae_record),
    "openai": (OPENAI, openai_record),
    "sharegpt": (SHAREGPT, sharegpt_record),
}
UNSHRUNK = settings(max_examples=2000, database=None, phases=[Phase.generate])
RECORDS = st.one_of(*[strategy.map(write) for strategy, write in WRITERS.values()])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("records")


def read_one(path, record):
    """The one conversation of a file with this record, once as .json and once as .jsonl."""
    (path / "one.json").write_text(json.dumps([record]), encoding="utf-8")
    line = json.dumps(record, ensure_ascii=False).encode("utf-8", "surrogatepass")
    (path / "one.jsonl").write_bytes(line)
    (listed,) = read_conversations(path / "one.json")
    (lined,) = read_conversations(path / "one.jsonl")
    assert repr(without_source(listed)) == repr(without_source(lined))
    return without_source(listed)


def same(read, written) -> None:
    """Equal to the type: 1, 1.0 and True differ, and so does another order of arguments."""
    assert repr(read) == repr(written)


@given(conversation=RAW)
def test_raw_is_read_back_equal(folder, conversation):
    same(read_one(folder, raw_record(conversation)), conversation)


@given(conversation=MAE)
def test_mae_is_read_back_equal_with_the_last_reply_trained_alone(folder, conversation):
    read = read_one(folder, mae_record(conversation))
    trained = [m.trained for m in read.messages if m.role == "assistant"]
    assert trained == [False] * (len(trained) - 1) + [True]
    written = [(m.role, m.content, m.calls) for m in conversation.messages]
    assert repr([(m.role, m.content, m.calls) for m in read.messages]) == repr(written)
    assert [t.name for t in read.tools] == [t.name for t in conversation.tools]
    for tool, expected in zip(read.tools, conversation.tools, strict=True):
        assert tool.description == expected.description
        assert tool.properties == expected.properties
        assert tool.required == expected.required


@given(conversation=OPENAI, seed=st.integers(0, 1000))
def test_openai_is_read_back_equal_whatever_the_order_of_results(folder, conversation, seed):
    def shuffled(results):
        return random.Random(seed).sample(results, len(results))

    same(read_one(folder, openai_record(conversation, shuffled)), conversation)


@given(conversation=SHAREGPT)
def test_sharegpt_is_read_back_equal(folder, conversation):
    *_, before, last = [Message("user"), *conversation.messages]
    assume(not (last.role == "tool" and len(before.calls) > 1))  # one result there is their list
    same(read_one(folder, sharegpt_record(conversation)), conversation)


@given(value=JSON_VALUES)
def test_arbitrary_json_is_refused_with_its_place(folder, value):
    path = folder / "any.json"
    path.write_text(json.dumps([value]), encoding="utf-8")
    skipped = []
    assert list(read_conversations(path, skipped.append)) == []
    assert str(skipped[0]).startswith(f"{path}:1: ") and "\n" not in str(skipped[0])


@st.composite
def damaged(draw) -> dict:
    """A good record in which one value at any depth is replaced, taken out or doubled."""
    record = copy.deepcopy(draw(RECORDS))
    holder = record
    while True:
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = draw(st.sampled_from(keys))
        if not (isinstance(holder[key], dict | list) and holder[key] and draw(st.integers(0, 4))):
            break
        holder = holder[key]
    how = draw(st.sampled_from(["replace", "remove", "double"]))
    if how == "replace":
        holder[key] = draw(JSON_VALUES | WORDS)
    elif how == "remove":
        del holder[key]
    elif isinstance(holder, list):
        holder.append(holder[key])
    return record


@settings(max_examples=200)
@given(record=damaged())
def test_a_damaged_record_is_read_or_refused_with_its_place(folder, record):
    path = folder / "damaged.jsonl"
    path.write_text(json.dumps(record), encoding="utf-8")
    skipped = []
    read = list(read_conversations(path, skipped.append))
    assert len(read) + len(skipped) == 1
    assert all(str(e).startswith(f"{path}:1: ") and "\n" not in str(e) for e in skipped)


def test_damage_reaches_reading_and_refusing(folder):
    """The strategy above is worth its name: some damage is refused, some is harmless."""
    path = folder / "find.jsonl"

    def refused(record) -> bool:
        path.write_text(json.dumps(record), encoding="utf-8")
        skipped = []
        list(read_conversations(path, skipped.append))
        return bool(skipped)

    assert find(damaged(), refused, settings=UNSHRUNK)
    assert find(damaged(), lambda record: not refused(record), settings=UNSHRUNK)


@given(record=RECORDS, cut=st.integers(0, 10**6), byte=st.binary(min_size=1, max_size=3))
def test_damaged_bytes_are_read_or_refused(folder, record, cut, byte):
    good = json.dumps(record, ensure_ascii=False).encode("utf-8")
    place = cut % len(good)
    for number, content in enumerate(
        [good[:place], good[:place] + byte + good[place:], good[:place] + byte + good[place + 1 :]]
    ):
        path = folder / f"bytes{number}.jsonl"
        path.write_bytes(content)
        try:
            list(read_conversations(path))
        except InputError as error:
            assert str(error).startswith(f"{path}:") and "\n" not in str(error)


@pytest.mark.parametrize(
    "strategy, case",
    [
        (RAW, lambda c: len(c.messages) > 1 and c.messages[-1].role == "assistant"),
        (RAW, lambda c: any(a.calls and b.role == "user" for a, b in neighbours(c))),
        (RAW, lambda c: any(isinstance(v, float) and v == 1 for v in values(c))),
        (RAW, lambda c: any(isinstance(v, int) and abs(v) > 2**64 for v in values(c))),
        (RAW, lambda c: any(isinstance(v, dict) and v for v in values(c))),
        (MAE, lambda c: any(m.role == "assistant" and not m.calls for m in c.messages)),
        (MAE, lambda c: any(t.required and len(t.properties) > 1 for t in c.tools)),
        (OPENAI, lambda c: any(len(m.calls) == 3 for m in c.messages)),
        (OPENAI, lambda c: any(m.calls and m.content for m in c.messages)),
        (OPENAI, lambda c: any(m.role == "system" for m in c.messages[2:])),
        (OPENAI, lambda c: any(not m.trained for m in c.messages)),
        (OPENAI, lambda c: any(len(a.calls) == 2 and b.role == "tool" for a, b in neighbours(c))),
    ],
)
def test_the_strategies_draw_what_they_are_for(strategy, case):
    find(strategy, case, settings=UNSHRUNK)


def neighbours(conversation):
    return zip(conversation.messages, conversation.messages[1:], strict=False)


def values(conversation):
    return [v for m in conversation.messages for c in m.calls for v in c.arguments.values()]


@given(texts=st.lists(TEXTS, min_size=1, max_size=4))
def test_lines_end_with_newline_only(folder, texts):
    """U+2028, U+0085, a bare carriage return in a line's string do not end the line."""
    path = folder / "lines.jsonl"
    lines = [
        {"messages": [{"role": "assistant", "content": "x\u2028\x85\x1c" + text}]} for text in texts
    ]
    path.write_text(
        "\n".join(json.dumps(line, ensure_ascii=False) for line in lines), "utf-8", newline="\n"
    )
    read = list(read_conversations(path))
    assert [c.messages[0].content for c in read] == ["x\u2028\x85\x1c" + text for text in texts]
