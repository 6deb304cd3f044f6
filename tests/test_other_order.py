"""Parameters in another order: nothing changes its meaning, and calls follow their definitions."""

import json
import random
from dataclasses import replace

import pytest

from tl.agent.material import Draws
from tl.calls.schema import Call, Conversation, Message, Tool
from tl.data.conversation import read_conversations
from tl.data.dataset import load_dataset
from tl.data.encode import Encoder
from tl.data.entries import read_entries
from tl.data.other_order import other_order
from tl.data.reread import Shares, reread
from tl.data.tokenizer import load_tokenizer
from tl.dialects import get_dialect
from tl.world.datasets import make_trajectories, to_raw
from tl.world.tokenizer import TINY


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "train.json"
    path.write_text(json.dumps([to_raw(each) for each in make_trajectories("train", 120)]))
    return path


def in_no_order(conversation):
    """Equal for conversations that mean the same."""
    tools = [replace(tool, parameters=tool.parameters | {"required": 0})
             for tool in conversation.tools]  # fmt: skip
    required = [sorted(tool.parameters.get("required", ())) for tool in conversation.tools]
    return replace(conversation, tools=()), tools, required


def test_conversations_mean_the_same_and_calls_follow_definitions(data):
    moved = calls = 0
    for seed, conversation in enumerate(read_conversations(data)):
        made = other_order(conversation, random.Random(seed))
        assert in_no_order(made) == in_no_order(conversation)  # dicts are equal in any order
        orders = {tool.name: list(tool.properties) for tool in made.tools}
        for tool, was in zip(made.tools, conversation.tools, strict=True):
            required = tool.parameters.get("required", [])
            assert orders[tool.name][: len(required)] == required  # defaults stay behind
            moved += orders[tool.name] != list(was.properties)
        for message in made.messages:
            for call in message.calls:
                known = [name for name in orders.get(call.name, ()) if name in call.arguments]
                assert list(call.arguments)[: len(known)] == known
                calls += len(known) > 1
    assert moved > 100 and calls > 40


def test_arguments_by_place_and_unknown_ones():
    schema = {"type": "object", "properties": {name: {} for name in "abc"}, "required": ["a", "b"]}
    tools = (Tool("f", "", schema),)

    def asked(*calls):
        return Conversation("1", tools, (Message("user", "?"), Message("assistant", "", calls)))

    by_place = asked(Call("f", {}, (1, 2)))
    assert other_order(by_place, random.Random(1)) is by_place
    found = set()
    for seed in range(30):
        made = other_order(asked(Call("f", {"z": 0, "c": 3, "b": 2, "a": 1}), Call("g", {"y": 1})),
                           random.Random(seed))  # fmt: skip
        known, unknown = made.messages[1].calls
        assert unknown == Call("g", {"y": 1}) and list(known.arguments)[2:] == ["c", "z"]
        found.add(tuple(known.arguments))
    assert found == {("a", "b", "c", "z"), ("b", "a", "c", "z")}
    bare = Conversation("1", (Tool("f"),), (Message("user", "?"),))
    assert other_order(bare, random.Random(1)) == bare


def test_a_share_of_each_reading_is_in_another_order(data):
    encoder = Encoder(load_tokenizer(TINY), get_dialect("codellama"))
    dataset = load_dataset(data, encoder)
    made = reread(dataset, encoder, Shares(order=0.5), 2, seed=1)
    count = len(dataset.examples)
    other = [
        [not a.input_ids.equal(b.input_ids) for a, b in zip(reading, dataset.examples, strict=True)]
        for reading in (made.examples[:count], made.examples[count:])
    ]
    assert all(0.3 < sum(each) / count < 0.6 for each in other) and other[0] != other[1]
    lengths = zip(made.lengths, dataset.lengths * 2, strict=True)
    assert all(abs(ours - theirs) < 8 for ours, theirs in lengths)  # the same words


def test_entries_are_practised_in_another_order(data):
    items = read_entries(data)
    draws = Draws(items, 0.0, 0.5, 1, lambda item: None)
    made = [draws.item(index, 3) for index in range(len(items))]
    for was, now in zip(items, made, strict=True):
        assert now.golds == was.golds and in_no_order(now.context) == in_no_order(was.context)
    assert 0.3 < sum(a is not b for a, b in zip(made, items, strict=True)) / len(items) < 0.7
