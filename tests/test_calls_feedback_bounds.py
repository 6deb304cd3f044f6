"""Any text comes to an end as feedback: drawn, deep or long; and the table of wordings is built so
that it does.
"""

import re
import signal
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.feedback_labels import classify
from tl.calls.feedback import ErrorType, classify_feedback
from tl.calls.report import GLOSS, LOG_LINE, OPENINGS
from tl.calls.schema import Call
from tl.calls.wordings import TABLE


@given(st.text(), st.text(min_size=1))
def test_any_text_is_classified(text, name):
    assert classify_feedback(text, Call(name)) in [None, *ErrorType]


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 50_000, '{"error": ' + "[" * 100_000])
def test_deep_feedback_does_not_raise(text):
    classify(text)


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
HANG = 60.0  # seconds of CPU in which all of a test's texts are read; they take less than 5


@pytest.fixture
def watchdog():
    """Ends a search that would hang: the engine of `re` looks for signals while it searches."""

    def bark(*_):
        raise TimeoutError("a text of 200,000 characters was still being read")

    before = signal.signal(signal.SIGVTALRM, bark)
    signal.setitimer(signal.ITIMER_VIRTUAL, HANG)
    yield
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.signal(signal.SIGVTALRM, before)


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
