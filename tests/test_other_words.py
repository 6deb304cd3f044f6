"""Trajectories in other words: the same in everything but the words that tell tools apart."""

import json
import random
import re
from collections import Counter

import pytest

from tl import InputError
from tl.agent.material import Draws
from tl.calls.schema import Call, Conversation, Message, Tool
from tl.data.dataset import load_dataset
from tl.data.encode import Encoder
from tl.data.entries import read_entries
from tl.data.mae import erroneous_calls
from tl.data.other_words import OtherWords
from tl.data.rereading import Shares, reread
from tl.data.tokenizer import load_tokenizer
from tl.dialects import get_dialect
from tl.world.exercises import make_exercises
from tl.world.tokenizer import TINY


@pytest.fixture(scope="module")
def encoder():
    return Encoder(load_tokenizer(TINY), get_dialect("codellama"))


def shape(conversation):
    """Everything but words: each becomes x; capitals that stand together stay."""
    written = json.dumps(
        [[tool.to_openai() for tool in conversation.tools],
         [[m.role, m.content, [[c.name, c.arguments] for c in m.calls], m.trained]
          for m in conversation.messages]]
    )  # fmt: skip
    return re.sub("[A-Z][a-z]+|[a-z]+", "x", written)


def words(conversation):
    return re.findall("[A-Z]?[a-z]+", "\n".join(map(repr, conversation.messages)))


def test_each_word_becomes_the_same_other_word_everywhere(trajectories):
    exchange, changed = OtherWords(trajectories), 0
    for index, conversation in enumerate(trajectories):
        made = exchange(conversation, random.Random(index))
        assert shape(made) == shape(conversation)
        pairs = {(a.lower(), b.lower()) for a, b in zip(words(conversation), words(made))}
        # one to one, in both directions
        assert max(Counter(a for a, _ in pairs).values()) == 1
        assert max(Counter(b for _, b in pairs).values()) == 1
        assert erroneous_calls(made) == erroneous_calls(conversation)
        changed += made != conversation
    assert changed > 0.8 * len(trajectories)


def test_calls_are_calls_of_tools_on_offer(trajectories):
    """Names and parameters change with their definitions."""
    exchange, other = OtherWords(trajectories), 0
    for index, conversation in enumerate(trajectories):
        made = exchange(conversation, random.Random(index))
        before = {tool.name: tool for tool in conversation.tools}
        after = {tool.name: tool for tool in made.tools}
        assert len(after) == len(before)
        for old, new in zip(conversation.messages, made.messages, strict=True):
            for was, call in zip(old.calls, new.calls, strict=True):
                assert (call.name in after) == (was.name in before)
                other += call.name != was.name
                if was.name in before:
                    known = set(before[was.name].properties) & set(was.arguments)
                    assert len(set(after[call.name].properties) & set(call.arguments)) == len(known)
    assert other > 50


def test_what_all_have_stays(trajectories):
    exchange = OtherWords(trajectories)
    assert not exchange.telling & {"finish", "user", "get", "the", "answer"}
    for index, conversation in enumerate(trajectories[:40]):
        made = exchange(conversation, random.Random(index))
        assert made.tools[-2:] == conversation.tools[-2:]  # ask_to_user, finish
        assert [m.role for m in made.messages] == [m.role for m in conversation.messages]


def test_keywords_of_schemas_and_values_of_other_words_stay():
    schema = {
        "type": "object",
        "properties": {
            "type": {"type": "string", "description": "Title of the items.", "enum": ["big"]},
            "items": {"type": "array", "items": {"type": "object", "properties": {
                "title": {"type": "string", "default": "items"}}}},
        },
        "required": ["type"],
    }  # fmt: skip
    tools = (Tool("sort_items", "Sorts items by type.", schema),)
    call = Call("sort_items", {"type": "big", "items": [{"title": "Oslo"}]}, ("items", 3))
    one = Conversation("1", tools, (Message("user", "Sort items: Oslo, EUR."),
                                    Message("assistant", "", (call,))))  # fmt: skip
    two = Conversation("2", (), (Message("user", "one river lamp tower garden window bell coin"),))
    exchange = OtherWords([one, two, two, two, two])
    made = exchange(one, random.Random(1))
    stems = {"sort", "item", "type", "big", "title"}
    assert stems <= exchange.telling
    text = json.dumps([tool.to_openai() for tool in made.tools]) + repr(made.messages)
    assert made != one and "Oslo" in text and "EUR" in text
    properties = made.tools[0].parameters["properties"]
    assert made.tools[0].parameters["type"] == "object"
    kind, items = properties
    assert made.tools[0].parameters["required"] == [kind] and kind not in stems
    assert set(properties[kind]) == {"type", "description", "enum"}
    assert properties[kind]["type"] == "string"
    assert properties[items]["items"]["properties"].keys().isdisjoint(stems)
    assert list(made.messages[1].calls[0].arguments) == [kind, items]
    assert made.messages[1].calls[0].positional == (items, 3)
    assert items in made.messages[0].content


