"""Entries: contexts and the calls that are right there, from any file of trajectories."""

import json

import pytest

from tl import InputError
from tl.agent.material import read_material
from tl.calls.schema import Call
from tl.data.conversation import read_conversations
from tl.data.entries import read_entries
from tl.data.mae import erroneous_calls
from tl.run.parallel import start
from tl.world.datasets import make_entries, make_trajectories, to_raw
from tl.world.rl import entry_record


def write(path, records):
    path.write_text(json.dumps(records), encoding="utf-8")
    return path


def test_a_record_with_golds_is_one_entry(tmp_path):
    made = list(make_entries(150))
    path = write(tmp_path / "rl.json", list(map(entry_record, made)))
    for entry, source in zip(read_entries(path), made, strict=True):
        assert entry.context.messages == source.conversation.messages[:-1]
        assert entry.context.tools == source.conversation.tools and entry.golds == source.golds
        assert entry.needs_no_tool == (source.kind != "tool")


def test_every_right_call_of_a_trajectory_is_an_entry(tmp_path):
    path = write(tmp_path / "raw_data.json", [to_raw(t) for t in make_trajectories("train", 60)])
    entries = read_entries(path)
    expected, wrong = [], 0
    for conversation in read_conversations(path):
        errors = erroneous_calls(conversation)
        wrong += len(errors)
        for index, message in enumerate(conversation.messages):
            if message.calls and (index, 0) not in errors:
                expected.append((conversation.messages[:index], message.calls))
    assert wrong > 5
    assert [(entry.context.messages, entry.golds) for entry in entries] == expected


def parallel_record():
    tool = {"type": "function", "function": {"name": "now", "parameters": {
        "type": "object", "properties": {"zone": {"type": "string"}}}}}  # fmt: skip
    calls = [{"type": "function", "id": str(i), "function": {
        "name": "now", "arguments": json.dumps({"zone": zone})}}
        for i, zone in enumerate(("UTC", "CET"))]  # fmt: skip
    return {"tools": [tool], "messages": [
        {"role": "user", "content": "Which time is it here and there?"},
        {"role": "assistant", "tool_calls": calls},
    ]}  # fmt: skip


def test_parallel_calls_may_come_in_any_order(tmp_path):
    (entry,) = read_entries(write(tmp_path / "openai.json", [parallel_record()]))
    assert entry.golds == (Call("now", {"zone": "UTC"}), Call("now", {"zone": "CET"}))


def test_bad_golds_are_named(tmp_path):
    record = entry_record(next(iter(make_entries(1))))
    for golds, message in [
        ([], r"'golds' is a list of 0, expected a list of calls"),
        ("now()", r"'golds' is the string 'now\(\)'"),
        ([{"name": "now"}], "golds: no 'arguments' among the keys"),
        ([7], "golds: the number 7, expected an object"),
    ]:
        path = write(tmp_path / "bad.json", [record | {"golds": golds}])
        with pytest.raises(InputError, match=rf"bad.json:1: {message}"):
            read_entries(path)
        found = []
        with pytest.raises(InputError, match="no record makes a call"):
            read_entries(path, found.append)
        assert len(found) == 1


def test_golds_beside_no_call(tmp_path):
    record = parallel_record() | {"golds": [{"name": "now", "arguments": {}}]}
    record["messages"][1] = {"role": "assistant", "content": "It is noon."}
    with pytest.raises(InputError, match="bad.json:1: its last message makes no call"):
        read_entries(write(tmp_path / "bad.json", [record]))


def material(tmp_path, data, eval_data=None, **change):
    options = {"folder": tmp_path / "world", "check": lambda item: None, "skips": False}
    options |= {"fewest": 1, "group": start("cpu"), "exercises": 0} | change
    exercises = options.pop("exercises")
    return read_material(str(data), eval_data, exercises, **options)


def test_the_world_as_material(tmp_path):
    found = material(tmp_path, "world", "world", exercises=30)
    assert len(found.items) == 1194 + 30 and not found.skipped
    assert {name: len(entries) for name, entries in found.held_out.items()} == {
        "seen": 200, "unseen": 200,
    }  # fmt: skip
    trained = {item.context.messages[0].content for item in found.items[:1194]}
    assert not trained & {e.context.messages[0].content for e in found.held_out["unseen"]}
    assert found.digest() == material(tmp_path, "world", exercises=30).digest()
    assert found.digest() != material(tmp_path, "world", exercises=29).digest()


def test_what_cannot_be_used_is_counted(tmp_path):
    made = [entry_record(entry) for entry in make_entries(10)]
    path = write(tmp_path / "rl.json", made)

    def check(item):
        if item.context.id == made[3]["id"]:
            raise InputError("too long")

    with pytest.raises(InputError, match="too long"):
        material(tmp_path, path, check=check)
    found = material(tmp_path, path, check=check, skips=True)
    assert len(found.items) == 9 and found.skipped == ["too long"]
    with pytest.raises(InputError, match="9 items, expected as many at least as the contexts"):
        material(tmp_path, path, check=check, skips=True, fewest=10)
