"""The readers on real files and on records written out by hand."""

import json
from collections import Counter

import pytest

from tests.shared import shared
from tl import InputError
from tl.calls.schema import Call, Message
from tl.data.conversation import read_conversations

WEATHER = {
    "name": "get_weather",
    "description": "The weather.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string", "description": "A city."}},
        "required": ["city"],
    },
}


def read(tmp_path, *records, name="data.jsonl"):
    path = tmp_path / name
    text = json.dumps(records) if name.endswith(".json") else "\n".join(map(json.dumps, records))
    path.write_text(text, encoding="utf-8")
    return list(read_conversations(path))


# Real files


def test_bfcl_trajectories_have_the_counts_of_their_description():
    conversations = list(read_conversations(shared("data/train/bfcl_multi_turn_raw.json")))
    assert len(conversations) == 1018
    messages = [message for c in conversations for message in c.messages]
    roles = Counter(message.role for message in messages)
    calls = Counter(call.name for message in messages for call in message.calls)
    silent = calls.pop("finish"), calls.pop("ask_to_user")
    assert silent == (1478, 168)
    assert (roles["user"], roles["tool"], sum(calls.values())) == (1646, 2437, 2437)
    assert all(c.tools[-1].name == "finish" and c.messages[-1].calls for c in conversations)
    assert conversations[0].source.endswith("bfcl_multi_turn_raw.json:1")


def test_bfcl_feedback_stands_where_the_labels_say():
    """`turn` of a label counts the messages of the record, the system message included."""
    path = shared("data/train/bfcl_multi_turn_errors.jsonl")
    labels = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    found = {c.id: c for c in read_conversations(shared("data/train/bfcl_multi_turn_raw.json"))}
    for label in labels:
        messages = found[label["id"]].messages
        assert messages[label["turn"] - 1].calls[0].name == label["tool"]
        assert messages[label["turn"]].role == "tool"


def test_tau_conversations_have_the_counts_of_their_description():
    conversations = list(read_conversations(shared("data/train/tau_airline_messages.jsonl")))
    roles = Counter(message.role for c in conversations for message in c.messages)
    assert roles == {"system": 200, "user": 1490, "assistant": 2454, "tool": 1164}
    assert len(conversations) == 200 and {len(c.tools) for c in conversations} == {14}
    replies = [message for c in conversations for message in c.messages if message.calls]
    assert sum(len(message.calls) for message in replies) == 1164
    assert sum(bool(message.content) for message in replies) == 90


def format_cases():
    path = shared("data/train/openai_tool_format_cases.jsonl")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def test_every_format_case_is_read_or_refused_as_it_expects():
    path, cases, errors = shared("data/train/openai_tool_format_cases.jsonl"), format_cases(), []
    found = {c.id: c for c in read_conversations(path, errors.append)}
    assert len(cases) == 60
    for number, case in enumerate(cases, 1):
        if case["expect"] == "invalid":
            place = f"{path}:{number}: id {case['id']!r}: messages["
            assert any(str(error).startswith(place) for error in errors), case["reason"]
            continue
        calls = [call for message in found[case["id"]].messages for call in message.calls]
        read_calls = [{"name": call.name, "arguments": call.arguments} for call in calls]
        assert repr(read_calls) == repr(case["expect_calls"]), case["reason"]
    assert len(found) + len(errors) == 60


def test_results_of_format_cases_are_stored_in_the_order_of_the_calls():
    """Against a pairing by id that is made here, over all cases that can be read."""
    path = shared("data/train/openai_tool_format_cases.jsonl")
    found = {c.id: c for c in read_conversations(path, lambda error: None)}
    for case in (case for case in format_cases() if case["expect"] == "ok"):
        results = {m["tool_call_id"]: m["content"] for m in case["messages"] if m["role"] == "tool"}
        ids = [c["id"] for m in case["messages"] for c in m.get("tool_calls") or []]
        contents = [results[call_id] for call_id in ids if call_id in results]
        texts = [c if isinstance(c, str) else "".join(p["text"] for p in c) for c in contents]
        read_texts = [m.content for m in found[case["id"]].messages if m.role == "tool"]
        assert read_texts == texts, case["reason"]


# The authors' formats


def test_authors_raw(tmp_path):
    (conversation,) = read(
        tmp_path,
        {
            "id": 7,
            "conversations": [
                {"role": "system", "content": json.dumps([{"function": WEATHER}])},
                {"role": "user", "content": "Oslo?"},
                {"role": "assistant", "content": 'ask_to_user\n{"question": "Now?"}'},
                {"role": "user", "content": "Yes."},
                {"role": "assistant", "content": 'get_weather\n{"city": "Os\\nlo", "n": 1.0}'},
                {"role": "function", "content": "rain"},
                {"role": "assistant", "content": 'finish\n{"answer": "Rain."}'},
            ],
        },
        name="raw.json",
    )
    assert (conversation.id, conversation.source) == ("7", f"{tmp_path}/raw.json:1")
    assert conversation.tools[0].to_openai()["function"] == WEATHER
    assert repr(conversation.messages) == repr(
        (
            Message("user", "Oslo?"),
            Message("assistant", "", (Call("ask_to_user", {"question": "Now?"}),)),
            Message("user", "Yes."),
            Message("assistant", "", (Call("get_weather", {"city": "Os\nlo", "n": 1.0}),)),
            Message("tool", "rain"),
            Message("assistant", "", (Call("finish", {"answer": "Rain."}),)),
        )
    )


