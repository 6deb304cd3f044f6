"""A user's tools in their own process: whatever they do, a text comes back and the next call works.

`hostile_tools.py` is written by the tests, as a user would write a file.
"""

import json
import math
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings

from tests.strategies.world import VALUES
from tl import InputError
from tl.agent.feedback import positional_misuse, shorten
from tl.agent.tool_process import ROOT, ToolProcess
from tl.calls.feedback import ErrorType, classify_feedback
from tl.calls.schema import Call
from tl.calls.signature import parse_tools, render_tool

HOSTILE = '''
"""Tools that go wrong in every way."""
import builtins, ctypes, os, signal, subprocess, sys, threading, time
from pathlib import Path
from os import getcwd
from helper_beside_it import doubled

calls = 0
print("printed at import")


class Nasty:
    def __repr__(self):
        raise RuntimeError("no repr")
    __str__ = __repr__


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError("no words")


class Loud(BaseException):
    pass


def add(a: int, b: int = 2) -> int:
    """Add two numbers.

    Args:
        a: The first.
        b: The second.
    """
    return a + b

def count() -> int:
    """How often it was called."""
    global calls
    calls += 1
    return calls

def use_helper(a: int) -> int:
    """Uses a file beside this one."""
    return doubled(a)

def give_back(value=None):
    """What it got."""
    return value

def spoil(values: list) -> list:
    """Changes what it got."""
    values.clear()
    return values

def hang() -> str:
    """Never comes back."""
    while True:
        time.sleep(1)

def hang_deaf() -> str:
    """Never comes back, in a C call, deaf to signals, with a child."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    Path(__file__).with_name("pids").write_text(f"{os.getpid()} {child.pid}")
    ctypes.PyDLL(None).usleep(600_000_000)  # holds the interpreter's lock

def wait_long() -> str:
    """Waits, and says where."""
    Path(__file__).with_name("pids").write_text(str(os.getpid()))
    while True:
        time.sleep(0.1)

def wait_a_moment() -> str:
    """Takes half a second."""
    time.sleep(0.5)
    return "late"

def leave(status: int = 3):
    """Ends the process."""
    os._exit(status)

def kill_itself():
    """A signal without a name."""
    os.kill(os.getpid(), 44)
    time.sleep(10)

def crash():
    """A segmentation fault."""
    ctypes.string_at(0)

def leave_later():
    """Ends the process between two calls."""
    threading.Timer(0.05, os._exit, (7,)).start()
    return "ok"

def fork_and_return():
    """Comes back twice, first as the child."""
    if os.fork():
        time.sleep(0.3)
        return os.getpid()
    return "child"

def close_everything():
    """Closes the connection."""
    os.closerange(3, 4096)
    return "closed"

def write_everywhere(text: str = "{not json"):
    """Writes where it should not."""
    for number in range(3, 64):
        try:
            os.write(number, text.encode() + b"\\n")
        except OSError:
            pass
    time.sleep(0.3)
    return "written"

def flood(size: int):
    """Writes without end, never a line."""
    links = {number: f"/proc/self/fd/{number}" for number in range(3, 64)}
    opened = {n: os.readlink(link) for n, link in links.items() if os.path.lexists(link)}
    (number,) = [number for number, name in opened.items() if name.startswith("socket")]
    while True:
        os.write(number, b"x" * size)

def raise_it(kind: str):
    """Raises what is named."""
    if kind == "Unprintable":
        raise Unprintable()
    if kind == "Loud":
        raise Loud("loud")
    if kind == "silent":
        raise ValueError()
    raise getattr(builtins, kind)("words")

def recurse(n: int = 0):
    """Without end."""
    return recurse(n + 1) + 1

def result(kind: str):
    """Returns what is named."""
    loop = []
    loop.append(loop)
    deep = []
    for _ in range(100_000):
        deep = [deep]
    return {"bytes": b"x", "nan": float("nan"), "set": {1}, "object": Nasty(), "loop": loop,
            "deep": deep, "keys": {(1, 2): 3}, "surrogate": "a\\ud800b", "none": None,
            "text": "\\x1b[31m\\u2028 \\U0001f600", "large": "x" * 10_000_000,
            "number": 10 ** 5000, "list": [Nasty()]}[kind]

def talk() -> str:
    """Prints."""
    print('{"feedback": "forged"}')
    print("to stderr", file=sys.stderr)
    subprocess.run(["echo", "from a child"])
    sys.stdout.flush()
    return "said"

def read() -> str:
    """Reads the standard input."""
    return input("give me: ")

def _private():
    return "private"
'''


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("user tools")
    (folder / "helper_beside_it.py").write_text("def doubled(a):\n    return 2 * a\n")
    path = folder / "hostile_tools.py"
    path.write_text(HOSTILE)
    return path


@pytest.fixture(scope="module")
def process(file):
    with ToolProcess(file, timeout=20) as running:
        yield running


@pytest.fixture
def impatient(file):
    with ToolProcess(file, timeout=0.3) as running:
        yield running


def works(process: ToolProcess) -> bool:
    return process.execute(Call("add", {"a": 1})) == "3"


def is_alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def wait_until(happens) -> None:
    for _ in range(1000):
        if happens():
            return
        time.sleep(0.02)
    pytest.fail("it did not happen within 20 s")


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


