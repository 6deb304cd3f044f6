"""Trajectories whose tools need more: right calls stay right, errors stay errors, and what a call
needs is said."""

import random

import pytest

from tl.agent.material import Draws
from tl.calls.schema import Call, Conversation, Message, Tool
from tl.data.dataset import load_dataset
from tl.data.encode import Encoder
from tl.data.entries import Entry, read_entries
from tl.data.mae import erroneous_calls
from tl.data.more_parameters import MoreParameters
from tl.data.rereading import Rereading, Shares, reread
from tl.data.tokenizer import load_tokenizer
from tl.data.turns import WITHOUT_FEEDBACK
from tl.dialects import get_dialect
from tl.world.tokenizer import TINY

WORDS = ["garden", "lamp", "river", "tower", "window"]


def added(before: Conversation, after: Conversation) -> dict[str, str]:
    """Tool -> its new parameter; everything else in the definitions must be as it was."""
    found = {}
    for old, new in zip(before.tools, after.tools, strict=True):
        assert (new.name, new.description) == (old.name, old.description)
        names = [name for name in new.properties if name not in old.properties]
        assert {k: v for k, v in new.properties.items() if k not in names} == old.properties
        assert [n for n in new.properties if n not in names] == list(old.properties)
        assert [n for n in new.required if n not in names] == old.required
        assert [n for n in new.required if n in names] == names and len(names) <= 1
        if names:
            found[new.name] = names[0]
        else:
            assert new == old
    assert not found.keys() & set(WITHOUT_FEEDBACK)
    return found


def calls_of(conversation: Conversation) -> list[Call]:
    return [call for message in conversation.messages for call in message.calls]


def test_every_call_gives_what_its_definition_has_more_of(trajectories):
    change, tools, last = MoreParameters(WORDS), 0, 0
    for index, conversation in enumerate(trajectories):
        made = change(conversation, random.Random(index))
        names = added(conversation, made)
        tools += len(names)
        request = next(m.content for m in made.messages if m.role == "user")
        assert erroneous_calls(made) == erroneous_calls(conversation)
        for old, new in zip(calls_of(conversation), calls_of(made), strict=True):
            if (name := names.get(old.name)) is None:
                assert new == old
                continue
            tool = next(tool for tool in made.tools if tool.name == old.name)
            value = new.arguments[name]
            assert f"{value}" in request
            kind = "integer" if isinstance(value, int) else "string"
            assert tool.properties[name]["type"] == kind
            assert {k: v for k, v in new.arguments.items() if k != name} == old.arguments
            defined = [k for k in tool.parameter_names if k in new.arguments]
            if list(old.arguments) == [k for k in defined if k != name]:
                assert list(new.arguments) == defined
            last += defined[-1] == name
    assert tools > len(trajectories) and last > 30


def test_the_rest_of_a_conversation_stays(trajectories):
    """The first request grows, results and later messages do not change."""
    change, grown = MoreParameters(WORDS), 0
    for index, conversation in enumerate(trajectories):
        made = change(conversation, random.Random(index))
        first = next(i for i, m in enumerate(conversation.messages) if m.role == "user")
        for place, (old, new) in enumerate(zip(conversation.messages, made.messages, strict=True)):
            assert (new.role, new.trained) == (old.role, old.trained)
            if place == first:
                assert old.content.strip() in new.content
                grown += new.content != old.content
            else:
                assert new.content == old.content
    assert 0.4 * len(trajectories) < grown


def test_what_no_call_needs_is_said_too():
    """Of a tool that is not called now and then, and of none: a request alone tells nothing."""
    tools = (Tool("get_time"), Tool("get_place"))
    asked = Message("user", "How late is it? "), Message("assistant", "", (Call("get_time"),))
    conversation, change = Conversation("1", tools, asked), MoreParameters(WORDS)
    without = said = 0
    for seed in range(400):
        made = change(conversation, random.Random(seed))
        request = made.messages[0].content
        assert request.endswith(" ") and "  " not in request
        if "get_time" not in added(conversation, made):
            without += 1
            said += request != "How late is it? "
    assert 150 < without < 250 and 0.4 < said / without < 0.7


