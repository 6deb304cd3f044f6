"""BFCL: the readers of both layouts, TS / PI / CF of the executable cases, and the leaderboard's
own rules for syntax trees.
"""

import json
import shutil
from collections import Counter
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import perturb_bfcl
from tests.make_bfcl_goldens import digest
from tests.shared import shared
from tl import InputError
from tl.bench.bfcl import AST, EXEC, read_ast, read_exec
from tl.bench.bfcl_ast import is_correct
from tl.bench.protocols import _can_be_paired, all_calls, first_gold, fixed, score_protocols
from tl.bench.records import Case, Prediction
from tl.calls.parse import format_call, parse_call
from tl.calls.schema import Call, Tool
from tl.dialects import get_dialect

LAYOUTS = {"v3": "data/bfcl", "today": "data/bfcl/unused_datasets"}
PROTOCOLS = {"fixed": fixed, "first_gold": first_gold, "all_calls": all_calls}


def said(*golds):
    """A reply that makes these calls, written and read again."""
    dialect = get_dialect("codellama")
    calls = tuple(dialect.parse(format_call(gold)).calls[0] for gold in golds)
    return Prediction("\n".join(map(format_call, golds)), calls[0], calls=calls)


# --- executable cases


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_golds_are_all_right(layout):
    cases = [question.case for question in read_exec(shared(LAYOUTS[layout]))]
    assert Counter(case.splits["category"] for case in cases) == dict(
        zip(EXEC, (100, 50, 50, 40), strict=True)
    )
    first = [said(case.golds[0]) for case in cases]
    last = [said(case.golds[-1]) for case in cases]
    every = [said(*reversed(case.golds)) for case in cases]
    single = sum(len(case.golds) == 1 for case in cases)
    whole = {"n": 240, "ts": 100.0, "pi": 100.0, "cf": 100.0}
    whole["ceiling"] = dict(whole)
    scores = score_protocols(cases, first, PROTOCOLS)
    assert scores["fixed"] == scores["first_gold"] == whole
    assert single == 150 and scores["all_calls"]["cf"] == 62.5
    scores = score_protocols(cases, last, PROTOCOLS)
    assert scores["fixed"] == whole and scores["first_gold"]["cf"] < 100
    assert score_protocols(cases, every, PROTOCOLS)["all_calls"] == whole


def test_the_two_layouts_differ_where_upstream_changed_them():
    old, new = ({q.case.id: q for q in read_exec(shared(path))} for path in LAYOUTS.values())
    assert list(old) == list(new)
    changed = {name for name in old if old[name].case != new[name].case}
    assert changed == {"exec_parallel_10", "exec_parallel_multiple_30"}


def test_golds_that_are_written_as_sums_or_without_names():
    cases = {question.case.id: question.case for question in read_exec(shared("data/bfcl"))}
    assert cases["exec_multiple_0"].golds[0].arguments["p"] == 1 / 6
    (mean,) = (g for g in cases["exec_parallel_multiple_18"].golds if g.name == "calculate_mean")
    assert mean.arguments == {"numbers": [1, 3, 4, 6, 8]} and not mean.positional


def test_a_clone_of_the_repository_will_do(tmp_path):
    path = shared("data/bfcl")
    clone = tmp_path / "berkeley-function-call-leaderboard" / "data"
    clone.mkdir(parents=True)
    for category in EXEC:
        shutil.copyfile(path / f"BFCL_v3_{category}.json", clone / f"BFCL_v3_{category}.json")
    assert read_exec(tmp_path) == read_exec(path)
    (clone / "BFCL_v3_exec_parallel.json").write_text("{}")
    with pytest.raises(InputError, match="exec_parallel.json: is not the published file.*30f9d4be"):
        read_exec(tmp_path)


def test_missing_files_are_named_in_both_layouts(tmp_path):
    with pytest.raises(InputError) as caught:
        read_exec(tmp_path)
    message = str(caught.value)
    assert "\n" not in message and "30f9d4be" in message and "6ea57973" in message
    assert message.count("exec_simple.json") >= 2


# --- protocols

TWO = Case("two", "", (Tool("f"), Tool("g")), (Call("f", {"a": 1}), Call("f", {"a": 2})))


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        (["f(a=2)", "f(a=1)"], (3, 2, 3)),
        (["f(a=1)", "f(a=2)"], (3, 3, 3)),
        (["f(a=1)", "f(a=1)"], (3, 3, 2)),
        (["f(a=1)", "g(a=2)"], (3, 3, 0)),
        (["f(a=1)"], (3, 3, 0)),
        (["f(b=1)", "f(a=2)"], (1, 1, 1)),
        (["g(a=1)", "f(a=2)"], (0, 0, 0)),
    ],
)
def test_protocols(calls, expected):
    calls = tuple(map(parse_call, calls))
    prediction = Prediction("", calls[0], calls=calls)
    assert (fixed(TWO, prediction), first_gold(TWO, prediction), all_calls(TWO, prediction)) == (
        expected
    )


