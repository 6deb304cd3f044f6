"""The call grammar against its inverse and against Python's own reading, on drawn calls."""

import ast
import json
import math

import pytest
from hypothesis import Phase, assume, find, given, settings
from hypothesis import strategies as st

from tests.parsed_calls import error_of, value_of
from tests.strategies.calls import calls, damaged, json_values, same_typed
from tl.calls.arithmetic import OPERATORS
from tl.calls.parse import format_call, format_value, parse_call, scan_call

pytestmark = pytest.mark.filterwarnings("ignore::SyntaxWarning", "ignore::DeprecationWarning")


@given(calls())
def test_round_trip(call):
    text = format_call(call)
    again, end = scan_call(text + "\nThought: f(x = 2)")
    assert len(text.splitlines()) == 1 and end == len(text)
    assert (again.name, list(again.arguments)) == (call.name, list(call.arguments))
    assert same_typed(again.arguments, call.arguments)
    assert same_typed(list(again.positional), list(call.positional))


@given(json_values())
def test_json_and_python_spellings_read_alike(value):
    plain = format_value(value)
    assert same_typed(value_of(json.dumps(value)), json.loads(json.dumps(value)))
    assert same_typed(value_of(json.dumps(value, ensure_ascii=False)), value_of(plain))


@given(json_values())
def test_python_reads_what_is_written(value):
    """Independent oracle: ast.literal_eval, on values that Python can write."""
    text = format_value(value)
    assume("NaN" not in text and "Infinity" not in text)
    assert same_typed(ast.literal_eval(text), value)


@given(st.text())
def test_strings_of_python_are_read_as_python_does(text):
    """repr chooses either quote style; the oracle reads raw text with escapes of all kinds."""
    assert value_of(repr(text)) == text
    source = "'" + text.replace("'", "") + "'"
    try:
        expected = ast.literal_eval(source)
    except (SyntaxError, ValueError):
        return
    assert value_of(source) == expected


ESCAPED = [*'abfnrtvxuUN01789{} /é"\n', "\\", "\\", "\\'", "\\x41", "\\u00e9", "\\U0001f600"]


@given(st.lists(st.sampled_from(ESCAPED)))
def test_escapes_are_read_as_python_does(pieces):
    source = "'" + "".join(pieces).replace("\n", "\\\n") + "'"
    try:
        expected = ast.literal_eval(source)
    except (SyntaxError, ValueError):
        return
    if not any(0xD800 <= ord(c) < 0xE000 for c in expected):
        assert value_of(source) == expected


NUMBERS = st.sampled_from("0 1 2 3 7 10 2.5 0.5 1e3 1e-7 0x1F 1_000".split())
EXPONENTS = st.sampled_from("0 1 2 3 -1 0.5 2**2 -2**2".split())  # no towers: the oracle is real
OTHERS = st.sampled_from([symbol for symbol in OPERATORS if symbol != "**"])
EXPRESSIONS = st.recursive(
    NUMBERS,
    lambda inner: st.one_of(
        st.tuples(inner, OTHERS, inner).map(" ".join),
        st.tuples(NUMBERS, EXPONENTS).map("**".join),
        st.tuples(inner, EXPONENTS).map("(%s) ** %s".__mod__),
        inner.map("-{}".format),
        inner.map("({})".format),
    ),
    max_leaves=6,
)


@given(EXPRESSIONS)
def test_arithmetic_is_pythons(source):
    try:
        expected = eval(source)  # the oracle: digits and operators of this strategy only
        assert not isinstance(expected, complex) and abs(expected) < 10**4300
    except (ArithmeticError, AssertionError):
        assert error_of(f"f({source})").kind in ("bad_arithmetic", "too_large")
        return
    found = parse_call(f"f({source})").positional[0]
    assert type(found) is type(expected) and found == expected


def test_strategies_reach_their_cases():
    quick = settings(phases=[Phase.generate], max_examples=5_000)
    cases = [
        (calls(), lambda c: any("=" in name for name in c.arguments)),
        (calls(), lambda c: c.positional and c.arguments),
        (json_values(), lambda v: isinstance(v, float) and math.isnan(v)),
        (json_values(), lambda v: isinstance(v, str) and "\ud800" in v),
        (json_values(), lambda v: isinstance(v, dict) and list in map(type, v.values())),
        (json_values(), lambda v: isinstance(v, int) and v > 10**50),
        (damaged("f(x = 'a')"), lambda text: "9e9" in text),
    ]
    for strategy, case in cases:
        find(strategy, case, settings=quick)
