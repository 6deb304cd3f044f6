"""ToolEyes: the reader, and the executor that knows documentation alone, held against Python."""

import json
import shutil
from collections import Counter

import pytest
from hypothesis import example, find, given
from hypothesis import strategies as st

from tests.shared import shared
from tl import InputError
from tl.bench.episodes import score_multi
from tl.bench.records import Episode, Turn
from tl.bench.simulated import simulate
from tl.bench.tooleyes import read_tooleyes
from tl.calls.feedback import ErrorType, classify_feedback
from tl.calls.schema import Call, Tool

DATA = "data/tooleyes"
NAMES = ("a", "b", "c", "d")


def tool(required, optional=()):
    properties = {name: {"type": "string"} for name in (*required, *optional)}
    return Tool("f", "", {"properties": properties, "required": list(required)})


@st.composite
def calls(draw):
    """(required, optional, call): of a function f and of its call, right or wrong."""
    names = draw(st.permutations(NAMES))
    first, last = sorted(draw(st.tuples(*[st.integers(0, 4)] * 2)))
    named = draw(st.lists(st.sampled_from(NAMES + ("x", "y")), unique=True, max_size=4))
    count = draw(st.integers(0, 3))
    return names[:first], names[first:last], Call("f", dict.fromkeys(named, "v"), ("p",) * count)


def python_says(required, optional, call):
    """What Python itself says to the call of a function with that signature; None: nothing."""
    parameters = ", ".join([*required, *(f"{name}=None" for name in optional)])
    scope = {}
    exec(f"def f({parameters}): pass", scope)
    try:
        scope["f"](*call.positional, **call.arguments)
    except TypeError as error:
        return str(error)
    return None


@given(calls())
@example(((), ("a",), Call("f", {}, ("1", "2"))))
def test_misuse_is_put_in_the_words_of_python(drawn):
    required, optional, call = drawn
    said = simulate([tool(required, optional)], call)
    expected = python_says(required, optional, call)
    if expected is None:
        assert json.loads(said)["result"] == "simulated"
        assert classify_feedback(said, call) is None
    else:
        assert said == expected


@pytest.mark.parametrize("words", ["unexpected", "multiple", "missing 1", "missing 2", "missing 3",
                                   "takes 1 positional argument but", "takes from", "and '", ", and "])  # fmt: skip
def test_the_strategy_makes_every_misuse(words):
    find(calls(), lambda drawn: words in (python_says(*drawn) or ""))


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (Call("g"), ErrorType.TOOL_HALLUCINATION),
        (Call("f", {"q": "1"}), ErrorType.PARAMETER_HALLUCINATION),
        (Call("f", {"b": "1"}), ErrorType.PARAMETER_MISSING),
        (Call("f", {"a": "1"}), None),
        (Call("f", {}, ("1",)), None),
    ],
)
def test_documentation_errors_are_told_apart(call, error):
    offered = tool(["a"], ["b"])
    assert classify_feedback(simulate([offered], call), call) == error


def test_values_that_are_no_json_do_not_stop_it():
    assert "simulated" in simulate([tool(["a"])], Call("f", {"a": float("nan")}))


def test_the_file_holds_382_queries():
    plays = read_tooleyes(shared(DATA))
    assert len(plays) == len({play.task.id for play in plays}) == 382
    assert sum(play.task.id.endswith(" #2") for play in plays) == 2
    assert Counter(play.task.splits["scenario"] for play in plays) == {
        "TG": 58, "RS": 56, "DU": 49, "PL": 70, "IR": 54, "AM": 45, "FT": 50}  # fmt: skip
    assert all(p.conversation.tools[-1].name == "finish" for p in plays)
    assert all(p.conversation.tools[-2].name == "ask_to_user" for p in plays)
    offered = {(p.conversation.source, t.name) for p in plays for t in p.conversation.tools}
    assert len({name for _, name in offered}) > 500


def test_scores_of_players_that_are_known_beforehand():
    """One calls a tool as documented, one without arguments, one nonsense; then they finish."""
    plays = read_tooleyes(shared(DATA))
    finish = Turn("", Call("finish", {"answer": "Done."}))

    def episode(play, call):
        return Episode((Turn("", call, play.execute(call)), finish), "finish", "Done.")

    def scores(choose):
        return score_multi([p.task for p in plays],
                           [episode(p, choose(p.conversation.tools[0])) for p in plays])  # fmt: skip

    right = scores(lambda t: Call(t.name, dict.fromkeys(t.required, "1")))
    assert (right["n_calls"], right["de"], right["ce"], right["va"]) == (382, 0.0, 0.0, 100.0)
    needy = sum(bool(p.conversation.tools[0].required) for p in plays)
    bare = scores(lambda t: Call(t.name))
    assert bare["de"] == round(100 * needy / 382, 2) and bare["ce"] == 0.0
    assert bare["errors"]["parameter_missing"] == needy > 100
    assert scores(lambda t: Call("zz"))["errors"]["tool_hallucination"] == 382
    assert len(right["by_scenario"]) == 7


def test_altered_or_missing_files_are_named(tmp_path):
    source = shared(DATA)
    shutil.copytree(source / "Tool_Library", tmp_path / "Tool_Library")
    with pytest.raises(InputError, match="scenario_data_zero_processed.json.*c818fceb"):
        read_tooleyes(tmp_path)
    shutil.copytree(source / "Test_Data", tmp_path / "Test_Data")
    path = tmp_path / "Tool_Library" / "Random" / "Random" / "config_gpt4.json"
    path.parent.chmod(0o755)
    path.chmod(0o644)
    text = path.read_text()
    path.write_text(text.replace('"description": "', '"description": "Now ', 1))
    with pytest.raises(InputError, match="Random/config_gpt4.json: is not the published .*c818fceb"):
        read_tooleyes(tmp_path)
    path.unlink()
    with pytest.raises(InputError, match="has no Tool_Library/Random/Random/config_gpt4.json") as e:
        read_tooleyes(tmp_path)
    assert "\n" not in str(e.value)
