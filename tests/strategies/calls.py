"""Random calls, JSON values, tools, and texts that are almost calls."""

import math

from hypothesis import strategies as st

from tl.calls.schema import Call, Tool

# Lone surrogates included: json.loads gives them for "\ud800".
TEXTS = st.text(st.characters(), max_size=12)
NUMBERS = st.one_of(
    st.integers(),
    st.integers(-(10**60), 10**60),
    st.floats(),
    st.sampled_from(
        [math.nan, math.inf, -math.inf, -0.0, 1.0, 1e-7, 1e22, -1e300, 5e-324, 10**4299]
    ),
)
TRICKY_TEXTS = st.sampled_from(
    [
        "",
        "'",
        '"',
        "'\"",
        "\\",
        "\\n",
        "\n",
        "\r\n\t\0",
        "it's",
        "\u2028\x85",
        "\ud800",
        "\udc00 x",
        "日本語",
        "😀",
        "</s>",
        "f(x = 1)",
        "\\N{DIGIT ONE}",
        "\\/",
        "'''",
        "é\u0301",
    ]
)
NAMES = st.one_of(
    st.sampled_from(
        [
            "city",
            "code:",
            ":edoc",
            "from",
            "as",
            "is",
            "preferred-routes_get",
            "2v_atadatem",
            "Class.method",
            "ciudad_año",
            "城市",
            "1",
            "r",
            "True",
            "-x",
            "a/b",
            "functions.get",
            "a#b",
        ]
    ),
    st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_.-]{0,8}", fullmatch=True),
)
QUOTED_NAMES = st.sampled_from(
    ["my arg", "a=b", "it's", 'a"b', "x,y", "f(", "a\nb", "\u200b", "#x"]
)


def json_values(max_leaves: int = 8) -> st.SearchStrategy:
    """Every JSON value that json.loads can give, NaN and Infinity included."""
    scalars = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS, TRICKY_TEXTS)
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
        max_leaves=max_leaves,
    )


@st.composite
def calls(draw, values=None, max_positional: int = 2) -> Call:
    values = json_values() if values is None else values
    names = draw(st.lists(NAMES | QUOTED_NAMES, max_size=4, unique=True))
    positional = draw(st.lists(values, max_size=max_positional))
    return Call(draw(NAMES), {name: draw(values) for name in names}, tuple(positional))


SPLINTERS = ["", *"'\"([)}\\,=-x1 \n", "**", "9e9", "\\u12", "b'", "+ 'a'"]


@st.composite
def damaged(draw, text: str) -> str:
    """`text` after one to three cuts, insertions, swaps of a character or doublings."""
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 4)))
        inserted = draw(st.sampled_from(SPLINTERS))
        text = text[:start] + inserted + text[draw(st.sampled_from([start, end])) :]
    return text


TYPES = st.sampled_from(
    ["string", "integer", "number", "boolean", "array", "object", "any", "dict"]
)
LINES = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=20)
DESCRIPTIONS = st.one_of(
    LINES,
    st.lists(LINES, min_size=2, max_size=3).map("\n".join),
    st.sampled_from(
        [
            'Example: {"a": 1}',
            'odd Schema: {"enum": [1]}',
            "odd Schema: {broken}",
            "with trailing space ",
            "a (string): b",
            "Args:",
            "One.\n\n    Two, indented.",
        ]
    ),
)
REST = st.dictionaries(
    st.sampled_from(["enum", "default", "items", "minimum", "properties"]),
    st.one_of(st.integers(), LINES, st.lists(LINES, max_size=2), st.just({"type": "string"})),
    max_size=2,
)


@st.composite
def tools(draw) -> Tool:
    """A tool in the normal form of `parse_tools`."""
    names = draw(st.lists(NAMES, max_size=4, unique=True))
    properties = {}
    for name in names:
        kind = draw(st.one_of(TYPES, st.lists(TYPES, min_size=2, max_size=3, unique=True)))
        typed = {} if kind == "any" else {"type": kind}
        properties[name] = typed | {"description": draw(DESCRIPTIONS)} | draw(REST)
    required = [name for name in names if draw(st.booleans())]
    schema = {"type": "object", "properties": properties, "required": required}
    extra = draw(st.sampled_from([{}, {"additionalProperties": True}, {"$defs": {"a": {}}}]))
    return Tool(draw(NAMES), draw(DESCRIPTIONS), schema | extra)


def same_typed(a, b) -> bool:
    """Oracle: equal in type (1 is not 1.0), sign of zero and order of keys; NaN is NaN."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(same_typed(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same_typed, a, b))
    if isinstance(a, float):
        both_nan = math.isnan(a) and math.isnan(b)
        return both_nan or (a == b and math.copysign(1, a) == math.copysign(1, b))
    return a == b
