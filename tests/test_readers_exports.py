"""Training files as real exports write them: tables of variants, each with what it says in plain."""

import json

import pytest

from tests.export_records import ARGUMENTS, ONE_CALL, PARAMETERS, WEATHER, hermes, raw, weather
from tests.malformed import (
    ASK,
    END,
    authors,
    calling,
    openai,
    openai_call,
    record_refusal,
    result,
    sharegpt,
)
from tl.calls.schema import Call, Conversation, Message, Tool
from tl.data.conversation import read_conversations

GET = Tool("get", "", {"type": "object"})
WEATHER_TOOL = Tool("weather", "Now.", PARAMETERS)


def read(path, *records) -> list[Conversation]:
    path = path / "export.jsonl"
    path.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    return list(read_conversations(path))


# Tools: one schema in many spellings

NULLS = {"minimum": None, "enum": None, "items": None, "description": None}
CITY, DAYS = PARAMETERS["properties"].values()


TOOL_LISTS = {
    "as it is": [weather()],
    "without wrapper": [WEATHER],
    "text": json.dumps([weather()]),
    "text with space around": f"\n {json.dumps([WEATHER], indent=2)} \n",
    "wrapper null": [{"type": None, "function": None} | WEATHER],
    "strict": [{"type": "function", "function": WEATHER | {"strict": None}}],
    "parameter null": [weather(properties={"x": None} | PARAMETERS["properties"])],
    "members of parameters null": [weather(properties={"city": CITY | NULLS, "days": DAYS})],
    "members of the schema null": [weather(additionalProperties=None, **{"$defs": None})],
    "twice": [weather(), WEATHER],
}


@pytest.mark.parametrize("name", TOOL_LISTS)
def test_tool_lists_that_say_the_same(tmp_path, name):
    for record in (openai(ASK, END, tools=TOOL_LISTS[name]), openai(functions=TOOL_LISTS[name])):
        (conversation,) = read(tmp_path, record | {"messages": [ASK, END]})
        assert conversation.tools == (WEATHER_TOOL,)
    (conversation,) = read(tmp_path, sharegpt(("gpt", "Rain."), tools=TOOL_LISTS[name]))
    assert conversation.tools == (WEATHER_TOOL,)
    if isinstance(TOOL_LISTS[name], list):
        record = authors(("assistant", "get\n{}"), system=json.dumps(TOOL_LISTS[name]))
        assert read(tmp_path, record)[0].tools == (WEATHER_TOOL,)


@pytest.mark.parametrize("tools", [None, "", " \n", "null", "[]", []])
def test_no_tools(tmp_path, tools):
    records = openai(ASK, END, tools=tools), sharegpt(("gpt", "Rain."), tools=tools)
    assert [c.tools for c in read(tmp_path, *records)] == [(), ()]


SCHEMAS = [
    ({"properties": {"x": True}}, {"properties": {"x": {}}}),
    ({"properties": None, "required": None, "type": None}, {}),
    ({"properties": {"x": None}}, {"properties": {}}),
    ({"properties": {"x": {"default": None}}}, {"properties": {"x": {"default": None}}}),
    ({"properties": {"x": {"enum": [None, 1]}}}, {"properties": {"x": {"enum": [None, 1]}}}),
    (
        {"properties": {"default": None, "x": {"items": {"enum": None, "type": "string"}}}},
        {"properties": {"x": {"items": {"type": "string"}}}},
    ),
    (
        {"properties": {"x": {"anyOf": [{"type": "null", "items": None}, {"type": "string"}]}}},
        {"properties": {"x": {"anyOf": [{"type": "null"}, {"type": "string"}]}}},
    ),
    ({"properties": {"x": {"properties": {"y": None}}}}, {"properties": {"x": {"properties": {}}}}),
]


@pytest.mark.parametrize("written, meant", SCHEMAS)
def test_nulls_in_schemas(tmp_path, written, meant):
    (conversation,) = read(tmp_path, openai(ASK, END, tools=[{"name": "f", "parameters": written}]))
    assert conversation.tools == (Tool("f", "", meant),)


# Messages: one conversation in many spellings

TALK = (
    Message("user", "Oslo?"),
    Message("assistant", "", (Call("get", {"city": "Oslo"}),)),
    Message("tool", "3"),
    Message("assistant", "Rain."),
)
PRETTY = '{\n    "city": "Oslo"\n}'
EVERY_KEY = dict.fromkeys(
    ["content", "name", "tool_calls", "tool_call_id", "function_call", "refusal", "weight", "audio"]
    + ["from", "value", "reasoning_content", "annotations"]
)
HERMES_CALL = f'{{"name": "get", "arguments": {ARGUMENTS}}}'
PYTHON_CALL = "{'arguments': {'city': 'Oslo'}, 'name': 'get'}"


