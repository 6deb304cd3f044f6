"""What feedback says about a call: the labelled trajectories, real feedback of three sources, the
paper's Table 14, and texts that only speak about errors.
"""

import json
import re
import signal
import string
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.shared import shared
from tests.strategies.calls import json_values
from tests.strategies.feedback import UNSEEN_ANSWERS, UNSEEN_ERRORS
from tl.calls.feedback import ErrorType, classify_feedback
from tl.calls.report import GLOSS, LOG_LINE, OPENINGS
from tl.calls.schema import Call
from tl.calls.wordings import TABLE

NO_TOOL = ErrorType.TOOL_HALLUCINATION
NO_PARAMETER = ErrorType.PARAMETER_HALLUCINATION
MISSING = ErrorType.PARAMETER_MISSING
INSTABILITY = ErrorType.TOOL_INSTABILITY
FAILURE = ErrorType.TOOL_CALL_FAILURE
OTHER = ErrorType.OTHER_ERROR


def classify(text: str, name: str = "f", arguments: dict | None = None) -> ErrorType | None:
    return classify_feedback(text, Call(name, arguments or {}))


def authors_rule(text: str) -> bool:
    """mae.py's test, restated: a pattern as a substring of the text, both without punctuation."""

    def squeezed(sentence):
        return re.sub("[^\u4e00-\u9fa5^a-z^A-Z^0-9]", "", sentence).lower()

    patterns = [
        "is not defined",
        "positional argument",
        "unexpected keyword",
        "'related_searches'",
        "ConnectionError",
        '"error":',
        "not supported",
        "Invalid API call",
        "Response error",
        "Object of type SerpResults is not JSON serializable",
        "400 Client Error",
        "'error'",
        "slice indices must be integers or None or have an __index__ method",
        "connection error",
    ]
    return any(squeezed(pattern) in squeezed(text) for pattern in patterns)


def labelled_feedback() -> list[tuple[str, Call, str, bool]]:
    """(feedback, call, category or "correct", is_error) for each call of the BFCL trajectories."""
    lines = shared("data/train/bfcl_multi_turn_errors.jsonl").read_text().split("\n")
    labels = [json.loads(line) for line in lines if line]
    category = {(label["id"], label["turn"]): label["category"] for label in labels}
    rows = []
    for record in json.loads(shared("data/train/bfcl_multi_turn_raw.json").read_text()):
        messages = record["conversations"]
        for index, message in enumerate(messages):
            if message["role"] == "function":
                name, arguments = messages[index - 1]["content"].split("\n")
                label = category.get((record["id"], index - 1), "correct")
                call = Call(name, json.loads(arguments))
                wrong = label not in ("correct", "not_error")
                rows.append((message["content"], call, label, wrong))
    return rows


def precision_recall(flags: list[bool], truth: list[bool]) -> tuple[float, float]:
    hits = sum(f and t for f, t in zip(flags, truth, strict=True))
    return hits / sum(flags), hits / sum(truth)


def test_labelled_trajectories(capsys):
    rows = labelled_feedback()
    found = [classify_feedback(text, call) for text, call, _, _ in rows]
    truth = [wrong for *_, wrong in rows]
    ours = precision_recall([kind is not None for kind in found], truth)
    theirs = precision_recall([authors_rule(text) for text, *_ in rows], truth)
    table = Counter(
        (label, kind.value if kind else "all_right")
        for (_, _, label, _), kind in zip(rows, found, strict=True)
    )
    with capsys.disabled():
        print(f"\n{'label':<26}{'classified as':<26}{'calls':>6}")
        for (label, kind), count in sorted(table.items()):
            print(f"{label:<26}{kind:<26}{count:>6}")
        print(f"is_error          precision {ours[0]:.3f}  recall {ours[1]:.3f}")
        print(f"  authors' rule   precision {theirs[0]:.3f}  recall {theirs[1]:.3f}")
    assert len(rows) == 2437 and sum(truth) == 212
    assert ours == (1.0, 1.0)
    assert all(label == kind for label, kind in table if label not in ("correct", "not_error"))


