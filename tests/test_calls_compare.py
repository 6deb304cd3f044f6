"""When two calls agree: the laws of `compare`, its cases, and the benchmarks' own golds."""

import copy
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.shared import shared
from tests.strategies.calls import json_values, same_typed
from tl.calls.compare import compare, named_arguments, values_equal
from tl.calls.parse import parse_call
from tl.calls.schema import Call, Tool

TOOL = Tool(
    "book",
    "",
    {
        "type": "object",
        "properties": {"note": {}, "city": {}, "nights": {}, "class": {}},
        "required": ["city", "nights"],
    },
)
TOOLS = [TOOL, Tool("book_train"), Tool("book", "listed twice, as in RoTBench", {})]
GOLD = Call("book", {"city": "Rome", "nights": 2})


def diff(text: str, gold: Call = GOLD):
    return compare(parse_call(text), gold, TOOLS)


RIGHT = [
    "book(city = 'Rome', nights = 2)",
    "book(nights = 2, city = 'Rome')",
    "book(city = 'Rome', nights = 2.0)",
    "book('Rome', 2)",
    "book('Rome', nights = 2)",
    "book(city = 'Ro' 'me', nights = 1 + 1)",
]


@pytest.mark.parametrize("text", RIGHT)
def test_right(text):
    found = diff(text)
    assert found.correct and found.names_match and found.tool_match and found.tool_offered
    assert (found.hallucinated, found.redundant, found.missing, found.wrong) == ((), (), (), ())


# text, then what differs: tool, hallucinated, redundant, missing, wrong
WRONG = [
    ("book(city = 'rome', nights = 2)", True, (), (), (), ("city",)),
    ("book(city = 'Rome ', nights = 2)", True, (), (), (), ("city",)),
    ("book(city = 'Rome', nights = '2')", True, (), (), (), ("nights",)),
    ("book(city = 'Rome', nights = [2])", True, (), (), (), ("nights",)),
    ("book(city = 'Rome', nights = None)", True, (), (), (), ("nights",)),
    ("book(city = 'Rome')", True, (), (), ("nights",), ()),
    ("book()", True, (), (), ("city", "nights"), ()),
    ("book(city = 'Rome', nights = 2, note = '')", True, (), ("note",), (), ()),
    ("book(city = 'Rome', nights = 2, days = 2)", True, ("days",), (), (), ()),
    ("book(town = 'Rome', nights = 2)", True, ("town",), (), ("city",), ()),
    ("book(town = 'R', note = '', nights = 3)", True, ("town",), ("note",), ("city",), ("nights",)),
    ("book(City = 'Rome', nights = 2)", True, ("City",), (), ("city",), ()),
    ("book(2, 'Rome')", True, (), (), (), ("city", "nights")),
    ("book('Rome', 2, 'x')", True, (), ("note",), (), ()),
    ("book('Rome', 2, 3, 4, 5)", True, ("positional argument 5",), ("note", "class"), (), ()),
    ("book('Rome', 2, city = 'Rome')", True, ("city (given twice)",), (), (), ()),
    ("book_train('Rome')", False, ("positional argument 1",), (), ("city", "nights"), ()),
    ("book_train(city = 'Rome', nights = 2)", False, (), (), (), ()),
]


@pytest.mark.parametrize("text, tool, hallucinated, redundant, missing, wrong", WRONG)
def test_wrong(text, tool, hallucinated, redundant, missing, wrong):
    found = diff(text)
    assert not found.correct
    assert found.tool_match == tool and found.tool_offered
    assert (found.hallucinated, found.redundant) == (hallucinated, redundant)
    assert (found.missing, found.wrong) == (missing, wrong)
    assert found.names_match == (tool and not (hallucinated or redundant or missing))


def test_tool_that_is_not_offered():
    found = diff("book_plane(city = 'Rome', nights = 2)")
    assert not found.tool_offered and not found.tool_match and not found.correct
    assert not diff("Book(city = 'Rome', nights = 2)").tool_offered


def test_gold_outside_the_documentation():
    """RoTBench's gold `code` for the documented `code:`; ToolAlpaca's golds of unknown tools."""
    gold = Call("book", {"town": "Rome"})
    assert diff("book(town = 'Rome')", gold).correct
    assert diff("book(town = 'Paris')", gold).wrong == ("town",)
    unknown = Call("hidden", {"x": 1})
    found = compare(unknown, unknown, TOOLS)
    assert found.correct and not found.tool_offered