def filled(*messages, **beside) -> dict:
    """As the datasets library writes them: each message has each key."""
    return openai(*(EVERY_KEY | message for message in messages), **beside)


TALKS = {
    "OpenAI": openai(ASK, ONE_CALL, result(), END),
    "every key": filled(ASK, ONE_CALL, result(), END, tools=None, functions=None),
    "every key, conversations null": filled(ASK, ONE_CALL, result(), END, conversations=None),
    "result without id": openai(ASK, ONE_CALL, result(tool_call_id=None), END),
    "call without id": openai(
        ASK, calling(openai_call(arguments=ARGUMENTS, id=None)), result(), END
    ),
    "call without type": openai(
        ASK, calling(openai_call(arguments=ARGUMENTS, type=None)), result(), END
    ),
    "call with an index": openai(
        ASK, calling(openai_call(arguments=ARGUMENTS, index=0)), result(), END
    ),
    "arguments on lines": openai(ASK, calling(openai_call(arguments=PRETTY)), result(), END),
    "content blank": openai(ASK, ONE_CALL | {"content": "\n\n"}, result(), END),
    "content no parts": openai(ASK, ONE_CALL | {"content": []}, result(), END),
    "content blank parts": openai(
        ASK, ONE_CALL | {"content": [{"type": "text", "text": " "}]}, result(), END
    ),
    "result as parts": openai(ASK, ONE_CALL, result([{"type": "text", "text": "3"}]), END),
    "calls empty": openai(ASK, ONE_CALL, result(), END | {"tool_calls": []}),
    "function without name": filled(
        ASK,
        {"role": "assistant", "function_call": {"name": "get", "arguments": ARGUMENTS}},
        {"role": "function", "content": "3"},
        END,
    ),
    "conversations, tools null": {
        "conversations": [ASK, ONE_CALL, result(), END],
        "tools": None,
    },
    "id null": filled(ASK, ONE_CALL, result(), END, id=None),
    "id a float": filled(ASK, ONE_CALL, result(), END, id=7.0),
    "Hermes": hermes(f"<tool_call>\n{HERMES_CALL}\n</tool_call>"),
    "Hermes, blank in front": hermes(f"\n <tool_call>{HERMES_CALL}</tool_call>\n"),
    "Hermes, list": hermes(f"<tool_call>\n[{HERMES_CALL}]\n</tool_call>"),
    "Hermes, Python": hermes(f"<tool_call>\n{PYTHON_CALL}\n</tool_call>"),
    "Hermes, Python list": hermes(f"<tool_call>[\n{PYTHON_CALL}]\n</tool_call>"),
    "Hermes, arguments as text": hermes(
        f'<tool_call>{{"name": "get", "arguments": {json.dumps(ARGUMENTS)}}}</tool_call>'
    ),
    "Hermes, result tagged": hermes(
        f"<tool_call>{HERMES_CALL}</tool_call>", "<tool_response>\n3\n</tool_response>\n"
    ),
    "ShareGPT": sharegpt(
        ("human", "Oslo?"), ("function_call", HERMES_CALL), ("observation", "3"), ("gpt", "Rain.")
    ),
    "ShareGPT, blank in front": sharegpt(
        ("human", "Oslo?"),
        ("gpt", " \n"),
        ("function_call", HERMES_CALL),
        ("observation", "3"),
        ("gpt", "Rain."),
        tools=None,
        system=None,
    ),
    "ShareGPT under messages": {
        "messages": [
            {"from": who, "value": text, "role": None, "content": None, "weight": None}
            for who, text in [
                ("user", "Oslo?"),
                ("function-call", f"\n{HERMES_CALL}\n"),
                ("function-response", "3"),
                ("assistant", "Rain."),
            ]
        ]
    },
}


@pytest.mark.parametrize("name", TALKS)
def test_records_that_say_the_same(tmp_path, name):
    (conversation,) = read(tmp_path, TALKS[name])
    assert conversation.messages == TALK


RAW = {
    "one line": raw(f"get\n{ARGUMENTS}"),
    "trailing newline": raw(f"get\n{ARGUMENTS}\n"),
    "leading newline": raw(f"\nget\n{ARGUMENTS}"),
    "blank line between": raw(f"get\n\n{ARGUMENTS}"),
    "arguments on lines": raw(f"get\n{PRETTY}\n"),
    "Windows": raw(f"get\r\n{ARGUMENTS}\r\n"),
    "tools null": raw(f"get\n{ARGUMENTS}", tools=None),
}