def test_tau_airline():
    seen = Counter()
    lines = shared("data/train/tau_airline_messages.jsonl").read_text().split("\n")
    for line in filter(None, lines):
        for message in json.loads(line)["messages"]:
            if message["role"] == "tool":
                found = classify(message["content"], message["name"])
                seen[message["content"].startswith("Error"), found] += 1
    assert seen == {(True, FAILURE): 73, (False, None): 1091}


# Read by hand: how many of the 133 real ToolEyes feedbacks in RoTBench's Third_Turn are what.
ROTBENCH = {None: 77, NO_TOOL: 8, NO_PARAMETER: 2, MISSING: 7, INSTABILITY: 11, FAILURE: 28}


def test_rotbench_histories():
    found = []
    for item in json.loads(shared("data/rotbench/Data/Third_Turn/clean.json").read_text()):
        turns = item["conversations"]
        for before, turn in zip(turns, turns[1:], strict=False):
            if turn["from"] == "function":
                action, given = re.search(
                    r"Action: (.*)\nAction Input: (.*)\Z", before["value"], re.DOTALL
                ).groups()
                kind = classify(turn["value"], action, json.loads(given))
                found.append((turn["value"], kind))
    assert len(found) == 133
    assert Counter(kind for _, kind in found) == ROTBENCH
    false_alarms = [text for text, kind in found if kind is None and authors_rule(text)]
    assert len(false_alarms) == 8  # research/benchmarks.md 0.7


TABLE_14 = [
    (
        None,
        "random_advice",
        '{"slip": {"id": 52, "advice": "Don’t promise what you can’t deliver."}}',
    ),
    (
        INSTABILITY,
        "get_currency",
        "HTTPSConnectionPool(host=..., port=443): Max retries exceeded with url: ...",
    ),
    (INSTABILITY, "get_exchange_rate", "Invalid API call. Currency codes might be invalid."),
    (INSTABILITY, "google_trends_search", "400 Client Error: Bad Request for url: ..."),
    (FAILURE, "search_country", '{"error": "Response error."}'),
    (FAILURE, "google_trends_search", "'<=' not supported between instances of 'str' and 'int'"),
    (FAILURE, "trends", "‘<=’ not supported between instances of ‘str’ and ‘int’"),
    (FAILURE, "get_nobel_results", "Object of type bytes is not JSON serializable"),
    (NO_TOOL, "google_search", "name google_search if not defined"),
    (NO_TOOL, "google_search", "name 'google_search' is not defined"),
    (
        NO_PARAMETER,
        "get_news_headlines",
        "get_news_headlines() got an unexpected keyword argument ‘sortBy’",
    ),
    (MISSING, "forecast", "forecast() missing 1 required positional argument: aqi"),
    (
        OTHER,
        "analyze_scan",
        '{"error": "Recently completed scan for www.mywebsite.com not found"}',
    ),
]


@pytest.mark.parametrize("expected, name, text", TABLE_14)
def test_table_14(expected, name, text):
    assert classify(text, name) == expected


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


