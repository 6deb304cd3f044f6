"""The anatomy of errors: every failure in one category, the paper's own percentages from counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies.bench import DIALOGUE, VALUES, scored
from tl.bench.anatomy import CATEGORIES, anatomy, category_title, name_pieces
from tl.bench.metrics import judge
from tl.bench.records import Case, Prediction
from tl.bench.wording import says_the_same
from tl.calls.compare import values_equal
from tl.calls.schema import Call, Tool

PARAMETERS = {"properties": {n: {} for n in ("city", "day", "unit")}, "required": ["city"]}
OFFERED = (*(Tool(n, "", PARAMETERS) for n in ("get_weather", "get_time", "find")), *DIALOGUE)
GOLD = Call("get_weather", {"city": "Rome", "day": "Monday"})
CASE = Case("a", "Weather?", OFFERED, (GOLD,))


def call(name: str = "get_weather", **arguments) -> Call:
    return Call(name, arguments)


RIGHT = {"city": "Rome", "day": "Monday"}
FAILURES = [
    (None, "no_call"),
    (call("find"), "tool_first"),
    (call("get_time"), "tool_prefix"),
    (call("get"), "tool_prefix"),
    (call("made_up"), "tool_first"),
    (call(**RIGHT, where="x"), "parameter_hallucination"),
    (call(city="Rome", where="x"), "parameter_hallucination"),
    (call(city="Rome"), "parameter_missing"),
    (call(city="Rome", unit="C"), "parameter_missing"),
    (call(**RIGHT, unit="C"), "parameter_redundancy"),
    (call(city="Rome", day="Tuesday"), "content_others"),
    (call(city="rome", day="Tuesday"), "content_others"),
    (call(city="rome", day="monday"), "content_synonyms"),
    (call(city="Rome, Italy", day="Monday"), "content_synonyms"),
]


@pytest.mark.parametrize(("made", "category"), FAILURES)
def test_categories_by_hand(made, category):
    found = anatomy([CASE], [Prediction("...", made, malformed=made is None)])
    counts = {name: each["count"] for name, each in found["categories"].items()}
    assert counts == {name: int(name == category) for name in CATEGORIES}
    assert found["tool_hallucination"] == int(made is not None and made.name in ("made_up", "get"))


def test_what_needs_no_tool_is_no_failure_of_a_call():
    greeting = Case("a", "Hello!", OFFERED, (call("finish", answer="Hello."),), "direct")
    assert anatomy([greeting, CASE], [Prediction("", call("find")), Prediction("", GOLD)])["n"] == 0


@given(scored())
def test_one_category_for_every_failure(pair):
    found = anatomy(*pair)
    verdicts = [judge(case, reply) for case, reply in zip(*pair, strict=True)]
    failed = [v for case, v in zip(pair[0], verdicts, strict=True)
              if case.kind == "tool" and not v.cf]  # fmt: skip
    counts = {name: each["count"] for name, each in found["categories"].items()}
    assert sum(counts.values()) == found["n"] == len(failed)
    assert counts["no_call"] == sum(v.call is None for v in failed)
    assert counts["tool_first"] + counts["tool_prefix"] == sum(
        v.call is not None and not v.ts for v in failed
    )
    assert sum(counts[f"content_{kind}"] for kind in ("others", "synonyms")) == sum(
        v.pi for v in failed
    )


def test_the_papers_percentages():
    """ToolLLaMA-2 on RoTBench: 28 calls with wrong parameters, 13 redundant, 16 missing, 5
    hallucinated; 19 with wrong values, 14 with synonyms, 6 with others; 30 wrong tools.
    """
    both = call(city="Rome", unit="C")  # one missing, one redundant
    made = [both] * 6 + [call(**RIGHT, unit="C")] * 7 + [call(city="Rome")] * 10
    made += [call(**RIGHT, where="x")] * 5
    made += [call(city="rome", day="Friday")] + [call(city="rome", day="Monday")] * 13
    made += [call(city="Oslo", day="Monday")] * 5
    made += [call("find")] * 16 + [call("get_time")] * 14
    found = anatomy([CASE] * len(made), [Prediction("...", each) for each in made])["table1"]
    assert found["parameter"] == {
        "n": 28, "redundancy": 46.43, "missing": 57.14, "hallucination": 17.86,
    }  # fmt: skip
    assert found["content"] == {"n": 19, "synonyms": 73.68, "others": 31.58}
    assert found["tool"] == {"n": 30, "first": 53.33, "prefix": 46.67}


def test_the_tokenizer_decides_what_a_first_token_is():
    letters, whole = list, lambda name: [name]
    replies = [Prediction("...", call("get_time")), Prediction("...", call("find"))]
    counts = [
        [anatomy([CASE] * 2, replies, encode)["categories"][f"tool_{kind}"]["count"]
         for kind in ("first", "prefix")]
        for encode in (letters, whole, name_pieces)
    ]  # fmt: skip
    assert counts == [[1, 1], [2, 0], [1, 1]]


def test_pieces_of_names():
    assert name_pieces("getHTTPStatus_v2") == ["get", "HTTP", "Status", "_", "v", "2"]
    assert name_pieces("城市") == ["城", "市"] and name_pieces("") == []


def test_titles_of_categories():
    assert [category_title(name) for name in CATEGORIES[:2]] == ["no call", "tool: first"]


SAME = [
    ("Rome", "rome"), ("Bar-Chart", "bar chart"), ("e-mail", "email"), ("café", "CAFE"),
    ("4", 4), ("4.0", 4), ("1,200.50", 1200.5), ("-3", -3), ("5th", "5"), ("true", True),
    (None, "None"), ("Paris", "Paris, France"), ("the booked flights", "flight booking"),
    (["Rome", "4"], ["rome", 4]), (["Rome"], "Rome"), ({"a": "X"}, {"a": "x"}),
]  # fmt: skip
DIFFERENT = [
    ("art", "party"), ("Rome", "Oslo"), ("4", "14"), (4, 5), (-4, 4), ("-4", 4), (1e22, 1e-22),
    ("1 2", "12"), (True, 1), ("", "x"), ("", " "), ("a", "a b"), ("4", "4 kg"),
    ("Hafahos", "Pafahos"), ("NYC", "New York"), (["Rome"], ["Rome", "Oslo"]), ({"a": 1}, {"b": 1}),
    ([["x"]], {"a": "x"}),
]  # fmt: skip


@pytest.mark.parametrize(("a", "b"), SAME)
def test_says_the_same(a, b):
    assert says_the_same(a, b) and says_the_same(b, a)


@pytest.mark.parametrize(("a", "b"), DIFFERENT)
def test_says_something_else(a, b):
    assert not says_the_same(a, b) and not says_the_same(b, a)


@given(VALUES | st.text(), VALUES | st.text())
def test_saying_the_same_is_symmetric_and_weaker_than_being_equal(a, b):
    assert says_the_same(a, b) == says_the_same(b, a)
    assert says_the_same(a, a)
    assert says_the_same(a, b) or not values_equal(a, b)


@given(st.integers(), st.integers())
def test_numbers_never_say_the_same(a, b):
    assert says_the_same(a, b) == says_the_same(str(a), b) == (a == b)


def test_deep_values_end():
    deep: list = []
    for _ in range(20_000):
        deep = [deep]
    assert not says_the_same(deep, [[["x"]]])