@pytest.mark.parametrize("name", RAW)
def test_raw_records_that_say_the_same(tmp_path, name):
    (conversation,) = read(tmp_path, RAW[name])
    assert conversation.messages == (*TALK[:3], Message("assistant", "", (Call("finish"),)))
    assert conversation.tools == (GET,)


MAE_PROSE = [
    "Oslo (3)",
    "Sorry ('really')",
    "Rain([1, 2])",
    "Oslo (rain, 3 degrees).",
    "[1] says rain",
    'I call get(city="Oslo")',
    'get(city="Oslo") and then [get]',
    "{'city': 'Oslo'}",
    "# get(city = 'Oslo')",
    'get(city={"a": 1, "a": 2})',
]


@pytest.mark.parametrize("text", MAE_PROSE)
def test_mae_prose_with_brackets_is_text(tmp_path, text):
    (conversation,) = read(tmp_path, authors(("assistant", text), system=""))
    assert conversation.messages == (Message("assistant", text),)


def test_mae_call_on_lines_and_with_space_around(tmp_path):
    reply = '\nget(\n  city="Oslo",  # where\n)\n'
    (conversation,) = read(tmp_path, authors(("assistant", reply), system=""))
    assert conversation.messages == TALK[1:2]


@pytest.mark.parametrize("order", [("1", None), (None, "1"), ("2", None)])
def test_one_missing_id_of_two(tmp_path, order):
    """The last result answers the call that is left; before that, it could be either."""
    calls = calling(openai_call("a"), openai_call("b", id="2"))
    results = [result(str(name), tool_call_id=name) for name in order]
    record = openai(ASK, calls, *results)
    if order[0] is None:
        offence = record_refusal(tmp_path, record)
        assert (
            "messages[2]: a result without the id of its call, expected one of ['1', '2']"
            in offence
        )
    else:
        (conversation,) = read(tmp_path, record)
        expected = ["1", "None"] if order[0] == "1" else ["None", "2"]
        assert [m.content for m in conversation.messages[2:]] == expected


@pytest.mark.parametrize("weight, trained", [(None, True), (0, False), (1, True), (0.0, False)])
def test_weights(tmp_path, weight, trained):
    records = openai(ASK, END | {"weight": weight}), sharegpt(("gpt", "Rain."))
    records[1]["conversations"][0]["weight"] = weight
    assert [c.messages[-1].trained for c in read(tmp_path, *records)] == [trained, trained]


def test_ids_may_repeat_and_errors_have_the_line(tmp_path):
    """The authors' own ids come from the query. The line still tells the records apart."""
    good, bad = openai(ASK, END), openai(ASK)
    path = tmp_path / "export.jsonl"
    path.write_text("\n".join(map(json.dumps, [good, good, bad, good, bad])), encoding="utf-8")
    errors = []
    found = list(read_conversations(path, errors.append))
    assert [(c.id, c.source) for c in found] == [("a", f"{path}:{n}") for n in (1, 2, 4)]
    assert [str(e).split(": messages")[0] for e in errors] == [
        f"{path}:{n}: id 'a'" for n in (3, 5)
    ]


# Tools in the system text

LISTED = json.dumps([weather()])
TOOL_TEXTS = {
    "list": f"<tools>{LISTED}</tools>",
    "list on lines": f"<tools>\n{json.dumps([weather()], indent=2)}\n</tools>",
    "object": f"<tools>{json.dumps(weather())}</tools>",
    "object on lines": f"<tools>\n{json.dumps(weather(), indent=2)}\n</tools>",
    "objects": f"<tools>\n{json.dumps(weather())}\n{json.dumps(WEATHER)}\n</tools>",
    "Python": f"<tools> {[weather()]!r} </tools>",
    "Python objects": f"<tools>\n{weather()!r}\n{WEATHER!r}\n</tools>",
    "described first": f"Signatures are within <tools></tools> tags: <tools> {LISTED} </tools> Go.",
    "mentioned first": f"Read what <tools> and </tools> hold.\n<tools>\n{LISTED}\n</tools>",
    "opening mentioned first": f"The <tools> tags hold: <tools>{LISTED}</tools>",
    "closing mentioned first": f"In front of </tools>: <tools>{LISTED}</tools>",
    "mentioned behind": f"<tools>{LISTED}</tools> Between <tools> and </tools> are all.",
}


@pytest.mark.parametrize("name", TOOL_TEXTS)
def test_hermes_tools_between_prose(tmp_path, name):
    record = sharegpt(("system", TOOL_TEXTS[name]), ("gpt", "Rain."))
    for tools in ({}, {"tools": None}, {"tools": "[]"}):
        (conversation,) = read(tmp_path, record | tools)
        assert conversation.tools == (WEATHER_TOOL,)
        assert conversation.messages[0].content == TOOL_TEXTS[name]
