"""The reward of a call: the table of the paper, and no wrong call that scores like a right one."""

import ast
import random
import warnings

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


# A fuzzer with an oracle of its own: Python's parser says what a reply calls.

FUZZED = 100_000
VALUES = ["a", "Paris", "it's", 'say "x"', "", "1", "f(x)", 0, 1, -3, 1.0, 2.5, True, False, None,
          [], [1, "a"], {"k": 1}, {"k": [True]}]  # fmt: skip


def random_call(rng: random.Random) -> Call:
    names = rng.sample(["query", "n", "city", "unit"], rng.randint(0, 3))
    return Call(rng.choice(["search", "find"]), {name: rng.choice(VALUES) for name in names})


def mutated(gold: Call, rng: random.Random) -> str:
    """The text of a call near gold, or of gold itself."""
    arguments = dict(gold.arguments)
    kind = rng.randrange(8)
    if kind == 0 and arguments:
        arguments[rng.choice(list(arguments))] = rng.choice(VALUES)
    elif kind == 1:
        arguments[rng.choice(["query", "n", "bogus"])] = rng.choice(VALUES)
    elif kind == 2 and arguments:
        arguments.pop(rng.choice(list(arguments)))
    elif kind == 3:
        items = list(arguments.items())
        rng.shuffle(items)
        arguments = dict(items)
    text = format_call(Call(gold.name if kind != 4 else "other", arguments))
    if kind > 4 and text:
        place = rng.randrange(len(text))
        letter = rng.choice(["", "'", '"', ")", "(", ",", "=", " ", "x", "1", "\\", "\n"])
        text = text[:place] + letter + text[place + rng.randint(0, 1) :]
    return text if rng.random() < 0.9 else text + rng.choice([" ", "\n", ";", " now", text])


def python_reads(text: str) -> tuple[str, dict] | None:
    """(name, arguments) if Python sees one call with literal keyword arguments and nothing else."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            node = ast.parse(f"({text.strip()}\n)", mode="eval").body  # lines may break
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.args:
            return None
        return node.func.id, {word.arg: ast.literal_eval(word.value) for word in node.keywords}
    except (SyntaxError, ValueError, TypeError):
        return None


def typed(value):
    """Numbers of one type, and no bool among them."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return type(value).__name__, value
    if isinstance(value, dict):
        return "dict", {key: typed(each) for key, each in value.items()}
    if isinstance(value, int | float):
        return "number", float(value)
    is_list = isinstance(value, list | tuple)
    return ("list", [typed(v) for v in value]) if is_list else ("no JSON", repr(value))


def fuzz(count: int, seed: int) -> dict[str, int]:
    """How often the reward and the oracle see a right call; any disagreement is raised."""
    rng, seen = random.Random(seed), {"right": 0, "wrong": 0, "unreadable": 0}
    tools = [Tool(name, "", {}) for name in ("search", "find")]
    for _ in range(count):
        gold = random_call(rng)
        text = mutated(gold, rng)
        read = python_reads(text)
        value = reward(text, gold, tools)
        is_right = read is not None and read[0] == gold.name and (
            typed(read[1]) == typed(gold.arguments)
        )  # fmt: skip
        assert (value == 1) <= is_right, f"{text!r} scores {value} for {gold}"
        if is_right:
            assert value == 1, f"{text!r} scores {value} for {gold}"
        seen["right" if is_right else "wrong" if read else "unreadable"] += 1
    return seen


def test_the_fuzzer_finds_no_disagreement():
    seen = fuzz(FUZZED, seed=0)
    assert min(seen.values()) > FUZZED / 20, seen
