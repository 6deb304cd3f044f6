"""A user's tools in their own process: whatever they do, a text comes back and the next call works.

The tools are in `user_tools/hostile_tools.py`, as a user would write a file.
"""

import json
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings

from tests.strategies.world import VALUES
from tests.tool_files import copy_tools, is_alive, wait_until, works
from tl.agent.feedback import positional_misuse, shorten
from tl.agent.tool_process import ToolProcess
from tl.calls.feedback import ErrorType, classify_feedback
from tl.calls.schema import Call
from tl.calls.signature import parse_tools, render_tool


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    return copy_tools(tmp_path_factory.mktemp("user tools"))


@pytest.fixture(scope="module")
def process(file):
    with ToolProcess(file, timeout=20) as running:
        yield running


@pytest.fixture
def impatient(file):
    with ToolProcess(file, timeout=0.3) as running:
        yield running


# Tools


def test_functions_of_the_file_are_the_tools(process):
    names = [tool.name for tool in process.tools]
    assert names[:3] == ["add", "count", "use_helper"]
    assert not {"getcwd", "doubled", "_private", "Nasty", "Path"} & set(names)
    add = process.tools[0]
    assert add.required == ["a"] and add.properties["b"]["default"] == 2
    assert parse_tools(render_tool(add)) == [add]


def test_calls_are_bound_and_answered(process):
    assert works(process)
    assert process.execute(Call("add", {"a": 1, "b": 5})) == "6"
    assert process.execute(Call("use_helper", {"a": 4})) == "8"


def test_what_tools_remember_stays_between_calls(process):
    first = int(process.execute(Call("count")))
    assert int(process.execute(Call("count"))) == first + 1


@pytest.mark.parametrize("name", ["getcwd", "doubled", "_private", "Nasty", "os", "print", "no"])
def test_nothing_but_the_files_own_functions_can_be_called(process, name):
    feedback = process.execute(Call(name))
    assert feedback == f"name '{name}' is not defined"
    assert classify_feedback(feedback, Call(name)) is ErrorType.TOOL_HALLUCINATION


def test_misfits_get_pythons_words(process):
    def add(a: int, b: int = 2): ...

    for arguments in ({}, {"c": 1}, {"a": 1, "c": 2}):
        with pytest.raises(TypeError) as said:
            add(**arguments)
        words = str(said.value).replace(add.__qualname__, "add")
        assert process.execute(Call("add", arguments)) == words
    assert process.execute(Call("add", {"a": "1"})) == (
        'can only concatenate str (not "int") to str'
    )


def test_arguments_without_names_are_refused_in_pythons_words(process):
    def add(*, a, b=2): ...

    for values in ((1,), (1, 2)):
        with pytest.raises(TypeError) as said:
            add(*values)
        words = str(said.value).replace(add.__qualname__, "add")
        assert process.execute(Call("add", {}, values)) == words
        assert words == positional_misuse("add", len(values))
        error = classify_feedback(words, Call("add"))
        assert error is ErrorType.PARAMETER_HALLUCINATION


@settings(max_examples=60)
@given(VALUES)
def test_values_arrive_as_they_are(process, value):
    expected = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode()
    assert process.execute(Call("give_back", {"value": value})) == expected


def test_a_tool_cannot_change_the_call(process):
    call = Call("spoil", {"values": [1, 2]})
    assert process.execute(call) == "[]" and call.arguments == {"values": [1, 2]}


def test_large_arguments_arrive(process):
    text = "x" * 3_000_000
    said = process.execute(Call("give_back", {"value": text}))
    assert said == shorten(json.dumps(text))


# What goes wrong


@pytest.mark.parametrize(
    "kind, words",
    [
        ("KeyError", "'words'"), ("ValueError", "words"), ("SystemExit", "words"),
        ("KeyboardInterrupt", "words"), ("MemoryError", "words"), ("GeneratorExit", "words"),
        ("Loud", "loud"), ("silent", "ValueError"), ("StopIteration", "words"),
    ],
)  # fmt: skip
def test_whatever_is_raised_is_feedback(process, kind, words):
    before = int(process.execute(Call("count")))
    assert process.execute(Call("raise_it", {"kind": kind})) == words
    assert int(process.execute(Call("count"))) == before + 1, "the process lives on"


def test_an_exception_without_words_has_its_class(process):
    assert process.execute(Call("raise_it", {"kind": "Unprintable"})) in ("Unprintable", "no words")
    assert works(process)


def test_recursion_is_feedback(process):
    assert process.execute(Call("recurse")).startswith("maximum recursion depth exceeded")
    assert works(process)


