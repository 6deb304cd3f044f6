"""The call grammar and its inverse: round trips, hostile texts, single cases, real calls."""

import ast
import json
import math

import pytest
from hypothesis import Phase, assume, find, given, settings
from hypothesis import strategies as st

from tests.shared import shared
from tests.strategies.calls import NAMES, QUOTED_NAMES, calls, damaged, json_values, same_typed
from tl import InputError
from tl.calls.arithmetic import OPERATORS
from tl.calls.parse import (
    CallError,
    format_call,
    format_value,
    parse_call,
    scan_call,
    scan_value,
)
from tl.calls.schema import Call

pytestmark = pytest.mark.filterwarnings("ignore::SyntaxWarning", "ignore::DeprecationWarning")


def value_of(text: str):
    return parse_call(f"f(x = {text})").arguments["x"]


def error_of(text: str) -> CallError:
    with pytest.raises(CallError) as caught:
        parse_call(text)
    return caught.value


# The inverse


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


# Hostile texts


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

    import inspect
    import sys

    room = sys.getrecursionlimit() - len(inspect.stack())
    assert deeper(room - 150) == "too_deep"


# Single cases

SAME_CALL = [
    "search(x = 1) \nThought: search(x = 2)",
    "search(x=1)",
    "  search ( x=1 , ) trailing",
    "search(\n    x = 1,\n)",
    "search( # find\n    x # the word\n = # is\n 1, # y = 2\n    # done\n)",
    "search('x' = 1)",
    'search("x"=1)</s>',
    "search(x = (1))",
    "search(x = 2 - 1)",
]


@pytest.mark.parametrize("text", SAME_CALL)
def test_spellings_of_one_call(text):
    assert parse_call(text) == Call("search", {"x": 1})


VALUES = [
    ("'it\\'s'", "it's"),
    ('"it\'s"', "it's"),
    ("'''a\n'b' '''", "a\n'b' "),
    ('""', ""),
    ("'a' \"b\"\n'c'", "abc"),
    ("'two\nlines'", "two\nlines"),
    (r"'\u00e9\xe9\351\N{DIGIT ONE}\U0001F600'", "ééé1😀"),
    (r'"\ud83d\ude00"', "😀"),
    (r"'\ud83d\ude00'", "😀"),
    (r"'\ud83d'", "\ud83d"),
    (r"'\ud83d\u0041'", "\ud83dA"),
    (r"'\d\/'", "\\d\\/"),
    (r'"\/"', "/"),
    ("'a\\\nb'", "ab"),
    (r"r'\n\''", "\\n\\'"),
    ("u'a'", "a"),
    ("-3", -3),
    ("+3", 3),
    ("1e-7", 1e-7),
    (".5", 0.5),
    ("5.", 5.0),
    ("-1.5E+3", -1500.0),
    ("1_000", 1000),
    ("0x1f", 31),
    ("0b11", 3),
    ("0o17", 15),
    ("0x1e+5", 35),
    ("1e999", math.inf),
    ("-Infinity", -math.inf),
    ("true", True),
    ("False", False),
    ("null", None),
    ("None", None),
    ("500*500", 250000),
    ("1/6", 1 / 6),
    ("2**10", 1024),
    ("-2**2", -4),
    ("2**3**2", 512),
    ("(1 + 2) * -3", -9),
    ("7 // 2 - 1 % 4", 2),
    ("1--1", 2),
    ("[1, 'a', [true, None,],]", [1, "a", [True, None]]),
    ("(1, 2)", [1, 2]),
    ("(1,)", [1]),
    ("()", []),
    ("[]", []),
    ("{}", {}),
    ("{'a': {\"b\": [1.0]}, 'c' 'd': ()}", {"a": {"b": [1.0]}, "cd": []}),
    ("[1, # one ) ]\n 2 # two\r\n]", [1, 2]),
    ("{# the key\n'a' # :\n: 1}", {"a": 1}),
    ("'# text'", "# text"),
    ("[true# no quotes\n, 1# one\n]", [True, 1]),
    ("'f(x = 1), )'", "f(x = 1), )"),
    ("9" * 4300, 10**4300 - 1),
]