DATA = [
    "",
    "null",
    "{}",
    "[]",
    "open",
    "275.0",
    "2023-10-28",
    "None",
    "ok",
    '"errors"',
    '"Trial and error led us here"',
    '{"errors": []}',
    '{"errors": {}}',
    '{"errors": null, "data": {"x": 1}}',
    '{"error": ""}',
    '{"error": null}',
    '{"error": "None"}',
    '{"error": false, "data": [1]}',
    '{"error": 0}',
    '{"error": [], "result": 3}',
    '{"mean": 3.2, "error": 0.02}',
    '{"error": 5, "warning": 2, "lines": 100}',
    '{"error_rate": 0.3}',
    '{"text": "Error: a short story"}',
    '{"word": "error", "definition": "a mistake"}',
    '{"valid": false, "errors": ["bad zip"]}',
    '{"error_count": 12}',
    '{"status": {"error_code": 0, "error_message": null, "elapsed": 5}, "data": []}',
    '{"status_code": 200, "response": [{"status_code": 200, "error": "", "rank": "50"}]}',
    '{"get": "drivers", "errors": [], "results": 0, "response": []}',
    '{"file": "a.py", "errors": ["line 3 is too long"], "passed": false}',
    '{"level": "ERROR", "error": "disk full", "time": "12:03"}',
    '{"log": ["INFO start", "ERROR code P0420 cleared", "Error: disk full"]}',
    '["INFO start", "Error: disk full"]',
    '{"last_lines": "Error: Something went wrong. Final line."}',
    '{"file_content": "Traceback (most recent call last): KeyError"}',
    '{"results": [{"message": "name \'x\' is not defined"}]}',
    '{"id": 7, "title": "Connection error", "status": "failed", "priority": 1}',
    '{"url": "https://x.y", "status_code": 404, "reachable": false}',
    '{"message": {"type": "notice", "text": "No advice slips found matching that search term."}}',
    '{"message": [], "status": "success"}',
    '{"message": "Export finished with 0 errors"}',
    '{"authentication_status": false}',
    '{"verification_status": false, "verification_failure": "Passport must be issued by the US."}',
    '{"timed_out": false, "total": 3}',
    '{"code": "MAD", "name": "Madrid"}',
    '{"code": 404, "name": "Atlanta"}',
    '{"status": "Open", "description": "Error encountered during flight cancellation"}',
    '{"text": "The docs say f() got an unexpected keyword argument \'x\'.", "id": 3}',
    '{"content": "cut off data that speaks of an error: \\"error\\": \\"x',
    '[{"title": "How to fix: name \'f\' is not defined", "position": 1}, {"ti',
    "{'title': 'KeyError: what it means', 'n': 1}",
    "Error handling in Python is done with exceptions.",
    "Errors and exceptions: a tutorial",
    "Error codes and their meaning",
    "Terror: a history",
    '{"status": "success", "message": "Connection error: resolved"}',
    '{"success": true, "message": "Error: log cleared"}',
    '{"error": "", "response": "Error rates are down."}',
    "Error-free week: 7 days without an incident",
    "The error rate dropped to 0.3% after the rollback",
    "The term 'connection error' is explained on page 12 of the handbook",
    "A connection error is what happens when the server cannot be reached.",
    "The standard error of the mean is 0.42",
    "Lesson 3 covers each positional argument and every keyword argument",
    "There were zero 400 Client Error entries in the log last night",
    "Export to CSV is not supported on tablets, please use the desktop app",
    "The variable total is not defined in the old macro, the new macro is fine",
    "ERROR: disk full\nINFO: retry\nINFO: ok",
    "2024-01-01 12:00:00 INFO start\n2024-01-01 12:00:01 ERROR: disk full",
    "Published: 2023-09-15\nTitle: Timeouts\nSummary: Requests timed out.",
    "Code executed successfully.",
    "Transfer successful",
    "No results found.",
    "0\n1\n2\n3\n",
]


@pytest.mark.parametrize("text", DATA)
def test_data_that_speaks_of_errors_is_no_error(text):
    assert classify(text) is None


@given(st.text(), st.text(min_size=1))
def test_any_text_is_classified(text, name):
    assert classify_feedback(text, Call(name)) in [None, *ErrorType]


@given(json_values())
def test_results_under_neutral_keys_are_no_error(value):
    """Whatever a tool returns as data, the words in it are not the tool's report."""
    text = json.dumps({"entries": value, "page": 1})
    assert classify(text) is None


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 50_000, '{"error": ' + "[" * 100_000])
def test_deep_feedback_does_not_raise(text):
    classify(text)


# A reviewer's misjudgements. An error member is a report only where no data stands beside it.
ERROR_MEMBER_AS_DATA = [
    '{"ticket_id": 7, "title": "Broken", "error": "Screen shows E12", "status": "open"}',
    '{"printer": "HP", "error": "paper jam", "pages": 3}',
    '{"job_id": 3, "status": "completed", "error": "0 rows rejected"}',
    '{"status": "completed", "error": "0 rows rejected"}',
    '{"success": true, "error": "0 rows rejected"}',
    '[{"line": 3, "error": "missing semicolon"}]',
    '{"result": {"error": "mean squared", "value": 3}}',
    '{"results": [1, 2], "error": "3 pages skipped"}',
    '{"fault": "left", "line": 3}',
    '{"exception": "holiday", "date": "x"}',
    '{"model": "ols", "error": {"mean": 0.2, "max": 0.5}}',
]
ANSWERS = [
    "'The Beatles'",
    "'Yes'",
    "'yes'",
    "'OK'",
    "'Rome'",
    "'da'",
    "'in stock'",
    "Can't Buy Me Love is a song by the Beatles",
    "Could not be better weather today: 25 degrees",
    "Please enter through the north gate.",
    "Please provide feedback on our service by visiting the site",
    "Unauthorized: a novel by X",
    "timeout: 30",
    "network error: a documentary",
    "Error 404 is a band",
    "No flights for the given date",
    "No results found for the given query",
    '{"message": "invalid login attempts: 0"}',
    '{"code": 404, "description": "Atlanta area code"}',
    '{"found": false, "message": "not found"}',
    '{"output": "Failed to build? no, built OK"}',
    '{"code": 1, "message": "success"}',
    '{"code": 0, "msg": "param error rate"}',
    '{"success": 0, "total": 5}',
    '{"errcode": 0, "errmsg": "ok"}',
    '{"exit_code": 0, "stderr": "warning: old", "stdout": "built"}',
    '{"exit_code": 1, "stderr": "", "stdout": ""}',
    '{"type": "ValidationException", "pages": 3, "message": "x"}',
]