README_TOOLS = (
    'Function:\ndef random_advice():\n    """\n    Returns a random advice slip.\n    """\n\n'
    'Function:\ndef search_advice(query:str):\n    """\n    Searches.\n\n    Args:\n'
    '        query (string): The search query provided.\n    """\n\n'
)


def test_authors_mae_as_their_readme_writes_it(tmp_path):
    (conversation,) = read(
        tmp_path,
        {
            "id": "Turn 2: a",
            "conversations": [
                {"role": "System", "content": README_TOOLS},
                {"role": "User", "content": "Could you give me some advice about 'love'?"},
                {"role": "Assistant", "content": "search_advice(query = 'love') "},
                {"role": "Output", "content": "..."},
                {"role": "Assistant", "content": "I called search_advice(query='love')."},
            ],
        },
    )
    assert [tool.name for tool in conversation.tools] == ["random_advice", "search_advice"]
    assert conversation.messages[1:] == (
        Message("assistant", "", (Call("search_advice", {"query": "love"}),), trained=False),
        Message("tool", "..."),
        Message("assistant", "I called search_advice(query='love')."),
    )


@pytest.mark.parametrize("text", ["Sorry (really).", "f(x=1) is my answer", "f(x=", "f()\ng()"])
def test_mae_replies_that_are_no_call_as_a_whole_are_text(tmp_path, text):
    turns = [{"role": "system", "content": ""}, {"role": "assistant", "content": text}]
    (conversation,) = read(tmp_path, {"id": "a", "conversations": turns})
    assert conversation.messages == (Message("assistant", text),)


# OpenAI


def chat(*messages, **beside):
    return {"messages": list(messages), **beside}


def test_openai_older_form(tmp_path):
    call = {"name": "get_weather", "arguments": '{"city": "Oslo"}'}
    (conversation,) = read(
        tmp_path,
        chat(
            {"role": "developer", "content": "Be short."},
            {"role": "user", "content": "Oslo?"},
            {"role": "assistant", "content": None, "function_call": call, "weight": 0},
            {"role": "function", "name": "get_weather", "content": "rain"},
            {"role": "assistant", "refusal": "I cannot say.", "weight": 1},
            functions=[WEATHER],
            parallel_tool_calls=False,
        ),
    )
    assert conversation.id == "record 1" and conversation.tools[0].name == "get_weather"
    assert conversation.messages == (
        Message("system", "Be short."),
        Message("user", "Oslo?"),
        Message("assistant", "", (Call("get_weather", {"city": "Oslo"}),), trained=False),
        Message("tool", "rain"),
        Message("assistant", "I cannot say."),
    )


def test_openai_calls_without_ids_are_answered_in_their_order(tmp_path):
    calls = [{"function": {"name": n, "arguments": "{}"}} for n in ("a", "b")]
    (conversation,) = read(
        tmp_path,
        {
            "conversations": [
                {"role": "assistant", "tool_calls": calls},
                {"role": "tool", "content": "1"},
                {"role": "tool", "content": "2"},
            ],
            "tools": json.dumps([WEATHER, {"type": "function", "function": WEATHER}]),
        },
    )
    assert [m.content for m in conversation.messages] == ["", "1", "2"]
    assert len(conversation.tools) == 1  # the same schema twice counts once


def test_openai_text_parts_are_joined_as_they_are(tmp_path):
    parts = [{"type": "text", "text": text} for text in ("Os", "lo ", "?")]
    refusal = [{"type": "refusal", "refusal": "No."}]
    (conversation,) = read(
        tmp_path,
        chat({"role": "user", "content": parts}, {"role": "assistant", "content": refusal}),
    )
    assert [message.content for message in conversation.messages] == ["Oslo ?", "No."]


# ShareGPT


def says(*turns, **beside):
    return {"conversations": [{"from": who, "value": text} for who, text in turns], **beside}


def call_text(*cities):
    calls = [{"name": "get_weather", "arguments": {"city": city}} for city in cities]
    return json.dumps(calls[0] if len(calls) == 1 else calls)