def test_the_new_parameter_stands_at_any_place_of_the_required_ones():
    schema = {
        "type": "object", "required": ["a", "b"],
        "properties": {"z": {}, "a": {}, "b": {}, "c": {}},
    }  # fmt: skip
    tool, call = Tool("f", "", schema), Call("f", {"a": 1, "b": 2, "c": 3})
    asked = Message("user", "?"), Message("assistant", "", (call,))
    conversation, orders = Conversation("1", (tool,), asked), set()
    for seed in range(200):
        made = MoreParameters(WORDS)(conversation, random.Random(seed))
        names = added(conversation, made)
        if names:
            assert list(made.tools[0].parameters) == list(schema)
            written = list(made.tools[0].properties)
            assert [k for k in written if k not in "zc"] == made.tools[0].required
            given = ["new" if k == names["f"] else k for k in calls_of(made)[0].arguments]
            defined = ["new" if k == names["f"] else k for k in made.tools[0].parameter_names]
            assert given == [k for k in defined if k != "z"]
            orders.add(tuple(given))
    assert orders == {("new", "a", "b", "c"), ("a", "new", "b", "c"), ("a", "b", "new", "c")}


@pytest.mark.parametrize("why", ["positional", "nobody asks", "one word"])
def test_what_cannot_be_changed_stays(why):
    call = Call("f", {}, (1,)) if why == "positional" else Call("f", {"a": 1})
    messages = (Message("user", "Do it."), Message("assistant", "", (call,)))
    if why == "nobody asks":
        messages = messages[1:]
    conversation = Conversation("1", (Tool("f", "", {"properties": {"a": {}}}),), messages)
    change = MoreParameters(WORDS[:1] if why == "one word" else WORDS)
    for seed in range(20):
        made = change(conversation, random.Random(seed))
        assert made.tools == conversation.tools and calls_of(made) == [call]
        assert why == "positional" or made == conversation


def test_an_entry_changes_with_all_its_right_calls(trajectory_file):
    change, changed = MoreParameters(WORDS), 0
    for index, entry in enumerate(read_entries(trajectory_file)):
        entry = Entry(entry.context, (*entry.golds, Call(entry.golds[0].name, {"other": 1})))
        made = change.entry(entry, random.Random(index))
        names = added(entry.context, made.context)
        for old, new in zip(entry.golds, made.golds, strict=True):
            name = names.get(old.name)
            assert {k: v for k, v in new.arguments.items() if k != name} == old.arguments
            assert (name in new.arguments) == (name is not None)
            changed += new != old
        tool = next(tool for tool in made.context.tools if tool.name == made.golds[0].name)
        assert set(tool.required) <= made.golds[0].arguments.keys()
    assert changed > 100


def test_shares_are_drawn_independently_and_anew(trajectories):
    both = Rereading(trajectories, Shares(0.5, 0.5))
    words, more = (Rereading(trajectories, shares) for shares in (Shares(1.0), Shares(0.0, 1.0)))
    for each in (words, more):
        changed = [each(c, random.Random(i)) != c for i, c in enumerate(trajectories)]
        assert sum(changed) > 0.8 * len(trajectories)
    renamed = grown = together = 0
    for index, conversation in enumerate(trajectories):
        made = both(conversation, random.Random(index))
        names = [tool.name for tool in made.tools] != [tool.name for tool in conversation.tools]
        count = sum(len(tool.properties) for tool in made.tools)
        larger = count > sum(len(tool.properties) for tool in conversation.tools)
        renamed, grown, together = renamed + names, grown + larger, together + (names and larger)
    assert all(0.3 < n / len(trajectories) < 0.65 for n in (renamed, grown))
    assert 0.1 < together / len(trajectories) < 0.4
    unchanged = Rereading(trajectories, Shares())
    assert all(unchanged(each, random.Random(0)) is each for each in trajectories)


def test_readings_and_draws_hold_them(trajectory_file):
    encoder = Encoder(load_tokenizer(TINY), get_dialect("codellama"))
    dataset = load_dataset(trajectory_file, encoder)
    made = reread(dataset, encoder, Shares(0.0, 0.5), 1, seed=1)
    other = [a != b for a, b in zip(made.lengths, dataset.lengths, strict=True)]
    assert 0.3 < sum(other) / len(other) < 0.65
    items = read_entries(trajectory_file)
    draws = Draws(items, Shares(0.0, 0.5), 1, lambda item: None)
    other = [draws.item(index, 7) != items[index] for index in range(len(items))]
    assert 0.3 < sum(other) / len(other) < 0.6