@pytest.mark.parametrize("text", ERROR_MEMBER_AS_DATA + ANSWERS)
def test_answers_that_look_like_errors(text):
    assert classify(text) is None


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


LONG = 200_000
OPENING_WORDS = [
    *["", "Error: x\n1", "Error", "Error: ", "Traceback (most recent call last):", "ValueError: "],
    *["module '", "f() takes ", "f() missing ", "x. ", "name '", "invalid ", "failed to ", "tool "],
    *[
        "the ",
        "please provide a ",
        "unknown city '",
        "timed out",
        "timeout: ",
        "sorry, ",
        "fatal: ",
    ],
    *[
        "missing argument ",
        "not found",
        "not found.\n1",
        "HTTP ",
        "<html",
        "'",
        '"',
        "{",
        "[",
        "[{",
    ],
    *[
        '{"error": "',
        '{"a": 1, "error": ',
        "cannot ",
        "no available ",
        'Get "',
        "day ",
        "E: ",
        "A.",
    ],
]
RUNS = [*string.punctuation, *[" ", "1", "a", "A", "é", "_", "\n", "\t", "\u00a0"]]
PERIODS = [
    "a ",
    "A.",
    "1:",
    "' ",
    '{"',
    '{"a": 1, ',
    '"a": 1, ',
    "name '",
    "error ",
    "1\n",
    "a_",
    ": ",
]
HANG = 60.0  # seconds in which all of a test's texts are read; they take less than 5


@pytest.fixture
def watchdog():
    """Ends a search that would hang: the engine of `re` looks for signals while it searches."""

    def bark(*_):
        raise TimeoutError("a text of 200,000 characters was still being read")

    before = signal.signal(signal.SIGALRM, bark)
    signal.setitimer(signal.ITIMER_REAL, HANG)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("opening", OPENING_WORDS)
def test_long_lines_come_to_an_end(opening, watchdog):
    """What is quadratic in the text does not finish here."""
    for run in [*RUNS, *PERIODS] if len(opening) < 2 or opening.endswith("1") else " :.1'A_":
        classify(opening + run * (LONG // len(run)) + "x", "get_weather")


def test_repetitions_of_wordings_are_bounded():
    """Unbounded is only what ends a text, or a run without words at its start."""
    rows = [pattern for row in TABLE for pattern in row.wordings]
    lines = [pattern for _, pattern in OPENINGS] + [LOG_LINE.pattern, GLOSS.pattern]
    for pattern in rows + lines:
        ended = pattern.replace(r"[\W\d]*\Z", "")
        outside = re.sub(r"(?<!\\)\[(?:\\.|[^\]\\])+\]", "[]", ended)
        assert not re.search(r"(?<!\\W)(?<!\\)[*+]|\{\d+,\}", outside), pattern


def test_rows_are_tuples_of_wordings():
    """A lone wording without its comma would be read letter by letter."""
    assert all(isinstance(row.wordings, tuple) for row in TABLE)


@pytest.mark.parametrize("expected, text", UNSEEN_ERRORS)
def test_unseen_errors(expected, text):
    assert classify(text, "get_weather") == expected


@pytest.mark.parametrize("text", UNSEEN_ANSWERS)
def test_unseen_answers(text):
    assert classify(text, "get_weather") is None
