"""Feedback that reports an error: the wordings of many runtimes, by the kind of the error."""

import json

import pytest

from tests.feedback_labels import (
    FAILURE,
    INSTABILITY,
    MISSING,
    NO_PARAMETER,
    NO_TOOL,
    OTHER,
    classify,
)
from tests.strategies.feedback import UNSEEN_ERRORS
from tl.calls.feedback import classify_feedback
from tl.calls.schema import Call

BLAMED = [
    (NO_TOOL, "cannot import name 'f' from 'Search.Google.tool' (/x/tool.py)"),
    (NO_TOOL, "NameError: name 'f' is not defined. Did you mean: 'g'?"),
    (NO_TOOL, "module 'Search.tool' has no attribute 'f'"),
    (NO_TOOL, "'TravelAPI' object has no attribute 'f'. Did you mean: 'g'?"),
    (NO_TOOL, "Unknown tool: f"),
    (NO_TOOL, "Function not found: f"),
    (NO_TOOL, "ReferenceError: f is not defined"),
    (NO_PARAMETER, "Unexpected keyword argument 'x' for function f"),
    (MISSING, "Error: Missing required argument 'a' for f"),
    (MISSING, "f() missing required parameter 'a'"),
    (NO_TOOL, '{"error": "Tool \'f\' not found"}'),
    (NO_TOOL, "Error: tool f does not exist"),
    (NO_TOOL, "f is not a valid tool, try one of [g, h]."),
    (NO_PARAMETER, "GorillaFileSystem.f() got an unexpected keyword argument 'dir'"),
    (NO_PARAMETER, "f() got an unexpected keyword argument 'citi'. Did you mean 'city'?"),
    (NO_PARAMETER, "TypeError: f() got an unexpected keyword argument 'x'"),
    (NO_PARAMETER, "f() takes 2 positional arguments but 3 were given"),
    (NO_PARAMETER, "f() takes 1 positional argument but 2 were given"),
    (NO_PARAMETER, "f() takes from 1 to 2 positional arguments but 3 were given"),
    (NO_PARAMETER, "f() takes no arguments (1 given)"),
    (NO_PARAMETER, "f() takes no keyword arguments"),
    (NO_PARAMETER, "f() got multiple values for argument 'city'"),
    (NO_PARAMETER, "'x' is an invalid keyword argument for f()"),
    (NO_PARAMETER, '{"error": "X.f() got an unexpected keyword argument \'dir\'"}'),
    (MISSING, "f() missing 2 required positional arguments: 'a' and 'b'"),
    (MISSING, "f() missing 1 required keyword-only argument: 'a'"),
    (MISSING, "TravelAPI.f() missing 3 required positional arguments: 'a', 'b', and 'c'"),
    (MISSING, "f() missing required argument 'x' (pos 1)"),
    (MISSING, "make.<locals>.f() missing 1 required positional argument: 'a'"),
    (
        MISSING,
        "Traceback (most recent call last):\n  File 'x.py', line 3, in <module>\n    f()\n"
        "TypeError: f() missing 1 required positional argument: 'a'",
    ),
]


@pytest.mark.parametrize("expected, text", BLAMED)
def test_errors_that_name_the_called_tool(expected, text):
    assert classify(text, "f") == expected
    assert classify(json.dumps(text), "f") == expected


@pytest.mark.parametrize("expected, text", BLAMED)
def test_the_same_texts_about_another_function_are_failures_of_the_tool(expected, text):
    assert classify(text, "another_tool") == FAILURE


def test_names_of_tools_with_dots_and_signs():
    text = "GorillaFileSystem.cd() got an unexpected keyword argument 'dir'"
    assert classify(text, "cd") == classify(text, "GorillaFileSystem.cd") == NO_PARAMETER
    assert classify(text, "abcd") == FAILURE
    assert classify("name 'functions' is not defined", "functions.get_further_contents") == NO_TOOL
    assert classify("Unknown tool: preferred-routes_get.", "preferred-routes_get") == NO_TOOL