def test_sharegpt_as_llama_factory_writes_it(tmp_path):
    (conversation,) = read(
        tmp_path,
        says(
            ("human", "Oslo?"),
            ("function_call", call_text("Oslo")),
            ("observation", '{"t": 3}'),
            ("gpt", "Three degrees."),
            tools=json.dumps([WEATHER]),
            system="Be short.",
        ),
    )
    assert conversation.tools[0].required == ["city"]
    assert conversation.messages == (
        Message("system", "Be short."),
        Message("user", "Oslo?"),
        Message("assistant", "", (Call("get_weather", {"city": "Oslo"}),)),
        Message("tool", '{"t": 3}'),
        Message("assistant", "Three degrees."),
    )


OSLO_AND_ROME = (Call("get_weather", {"city": "Oslo"}), Call("get_weather", {"city": "Rome"}))


@pytest.mark.parametrize(
    "turns",
    [
        [("function_call", call_text("Oslo", "Rome")), ("observation", '["3", {"t": "é"}]')],
        [
            ("tool_call", call_text("Oslo")),
            ("tool_call", call_text("Rome")),
            ("tool_response", "3"),
            ("tool_response", '{"t": "é"}'),
        ],
        [
            (
                "gpt",
                f"<tool_call>\n{call_text('Oslo')}\n</tool_call>\n"
                f"<tool_call>\n{call_text('Rome')}\n</tool_call>",
            ),
            (
                "tool",
                "<tool_response>\n3\n</tool_response>\n"
                '<tool_response>\n{"t": "é"}\n</tool_response>',
            ),
        ],
    ],
    ids=["list", "messages in a row", "hermes"],
)
def test_sharegpt_parallel_calls(tmp_path, turns):
    (conversation,) = read(tmp_path, says(*turns, tools=""))
    assert conversation.messages == (
        Message("assistant", "", OSLO_AND_ROME),
        Message("tool", "3"),
        Message("tool", '{"t": "é"}'),
    )


@pytest.mark.parametrize(
    "turns",
    [
        [("gpt", "I look."), ("function_call", call_text("Oslo"))],
        [("gpt", f"I look.\n<tool_call>\n{call_text('Oslo')}\n</tool_call>")],
    ],
    ids=["two messages", "hermes"],
)
def test_sharegpt_text_in_front_of_a_call_belongs_to_the_reply(tmp_path, turns):
    (conversation,) = read(tmp_path, says(*turns))
    assert conversation.messages == (Message("assistant", "I look.", OSLO_AND_ROME[:1]),)


def test_sharegpt_thought_in_front_of_a_call_is_kept(tmp_path):
    turn = ("function_call", "<think>\nRain?\n</think>\n" + call_text("Oslo"))
    (conversation,) = read(tmp_path, says(turn))
    assert conversation.messages[0].content == "<think>\nRain?\n</think>"


@pytest.mark.parametrize(
    "listed", [json.dumps([WEATHER]), f"\n{json.dumps(WEATHER)}\n{json.dumps(WEATHER)}\n"]
)
def test_hermes_tools_come_from_the_system_text(tmp_path, listed):
    system = f"You call functions. <tools> {listed} </tools> Go."
    (conversation,) = read(tmp_path, says(("system", system), ("gpt", "Yes?")))
    assert [tool.name for tool in conversation.tools] == ["get_weather"]
    assert conversation.messages[0] == Message("system", system)


# Files


def test_formats_may_be_mixed_and_bad_records_are_skipped_one_by_one(tmp_path):
    path = tmp_path / "mixed.jsonl"
    good = [json.dumps(says(("gpt", "a"))), json.dumps(chat({"role": "assistant", "content": "b"}))]
    lines = [good[0], "{broken", "", good[1], '{"messages": [{"role": "assistant"}]}', ""]
    path.write_bytes(b"\xef\xbb\xbf" + "\n".join(lines).encode() + b"\n\n")
    errors = []
    read_texts = [c.messages[0].content for c in read_conversations(path, errors.append)]
    assert read_texts == ["a", "b"]
    assert [str(error).split(": ")[0] for error in errors] == [f"{path}:{n}" for n in (2, 3, 5)]
    with pytest.raises(InputError, match=r"mixed\.jsonl:2: broken JSON"):
        list(read_conversations(path))


@pytest.mark.parametrize("wrap", [lambda r: r, lambda r: {"data": r}], ids=["list", "data"])
def test_json_files_may_hold_the_list_or_an_object_with_it(tmp_path, wrap):
    path = tmp_path / "list.json"
    text = json.dumps(wrap([says(("gpt", "a")), says(("gpt", "b"))]), indent=1)
    path.write_bytes(b"\xef\xbb\xbf \n" + text.encode() + b"\n")
    assert [c.source for c in read_conversations(path)] == [f"{path}:1", f"{path}:2"]


def test_records_are_read_one_by_one(tmp_path):
    """What stands behind the first record is not looked at before it is asked for."""
    path = tmp_path / "lazy.jsonl"
    path.write_text(json.dumps(says(("gpt", "a"))) + "\n{broken\n", encoding="utf-8")
    reading = read_conversations(path)
    assert next(reading).messages[0].content == "a"
    with pytest.raises(InputError):
        next(reading)