def test_no_keyword_becomes_a_name():
    tools = (Tool("get_river"),)
    asked = Message("user", "import class from while river lambda tower")
    one, two = (Conversation(name, tools[i:], (asked,)) for i, name in enumerate("ab"))
    assert OtherWords([one, two, two, two]).words == ["get", "river", "tower"]


def test_too_few_words_change_nothing():
    tools = (Tool("get_river"),)
    one = Conversation("1", tools, (Message("user", "The river"),))
    assert OtherWords([one])(one, random.Random(1)) == one


def test_a_reading_for_each_epoch(trajectory_file, encoder):
    dataset = load_dataset(trajectory_file, encoder)
    made = reread(dataset, encoder, Shares(0.5), 2.5, seed=1)
    count = len(dataset.examples)
    assert made.readings == 3 and len(made.examples) == 3 * count
    readings = [made.examples[i * count : (i + 1) * count] for i in range(3)]
    for reading in readings:
        assert [example.source for example in reading] == [e.source for e in dataset.examples]
    other = [
        [not a.input_ids.equal(b.input_ids) for a, b in zip(reading, dataset.examples, strict=True)]
        for reading in readings
    ]
    assert all(0.3 < sum(each) / count < 0.6 for each in other)
    assert other[0] != other[1] != other[2]  # drawn anew
    again = reread(dataset, encoder, Shares(0.5), 2.5, seed=1)
    assert again.digest() == made.digest()
    assert made.digest() != reread(dataset, encoder, Shares(0.5), 2.5, seed=2).digest()
    moved = trajectory_file.with_name("moved.json")
    moved.write_bytes(trajectory_file.read_bytes())
    elsewhere = reread(load_dataset(moved, encoder), encoder, Shares(0.5), 2.5, seed=1)
    assert elsewhere.digest() == made.digest()
    assert "120 trajectories, read 3 times" in made.summary()[0]
    assert reread(dataset, encoder, Shares(0.0), 2.5, seed=1) is dataset


def test_an_example_that_gets_too_long_stays(trajectory_file, encoder):
    longest = max(load_dataset(trajectory_file, encoder).lengths)
    short = Encoder(encoder.tokenizer, encoder.dialect, max_length=longest)
    made = reread(load_dataset(trajectory_file, short), short, Shares(1.0), 4, seed=1)
    assert max(made.lengths) <= longest


def test_an_entry_changes_with_its_right_calls(trajectory_file):
    entries = read_entries(trajectory_file)
    exchange, other = OtherWords([entry.context for entry in entries]), 0
    for index, entry in enumerate(entries):
        made = exchange.entry(entry, random.Random(index))
        assert shape(made.context) == shape(entry.context) and len(made.golds) == len(entry.golds)
        before = {tool.name: place for place, tool in enumerate(entry.context.tools)}
        for was, gold in zip(entry.golds, made.golds, strict=True):
            tool = made.context.tools[before[was.name]]
            assert gold.name == tool.name and gold.arguments.keys() <= tool.properties.keys()
        other += made != entry
    assert other > 0.8 * len(entries)


def test_draws_are_a_function_of_item_and_step(trajectory_file):
    items = [*read_entries(trajectory_file), *make_exercises(3)]
    draws = Draws(items, Shares(0.5), 1, lambda item: None)
    again = Draws(items, Shares(0.5), 1, lambda item: None)
    other = 0
    for index in range(len(items)):
        assert draws.item(index, 7) == again.item(index, 7)
        other += draws.item(index, 7) != items[index]
    assert 0.3 < other / len(items) < 0.6
    assert any(draws.item(0, step) != draws.item(0, 0) for step in range(1, 20))
    assert all(draws.item(index, 3) is items[index] for index in range(len(items) - 3, len(items)))
    plain = Draws(items, Shares(0.0), 1, lambda item: None)
    assert all(plain.item(index, 3) is item for index, item in enumerate(items))


def test_an_entry_without_room_for_other_words_stays(trajectory_file):
    items = read_entries(trajectory_file)

    def check(item):
        raise InputError("too long")

    draws = Draws(items, Shares(1.0), 1, check)
    assert all(draws.item(index, 0) is item for index, item in enumerate(items))
