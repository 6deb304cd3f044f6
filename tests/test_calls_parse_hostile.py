"""Whatever text stands where a call should: a call, or a refusal that points into it, in linear
time and on little stack.
"""

import inspect
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.parsed_calls import error_of
from tests.strategies.calls import calls, damaged
from tl.calls.parse import CallError, format_call, parse_call, scan_call
from tl.calls.schema import Call

pytestmark = pytest.mark.filterwarnings("ignore::SyntaxWarning", "ignore::DeprecationWarning")


def check_refusal(text: str) -> None:
    """Either a call, or a CallError with a span of the text; never another exception."""
    try:
        call, end = scan_call(text)
    except CallError as error:
        assert 0 <= error.start <= error.end <= len(text)
        assert error.kind.isidentifier() and error.message in str(error)
    else:
        assert isinstance(call, Call) and text[end - 1] == ")"
        assert parse_call(text[:end]) is not None


@given(st.text())
def test_any_text(text):
    check_refusal(text)
    check_refusal(f"f({text})")
    check_refusal(f"f(x = {text}")


@given(st.text("f(=,)[]{}'\"\\:-+*/%. 019eExnrb_#\n\u00a0é", max_size=40))
def test_text_of_call_characters(text):
    check_refusal("f(" + text)


@given(calls().map(format_call).flatmap(damaged))
def test_damaged_calls(text):
    check_refusal(text)


@given(calls().map(format_call), st.data())
def test_a_call_that_is_cut_off_is_no_call(text, data):
    cut = data.draw(st.integers(0, len(text) - 1))
    assert error_of(text[:cut]).end <= cut


BOMBS = [
    "(" * 100_000,
    "f(" * 100_000,
    "f(" + "(" * 100_000,
    "f(x = " + "[" * 100_000,
    "f(x = " + '{"a": ' * 100_000,
    "f(x = " + "-" * 100_000,
    "f(x = " + "2 ** " * 50_000 + "2)",
    "f(x = " + "1 + " * 50_000 + "1)",
    "f(x = " + "'a' " * 50_000 + ")",
    "f(x = " + "9" * 100_000 + ")",
    "f(x = 0x" + "f" * 100_000 + ")",
    "f(x = 1e999999999999)",
    "f(x = 9**9**9)",
    "f(x = 9**9**9**9)",
    "f(x = 10**4299 * 10**4299)",
    "f(x = (10**4000)**0.5)",
    "f(x = 10**400 * 1.5)",
    "f(x = (-8)**0.5)",
    "f(x = 0**-1)",
    "f(x = 1/0)",
    "f(x = 1 % 0)",
    "f(x = 2**-99999)",
    "f(x = 'a' * 1000000000)",
    "f(x = [1] * 1000000000)",
    "f(x = '" + "\\" * 99_999,
    "f(x = '" + "a" * 1_000_000 + "')",
    "f(" + "a" * 100_000,
    "f(" + ", ".join(f"a{i} = {i}" for i in range(20_000)) + ")",
    "a " * 100_000 + "(",
]


@pytest.mark.parametrize("text", BOMBS, ids=lambda text: f"{text[:24]}-{len(text)}")
def test_bombs(text):
    check_refusal(text)


class Counted(str):
    """A text that counts how often it is read."""

    reads = 0

    def __getitem__(self, key):
        Counted.reads += 1
        return super().__getitem__(key)

    def startswith(self, *args):
        Counted.reads += 1
        return super().startswith(*args)


UNITS = ["'a\\n' ", "[1, 2], ", "a = 'x', ", "((1)), ", "1 + ", "\n", "# a\n", "#", "x"]


@pytest.mark.parametrize("unit", UNITS)
def test_reading_is_linear(unit):
    """Twice the text is at most about twice the work, counted in reads of the text."""

    def reads(count):
        Counted.reads = 0
        names = [unit.replace("a =", f"a{i} =") for i in range(count)]
        try:
            parse_call(Counted("f(" + "".join(names)))
        except CallError:
            pass
        return Counted.reads

    assert reads(2_000) <= 2.2 * reads(1_000) + 50


def test_little_stack_left():
    """At the end of the caller's stack the answer is still a CallError."""

    def deeper(level):
        if level:
            return deeper(level - 1)
        return error_of("f(x = " + "[" * 90 + "]" * 90 + ")").kind

    room = sys.getrecursionlimit() - len(inspect.stack())
    assert deeper(room - 150) == "too_deep"
