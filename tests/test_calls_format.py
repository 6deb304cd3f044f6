"""Writing a call: the style, the names that need quotes, and what no text can express."""

import pytest
from hypothesis import given

from tests.parsed_calls import value_of
from tests.strategies.calls import NAMES, QUOTED_NAMES
from tl import InputError
from tl.calls.parse import format_call, format_value, parse_call
from tl.calls.schema import Call


def test_the_style_of_the_authors_readme():
    call = Call("search_advice", {"query": 'it\'s "love"\n', "n": 3, "deep": {"a": [None, True]}})
    expected = "search_advice(query = 'it\\'s \"love\"\\n', n = 3, deep = {'a': [None, True]})"
    assert format_call(call) == expected
    assert format_call(Call("f", {"城市": "北京 é"})) == "f(城市 = '北京 é')"
    assert format_call(Call("f", {"my arg": 1}, (2.0,))) == "f(2.0, 'my arg' = 1)"
    assert format_call(Call("f", {"\u200b": 1})) == "f('\\u200b' = 1)"


@given(QUOTED_NAMES)
def test_parameter_names_that_need_quotes(name):
    assert parse_call(format_call(Call("f", {name: 1}))).arguments == {name: 1}


@given(NAMES)
def test_parameter_names_that_need_none(name):
    assert format_call(Call(name, {name: 1})) == f"{name}({name} = 1)"


DEEP = [0]
for _ in range(100):
    DEEP = [DEEP]
UNWRITABLE = [
    Call("f", {"x": b"bytes"}),
    Call("f", {"x": {1, 2}}),
    Call("f", {"x": {1: 2}}),
    Call("f", {"x": object()}),
    Call("f", {"x": 10**4300}),
    Call("f", {"x": 1j}),
    Call("f", {"x": DEEP}),
    Call("f", {"": 1}),
    Call("f", {3: 1}),
    Call("", {}),
    Call("two words", {}),
    Call("f(", {}),
    Call("---", {}),
    Call("a\nb", {}),
]


@pytest.mark.parametrize("call", UNWRITABLE, ids=range(len(UNWRITABLE)))
def test_calls_that_no_text_can_express(call):
    with pytest.raises(InputError) as caught:
        format_call(call)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 250


def test_deepest_value_that_is_written_is_read():
    value = -1
    for _ in range(99):
        value = [value]
    assert value_of(format_value(value)) == value
