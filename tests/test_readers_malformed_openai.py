"""Malformed records in the OpenAI format: each ends in one line that names the offence."""

import pytest

from tests.malformed import (
    ASK,
    END,
    TOOL,
    calling,
    nested,
    openai,
    openai_call,
    record_refusal,
    result,
)

# name -> (a record, what the message says)
RECORDS = {
    "role unknown": (
        openai(ASK, {"role": "critic", "content": ""}),
        "messages[1]: role 'critic', expected system",
    ),
    "role missing": (
        openai(ASK, {"content": "x"}),
        "messages[1]: no 'role' among the keys ['content'], expected a string",
    ),
    "role number": (
        openai(ASK, {"role": 3}),
        "messages[1]: 'role' is the number 3, expected a string",
    ),
    "message a string": (openai(ASK, "Hi"), "messages[1]: the string 'Hi', expected an object"),
    "messages empty": (openai(), "'messages' is a list of 0, expected a list of message objects"),
    "messages an object": (
        {"id": "a", "messages": {}},
        "'messages' is an empty object, expected a list",
    ),
    "messages null": ({"id": "a", "messages": None}, "'messages' is null, expected a list"),
    "messages without role": (
        openai({"text": "x"}),
        "messages[0] has the keys ['text'], expected 'role' or 'from'",
    ),
    "no assistant": (openai(ASK), "messages: no assistant message, so nothing to train"),
    "reply empty": (
        openai(ASK, {"role": "assistant", "content": None}),
        "messages[1]: an assistant message without text and without calls",
    ),
    "reply blank": (
        openai(ASK, {"role": "assistant", "content": " \n"}),
        "messages[1]: an assistant message without text",
    ),
    "content a number": (
        openai(ASK, {"role": "assistant", "content": 5}),
        "messages[1]: 'content' is the number 5, expected a string or a list of parts",
    ),
    "image part": (
        openai({"role": "user", "content": [{"type": "image_url", "image_url": {}}]}, END),
        "messages[0]: content[0]: a part of type 'image_url', expected text only",
    ),
    "part without text": (
        openai({"role": "user", "content": [{"type": "text"}]}, END),
        "messages[0]: content[0]: no 'text' among the keys ['type']",
    ),
    "part a string": (
        openai({"role": "user", "content": ["x"]}, END),
        "messages[0]: content[0]: the string 'x', expected an object",
    ),
    "tool before call": (
        openai(ASK, result(), END),
        "messages[1]: a tool result without a call right before it",
    ),
    "tool after text": (
        openai(ASK, END, result()),
        "messages[2]: a tool result without a call right before it",
    ),
    "tool id unknown": (
        openai(calling(openai_call()), result(tool_call_id="2")),
        "messages[1]: a result for the call id '2', expected one of ['1']",
    ),
    "tool id missing": (
        openai(calling(openai_call(), openai_call(id="2")), {"role": "tool", "content": ""}),
        "messages[1]: a result without the id of its call, expected one of ['1', '2']",
    ),
    "tool id a number": (
        openai(calling(openai_call()), result(tool_call_id=1)),
        "messages[1]: 'tool_call_id' is the number 1, expected a non-empty string",
    ),
    "result twice": (
        openai(calling(openai_call()), result(), result()),
        "messages[2]: a second result for the call id '1'",
    ),
    "results too many": (
        openai(calling(openai_call(id=None)), result(), result()),
        "messages[2]: result 2 for 1 call(s), expected one result for each call",
    ),
    "ids shared": (
        openai(calling(openai_call(), openai_call())),
        "messages[0]: two calls share the id '1'",
    ),
    "ids for some": (
        openai(calling(openai_call(), openai_call(id=None))),
        "messages[0]: some of the tool_calls have an id and some have none",
    ),
    "result missing": (
        openai(ASK, calling(openai_call()), ASK, END),
        "messages[2]: the call 'get' has no result before this user message",
    ),
    "result missing, finish": (
        openai(calling(openai_call("finish")), END),
        "messages[1]: the call 'finish' has no result before this assistant message",
    ),
    "result missing, first of two": (
        openai(calling(openai_call(), openai_call("b", id="2")), result(tool_call_id="2")),
        "messages: the call 'get' has no result though a later call has one",
    ),
    "arguments an object": (
        openai(calling(openai_call(arguments={}))),
        "messages[0]: tool_calls[0]: function: 'arguments' is an empty object, expected a",
    ),
    "arguments cut": (
        openai(calling(openai_call(arguments='{"a": 1'))),
        "messages[0]: tool_calls[0]: function: 'arguments': broken JSON: Expecting ','",
    ),
    "arguments Python": (
        openai(calling(openai_call(arguments="{'a': 1}"))),
        "tool_calls[0]: function: 'arguments': broken JSON: Expecting property name",
    ),
    "arguments a list": (
        openai(calling(openai_call(arguments="[]"))),
        "'arguments': a list of 0, expected a JSON object of arguments",
    ),
    "arguments empty": (
        openai(calling(openai_call(arguments=""))),
        "'arguments': broken JSON: Expecting value at column 1, got the end of the text",
    ),
    "arguments with NaN": (
        openai(calling(openai_call(arguments='{"a": NaN}'))),
        "'arguments': NaN is no JSON value",
    ),
    "arguments twice": (
        openai(calling(openai_call(arguments='{"a": 1, "a": 2}'))),
        "'arguments': the key 'a' stands twice in one object",
    ),
    "arguments infinite": (
        openai(calling(openai_call(arguments='{"a": 1e400}'))),
        "'arguments': the number 1e400 is beyond float64",
    ),
    "arguments 5,000 digits": (
        openai(calling(openai_call(arguments='{"a": ' + "9" * 5000 + "}"))),
        "'arguments': an integer of 5000 digits",
    ),
    "arguments nested": (
        openai(calling(openai_call(arguments='{"a": ' + nested(200) + "}"))),
        "'arguments': JSON nested deeper than 100",
    ),
    "arguments a bomb": (
        openai(calling(openai_call(arguments=nested(100_000)))),
        "'arguments': JSON nested deeper than 100",
    ),
    "arguments half a pair": (
        openai(calling(openai_call(arguments='{"a": "\\ud83d"}'))),
        "'arguments': a string has one half of a surrogate pair",
    ),
    "arguments with more": (
        openai(calling(openai_call(arguments="{} {}"))),
        "'arguments': more text behind the JSON value, at column 4, got '{}'",
    ),
    "name missing": (
        openai(calling({"id": "1", "function": {"arguments": "{}"}})),
        "messages[0]: tool_calls[0]: function: no 'name' among the keys ['arguments']",
    ),
    "name empty": (
        openai(calling(openai_call(""))),
        "tool_calls[0]: function: 'name' is empty, expected the name of the called tool",
    ),
    "call without function": (
        openai(calling({"id": "1"})),
        "tool_calls[0]: no 'function' among the keys ['id'], expected the called function",
    ),
    "call of another type": (
        openai(calling(openai_call(type="custom"))),
        "tool_calls[0]: 'type' is the string 'custom', expected 'function'",
    ),
    "calls an object": (
        openai({"role": "assistant", "tool_calls": {"id": 1}}),
        "messages[0]: 'tool_calls' is an object with the keys ['id'], expected a list of",
    ),
    "both kinds of calls": (
        openai(calling(openai_call(), function_call={"name": "get", "arguments": "{}"})),
        "messages[0]: both 'tool_calls' and 'function_call'",
    ),
    "function of another name": (
        openai(
            {"role": "assistant", "function_call": {"name": "get", "arguments": "{}"}},
            {"role": "function", "name": "put", "content": ""},
        ),
        "messages[1]: a result of 'put', expected one of 'get'",
    ),
    "weight a half": (
        openai(ASK, END | {"weight": 0.5}),
        "messages[1]: 'weight' is the number 0.5, expected 0 (context) or 1 (trained)",
    ),
    "weight a string": (
        openai(ASK, END | {"weight": "0"}),
        "messages[1]: 'weight' is the string '0', expected 0",
    ),
    "refusal beside content": (
        openai(ASK, END | {"refusal": "No."}),
        "messages[1]: 'refusal' is the string 'No.' and 'content' is the string 'Rain.',",
    ),
    "tools an object": (
        openai(ASK, END, tools={}),
        "tools: an empty object, expected a list of tools",
    ),
    "tool without a name": (
        openai(ASK, END, tools=[{"type": "web_search"}]),
        "tools: tool 0: a tool has the name None, expected a non-empty string",
    ),
    "tool twice": (
        openai(ASK, END, tools=[TOOL, {"function": {"name": "get", "description": "x"}}]),
        "tools: the tool 'get' is listed twice with different schemas",
    ),
    "tools broken text": (
        openai(ASK, END, tools="[{]"),
        "tools: broken JSON: Expecting property name",
    ),
}


@pytest.mark.parametrize("name", RECORDS)
def test_a_malformed_record_is_named(tmp_path, name):
    record, offence = RECORDS[name]
    assert offence in record_refusal(tmp_path, record)
