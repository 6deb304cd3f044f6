"""Entries for reinforcement learning: a context that the reader reads, and golds that are right."""

import json
from collections import Counter
from functools import cache

from tl.data.conversation import read_conversations
from tl.world import TOOLS, World
from tl.world.datasets import make_entries, make_trajectories
from tl.world.rl import Entry, entry_record
from tl.world.tools import ALWAYS


@cache
def entries() -> list[Entry]:
    return list(make_entries(1194))


def test_numbers_and_kinds():
    kinds = Counter(entry.kind for entry in entries())
    assert len(entries()) == len({e.conversation.id for e in entries()}) == 1194
    assert set(kinds) == {"tool", "ask", "finish", "direct", "cannot"}
    assert kinds["tool"] > 750 and min(kinds.values()) > 40, kinds
    assert kinds["direct"] == 72 and kinds["cannot"] == 60
    called = {entry.golds[0].name for entry in entries()}
    used = {s.call.name for t in make_trajectories("train", 600) for s in t.steps}
    assert called == used | set(ALWAYS)


def test_entries_are_drawn_apart_from_train_json():
    asked = {entry.conversation.messages[0].content for entry in entries()}
    trained = {t.conversation.messages[0].content for t in make_trajectories("train", 1217)}
    assert len(asked & trained) < len(asked) / 4
    assert all(entry.conversation.id.startswith("rl_") for entry in entries())


def test_the_context_is_the_beginning_of_a_trajectory():
    lengths, after_mistake = Counter(), 0
    made = make_trajectories("train", 1194, 0, "rl")
    for entry, trajectory in zip(entries(), made, strict=True):
        messages = entry.conversation.messages
        whole = trajectory.conversation
        assert messages == whole.messages[: len(messages)]
        assert entry.conversation.tools == whole.tools
        assert messages[-1].role == "assistant" and messages[-1].calls == entry.golds[:1]
        wrong = {label.turn for label in trajectory.labels if label.is_error}
        assert len(messages) not in wrong, "a gold call is right"
        after_mistake += any(turn < len(messages) for turn in wrong)
        lengths[len(messages)] += 1
    assert set(lengths) >= {2, 4, 6, 8} and after_mistake > 50


def test_golds_are_right():
    several = 0
    for entry in entries():
        offered = [tool.name for tool in entry.conversation.tools]
        assert {gold.name for gold in entry.golds} <= set(offered)
        if entry.kind != "tool":
            assert len(entry.golds) == 1
            assert entry.golds[0].name == ("ask_to_user" if entry.kind == "ask" else "finish")
            continue
        several += len(entry.golds) > 1
        for gold in entry.golds:
            assert World(tools=offered).attempt(gold).error is None
            assert set(TOOLS[gold.name].required) <= set(gold.arguments)
    assert several > 100


def test_a_call_that_was_made_is_no_gold_again():
    """Of independent calls, only those that are still to be made are right."""
    for entry in entries():
        wrong_or_done = {
            call for message in entry.conversation.messages[:-1] for call in map(key, message.calls)
        }
        if entry.conversation.id.split("_", 2)[2] in ("compare_cities", "full_report"):
            assert not wrong_or_done & {key(gold) for gold in entry.golds[1:]}


def key(call) -> str:
    return json.dumps([call.name, call.arguments], sort_keys=True)


def test_the_reader_reads_the_file(tmp_path):
    path = tmp_path / "rl.json"
    records = [entry_record(entry) for entry in entries()[:200]]
    path.write_text(json.dumps(records), encoding="utf-8")
    read = list(read_conversations(path))
    assert [(c.id, c.tools, c.messages) for c in read] == [
        (e.conversation.id, e.conversation.tools, e.conversation.messages) for e in entries()[:200]
    ]
    for record, entry in zip(records, entries(), strict=False):
        name, _, arguments = record["conversations"][-1]["content"].partition("\n")
        first = {"name": name, "arguments": json.loads(arguments)}
        assert record["golds"][0] == first and record["kind"] == entry.kind
        assert len(record["golds"]) == len(entry.golds)