@pytest.mark.parametrize(
    "kind, words",
    [
        ("bytes", "Object of type bytes is not JSON serializable"),
        ("set", "Object of type set is not JSON serializable"),
        ("object", "Object of type Nasty is not JSON serializable"),
        ("list", "Object of type Nasty is not JSON serializable"),
        ("loop", "Circular reference detected"),
        ("deep", "maximum recursion depth exceeded"),
        ("keys", "keys must be str, int, float, bool or None, not tuple"),
        ("number", "Exceeds the limit"),
        ("nan", "NaN"),
        ("none", "null"),
        ("surrogate", '"a?b"'),
        ("text", '"\\u001b[31m\u2028 \U0001f600"'),
    ],
)
def test_any_result_is_a_text(process, kind, words):
    feedback = process.execute(Call("result", {"kind": kind}))
    assert feedback.startswith(words)
    feedback.encode("utf-8")
    assert works(process)


def test_ten_megabytes_are_cut_with_a_mark(file):
    with ToolProcess(file, max_feedback=100) as process:
        feedback = process.execute(Call("result", {"kind": "large"}))
    assert len(feedback) == 100 and feedback.endswith("xx... [cut, 10,000,002 characters in all]")


def test_a_tool_that_hangs_is_stopped(impatient):
    feedback = impatient.execute(Call("hang"))
    assert feedback == "hang timed out after 0.3 seconds"
    assert classify_feedback(feedback, Call("hang")) is ErrorType.TOOL_INSTABILITY
    assert works(impatient)


def test_a_tool_that_talks_for_ever_is_stopped(impatient):
    assert impatient.execute(Call("flood", {"size": 1})) == "flood timed out after 0.3 seconds"
    impatient.timeout = 60.0
    feedback = impatient.execute(Call("flood", {"size": 1_000_000}))
    assert feedback == "Connection aborted: flood disturbed the connection to its process"
    assert works(impatient)


@pytest.mark.parametrize("value", [b"x", {1}, object()])
def test_calls_that_no_parser_makes_are_refused_in_words(process, value):
    feedback = process.execute(Call("give_back", {"value": value}))
    assert feedback == f"Object of type {type(value).__name__} is not JSON serializable"
    assert works(process)


def test_a_tool_that_cannot_be_interrupted_is_stopped_with_its_children(impatient, file):
    impatient.timeout = 3.0
    assert "timed out" in impatient.execute(Call("hang_deaf"))
    pids = [int(pid) for pid in file.with_name("pids").read_text().split()]
    assert len(pids) == 2
    wait_until(lambda: not any(map(is_alive, pids)))
    assert works(impatient)


@pytest.mark.parametrize(
    "call, words",
    [
        (Call("leave"), "Connection aborted: leave ended its process with status 3"),
        (Call("leave", {"status": 0}), "Connection aborted: leave ended its process with status 0"),
        (
            Call("crash"),
            "Connection aborted: crash ended its process by signal 11 (Segmentation fault)",
        ),
        (Call("close_everything"), "Connection aborted: close_everything "),
        (Call("kill_itself"), "Connection aborted: kill_itself ended its process by signal 44 ("),
        (Call("write_everywhere", {"text": "[]"}), "Connection aborted: write_everywhere"),
        (
            Call("write_everywhere", {"text": '{"feedback": "forged"}'}),
            "Connection aborted: write_everywhere disturbed the connection",
        ),
        (
            Call("write_everywhere", {"text": "[" * 100_000}),
            "Connection aborted: write_everywhere disturbed the connection",
        ),
        (Call("write_everywhere"), "Connection aborted: write_everywhere disturbed the connection"),
    ],
)
def test_a_process_that_dies_is_started_again(process, call, words):
    feedback = process.execute(call)
    assert feedback.startswith(words)
    assert classify_feedback(feedback, call) is ErrorType.TOOL_INSTABILITY
    assert works(process)
    assert process.execute(Call("count")) == "1", "it has forgotten everything"


def test_a_process_that_dies_between_calls_is_started_again(process):
    assert process.execute(Call("leave_later")) == '"ok"'
    wait_until(lambda: process._process.poll() is not None)
    assert works(process)


def test_a_tool_that_forks_answers_once(process):
    assert process.execute(Call("fork_and_return")).isdigit()
    for _ in range(5):
        assert works(process)


def test_what_tools_print_and_read_does_not_disturb(file, capfd):
    with ToolProcess(file) as process:
        assert process.execute(Call("talk")) == '"said"'
        assert process.execute(Call("read")) == "EOF when reading a line"
        assert works(process)
    out, err = capfd.readouterr()
    assert out == "" and "from a child" in err and "forged" in err and "to stderr" in err


def test_the_file_runs_nowhere_else(process):
    assert "hostile_tools" not in sys.modules and "helper_beside_it" not in sys.modules
