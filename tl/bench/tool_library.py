"""The tools of ToolEyes themselves, from a user's own checkout, opt-in by `--tool_library DIR`.

Upstream imports Tool_Library/<Category>/<Toolbox>/tool.py into the evaluation and calls what the
model names. Here every toolbox runs in a process of its own (`library_worker`), a few at a time,
with a time limit per call; a call that takes longer costs the process, and the next one starts
afresh. What the model wrote reaches a tool as JSON values, never as code. The feedback is that of
upstream: the result as JSON, or the text of the exception.

The tools use the network, and keys that the user has written into the checkout: that is what they
are for. They can write only to a temporary folder where the platform has Landlock. The toolbox
Execute runs code that the model writes, so it is served only together with --allow_code_execution;
without it, and for nothing else, `simulated` answers in its place.
"""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from tl import InputError
from tl.calls.compare import named_arguments
from tl.calls.schema import Call, Tool

WORKER = Path(__file__).with_name("library_worker.py")
RUNS_CODE = "Execute/Execute"
CALL_SECONDS, START_SECONDS = 30.0, 60.0
MOST_WORKERS = 8  # at one time
LONGEST_ANSWER = 2**21  # bytes; a worker cuts to 100,000 characters, which take 12 each at most
URL = "https://github.com/Junjie-Ye/ToolEyes"


class ToolLibrary:
    """A context manager; serves toolboxes by their path: "Random/Random".

    folder: the clone of ToolEyes or its Tool_Library. python: the interpreter that has the
    toolboxes' packages. runs_code: whether Execute is served. broken: toolbox -> why it could not
    be imported. InputError for a folder that is no library.
    """

    def __init__(self, folder: str | Path, python: str = sys.executable, runs_code: bool = False,
                 seconds: float = CALL_SECONDS):  # fmt: skip
        inside = Path(folder) / "Tool_Library"
        self.folder = (inside if inside.is_dir() else Path(folder)).absolute()
        self.python, self.runs_code, self.seconds = python, runs_code, seconds
        self.broken: dict[str, str] = {}
        self.confined = True
        self._workers: OrderedDict[str, _Worker] = OrderedDict()
        if not any(self.folder.glob("*/*/tool.py")):
            raise InputError(f"--tool_library {folder}: has no */*/tool.py, expected a clone of "
                             f"{URL} or its Tool_Library")  # fmt: skip

    def check(self, toolboxes: Iterable[str]) -> None:
        """Imports each toolbox once; fills `broken`. InputError for one that is missing."""
        for toolbox in dict.fromkeys(toolboxes):
            if not (self.folder / toolbox / "tool.py").is_file():
                raise InputError(f"--tool_library {self.folder}: has no {toolbox}/tool.py, "
                                 f"expected all toolboxes of {URL}")  # fmt: skip
            if self.serves(toolbox):
                self._worker(toolbox)

    def serves(self, toolbox: str) -> bool:
        return self.runs_code or toolbox != RUNS_CODE

    def executor(self, toolbox: str, tools: Sequence[Tool]) -> Callable[[Call], str]:
        """Call -> feedback, for one toolbox; positional values get their documented names."""
        documented = {tool.name: tool.parameter_names for tool in tools}

        def execute(call: Call) -> str:
            given = named_arguments(call, documented.get(call.name, []))
            return self._execute(toolbox, call.name, given)

        return execute

    def close(self) -> None:
        while self._workers:
            self._workers.popitem()[1].close()

    def __enter__(self) -> "ToolLibrary":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def _execute(self, toolbox: str, name: str, arguments: dict) -> str:
        request = {"name": name, "arguments": arguments}
        try:
            return str(self._worker(toolbox).exchange(request, self.seconds)["feedback"])
        except TimeoutError:
            feedback = f"{name} timed out after {self.seconds:g} seconds"
        except (OSError, ValueError, KeyError, TypeError):
            feedback = f"Connection aborted: {name} ended the process of its toolbox"
        self._workers.pop(toolbox).close()
        return feedback

    def _worker(self, toolbox: str) -> "_Worker":
        """The toolbox's process; the one that was idle longest makes room for it."""
        if toolbox in self._workers:
            self._workers.move_to_end(toolbox)
            return self._workers[toolbox]
        if len(self._workers) >= MOST_WORKERS:
            self._workers.popitem(last=False)[1].close()
        worker = self._workers[toolbox] = _Worker(self.python, self.folder, toolbox)
        try:
            hello = worker.exchange(None, START_SECONDS)
            self.confined &= hello["confined"]
            error = hello["error"]
        except (OSError, ValueError, KeyError, TypeError) as caught:  # TimeoutError is an OSError
            error = f"its process did not start ({type(caught).__name__})"
        if error:
            self.broken[toolbox] = error
        return worker


class _Worker:
    """A process that serves one toolbox."""

    def __init__(self, python: str, library: Path, toolbox: str):
        self._home = tempfile.TemporaryDirectory()
        read_requests, requests = os.pipe()
        answers, write_answers = os.pipe()
        command = [python, str(WORKER), str(library), toolbox.replace("/", "."),
                   str(read_requests), str(write_answers), self._home.name]  # fmt: skip
        try:
            self._process = subprocess.Popen(
                command, pass_fds=(read_requests, write_answers), stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
                env=os.environ | {"HOME": self._home.name, "TMPDIR": self._home.name},
            )  # fmt: skip
        except OSError as error:
            raise InputError(f"--tool_python {python}: cannot be started ({error.strerror}), "
                             "expected a Python interpreter") from None  # fmt: skip
        finally:
            os.close(read_requests)
            os.close(write_answers)
        self._requests, self._answers = requests, answers

    def exchange(self, request: dict | None, seconds: float) -> dict:
        """Sends one line, reads one. OSError (also TimeoutError) or ValueError: it is done for."""
        if request is not None:
            os.write(self._requests, json.dumps(request).encode() + b"\n")
        deadline, said = time.monotonic() + seconds, bytearray()
        while not said.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._answers], [], [], left)[0]:
                raise TimeoutError
            piece = os.read(self._answers, 65_536)
            if not piece or len(said) > LONGEST_ANSWER:
                raise OSError("it ended")
            said += piece
        answer = json.loads(said)
        return answer if isinstance(answer, dict) else {}

    def close(self) -> None:
        """Ends the process and all that it has started."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._requests)
        os.close(self._answers)
        self._home.cleanup()
