"""Exports that must be refused, each in one line: read, something in them would get lost."""

import json

import pytest

from tests.export_records import ARGUMENTS, ONE_CALL, PARAMETERS, hermes, raw, weather
from tests.malformed import (
    ASK,
    CALL,
    END,
    TOOL,
    authors,
    calling,
    openai,
    openai_call,
    record_refusal,
    refusal,
    result,
    sharegpt,
)
from tl.data.conversation import read_conversations

# name -> (a record, what the message says)
REFUSED = {
    "Anthropic tool": (
        openai(ASK, END, tools=[{"name": "f", "input_schema": PARAMETERS}]),
        "tools: tool 0: 'f' has 'input_schema', expected its schema as 'parameters'",
    ),
    "Anthropic call": (
        openai(ASK, {"role": "assistant", "content": [{"type": "tool_use", "name": "get"}]}),
        "messages[1]: content[0]: a part of type 'tool_use', expected text only",
    ),
    "xLAM tool": (
        openai(ASK, END, tools=[TOOL, {"name": "f", "parameters": {"x": {"type": "str"}}}]),
        "tools: tool 1: the parameters of 'f' have the keys ['x'], expected a JSON schema",
    ),
    "xLAM tool, parameter null": (
        openai(ASK, END, tools=[{"name": "f", "parameters": {"x": {"type": "str"}, "y": None}}]),
        "tools: tool 0: the parameters of 'f' have the keys ['x'], expected a JSON schema",
    ),
    "tool a text": (
        openai(ASK, END, tools=[json.dumps(TOOL)]),
        'tools: tool 0: the string \'{"type": "function",',
    ),
    "tool null": (openai(ASK, END, tools=[None]), "tools: tool 0: null, expected an object"),
    "property false": (
        openai(ASK, END, tools=[weather(properties={"x": False})]),
        "tools: tool 0: tool 'weather': parameter 'x' is a boolean, expected a schema object",
    ),
    "tools Python": (
        sharegpt(("gpt", "x"), tools="[{'name': 'f'}]"),
        "tools: broken JSON: Expecting property name",
    ),
    "Python tools cut": (
        sharegpt(("system", "<tools>[{'name': 'f'</tools>"), ("gpt", "x")),
        "<tools> of the system text: the text ends where ',' or '}' is expected",
    ),
    "Python tools with code": (
        sharegpt(("system", "<tools>{'name': str}</tools>"), ("gpt", "x")),
        "<tools> of the system text: 'str' has no quotes and is no value",
    ),
    "Hermes name a key": (
        hermes(f'<tool_call>{{"get": {ARGUMENTS}}}</tool_call>'),
        "conversations[1]: call 0: no 'name' among the keys ['get']",
    ),
    "Hermes parameters": (
        hermes('<tool_call>{"name": "get", "parameters": {}}</tool_call>'),
        "conversations[1]: call 0: no 'arguments' among the keys ['name', 'parameters']",
    ),
    "Hermes empty": (
        hermes("<tool_call>\n</tool_call>"),
        "conversations[1]: an empty list of calls",
    ),
    "Hermes call as text": (
        hermes("<tool_call>get(city = 'Oslo')</tool_call>"),
        'conversations[1]: broken JSON: Expecting value at column 1, got "get(city',
    ),
    "Hermes Python twice": (
        hermes("<tool_call>{'name': 'get', 'name': 'put', 'arguments': {}}</tool_call>"),
        "conversations[1]: the key 'name' is given twice",
    ),
    "Hermes text beside a result": (
        hermes(f"<tool_call>{CALL}</tool_call>", "Result: <tool_response>3</tool_response>"),
        "conversations[2]: the string 'Result:' beside <tool_response>",
    ),
    "Hermes two results for one": (
        hermes(f"<tool_call>{CALL}</tool_call>", "<tool_response>3</tool_response>" * 2),
        "conversations[2]: result 2 for 1 call(s)",
    ),
    "Hermes result closed twice": (
        hermes(
            f"<tool_call>{CALL}</tool_call>", "<tool_response>3</tool_response></tool_response>"
        ),
        "conversations[2]: the string '</tool_response>' beside <tool_response>",
    ),
    "Hermes call closed twice": (
        hermes(f"<tool_call>{CALL}</tool_call></tool_call>"),
        "conversations[1]: the text has </tool_call> in it",
    ),
    "Llama 3 role": (
        openai(ASK, ONE_CALL, {"role": "ipython", "content": "3"}, END),
        "messages[2]: role 'ipython', expected system",
    ),
    "parallel result without id": (
        openai(
            ASK, calling(openai_call(), openai_call(id="2")), result(tool_call_id=None), result()
        ),
        "messages[2]: a result without the id of its call, expected one of ['1', '2']",
    ),
    "result without id for none": (
        openai(ASK, ONE_CALL, result(), result(tool_call_id=None)),
        "messages[3]: a result without the id of its call, expected one of ['1']",
    ),
    "arguments null": (
        openai(calling(openai_call(arguments=None))),
        "function: 'arguments' is null, expected a string with a JSON object",
    ),
    "content an object": (
        openai({"role": "user", "content": {"text": "x"}}, END),
        "messages[0]: 'content' is an object with the keys ['text'], expected a string or a list",
    ),
    "text part null": (
        openai({"role": "user", "content": [{"type": "text", "text": None}]}, END),
        "messages[0]: content[0]: 'text' is null, expected a string",
    ),
    "only context and blank": (
        openai(ASK, {"role": "assistant", "content": "", "tool_calls": None}),
        "messages[1]: an assistant message without text and without calls",
    ),
    "messages as text": (
        {"id": "a", "messages": json.dumps([ASK, END])},
        "'messages' is the string '[{\"role\"",
    ),
    "prompt and completion": (
        {"id": "a", "prompt": "x", "completion": "y"},
        "only the keys ['id', 'prompt', 'completion'], expected one list of messages",
    ),
    "both lists null": (
        {"id": "a", "messages": None, "conversations": None},
        "'messages' is null, expected a list of message objects",
    ),
    "weights of another kind": (
        openai(ASK, END | {"weight": [1]}),
        "messages[1]: 'weight' is a list of 1, expected 0",
    ),
    "raw name and arguments in one line": (
        raw(f"get {ARGUMENTS}"),
        'conversations[2]: a call reads the string \'get {"city"',
    ),
    "raw arguments Python": (
        raw("get\n{'city': 'Oslo'}"),
        "conversations[2]: the arguments of 'get': broken JSON: Expecting property name",
    ),
    "raw two calls": (
        raw(f"get\n{ARGUMENTS}\nget\n{ARGUMENTS}"),
        "conversations[2]: the arguments of 'get': more text behind the JSON value",
    ),
    "raw parallel results": (
        authors(("assistant", f"get\n{ARGUMENTS}"), ("function", "3"), ("function", "4")),
        "conversations[3]: result 2 for 1 call(s)",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_get_lost_is_refused(tmp_path, name):
    record, offence = REFUSED[name]
    assert offence in record_refusal(tmp_path, record)


@pytest.mark.parametrize("beside", [{}, {"id": None}])
def test_a_record_without_id_is_called_so(tmp_path, beside):
    path = tmp_path / "bad.json"
    path.write_text(json.dumps([{"messages": [ASK]} | beside]), encoding="utf-8")
    assert refusal(path).startswith(f"{path}:1: record without id: messages: no assistant message")


@pytest.mark.parametrize("unit", ["<tool_call>", "<tools>[", "<tool_response>" + " " * 200])
def test_tags_that_are_never_closed_come_to_an_end(tmp_path, unit):
    """A pattern from tag to tag took more than eight minutes for 50,000 characters."""
    text = unit * (400_000 // len(unit))
    record = sharegpt(("system", text), ("gpt", f"<tool_call>{CALL}</tool_call>"), ("tool", text))
    path = tmp_path / "open.json"
    path.write_text(json.dumps([record]), encoding="utf-8")
    (conversation,) = read_conversations(path)
    assert conversation.tools == () and conversation.messages[2].content == text
    assert "the text has <tool_call> in it" in record_refusal(
        tmp_path, sharegpt(("gpt", "<tool_call>" + text))
    )
