"""Runs a program that a model wrote, in a process of its own, under the limits of `confined`.

    outcome = run_program("print(1)")        outcome.passed: it ran through to its last line

Only `--allow_code_execution` leads here. The program lies in a folder of its own, which is removed
behind it; it gets no input, an empty environment, and its output goes nowhere.
"""

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tl import InputError

CONFINED = Path(__file__).with_name("confined.py")
SECONDS = 5  # of CPU time; twice as many by the clock
BYTES = 2**30


class Outcome(NamedTuple):
    """passed: the program reached its end. guards: what held it in check; see `confined`."""

    passed: bool
    guards: dict[str, bool]


def run_program(text: str, seconds: int = SECONDS, size: int = BYTES) -> Outcome:
    """Never raises because of the program. InputError where no process can be started at all."""
    token = secrets.token_hex(16).encode()
    ours, result = os.pipe()
    reports, report = os.pipe()
    with tempfile.TemporaryDirectory() as folder, os.fdopen(ours, "rb") as said, os.fdopen(
        reports, "rb"
    ) as told:  # fmt: skip
        path = Path(folder).resolve() / "program.py"
        last = f"\n__import__('os').write({result}, {token!r})\n"
        path.write_text(text + last, encoding="utf-8", errors="replace")
        command = [sys.executable, "-I", str(CONFINED), str(path), str(seconds), str(size),
                   str(report), str(result)]  # fmt: skip
        process = subprocess.Popen(
            command, pass_fds=(report, result), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        os.close(report)
        os.close(result)
        _wait(process, 2 * seconds + 10)
        os.set_blocking(said.fileno(), False)
        os.set_blocking(told.fileno(), False)
        guards = _guards(told.read())
        if not guards:
            raise InputError(f"programs cannot be started with {sys.executable}, expected a Python "
                             "that can start itself")  # fmt: skip
        return Outcome((said.read() or b"").endswith(token), guards)


def _wait(process: subprocess.Popen, seconds: float) -> None:
    """Until it ends; what is left of it then, or when this process is interrupted, is killed."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        pass
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _guards(report: bytes | None) -> dict[str, bool]:
    try:
        return json.loads(report or b"{}").get("guards", {})
    except ValueError:
        return {}