INSTABLE = [
    "404 Client Error: Not Found for url: https://x.y/z",
    "429 Client Error: Too Many Requests for url: https://x.y/z",
    "500 Server Error: Internal Server Error for url: https://x.y/z",
    "503 Server Error: Service Unavailable",
    "HTTP Error 403: Forbidden",
    "HTTP 502",
    "Client error '404 Not Found' for url 'https://x.y'",
    "<Response [404]>",
    "status_code: 500",
    "API call failed: 500",
    "Request failed (status code 429)",
    "connect ECONNREFUSED 127.0.0.1:80",
    "Unauthorized: invalid token",
    "502 Bad Gateway",
    "<html>\r\n<head><title>504 Gateway Time-out</title></head>\r\n<body>...</body></html>",
    "HTTPConnectionPool(host='h', port=80): Read timed out. (read timeout=10)",
    "('Connection aborted.', RemoteDisconnected('Remote end closed connection without response'))",
    "<urlopen error [Errno 111] Connection refused>",
    "[Errno -2] Name or service not known",
    "[Errno 104] Connection reset by peer",
    "The read operation timed out",
    "Request timed out.",
    "timed out",
    "TimeoutError: ",
    "requests.exceptions.ConnectionError: no route to host",
    "ConnectTimeout: HTTPSConnectionPool(host='h', port=443)",
    "Error: Connection refused",
    "Connection error.",
    '{"error": "connection error."}',
    '{"message": "Too Many Requests"}',
    '{"message":"You have exceeded the rate limit per minute for your plan, BASIC, by the API"}',
    '{"Note": "Please try again."}',
    '{"error": {"code": 503, "message": "The model is overloaded."}}',
    '{"status": "failure", "code": 401, "message": "You are not authorized."}',
    '{"cod": "404", "message": "city not found"}',
    '{"timestamp": "2024-01-01", "status": 500, "error": "Internal Server Error", "path": "/v1"}',
    '{"type": "about:blank", "title": "Not Found", "status": 404, "traceId": "00-1"}',
    '{"errors": [{"code": "DIS1004", "detail": "Resource not found", "status": "404"}]}',
    '{"status_code": 200, "response": [{"status_code": 400, "error": "Invalid Domain"}]}',
    '{"success": false, "message": "Rate limit exceeded, try again later"}',
    "Request failed with status code 503: Service Unavailable",
    '{"status": {"error_code": 429, "error_message": "Too many requests"}}',
    '{"error": "", "response": "{\'message\': \'You are not subscribed to this API.\'}"}',
]


@pytest.mark.parametrize("text", INSTABLE)
def test_instability(text):
    assert classify(text) == INSTABILITY


FAILED = [
    "KeyError('x')",
    "'related_searches'",
    "ValueError: invalid literal for int() with base 10: 'a'",
    'ValueError("bad date")',
    "'<' not supported between instances of 'str' and 'int'",
    "unsupported operand type(s) for +: 'int' and 'str'",
    "unsupported type for timedelta days component: str",
    'can only concatenate str (not "int") to str',
    "can't multiply sequence by non-int of type 'str'",
    "Object of type SerpResults is not JSON serializable",
    "slice indices must be integers or None or have an __index__ method",
    "'NoneType' object has no attribute 'get'",
    "'NoneType' object is not subscriptable",
    "'str' object cannot be interpreted as an integer",
    "list index out of range",
    "string indices must be integers, not 'str'",
    "local variable 'region' referenced before assignment",
    "cannot access local variable 'x' where it is not associated with a value",
    "could not convert string to float: '$10,000.0'",
    "division by zero",
    "math domain error",
    "not enough values to unpack (expected 2, got 1)",
    "time data '1/2' does not match format '%Y-%m-%d'",
    "Expecting value: line 1 column 1 (char 0)",
    "[Errno 2] No such file or directory: '/workspace/a.txt'",
    "cat: a.txt: No such file or directory",
    "/bin/sh: 1: cd: can't cd to /home/user/documents\n",
    "Invalid URL 'channel_results': No scheme supplied. Perhaps you meant https://channel_results?",
    "get_response() missing 1 required positional argument: 'params'",
    "name 'requests' is not defined",
    "No available exchange rate for the given currencies.",
    "No available route for the given airports.",
    " not found",
    "User not found",
    "Error: not enough seats on flight HAT229",
    "ERROR: order W123 can not be cancelled",
    "An error occurred: bad input",
    "Error executing tool: bad input",
    "Failed to read the document",
    '{"error": "Ticket with ID 447 not found."}',
    '{"booking_status": false, "error": "Card not registered"}',
    "{'error': \"cd: 'nonexist': No such file or directory\"}",
    '{"error": "cd: \'a very long path that was cut',
    "{'error': 'cut",
    '{"Error": "bad"}',
    '{"error": true, "message": "Invalid symbol"}',
    '{"error": {"type": "invalid_request", "message": "unknown city"}}',
    '{"success": false, "message": "Booking does not exist"}',
    '{"status": "error", "message": "Booking does not exist"}',
    '{"ok": false, "reason": "channel_not_found"}',
    '{"result": {"error": "no such city"}}',
    '{"result": "Error: division by zero"}',
    '[{"error": "no such city"}, {"error": "no such country"}]',
    '{"errors": ["city is required"], "data": null}',
    '{"isError": true, "content": [{"type": "text", "text": "bad city"}]}',
    '{"detail": "Not found."}',
    '{"api_name": "Add", "input": {}, "output": null, "exception": "no such meeting"}',
    '{"message": "Validation failed: city is required"}',
    '"Error: a text in a JSON string that was cut',
    "Missing required parameter: city",
    '{"type": "error", "message": "bad city"}',
    '{"detail": [{"loc": ["query", "q"], "msg": "field required", "type": "value_error"}]}',
    "Permission denied: admin only",
    "Insufficient balance",
    "User not authenticated",
    "1 validation error for f\ncity\n  Field required",
    "<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>",
    "Traceback (most recent call last):\n  File 'x.py', line 3\nZeroDivisionError: by zero",
]


