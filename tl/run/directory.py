"""The output directory of a run: one run, one directory."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from tl import InputError
from tl.durable_file import write_atomically
from tl.run.checkpoint import checkpoints
from tl.run.cli import write_train_args
from tl.run.parallel import Group

STALE = ("metrics.jsonl", "samples.jsonl", "curves.svg", "skipped_records.txt")


def prepare(
    args: argparse.Namespace, group: Group, resumed: bool, skipped: Sequence[str] = ()
) -> None:
    """Makes `args.output_dir` with train_args.json, and skipped_records.txt where records were
    left out (one message each). Collective; the main rank writes.

    A fresh start replaces what an earlier run wrote beside its model. Raises InputError if the
    directory holds checkpoints and this run does not go on from one: it would mix two runs. And if
    it is the directory of `args.model`.
    """
    directory = Path(args.output_dir)
    with group.together():
        if not group.is_main:
            return
        is_source = directory.resolve() == Path(args.model).resolve()
        if is_source and (directory / "config.json").is_file():
            raise InputError(
                f"--output_dir {directory}: is the directory of --model, whose weights this run "
                "would overwrite; choose another --output_dir"
            )
        directory.mkdir(parents=True, exist_ok=True)
        if not resumed:
            earlier = checkpoints(directory)
            if earlier:
                raise InputError(
                    f"--output_dir {directory}: holds {earlier[0].name} of an earlier run; go on "
                    "from it with --resume_from_checkpoint, or choose another --output_dir"
                )
            for stale in STALE:
                (directory / stale).unlink(missing_ok=True)
        write_train_args(directory, args, group.size)
        if skipped:
            lines = "".join(f"{message}\n" for message in skipped)
            write_atomically(directory / "skipped_records.txt", lines)