def test_positional_gold():
    gold = parse_call("book('Rome', 2)")
    assert diff("book(city = 'Rome', nights = 2)", gold).correct
    assert diff("book(city = 'Rome', nights = 3)", gold).wrong == ("nights",)


def test_repeated_names_stay_apart():
    call = Call("book", {"city": 1, "city (given twice)": 2}, (0,))
    assert named_arguments(call, ["city"]) == {
        "city": 0,
        "city (given twice)": 1,
        "city (given twice) (given twice)": 2,
    }


EQUAL = [
    (1, 1.0),
    (0, -0.0),
    (10**300, 10**300),
    (math.nan, math.nan),
    ((1, [2]), [1, (2,)]),
    ({"a": 1, "b": [None]}, {"b": [None], "a": 1.0}),
]
UNEQUAL = [
    (1, True),
    (0, False),
    (0, None),
    ("", None),
    ([], None),
    ([], {}),
    ("4", 4),
    ("true", True),
    ("a", "A"),
    ("a", "a "),
    ("é", "e\u0301"),
    (2**53 + 1, float(2**53)),
    (math.inf, -math.inf),
    (math.nan, 0.0),
    ([1, 2], [2, 1]),
    ([1], [1, 1]),
    ([1], 1),
    ({"a": 1}, {"a": 1, "b": None}),
    ({"a": [True]}, {"a": [1]}),
    ({"a": 1}, [["a", 1]]),
]


@pytest.mark.parametrize("a, b", EQUAL)
def test_equal_values(a, b):
    assert values_equal(a, b) and values_equal(b, a) and values_equal([{"k": a}], [{"k": b}])


@pytest.mark.parametrize("a, b", UNEQUAL)
def test_unequal_values(a, b):
    assert not values_equal(a, b) and not values_equal(b, a)
    assert not values_equal([{"k": a}], [{"k": b}])


@given(json_values(), json_values())
def test_values_equal_is_an_equivalence(a, b):
    assert values_equal(a, copy.deepcopy(a))
    assert values_equal(a, b) == values_equal(b, a)
    if same_typed(a, b):
        assert values_equal(a, b)
    if values_equal(a, b):
        assert json.dumps(loose(a), sort_keys=True) == json.dumps(loose(b), sort_keys=True)


def loose(value):
    """Oracle: numbers by value, as text that JSON cannot confuse with another type."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return [type(value).__name__, value]
    if isinstance(value, int | float):
        whole = isinstance(value, int) or (math.isfinite(value) and value == int(value))
        return ["number", hex(int(value)) if whole else repr(value)]
    if isinstance(value, dict):
        return ["dict", {k: loose(v) for k, v in value.items()}]
    return ["list", [loose(item) for item in value]]


def test_deep_values():
    a, b, c = [1], [1], [2]
    for _ in range(50_000):
        a, b, c = [a], [b], [c]
    assert values_equal(a, b) and not values_equal(a, c)


ARGUMENTS = st.dictionaries(
    st.sampled_from(["note", "city", "nights", "class", "town", "days"]),
    st.sampled_from([1, 1.0, True, "1", None]),
)


@given(ARGUMENTS, ARGUMENTS)
def test_laws(given_arguments, gold_arguments):
    """Against sets, straight from the definitions."""
    found = compare(Call("book", given_arguments), Call("book", gold_arguments), TOOLS)
    documented, names, wanted = set(TOOL.properties), set(given_arguments), set(gold_arguments)
    assert set(found.hallucinated) == names - wanted - documented
    assert set(found.redundant) == (names - wanted) & documented
    assert set(found.missing) == wanted - names
    assert found.names_match == (names == wanted)
    assert found.correct == (loose(given_arguments) == loose(gold_arguments))


def test_gold_calls_agree_with_themselves_only():
    """All RoTBench first-turn golds: correct against themselves, never against another gold."""
    count = 0
    for item in json.loads(shared("data/rotbench/Data/First_Turn/clean.json").read_text()):
        system, _, answer = item["conversations"]
        text = system["value"]
        tools = [Tool.from_openai(t) for t in json.loads(text[text.find("[") : -13])]
        golds = [gold_of(line) for line in answer["value"]]
        for i, a in enumerate(golds):
            for j, b in enumerate(golds):
                same = a == b
                assert compare(a, b, tools).correct == same, (i, j)
            count += 1
    assert count > 105


def gold_of(line: str) -> Call:
    name = line.split("Action: ")[1].split("\n")[0]
    return Call(name, json.loads(line.split("Action Input: ")[1]))