@pytest.mark.parametrize("text, value", VALUES, ids=lambda v: repr(v)[:30])
def test_values(text, value):
    assert same_typed(value_of(text), value)


ERRORS = [
    ("", "no_call"),
    ("plain words", "no_call"),
    ("Thought: I call\nsearch(x = 1)", "no_call"),
    ("I think (maybe) not", "no_call"),
    ("(x = 1)", "bad_name"),
    ("-(1)", "bad_name"),
    ("'f'(x = 1)", "no_call"),
    ('{"name": "f(x)"}', "no_call"),
    ("[f(x = 1)]", "no_call"),
    ("y = f(x = 1)", "no_call"),
    ("f", "no_call"),
    ("f(", "unterminated_call"),
    ("f(x", "bare_word"),
    ("f(x = ", "unterminated_call"),
    ("f(x = 1", "unterminated_call"),
    ("f(x = [1, 2", "unterminated_call"),
    ("f(x = 'abc)", "unterminated_string"),
    ("f(x = '''abc')", "unterminated_string"),
    ("f(x = 'a\\", "unterminated_string"),
    (r"f(x = '\u12')", "bad_escape"),
    (r"f(x = '\xZZ')", "bad_escape"),
    (r"f(x = '\U00110000')", "bad_escape"),
    (r"f(x = '\N{NO SUCH NAME}')", "bad_escape"),
    ("f(x = b'a')", "string_prefix"),
    ("f(x = f'{y}')", "string_prefix"),
    ("f(x = rb'a')", "string_prefix"),
    ("f(x = 007)", "bad_number"),
    ("f(x = 1.2.3)", "bad_number"),
    ("f(x = 3km)", "bad_number"),
    ("f(x = 1j)", "bad_number"),
    ("f(x = ٣)", "bare_word"),
    ("f(x = Paris)", "bare_word"),
    ("f(x = New York)", "bare_word"),
    ("f(x = g(1))", "nested_call"),
    ("f(x = __import__('os'))", "nested_call"),
    ("f(x = lambda: 1)", "bare_word"),
    ("f(x = {1, 2})", "bad_key"),
    ("f(x = {1: 2})", "bad_key"),
    ("f(x = {'a'})", "expected"),
    ("f(x = {'a': 1 'b': 2})", "expected"),
    ("f(x = 1 y = 2)", "expected"),
    ("f(x = 1; y = 2)", "expected"),
    ("f(x == 1)", "bad_value"),
    ("f(= 1)", "bad_name"),
    ("f('' = 1)", "bad_name"),
    ("f(my arg = 1)", "bare_word"),
    ("f(,)", "bad_value"),
    ("f(x = 1,, y = 2)", "bad_value"),
    ("f(x = )", "bad_value"),
    ("f(x = 1, x = 2)", "duplicate_argument"),
    ("f(x = {'a': 1, 'a': 2})", "duplicate_key"),
    ("f(x = [{'a': {'b': 1, \"b\": 1}}])", "duplicate_key"),
    ("f(x = 1 # )", "unterminated_call"),
    ("f(x = Paris#1)", "bare_word"),
    ("f(x = #)", "unterminated_call"),
    ("Note # 1\n(1)", "no_call"),
    ("# heading\nf(x = 1)", "no_call"),
    ("f(x = 1, 2)", "positional_after_keyword"),
    ("f(x = 'a' + 'b')", "bad_arithmetic"),
    ("f(x = -True)", "bad_arithmetic"),
    ("f(x = -[1])", "bad_arithmetic"),
    ("f(x = 1/0)", "bad_arithmetic"),
    ("f(x = 9**9**9)", "too_large"),
    ("f(x = 10**4200 * 10**4200)", "too_large"),
    ("f(x = 10**4300)", "too_large"),
    ("f(x = 10**400 * 1.5)", "bad_arithmetic"),
    ("f(x = " + "9" * 4301 + ")", "bad_number"),
    ("f(x = " + "[" * 102 + "]" * 102 + ")", "too_deep"),
]