@pytest.mark.parametrize("text", FAILED)
def test_failure(text):
    assert classify(text) == FAILURE


@pytest.mark.parametrize("text", FAILED + INSTABLE)
def test_text_in_a_json_string_is_the_same(text):
    assert classify(json.dumps(text)) == classify(text)


WITHOUT_A_MESSAGE = [
    '{"success": false}',
    '{"status": "error"}',
    '{"error": true}',
    '{"error": 17}',
    "Error",
    "Error: 17",
    "Your output format does not match the specified format.",
]


@pytest.mark.parametrize("text", WITHOUT_A_MESSAGE)
def test_other(text):
    assert classify(text) == OTHER


MISSED = [
    (FAILURE, "Tool 'get_weather' failed: x"),
    (INSTABILITY, "MCP error -32000: Connection closed"),
    (NO_TOOL, "MCP error -32602: Tool get_weather not found"),
    (FAILURE, "Input should be a valid integer"),
    (FAILURE, "ERROR 1064 (42000): You have an error in your SQL syntax"),
    (FAILURE, 'psycopg2.errors.UndefinedTable: relation "x" does not exist\nLINE 1'),
    (FAILURE, "no such table: users"),
    (FAILURE, "fatal: not a git repository (or any of the parent directories): .git"),
    (FAILURE, "panic: runtime error: index out of range"),
    (FAILURE, "Segmentation fault (core dumped)"),
    (INSTABILITY, "No route to host"),
    (FAILURE, "E: Unable to locate package x"),
    (INSTABILITY, "upstream connect error or disconnect/reset before headers"),
    (INSTABILITY, "The operation was aborted due to timeout"),
    (FAILURE, "Unknown city 'Atlantis'."),
    (FAILURE, "The city parameter is required."),
    (OTHER, "Sorry, something went wrong."),
    (INSTABILITY, '{"message":"Bad credentials","documentation_url":"https://docs.x/rest"}'),
    (FAILURE, '{"errcode":40013,"errmsg":"invalid appid"}'),
    (FAILURE, '{"code":"InvalidParameter","message":"x","requestId":"y"}'),
    (FAILURE, '{"__type":"ValidationException","message":"bad x"}'),
    (FAILURE, '{"code":1,"message":"fail","data":null}'),
    (FAILURE, '{"code":-1,"msg":"param error"}'),
    (OTHER, '{"success":0,"message":"x"}'),
    (FAILURE, '{"exit_code":1,"stderr":"boom","stdout":""}'),
    (FAILURE, '{"returncode":127,"stderr":"x: command not found"}'),
    # These were right before and must stay so.
    (INSTABILITY, '{"status": 503, "message": "meters"}'),
    (FAILURE, "'channel_results'"),
    (INSTABILITY, '{"error": "no such city", "status": 404, "request_id": "r1", "data": null}'),
    (FAILURE, '{"id": 7, "error": {"code": -32000, "message": "bad city"}, "model": "m"}'),
    (FAILURE, "Invalid ID: 7"),
    (INSTABILITY, "Unauthorized: a valid token is needed"),
]


def test_a_quoted_word_is_a_key_error_where_the_call_gave_it():
    """RoTBench: get_translation_nllb(tgt_lang="da") answers `'da'`, a KeyError of the tool."""
    assert classify("'da'", "translate", {"text": "cat", "tgt_lang": "da"}) == FAILURE
    assert classify("'7'", "get", {"id": 7}) == FAILURE
    assert classify("'da'", "translate", {"text": "cat", "tgt_lang": "de"}) is None
    assert classify_feedback("'da'", Call("translate", {}, ("cat", "da"))) == FAILURE


@pytest.mark.parametrize("expected, text", MISSED)
def test_errors_of_more_runtimes(expected, text):
    assert classify(text, "get_weather") == expected


@pytest.mark.parametrize("expected, text", UNSEEN_ERRORS)
def test_unseen_errors(expected, text):
    assert classify(text, "get_weather") == expected