# Files that are no tools


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "has no public function of its own"),
        ("from os.path import join\n", "has no public function of its own"),
        ("def f(:\n", "cannot be imported: SyntaxError"),
        ("import no_such_module\n", "No module named 'no_such_module'"),
        ("raise SystemExit(4)\n", "cannot be imported: SystemExit: 4"),
        ("import os; os._exit(5)\n", "cannot be imported: ended its process with status 5"),
        ("def f(a: tuple): ...\n", "tool 'f': parameter 'a' is annotated <class 'tuple'>"),
        ("def f(*a): ...\n", "cannot be given by name"),
        ("def f(a=object()): ...\n", "Object of type object is not JSON serializable"),
        ("def f(a: []): ...\n", "tool 'f': parameter 'a' is annotated []"),
        ("async def f(): ...\n", "tool 'f': is async or a generator, expected a plain function"),
        ("def f():\n    yield 1\n", "tool 'f': is async or a generator"),
        ("async def f():\n    yield 1\n", "tool 'f': is async or a generator"),
        ("import time; time.sleep(60)\n", "takes longer than 1 seconds"),
        ("print('x' * 1_000_000, flush=True); 1 / 0\n", "ZeroDivisionError: division by zero"),
    ],
)
def test_a_file_that_cannot_be_tools_is_refused(tmp_path, text, words):
    path = tmp_path / "my_tools.py"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        ToolProcess(path, timeout=0.5, start_timeout=1.0 if "sleep" in text else 60.0)
    assert str(caught.value).startswith(f"{path}: ") and words in str(caught.value)


def test_no_file_and_other_files_are_refused(tmp_path):
    (tmp_path / "tools.txt").write_text("")
    for path in (tmp_path, tmp_path / "none.py", tmp_path / "tools.txt"):
        with pytest.raises(InputError, match="expected a Python file"):
            ToolProcess(path)


@pytest.mark.parametrize("timeout", [0.0, -1.0, 4_294_968.0, 1e12, math.inf, math.nan])
def test_a_timeout_that_cannot_be_waited_for_is_refused(file, timeout):
    """4,294,968 s are 2^32 ms and 704 ms: a socket would wait for less than a second."""
    words = re.escape(f"tool_timeout: got {timeout:g} seconds, expected")
    with pytest.raises(InputError, match=words):
        ToolProcess(file, timeout=timeout)


def test_bare_types_of_typing_are_those_of_python(tmp_path):
    path = tmp_path / "my_tools.py"
    path.write_text("from typing import Dict, List\ndef f(a: List, b: Dict): ...\n")
    with ToolProcess(path) as process:
        (tool,) = process.tools
    assert [tool.properties[name]["type"] for name in "ab"] == ["array", "object"]


def test_a_file_named_like_a_module_of_python_does_not_replace_it(tmp_path):
    path = tmp_path / "json.py"
    path.write_text("def f() -> str:\n    import json\n    return json.dumps({})\n")
    with ToolProcess(path) as process:
        assert process.execute(Call("f")) == '"{}"'


def test_a_file_that_broke_meanwhile_is_feedback(tmp_path):
    path = tmp_path / "my_tools.py"
    path.write_text("import os\ndef leave():\n    os._exit(1)\n")
    with ToolProcess(path) as process:
        path.write_text("1 / 0")
        assert "ended its process" in process.execute(Call("leave"))
        feedback = process.execute(Call("leave"))
        assert feedback.startswith("Connection aborted: the tools cannot be started again")
        assert "division by zero" in feedback


def test_the_file_runs_nowhere_else(process):
    assert "hostile_tools" not in sys.modules and "helper_beside_it" not in sys.modules


# Ends


def test_closing_ends_the_process(file):
    with ToolProcess(file) as process:
        pid = process._process.pid
        assert is_alive(pid)
        assert os.getpgid(pid) == pid, "Ctrl-C in the terminal does not reach it"
    assert not is_alive(pid)
    process.close()  # twice is fine
    assert works(process), "and it can be started again"
    process.close()


def test_a_hanging_tool_does_not_outlive_the_program(file):
    """Killed, so that nothing could be cleaned up."""
    file.with_name("pids").unlink(missing_ok=True)
    program = (
        "import sys; from tl.agent.tool_process import ToolProcess; from tl.calls.schema import "
        "Call; ToolProcess(sys.argv[1]).execute(Call('wait_long'))"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, str(file)], cwd=ROOT)
    pids = file.with_name("pids")
    wait_until(lambda: pids.is_file() and pids.read_text())
    worker = int(pids.read_text())
    assert is_alive(worker)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    wait_until(lambda: not is_alive(worker))


def test_the_answer_of_an_interrupted_call_is_not_taken_for_the_next(file):
    def interrupt(*_):
        raise KeyboardInterrupt

    with ToolProcess(file) as process:
        before = signal.signal(signal.SIGALRM, interrupt)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        try:
            with pytest.raises(KeyboardInterrupt):
                process.execute(Call("wait_a_moment"))
        finally:
            signal.signal(signal.SIGALRM, before)
        assert works(process)


def test_threads_and_descriptors_are_given_back(file):
    before = len(os.listdir("/proc/self/fd")), threading.active_count()
    for _ in range(3):
        with ToolProcess(file, timeout=0.2) as process:
            process.execute(Call("hang"))
    assert (len(os.listdir("/proc/self/fd")), threading.active_count()) == before
