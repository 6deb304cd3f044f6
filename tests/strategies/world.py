"""Calls of the world's tools as a model may write them: right, nearly right, and arbitrary."""

from hypothesis import strategies as st

from tl.calls.schema import Call
from tl.world.registry import examples
from tl.world.tools import FUNCTIONS, TOOLS

# Lone surrogates too, which a model can write as an escape.
TEXTS = st.text(max_size=12) | st.sampled_from(["\ud800", "a\udfff"])
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(-2, 10), st.floats(), TEXTS
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
EXAMPLES = [call for function in FUNCTIONS.values() for call in examples(function)]
PARAMETERS = sorted({name for tool in TOOLS.values() for name in tool.properties})


@st.composite
def nearly_right_calls(draw) -> Call:
    """A documented example as it is, by position, or with one argument or the name changed."""
    example = draw(st.sampled_from(EXAMPLES))
    arguments = dict(example.arguments)
    change = draw(st.sampled_from(["none", "position", "drop", "add", "change", "rename"]))
    if change == "position":
        return Call(example.name, {}, tuple(arguments.values()))
    if change == "drop" and arguments:
        del arguments[draw(st.sampled_from(list(arguments)))]
    elif change == "add":
        arguments[draw(st.sampled_from(PARAMETERS))] = draw(VALUES)
    elif change == "change" and arguments:
        arguments[draw(st.sampled_from(list(arguments)))] = draw(VALUES)
    name = example.name + ("_v2" if change == "rename" else "")
    return Call(name, arguments)


def arbitrary_calls() -> st.SearchStrategy[Call]:
    """Any name, any arguments, given by name or by position."""
    return st.builds(
        Call,
        st.sampled_from(list(TOOLS)) | TEXTS,
        st.dictionaries(st.sampled_from(PARAMETERS) | TEXTS, VALUES, max_size=4),
        st.lists(VALUES, max_size=3).map(tuple),
    )


def calls() -> st.SearchStrategy[Call]:
    return nearly_right_calls() | arbitrary_calls()
