"""`--tool_library`: a library of our own in upstream's layout, run in processes of its own."""

import json
import os
import sys
import time

import pytest

import eval as evaluation
from tests.micro import write_model
from tests.shared import shared
from tl import InputError
from tl.bench.tool_library import ToolLibrary
from tl.bench.tooleyes import read_tooleyes, toolbox_of
from tl.calls.schema import Call, Tool

GOOD = '''
import os, time
print("on import")

def greet(name, times=1):
    return {"said": f"Hé {name}" * int(times)}

def slow(seconds):
    time.sleep(float(seconds))

def die():
    os._exit(3)

def leave():
    raise SystemExit("bye")

def inner(x):
    return undefined_helper(x)

def write(path):
    open(path, "w").write("x")
    return os.getcwd()

def long():
    return "a" * 2**25

def smile():
    return "\U0001f600" * 200_000

def unjson():
    return {1, 2}

value = 5
'''


@pytest.fixture
def folder(tmp_path):
    for path, text in (("Good/Box", GOOD), ("Bad/Import", "import no_such_package"),
                       ("Bad/Exit", "import os; os._exit(1)"), ("Execute/Execute", GOOD)):  # fmt: skip
        place = tmp_path / "ToolEyes" / "Tool_Library" / path
        place.mkdir(parents=True)
        (place / "tool.py").write_text(text, encoding="utf-8")
    return tmp_path / "ToolEyes"


@pytest.fixture
def execute(folder):
    tools = (Tool("greet", "", {"properties": {"name": {}, "times": {}}}),)
    with ToolLibrary(folder, seconds=2) as library:
        yield library.executor("Good/Box", tools)


@pytest.mark.parametrize(
    ("call", "feedback"),
    [
        (Call("greet", {"name": "Ann"}), '{"said": "Hé Ann"}'),
        (Call("greet", {}, ("Ann", "2")), '{"said": "Hé AnnHé Ann"}'),
        (Call("greet", {"who": "Ann"}), "greet() got an unexpected keyword argument 'who'"),
        (Call("greet"), "greet() missing 1 required positional argument: 'name'"),
        (Call("nothing"), "cannot import name 'nothing' from 'Good.Box.tool'"),
        (Call("value"), "cannot import name 'value' from 'Good.Box.tool'"),
        (Call("inner", {"x": "1"}), "name 'undefined_helper' is not defined"),
        (Call("leave"), "bye"),
        (Call("die"), "Connection aborted: die ended the process of its toolbox"),
        (Call("slow", {"seconds": "9"}), "slow timed out after 2 seconds"),
        (Call("unjson"), "Object of type set is not JSON serializable"),
        (Call("long"), '"' + "a" * 99_999),
        (Call("smile"), '"' + "\U0001f600" * 99_999),
    ],
    ids=lambda value: value.name if isinstance(value, Call) else "",
)
def test_the_feedback_is_upstreams(execute, call, feedback):
    assert execute(call) == feedback
    assert execute(Call("greet", {"name": "Bo"})) == '{"said": "Hé Bo"}', "it goes on"


def test_tools_write_only_to_their_own_folder(execute, folder, tmp_path):
    with ToolLibrary(folder) as library:
        library.check(["Good/Box"])
        if not library.confined:
            pytest.skip("this platform has no Landlock")
    outside = tmp_path / "outside"
    assert "Permission denied" in execute(Call("write", {"path": str(outside)}))
    own = json.loads(execute(Call("write", {"path": "inside"})))
    assert not outside.exists() and own != os.getcwd()


def test_toolboxes_that_cannot_be_imported(folder):
    with ToolLibrary(folder) as library:
        library.check(["Good/Box", "Bad/Import", "Bad/Exit"])
        assert library.broken["Bad/Import"] == (
            "ModuleNotFoundError: No module named 'no_such_package'")
        assert "did not start" in library.broken["Bad/Exit"] and len(library.broken) == 2
        said = library.executor("Bad/Import", ())(Call("f"))
        assert "No module named 'no_such_package'" in said
        assert "Connection aborted" in library.executor("Bad/Exit", ())(Call("f"))
        with pytest.raises(InputError, match="has no Random/Random/tool.py, expected all"):
            library.check(["Random/Random"])


