"""Files that are no tools are refused in words, files that only look odd are taken."""

import math
import re

import pytest

from tests.tool_files import copy_tools
from tl import InputError
from tl.agent.tool_process import ToolProcess
from tl.calls.schema import Call


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
def test_a_timeout_that_cannot_be_waited_for_is_refused(tmp_path, timeout):
    """4,294,968 s are 2^32 ms and 704 ms: a socket would wait for less than a second."""
    words = re.escape(f"tool_timeout: got {timeout:g} seconds, expected")
    with pytest.raises(InputError, match=words):
        ToolProcess(copy_tools(tmp_path), timeout=timeout)


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