def test_a_reply_without_a_call_is_wrong_in_all_protocols():
    for protocol in PROTOCOLS.values():
        assert protocol(TWO, Prediction("Hello.")) == 0


@given(st.integers(1, 4).flatmap(
    lambda n: st.lists(st.lists(st.booleans(), min_size=n, max_size=n), min_size=n, max_size=n)))  # fmt: skip
def test_pairing_is_what_trying_all_orders_finds(fits):
    orders = permutations(range(len(fits)))
    assert _can_be_paired(fits) == any(
        all(row[c] for row, c in zip(fits, o, strict=True)) for o in orders
    )


# --- the leaderboard's own rules


def tool(name, required=(), **types):
    properties = {}
    for parameter, kind in types.items():
        outer, _, inner = kind.partition(" of ")
        properties[parameter] = {"type": outer} | ({"items": {"type": inner}} if inner else {})
    return Tool(name, "", {"type": "dict", "properties": properties, "required": list(required)})


TOOL = tool(
    "f", ["s"], s="string", i="integer", x="float", b="boolean", l="array of string",
    t="tuple of float", d="dict", o="array of dict", v="integer", m="any",
)  # fmt: skip
ACCEPTED = {
    "s": ["New York, NY", "NYC"], "i": [3, ""], "x": [2.0, ""], "b": [True, ""],
    "l": [["a b", "C"], ""], "t": [[1.0, 2.0], ""],
    "d": [{"k": ["v", "w"], "n": [1, ""]}, ""], "o": [[{"k": ["v"]}, {"k": ["w"]}], ""],
    "v": ["year", ""], "m": ["", "x"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "right"),
    [
        ("s='NYC'", True),
        ("s='new_york ny'", True),  # case, spaces and punctuation
        ("s='New-York'", False),
        ("i=3", False),  # s is required
        ("s='NYC', z=1", False),  # not documented
        ("'NYC'", False),  # values without a name are not looked at
        ("s='NYC', i=3", True),
        ("s='NYC', i=3.0", False),
        ("s='NYC', i=4", False),
        ("s='NYC', i=True", False),
        ("s='NYC', x=2", True),  # an int for a float
        ("s='NYC', x='2.0'", False),
        ("s='NYC', b=True", True),
        ("s='NYC', b=1", False),
        ("s='NYC', l=['A.B', 'c']", True),
        ("s='NYC', l=['c', 'a b']", False),  # order
        ("s='NYC', l=['a b', 1]", False),
        ("s='NYC', l=[]", True),  # "" is accepted, and is as long
        ("s='NYC', t=(1.0, 2.0)", True),
        ("s='NYC', t=[1, 2]", True),  # "" lets items of any type pass
        ("s='NYC', d={'k': 'V'}", True),
        ("s='NYC', d={'k': 'w', 'n': 1}", True),
        ("s='NYC', d={'n': 1}", False),
        ("s='NYC', d={'k': 'v', 'q': 1}", False),
        ("s='NYC', d={}", False),
        ("s='NYC', o=[{'k': 'v'}, {'k': 'w'}]", True),
        ("s='NYC', o=[{'k': 'w'}, {'k': 'v'}]", False),
        ("s='NYC', o=[{'k': 'v'}]", False),
        ("s='NYC', v='year'", True),  # a variable: the type of the accepted value
        ("s='NYC', v='Year'", False),  # compared as it stands
        ("s='NYC', v=3", False),
        ("s='NYC', m='X'", True),
    ],
)
def test_a_call_against_accepted_values(arguments, right):
    call = parse_call(f"f({arguments})")
    assert is_correct([call], [{"f": ACCEPTED}], [TOOL], "simple") is right


def test_what_stands_for_a_variable_is_compared_letter_by_letter():
    answers = [{"n": {"a": [5, "Ab"]}}]  # documented a text, accepted first a number
    text = tool("n", a="string")
    assert is_correct([Call("n", {"a": "Ab"})], answers, [text], "simple")
    assert not is_correct([Call("n", {"a": "ab"})], answers, [text], "simple")
    assert is_correct([Call("n", {"a": 5})], answers, [text], "simple")


