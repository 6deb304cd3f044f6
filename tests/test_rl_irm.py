"""The reward of a call: the table of the paper, and no wrong call that scores like a right one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies.calls import calls, damaged, json_values
from tl.calls.compare import values_equal
from tl.calls.parse import format_call, parse_call
from tl.calls.schema import Call, Tool
from tl.rl.irm import reward

SCHEMA = {"type": "object", "properties": {"query": {}, "n": {}, "sort": {}}, "required": ["query"]}
TOOLS = [Tool("search", "", SCHEMA), Tool("find", "", SCHEMA)]
GOLD = Call("search", {"query": "a", "n": 3})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("search(query = 'a', n = 3)", 1),
        (' search(n=3, query="a")\n', 1),
        ("search('a', 3)", 1),
        ("", -2),
        ("I would search for a.", -2),
        ("search(query = 'a', n = 3", -2),
        ("look_up(query = 'a', n = 3)", -2),
        ("find(query = 'a', n = 3)", -1.5),
        ("search(query = 'a', n = 3, bogus = 1)", -0.8),
        ("search(query = 'a', n = 3, sort = 'up')", -0.5),
        ("search(query = 'a')", -0.5),
        ("search(query = 'a', bogus = 1)", -1.3),
        ("search(query = 'a', n = 3, bogus = 1, sort = 'up')", -1.3),
        ("search(query = 'a', sort = 'up')", -1.0),
        ("search(query = 'a', bogus = 1, sort = 'up')", -1.8),
        ("search(query = 'b', n = 3)", -0.25),
        ("search(query = 'a', n = '3')", -0.25),
        ("search(query = 'b', n = 3, bogus = 1)", -0.8),
    ],
)
def test_the_table_of_the_paper(text, expected):
    assert reward(text, GOLD, TOOLS) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "gold", "expected"),
    [
        ('search(query="TOTALLY WRONG", bogus=1)', {"query": "a"}, -0.8),
        ("search()", {"query": "a", "n": 3}, -0.5),
        ("search(n=5)", {"n": 3}, -0.25),
        ("search(query='f(x)', n='9')", {"query": "f(x)"}, -0.5),
        ("search(query='a') search(query='b')", {"query": "a"}, -2),
        ("search(query='a')\nfind(query='a')", {"query": "a"}, -2),
        ("search(query='a') and then some", {"query": "a"}, -2),
        ('search(query="a")', {"query": "a"}, 1),
        ("search(query='it\\'s')", {"query": "it's"}, 1),
        ("search(query='a, n=3')", {"query": "a, n=3"}, 1),
        ("search(n=True)", {"n": 1}, -0.25),
        ("search(query='f(x)')", {"query": "f(x)"}, 1),
    ],
)
def test_what_a_pattern_for_quoted_strings_gets_wrong(text, gold, expected):
    """The texts that the authors' reward scores +1, and their neighbours."""
    assert reward(text, Call("search", gold), TOOLS) == pytest.approx(expected)


def test_the_nearest_of_several_golds_counts():
    other = Call("find", {"query": "b"})
    assert reward("find(query='b')", [GOLD, other], TOOLS) == 1
    assert reward("find(query='c')", [GOLD, other], TOOLS) == -0.25
    assert reward("search(query='a')", [GOLD, other], TOOLS) == -0.5
    with pytest.raises(ValueError, match="at least one gold"):
        reward("find()", [], TOOLS)


def test_a_gold_tool_that_is_not_on_offer_is_right():
    assert reward("search(query='a', n=3)", GOLD, TOOLS[1:]) == 1


@given(calls(max_positional=0))
def test_a_right_call_scores_one_however_many_tools_there_are(call):
    text = format_call(call)
    for tools in ([], TOOLS, [Tool(call.name, "", {})]):
        assert reward(text, call, tools) == 1
        assert reward(f"  {text}\n", [GOLD, call], tools) == 1


@given(st.data(), calls(max_positional=0))
def test_no_wrong_call_scores_one(data, gold):
    """Whatever is left of a damaged call is right only if it reads as the same call."""
    text = data.draw(damaged(format_call(gold)))
    got = reward(text, gold, [Tool(gold.name, "", {})])
    if got == 1:
        read = parse_call(text.strip())
        assert read.name == gold.name and values_equal(read.arguments, gold.arguments)
    else:
        assert -2 <= got <= -0.25


@given(calls(max_positional=0), st.data())
def test_another_value_never_scores_one(gold, data):
    if not gold.arguments:
        return
    name = data.draw(st.sampled_from(sorted(gold.arguments)))
    value = data.draw(json_values())
    said = Call(gold.name, gold.arguments | {name: value})
    same = values_equal(value, gold.arguments[name])
    assert (reward(format_call(said), gold, [Tool(gold.name, "", {})]) == 1) == same
