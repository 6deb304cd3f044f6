"""Checkpoints that survive a kill at any moment.

    output_dir/checkpoint-N/          a Hugging Face directory, trainer_state/, manifest.json
    output_dir/latest                 the name of the newest, for people and scripts

Writing: a fresh hidden directory, every file synced to disk and hashed, one rename to
checkpoint-N, then `latest`, then pruning. What is not named checkpoint-N is never read. Loading:
every byte is compared with the manifest. The newest is the one with the highest `sequence` in its
manifest, which is right too after a kill between the rename and `latest`, and after resuming from
an older one.

Several machines must share output_dir.
"""

import os
import re
import secrets
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn
from torch.optim import Optimizer

from tl import InputError
from tl.durable_file import sync, write_atomically
from tl.run import trainer_state
from tl.run.cli import LATEST
from tl.run.manifest import MANIFEST, read_manifest, seal, verify
from tl.run.parallel import Group
from tl.run.shard import reshard

_DAY_SECONDS = 86_400
_HIDDEN = re.compile(r"\.(checkpoint-\d+)\.(tmp|old)-(.+)-(\d+)-[0-9a-f]+")


@dataclass(frozen=True)
class Checkpoint:
    """A verified checkpoint.

    directory: weights as a Hugging Face directory. step: optimizer steps done. values: as given
    to `save`.
    """

    directory: Path
    step: int
    values: dict[str, Any]
    group: Group

    def require_course(self, course: dict[str, Any]) -> None:
        """Raises InputError unless the run that saved this had the same `course`: what decides
        which batches come, in which order, with which schedule.
        """
        made_with = self.values["course"]
        differing = [name for name, value in course.items() if made_with.get(name) != value]
        if differing:
            raise InputError(
                f"{self.directory}: this run differs from the one that saved it in "
                f"{', '.join(differing)}; resume with the same data and flags, or start anew with "
                f"--model {self.directory} and another --output_dir"
            )

    def restore(self, model: nn.Module, optimizer: Optimizer) -> None:
        """Moments and random states into a fresh optimizer over the loaded model."""
        trainer_state.restore(self.directory, model, optimizer, self.group)


def save(
    output_dir: str | Path,
    step: int,
    *,
    group: Group,
    model: nn.Module,
    optimizer: Optimizer,
    write_model: Callable[[Path], Any],
    values: dict[str, Any],
    keep: int,
) -> Path:
    """Writes output_dir/checkpoint-STEP and removes all but the newest `keep`. Collective.

    write_model(directory): called on every rank; the main rank writes the fp32 master weights,
    the others help to gather them. values: JSON; the main rank's are kept. A failure on one rank
    fails on all, and leaves the earlier checkpoints as they were.
    """
    output_dir = Path(output_dir)
    reshard(model)
    final = output_dir / f"checkpoint-{step}"
    staging = output_dir / group.broadcast_object(_hidden_name(final.name, "tmp"))
    with _discarded_on_failure(staging, group):
        with group.together():
            if group.is_main:
                _recover(output_dir)
                (staging / trainer_state.FOLDER).mkdir(parents=True)
        with group.together():
            write_model(staging)
            trainer_state.write(staging, step, model, optimizer, values, group)
        with group.together():
            if group.is_main:
                _publish(staging, final)
                _prune(output_dir, keep)
    return final


def load(choice: str | None, output_dir: str | Path, group: Group) -> Checkpoint | None:
    """The checkpoint that `--resume_from_checkpoint` names, after reading all of it. Collective.

    choice: None (flag absent) gives None; a directory; or "latest": the newest valid one in
    output_dir, with a warning for each damaged one that is passed over, None if there are none.
    Raises InputError for a damaged directory, or if every one is damaged.
    """
    if choice is None:
        return None
    directory = None if choice == LATEST else Path(choice)
    with group.together():
        if group.is_main:
            directory = _valid(directory) if directory else _newest_valid(Path(output_dir))
    directory = group.broadcast_object(directory)
    if directory is None:
        return None
    state = trainer_state.read_values(directory)
    return Checkpoint(directory, state["step"], state["values"], group)


def checkpoints(output_dir: Path) -> list[Path]:
    """The checkpoint directories of a run, newest first; those with a damaged manifest last."""
    found = []
    for directory in output_dir.glob("checkpoint-*"):
        if re.fullmatch(r"checkpoint-\d+", directory.name) and (directory / MANIFEST).is_file():
            found.append((_sequence(directory), int(directory.name.split("-")[1]), directory))
    return [directory for *_, directory in sorted(found, reverse=True)]


def _sequence(directory: Path) -> int:
    try:
        return read_manifest(directory)["sequence"]
    except InputError:
        return -1


def _valid(directory: Path) -> Path:
    verify(directory)
    return directory


def _newest_valid(output_dir: Path) -> Path | None:
    if output_dir.is_dir():
        _recover(output_dir)
    candidates = checkpoints(output_dir)
    for directory in candidates:
        try:
            return _valid(directory)
        except InputError as error:
            print(f"warning: {error}; trying the one before it", file=sys.stderr, flush=True)
    if candidates:
        raise InputError(
            f"--resume_from_checkpoint: every checkpoint in {output_dir} is damaged; "
            "to start from the beginning, delete them or choose another --output_dir, and leave "
            "the flag out"
        )
    return None


def _publish(staging: Path, final: Path) -> None:
    output_dir = final.parent
    seal(staging, sequence=1 + max(map(_sequence, checkpoints(output_dir)), default=0))
    sync(staging)
    replaced = None
    if final.exists():  # of a run that was resumed from an earlier step
        replaced = output_dir / _hidden_name(final.name, "old")
        final.rename(replaced)
    staging.rename(final)
    sync(output_dir)
    write_atomically(output_dir / LATEST, final.name + "\n")
    if replaced:
        shutil.rmtree(replaced)


def _prune(output_dir: Path, keep: int) -> None:
    for directory in checkpoints(output_dir)[keep:]:
        doomed = output_dir / _hidden_name(directory.name, "tmp")
        directory.rename(doomed)  # so that a kill leaves no half checkpoint under its name
        shutil.rmtree(doomed)


def _hidden_name(name: str, kind: str) -> str:
    """.checkpoint-7.tmp-HOST-PID-RANDOM: who to ask whether it is still in use."""
    return f".{name}.{kind}-{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


def _recover(output_dir: Path) -> None:
    """Cleans up after killed runs.

    Puts back a checkpoint that was being replaced; removes what was being written or deleted.
    """
    for directory in output_dir.glob(".checkpoint-*"):
        match = _HIDDEN.fullmatch(directory.name)
        if not match or _in_use(directory, host=match[3], pid=int(match[4])):
            continue
        if match[2] == "old" and not (output_dir / match[1]).exists():
            directory.rename(output_dir / match[1])
        else:
            shutil.rmtree(directory)


def _in_use(directory: Path, host: str, pid: int) -> bool:
    """True if its writer may be alive: a living process here, or unknown on another machine."""
    if time.time() - directory.stat().st_mtime > _DAY_SECONDS:
        return False
    if host != socket.gethostname():
        return True
    return pid != os.getpid() and _is_alive(pid)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)  # sends nothing
    except ProcessLookupError:
        return False
    except PermissionError:  # alive, another user's
        return True
    return True


@contextmanager
def _discarded_on_failure(staging: Path, group: Group) -> Iterator[None]:
    try:
        yield
    except BaseException:
        if group.is_main:
            shutil.rmtree(staging, ignore_errors=True)
        raise