def test_what_is_left_out_has_to_be_optional():
    call = parse_call("f(s='a')")
    assert is_correct([call], [{"f": {"s": ["a"], "i": [1, ""]}}], [TOOL], "simple")
    assert not is_correct([call], [{"f": {"s": ["a"], "i": [1]}}], [TOOL], "simple")


def test_items_have_the_documented_type_where_nothing_else_is_accepted():
    numbers = tool("n", a="array of float")
    assert is_correct([Call("n", {"a": [1.0]})], [{"n": {"a": [[1.0]]}}], [numbers], "simple")
    assert not is_correct([Call("n", {"a": [1]})], [{"n": {"a": [[1.0]]}}], [numbers], "simple")
    assert is_correct([Call("n", {"a": [1]})], [{"n": {"a": [[1]]}}], [numbers], "simple")


G, H = tool("g", ["a"], a="integer"), tool("h", ["a"], a="integer")


@pytest.mark.parametrize(
    ("category", "calls", "right"),
    [
        ("simple", ["g(a=1)"], True),
        ("simple", ["g(a=1)", "g(a=1)"], False),
        ("simple", [], False),
        ("multiple", ["h(a=1)"], False),
        ("multiple", ["g(a=1)"], True),
        ("parallel", ["g(a=2)", "h(a=1)", "g(a=1)"], True),
        ("parallel", ["g(a=1)", "h(a=1)", "g(a=1)"], False),
        ("parallel", ["g(a=1)", "h(a=1)"], False),
    ],
)
def test_how_many_calls_and_in_which_order(category, calls, right):
    answers = [{"g": {"a": [1]}}]
    if category == "parallel":
        answers = [{"g": {"a": [1]}}, {"g": {"a": [2]}}, {"h": {"a": [1]}}]
    assert is_correct(list(map(parse_call, calls)), answers, [G, H], category) is right


def test_parallel_calls_are_taken_greedily_as_upstream():
    """The first gold takes the first call that fits, even if a later gold then finds none."""
    answers = [{"g": {"a": [1, 2]}}, {"g": {"a": [1]}}]
    assert not is_correct([Call("g", {"a": 1}), Call("g", {"a": 2})], answers, [G], "parallel")
    assert is_correct([Call("g", {"a": 2}), Call("g", {"a": 1})], answers, [G], "parallel")


def test_a_number_too_large_for_a_float_is_only_wrong():
    answers = [{"f": {"s": ["a"], "x": [1.0]}}]
    assert not is_correct([Call("f", {"s": "a", "x": 10**400})], answers, [TOOL], "simple")


@pytest.mark.parametrize("category", AST)
def test_files_of_syntax_trees(tmp_path, category, monkeypatch):
    """Both layouts, with files of our own in place of the published ones."""
    rows = [{"id": "x", "question": [[{"role": "user", "content": "Hi"}]],
             "function": [{"name": "g", "parameters": G.parameters}]}]  # fmt: skip
    truth = [{"id": "x", "ground_truth": [{"g": {"a": [1]}}]}]
    monkeypatch.setattr("tl.bench.bfcl.SHA256", Any())
    new = "simple_python" if category == "simple" else category
    for layout, stem in (("v3", f"BFCL_v3_{category}"), ("v4", f"BFCL_v4_{new}")):
        folder = tmp_path / layout
        (folder / "possible_answer").mkdir(parents=True)
        (folder / f"{stem}.json").write_text("\n".join(map(json.dumps, rows)))
        (folder / "possible_answer" / f"{stem}.json").write_text("\n".join(map(json.dumps, truth)))
        (question,) = read_ast(folder, category)
        assert question.answers == ({"g": {"a": [1]}},) and question.category == category
        assert question.conversation.messages[0].content == "Hi"


class Any(dict):
    def __missing__(self, key):
        return None


def test_the_verdicts_of_the_published_checker():
    """10,000 replies, right and perturbed, of every category: no difference."""
    table = json.loads((Path(__file__).parent / "goldens" / "bfcl_verdicts.json").read_text())
    made = perturb_bfcl.replies(table["number"], table["seed"])
    assert digest(made) == table["replies_sha256"] and len(made) == len(table["verdicts"]) == 10_000
    assert table["verdicts"].count("1") > 1500 and table["verdicts"].count("E") <= 1
    different = []
    for reply, verdict in zip(made, table["verdicts"], strict=True):
        calls = [Call(name, given) for call in reply.calls for name, given in call.items()]
        tools = [Tool(f["name"], "", f["parameters"]) for f in reply.functions]
        if is_correct(calls, reply.answers, tools, reply.category) is not (verdict == "1"):
            different.append(reply)
    assert not different, different[:3]
