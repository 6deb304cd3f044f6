"""Feedback that is an answer: data that only speaks of errors, or looks like one."""

import json

import pytest
from hypothesis import given

from tests.feedback_labels import classify
from tests.strategies.calls import json_values
from tests.strategies.feedback import UNSEEN_ANSWERS

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


@given(json_values())
def test_results_under_neutral_keys_are_no_error(value):
    """Whatever a tool returns as data, the words in it are not the tool's report."""
    text = json.dumps({"entries": value, "page": 1})
    assert classify(text) is None


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


@pytest.mark.parametrize("text", UNSEEN_ANSWERS)
def test_unseen_answers(text):
    assert classify(text, "get_weather") is None
