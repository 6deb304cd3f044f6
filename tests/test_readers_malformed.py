"""Malformed records of the authors' formats and ShareGPT: each ends in one line that names the
offence.
"""

import json

import pytest

from tests.malformed import ASK, CALL, END, TOOL, authors, openai, record_refusal, sharegpt

# name -> (a record, what the message says)
RECORDS = {
    # Any format
    "images": (openai(ASK, END, images=["a.png"]), "'images' is a list of 1, expected text only"),
    "two lists": (
        openai(ASK, END, conversations=[]),
        "both 'messages' and 'conversations', expected one list of messages of a known",
    ),
    "no list": (
        {"id": "a", "instruction": "x", "output": "y"},
        "only the keys ['id', 'instruction', 'output'], expected one list of messages of a",
    ),
    # The authors' formats
    "no system message": (
        {"id": "a", "conversations": [ASK, END]},
        "conversations[0] is no system message with the tools as text",
    ),
    "system not text": (
        {"id": "a", "conversations": [{"role": "system", "content": [TOOL]}, END]},
        "conversations[0] is no system message with the tools as text",
    ),
    "raw tools broken": (
        authors(("user", "x"), system="[{"),
        "conversations[0]: broken JSON: Expecting property name enclosed in double quotes",
    ),
    "raw tools twice": (
        authors(system=json.dumps([TOOL, {"name": "get"}])),
        "conversations[0]: the tool 'get' is listed twice",
    ),
    "raw call on one line": (
        authors(("assistant", "get({})")),
        "conversations[1]: a call reads the string 'get({})', expected",
    ),
    "raw call with more behind": (
        authors(("assistant", "get\n{}\nput")),
        "the arguments of 'get': more text behind the JSON value, at line 2 column 1, got 'put'",
    ),
    "raw call without name": (
        authors(("assistant", "\n{}")),
        "conversations[1]: a call reads the string '\\n{}', expected",
    ),
    "raw arguments a string": (
        authors(("assistant", 'get\n"x"')),
        "conversations[1]: the arguments of 'get': the string 'x', expected a JSON object",
    ),
    "raw arguments broken": (
        authors(("assistant", "get\n{a: 1}")),
        "conversations[1]: the arguments of 'get': broken JSON",
    ),
    "raw feedback first": (
        authors(("user", "x"), ("function", "3")),
        "conversations[2]: a tool result without a call",
    ),
    "raw feedback twice": (
        authors(("assistant", "get\n{}"), ("function", "3"), ("function", "4")),
        "conversations[3]: result 2 for 1 call(s)",
    ),
    "raw feedback missing": (
        authors(("assistant", "get\n{}"), ("user", "x")),
        "conversations[2]: the call 'get' has no result before this user message",
    ),
    "raw second system": (authors(("system", "x")), "conversations[1]: a second system message"),
    "raw role": (
        authors(("tool", "x")),
        "conversations[1]: role 'tool', expected system, user, assistant or function",
    ),
    "raw content null": (
        authors(("user", None)),
        "conversations[1]: 'content' is null, expected a string",
    ),
    "mae tools are prose": (
        authors(("user", "x"), system="You are helpful."),
        "conversations[0]: a tool reads 'You are helpful.', expected 'Function:",
    ),
    "mae feedback for text": (
        authors(("assistant", "Hello."), ("function", "3"), system=""),
        "conversations[2]: a tool result without a call",
    ),
    "mae no reply": (authors(("user", "x"), system=""), "conversations: no assistant message"),
    # ShareGPT
    "from unknown": (
        sharegpt(("human", "x"), ("bing", "y")),
        "conversations[1]: from 'bing', expected one of system, human",
    ),
    "value missing": (
        {"id": "a", "conversations": [{"from": "human"}]},
        "conversations[0]: no 'value' among the keys ['from']",
    ),
    "value an object": (
        sharegpt(("human", {})),
        "conversations[0]: 'value' is an empty object, expected a string",
    ),
    "call is text": (
        sharegpt(("function_call", "get()")),
        "conversations[0]: broken JSON: Expecting value at column 1, got 'get()'",
    ),
    "call without arguments": (
        sharegpt(("function_call", '{"name": "get"}')),
        "conversations[0]: call 0: no 'arguments' among the keys ['name'], expected an",
    ),
    "call with arguments null": (
        sharegpt(("function_call", '{"name": "get", "arguments": null}')),
        "conversations[0]: call 0: 'arguments' is null, expected an object",
    ),
    "second call broken": (
        sharegpt(("function_call", f'[{CALL}, {{"name": 3}}]')),
        "conversations[0]: call 1: 'name' is the number 3, expected a string",
    ),
    "no call": (sharegpt(("function_call", "[]")), "conversations[0]: an empty list of calls"),
    "observation first": (
        sharegpt(("human", "x"), ("observation", "3")),
        "conversations[1]: a tool result without a call",
    ),
    "observation missing": (
        sharegpt(("function_call", CALL), ("gpt", "x")),
        "conversations[1]: the call 'get' has no result before this assistant message",
    ),
    "observation for two": (
        sharegpt(("function_call", f"[{CALL}, {CALL}]"), ("observation", '["3"]')),
        "conversations[1]: one result for 2 calls: a list of 1, expected a JSON list of 2",
    ),
    "glaive call": (
        sharegpt(("gpt", '<functioncall> {"name": "get"}')),
        "conversations[0]: the text has <functioncall> in it, expected a call as a",
    ),
    "hermes call open": (
        sharegpt(("gpt", f"<tool_call>{CALL}")),
        "conversations[0]: the text has <tool_call> in it",
    ),
    "hermes call Python": (
        sharegpt(("gpt", "<tool_call>{'name': 'get'}</tool_call>")),
        "conversations[0]: call 0: no 'arguments' among the keys ['name']",
    ),
    "hermes call Python cut": (
        sharegpt(("gpt", "<tool_call>{'name': 'get'</tool_call>")),
        "conversations[0]: the text ends where",
    ),
    "hermes call Python with code": (
        sharegpt(("gpt", "<tool_call>{'name': print(1)}</tool_call>")),
        "conversations[0]: the value is a call of 'print'",
    ),
    "hermes call Python and more": (
        sharegpt(("gpt", "<tool_call>{'name': 'get'} x</tool_call>")),
        "conversations[0]: 'x' has no quotes and is no value (at character 16), expected",
    ),
    "hermes call Python with inf": (
        sharegpt(("gpt", "<tool_call>{'name': 'get', 'arguments': {'a': 1e999}}</tool_call>")),
        "conversations[0]: Infinity is no JSON value",
    ),
    "hermes call Python half a pair": (
        sharegpt(("gpt", "<tool_call>{'name': '\\ud83d', 'arguments': {}}</tool_call>")),
        "conversations[0]: a string has one half of a surrogate pair",
    ),
    "hermes text behind": (
        sharegpt(("gpt", f"<tool_call>{CALL}</tool_call> Done.")),
        "conversations[0]: the string 'Done.' behind a call",
    ),
    "hermes tools broken": (
        sharegpt(("system", "<tools>[</tools>"), ("gpt", "x")),
        "<tools> of the system text: broken JSON",
    ),
    "two systems": (
        sharegpt(("system", "a"), ("gpt", "x"), system="b"),
        "'system' and the first message are two system texts",
    ),
    "system a list": (
        sharegpt(("gpt", "x"), system=["b"]),
        "'system' is a list of 1, expected a string",
    ),
}


@pytest.mark.parametrize("name", RECORDS)
def test_a_malformed_record_is_named(tmp_path, name):
    record, offence = RECORDS[name]
    assert offence in record_refusal(tmp_path, record)