def test_code_is_run_with_leave_alone(folder):
    with ToolLibrary(folder) as library:
        assert not library.serves("Execute/Execute") and library.serves("Good/Box")
    with ToolLibrary(folder / "Tool_Library", runs_code=True) as library:
        assert library.serves("Execute/Execute")


def test_no_process_is_left(folder):
    with ToolLibrary(folder) as library:
        library.check(["Good/Box"])
        (worker,) = library._workers.values()
        number, home = worker._process.pid, worker._home.name
    time.sleep(0.05)
    assert not os.path.exists(f"/proc/{number}") and not os.path.exists(home)


@pytest.mark.parametrize("name", ["Tool_Library/Good", "none"])
def test_a_folder_that_is_no_library(folder, name):
    with pytest.raises(InputError, match=r"has no \*/\*/tool.py, expected a clone"):
        ToolLibrary(folder / name)


def test_a_python_that_is_none(folder):
    with ToolLibrary(folder, python=str(folder / "python")) as library:
        with pytest.raises(InputError, match="--tool_python .*cannot be started"):
            library.check(["Good/Box"])


# --- with the published queries


@pytest.fixture
def library(tmp_path):
    """Every toolbox of the published queries; each tool answers with what it was given."""
    text = "def __getattr__(name):\n    if name[:2] == '__':\n        raise AttributeError(name)\n"
    text += "    return lambda **given: {'tool': name, 'given': given}\n"
    for play in read_tooleyes(shared("data/tooleyes")):
        place = tmp_path / "library" / toolbox_of(play)
        place.mkdir(parents=True, exist_ok=True)
        (place / "tool.py").write_text(text)
    assert len(list((tmp_path / "library").glob("*/*/tool.py"))) == 95
    return tmp_path / "library"


def test_the_queries_are_played_with_the_library(library):
    plays = None
    with ToolLibrary(library) as tools:
        plays = read_tooleyes(shared("data/tooleyes"), tools)
        served = [play for play in plays if tools.serves(toolbox_of(play))]
        assert len(plays) == 382 and 0 < len(plays) - len(served) < 12
        for play in served[::90]:
            name = play.conversation.tools[0].name
            said = json.loads(play.execute(Call(name, {"x": 1})))
            assert said == {"tool": name, "given": {"x": 1}}
        coded = next(play for play in plays if not tools.serves(toolbox_of(play)))
        assert "simulated" in coded.execute(Call(coded.conversation.tools[1].name, dict.fromkeys(
            coded.conversation.tools[1].required, "1")))  # fmt: skip


def test_eval_with_a_library(library, tmp_path, capsys):
    (tmp_path / "model").mkdir()
    model = write_model(tmp_path / "model", max_position_embeddings=8192)
    data, output = str(shared("data/tooleyes")), tmp_path / "eval"
    flags = ["--model", str(model), "--output_dir", str(output), "--data", data, "--limit", "2",
             "--max_new_tokens", "4", "--tool_library", str(library)]  # fmt: skip
    assert evaluation.main([*flags, "--benchmark", "tooleyes"]) == 0
    facts = json.loads((output / "scores.json").read_text())["run"]
    assert facts["tooleyes"].startswith(f"tools of {library}, each toolbox in a process of its own")
    assert "Execute simulated" in facts["tooleyes"] and "could not" not in facts["tooleyes"]
    with pytest.raises(InputError, match="serves --benchmark tooleyes, got --benchmark rotbench"):
        evaluation.main([*flags, "--benchmark", "rotbench"])


def test_the_interpreter_is_the_users(folder):
    """No module of the project is needed: an isolated interpreter serves as well."""
    wrapper = folder / "python"
    wrapper.write_text(f"#!/bin/sh\nexec env -u PYTHONPATH {sys.executable} -S \"$@\"\n")
    wrapper.chmod(0o755)
    with ToolLibrary(folder, python=str(wrapper)) as library:
        assert library.executor("Good/Box", ())(Call("greet", {"name": "A"})) == '{"said": "Hé A"}'