@pytest.mark.parametrize("text, kind", ERRORS, ids=lambda v: v[:30])
def test_errors(text, kind):
    assert error_of(text).kind == kind


def test_spans_point_at_the_trouble():
    error = error_of("f(a = 1, city = Paris)")
    assert "f(a = 1, city = Paris)"[error.start : error.end] == "Paris"
    assert str(error) == "'Paris' has no quotes and is no value (at character 16)"


@pytest.mark.parametrize(
    "name", ["preferred-routes_get", "2v_atadatem", "Class.method", "城市", "Air/Find", "_"]
)
def test_names_that_are_no_identifiers(name):
    text = f"{name}(code:=\"y\", :edoc = 3, from='b', as=1, is=2, {name} = 4, 'my arg' = 5)"
    names = ["code:", ":edoc", "from", "as", "is", name, "my arg"]
    assert parse_call(text) == Call(name, dict(zip(names, ["y", 3, "b", 1, 2, 4, 5], strict=True)))


def test_positional_arguments():
    assert parse_call("f([1, 2], 'a', b = 3)") == Call("f", {"b": 3}, ([1, 2], "a"))
    assert parse_call('f({"a": 1})') == Call("f", {}, ({"a": 1},))


def test_scan_value():
    assert scan_value("x: {'a': [1]} rest", 2) == ({"a": [1]}, 14)


# Real calls


def test_bfcl_gold_calls_equal_pythons_own_reading():
    """Independent oracle: Python's ast, arithmetic folded. All 450 gold calls of the 240 items."""
    count = 0
    for path in sorted(shared("data/bfcl").glob("BFCL_v3_exec_*.json")):
        for line in filter(None, path.read_text().split("\n")):
            for text in json.loads(line)["ground_truth"]:
                node = ast.parse(text, mode="eval").body
                call = parse_call(text)
                assert call.name == ast.unparse(node.func)
                expected = {word.arg: folded(word.value) for word in node.keywords}
                assert same_typed(call.arguments, expected), text
                assert same_typed(list(call.positional), [folded(a) for a in node.args])
                assert parse_call(format_call(call)) == call
                count += 1
    assert count >= 450


def folded(node):
    if isinstance(node, ast.BinOp):
        names = {ast.Div: "/", ast.Mult: "*"}
        return OPERATORS[names[type(node.op)]][1](folded(node.left), folded(node.right))
    value = ast.literal_eval(node)
    return json.loads(json.dumps(value))


def test_authors_double_quoted_style_reads_the_same():
    """mae.py writes name(k=<json>); every call of the training file, both ways."""
    records = json.loads(shared("data/train/bfcl_multi_turn_raw.json").read_text())
    for record in records[::5]:
        for message in record["conversations"]:
            if message["role"] == "assistant":
                name, line = message["content"].split("\n")
                arguments = json.loads(line)
                written = [f"{k}={json.dumps(v, ensure_ascii=False)}" for k, v in arguments.items()]
                call = parse_call(f"{name}({', '.join(written)})")
                assert call == Call(name, arguments) == parse_call(format_call(call))


# Table 14's outputs, as the grammar must take them: a call, or no call at all.
TABLE_14 = [
    ("random_advice()", Call("random_advice")),
    ('{"arguments": {"name": "get_currency"}}', None),
    ('get_exchange_rate {"from_currency": "EUR", "to_currency": "GBP"}\nThought: ...', None),
    ('search_country\n{"query": "IN"}', None),
    ("Thought: ...\nAction: get_nobel_results\nAction Input: {}", None),
]


@pytest.mark.parametrize("text, call", TABLE_14)
def test_table_14(text, call):
    if call is None:
        assert error_of(text).kind == "no_call"
    else:
        assert parse_call(text) == call


# Writing


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
