"""Ending a run early without losing work, and the file that says how a run ended.

SIGTERM and the first SIGINT only set a flag. At each step boundary the ranks agree on it, which
also proves that all of them are alive; then the script saves a checkpoint and returns. A second
SIGINT interrupts at once. (torchrun passes SIGTERM and SIGINT on and waits 30 s before SIGKILL.)
"""

import json
import signal
from contextlib import nullcontext, suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from tl.durable_file import write_atomically
from tl.run.parallel import Group


class StopRequest:
    """Catches SIGTERM and SIGINT while it is entered; puts the old handlers back after."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self._received: int | None = None
        self._before: dict[int, Any] = {}

    def requested(self) -> bool:
        """True on every rank if any rank has received a signal. Collective, once per step."""
        return bool(self._group.all_max(int(self._received is not None)))

    def __enter__(self) -> "StopRequest":
        for number in (signal.SIGTERM, signal.SIGINT):
            self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *exception) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and self._received == signal.SIGINT:
            raise KeyboardInterrupt
        self._received = number


class RunStatus:
    """Keeps output_dir/status.json: {"state": ..., "step": ..., "checkpoint": ...}.

    state: running; after the block finished, preempted (it called `preempted`), or failed (it
    raised). checkpoint: the directory to resume from, or null. Written by the main rank only.
    """

    def __init__(self, output_dir: str | Path, is_main: bool) -> None:
        self._path = Path(output_dir) / "status.json"
        self._is_main = is_main
        self._values: dict[str, Any] = {"state": "running", "step": 0, "checkpoint": None}
        self._preempted = False

    def update(self, step: int, checkpoint: str | Path | None = None) -> None:
        """Steps done, and the checkpoint if there is a new one."""
        self._values["step"] = step
        if checkpoint is not None:
            self._values["checkpoint"] = str(checkpoint)
        self._write()

    def preempted(self) -> None:
        """The block ends early because a signal asked for it."""
        self._preempted = True

    def __enter__(self) -> "RunStatus":
        self._write()
        return self

    def __exit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        ended = "preempted" if self._preempted else "finished"
        self._values["state"] = "failed" if error else ended
        with suppress(OSError) if error else nullcontext():  # a full disk must not hide the error
            self._write()

    def _write(self) -> None:
        if self._is_main:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._path, json.dumps(self._values, indent=1) + "\n")
