"""Killed before any file operation or step, a run resumes to the same bits and has lost no
checkpoint.
"""

import os
import random
import shutil
import signal
import sys
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from tests import tiny_run
from tests.processes import Died, run_ranks
from tests.tiny_run import Recipe, train
from tl.run import checkpoint, manifest

EVENTS = ("open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "tiny_run.step")


def same(a: dict, b: dict) -> bool:
    return all(
        np.array_equal(a["parameters"][name], b["parameters"][name]) for name in a["parameters"]
    )


def killed_at(recipe: Recipe, event: int, progress: str) -> int:
    """Trains; rank 0 kills itself with SIGKILL before its `event`-th file operation or step.

    Finished steps of published checkpoints go to the file `progress`. Without a kill: the number
    of events there were.
    """
    seen = count(1)
    total = 0
    publish = checkpoint.save

    def on_event(name: str, arguments: tuple) -> None:
        nonlocal total
        if name in EVENTS and not (name == "open" and recipe.output_dir not in str(arguments[0])):
            total = next(seen)
            if total == event and os.environ["RANK"] == "0":
                os.kill(os.getpid(), signal.SIGKILL)

    def save(output_dir, step, **rest):
        path = publish(output_dir, step, **rest)
        Path(progress).write_text(str(step))
        return path

    tiny_run.checkpoint.save = save
    sys.addaudithook(on_event)
    train(recipe)
    return total


def check_kill(recipe: Recipe, size: int, event: int, expected: list, scratch: Path) -> None:
    """Kill, resume, compare with the run that nobody killed."""
    recipe = recipe._replace(output_dir=str(scratch / "run"))
    progress = scratch / "progress"
    progress.write_text("0")
    with pytest.raises(Died):
        run_ranks(size, killed_at, recipe, event, str(progress))
    for directory in scratch.glob("run/checkpoint-*"):
        manifest.verify(directory)  # what is named checkpoint-N is whole, always
    resumed = run_ranks(size, train, recipe._replace(resume="latest"))
    assert resumed[0]["start"] >= int(progress.read_text()), f"work lost by a kill at event {event}"
    for rank in range(size):
        assert same(resumed[rank], expected[rank]), f"killed at event {event}"
        assert resumed[rank]["noise"] == expected[rank]["noise"]
    assert not list(scratch.glob("run/.checkpoint-*")), "stale directories"
    shutil.rmtree(scratch / "run")


def test_killed_at_any_event_it_resumes_to_the_same_bits(tmp_path):
    """A run that keeps one checkpoint of two: before every file operation and step from the
    second save on, before every third of those that lead to the first.
    """
    recipe = Recipe(steps=2, save_steps=1, keep=1, micro_batches=2)
    expected = run_ranks(1, train, recipe._replace(save_steps=0))
    whole = recipe._replace(output_dir=str(tmp_path / "whole"))
    (events,) = run_ranks(1, killed_at, whole, 0, str(tmp_path / "progress"))
    assert events > 50
    for event in (*range(1, events // 2, 3), *range(events // 2, events + 1)):
        check_kill(recipe, 1, event, expected, tmp_path)


@pytest.mark.parametrize("mode", ["replicate", "fsdp"])
def test_killed_with_two_ranks(mode, tmp_path):
    recipe = Recipe(steps=3, save_steps=1, keep=1, parallel=mode, micro_batches=2)
    expected = run_ranks(2, train, recipe._replace(save_steps=0))
    for event in random.Random(0).sample(range(2, 70), 4):
        check_kill(recipe, 2, event, expected, tmp_path)
