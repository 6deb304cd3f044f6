"""A user's own tools, run in a process of their own, which may hang or die.

One long-lived worker imports the module and executes the calls one by one, so that what tools
remember (an open file, a login) stays between calls. A thread could not be stopped, so a call that
takes too long costs the whole process: it is killed, together with all that it has started, and the
next call starts a fresh one that has forgotten everything.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from tl import InputError
from tl.agent.feedback import FEEDBACK_CHARACTERS, shorten, words_of
from tl.calls.schema import Call, Tool

TOOL_SECONDS = 30.0
LONGEST_SECONDS = 86_400.0  # a day; sockets count milliseconds in 32 bits: 24 days
START_SECONDS = 60.0  # for importing the module
RECEIVED_AT_ONCE = 65_536  # bytes
LONGEST_LINE = 64 * 2**20  # bytes; a worker that says more is out of its mind
STDERR = 2  # what tools print is for the reader, not part of the chat
ROOT = Path(__file__).resolve().parents[2]


class ToolProcess:
    """The public functions of a Python file as tools; a context manager.

    timeout: seconds that one call may take, a day at most. InputError if the file cannot be
    imported or has no function that can be a tool. Nothing runs in this process.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        timeout: float = TOOL_SECONDS,
        start_timeout: float = START_SECONDS,
        max_feedback: int = FEEDBACK_CHARACTERS,
    ):
        self.path = Path(path).absolute()
        self.timeout, self.start_timeout = timeout, max(start_timeout, timeout)
        self.max_feedback = max_feedback
        self._number = 0  # of the last call
        self._process: subprocess.Popen | None = None
        self._socket: socket.socket | None = None
        if not 0 < timeout <= LONGEST_SECONDS:
            raise InputError(f"tool_timeout: got {timeout:g} seconds, expected a number above 0, "
                             f"{LONGEST_SECONDS:,.0f} at most")  # fmt: skip
        if self.path.suffix != ".py" or not self.path.is_file():
            raise InputError(f"{path}: expected a Python file (.py) with functions to be tools")
        try:
            self.tools = self._start()
        except _Broken as error:
            raise InputError(f"{path}: cannot be imported: {error}") from None
        if not self.tools:
            self.close()
            raise InputError(f"{path}: has no public function of its own; write one, with a "
                             "docstring and annotations")  # fmt: skip

    def execute(self, call: Call) -> str:
        """The feedback of a call. Returns text for every call, never raises an Exception."""
        self._number += 1
        request = {"number": self._number, "limit": self.max_feedback, "name": call.name,
                   "arguments": call.arguments, "positional": call.positional}  # fmt: skip
        try:
            line = json.dumps(request)
        except (TypeError, ValueError, RecursionError) as error:  # no parser makes such a call
            return words_of(error)
        try:
            if self._process is None or self._process.poll() is not None:
                self._start()
        except (_Broken, OSError) as error:
            return f"Connection aborted: the tools cannot be started again: {words_of(error)}"
        try:
            answer = self._exchange(line, self.timeout)
            return shorten(self._feedback(answer), self.max_feedback)
        except TimeoutError:
            return f"{call.name} timed out after {self.timeout:g} seconds"
        except _Broken as error:
            return f"Connection aborted: {call.name} {error}"

    def close(self) -> None:
        """Ends the worker and all that its tools have started."""
        if self._socket is not None:
            self._socket.close()
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):  # already gone
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process = self._socket = None

    def __enter__(self) -> "ToolProcess":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def _start(self) -> tuple[Tool, ...]:
        """A fresh worker, and the tools that it reports."""
        self.close()
        self._socket, theirs = socket.socketpair()
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tl.agent.worker", str(theirs.fileno()), str(self.path)],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=STDERR,
                start_new_session=True,  # Ctrl-C is for the chat, and all can be killed together
                env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
            )
        try:
            hello = self._exchange(None, self.start_timeout)
        except TimeoutError:
            raise _Broken(f"it takes longer than {self.start_timeout:g} seconds") from None
        if "error" in hello:
            self.close()
            raise _Broken(hello["error"])
        return tuple(Tool.from_openai(tool) for tool in hello["tools"])

    def _exchange(self, line: str | None, seconds: float) -> dict[str, Any]:
        """Send a line and read one. TimeoutError or _Broken; whatever is raised, the worker is then
        gone.
        """
        deadline = time.monotonic() + seconds
        received = bytearray()
        try:
            if line is not None:
                self._socket.settimeout(_left(deadline))
                self._socket.sendall(line.encode() + b"\n")
            while not received.endswith(b"\n") and len(received) < LONGEST_LINE:
                self._socket.settimeout(_left(deadline))
                piece = self._socket.recv(RECEIVED_AT_ONCE)
                if not piece:
                    raise _Broken(self._last_words())
                received += piece
            answer = json.loads(received)
            if not isinstance(answer, dict):
                raise ValueError
            return answer
        except TimeoutError:
            self.close()
            raise
        except OSError:
            raise _Broken(self._last_words()) from None
        except (ValueError, RecursionError):  # no JSON, or nested without end
            raise self._disturbed() from None
        except BaseException:  # interrupted: its answer must not be taken for that of the next call
            self.close()
            raise

    def _feedback(self, answer: dict[str, Any]) -> str:
        """The text of the answer to the last request."""
        text = answer.get("feedback")
        if answer.get("number") != self._number or not isinstance(text, str):
            raise self._disturbed()
        return text

    def _disturbed(self) -> "_Broken":
        """A tool has found the socket and written on it."""
        self.close()
        return _Broken("disturbed the connection to its process")

    def _last_words(self) -> str:
        """How a worker that says nothing sensible has ended."""
        process = self._process
        try:
            status = process.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            self.close()
            return "closed its connection"
        self.close()
        if status < 0:
            return f"ended its process by signal {-status} ({signal.strsignal(-status)})"
        return f"ended its process with status {status}"


def _left(deadline: float) -> float:
    """Seconds until the deadline; TimeoutError behind it."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


class _Broken(Exception):
    """The worker did not answer as agreed; the message says how it ended."""
