"""SIGTERM and Ctrl-C: agreed over ranks, saved, resumed; the status file."""

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from tests.processes import run_ranks
from tests.test_run_parallel import ALONE
from tests.tiny_run import Recipe, train
from tl.run.signals import RunStatus, StopRequest


def status(directory) -> dict:
    return json.loads((Path(directory) / "status.json").read_text())


@pytest.mark.parametrize("mode, size", [("replicate", 1), ("replicate", 2), ("fsdp", 2)])
def test_sigterm_on_one_rank_saves_on_all_and_resumes_to_the_same_bits(tmp_path, mode, size):
    recipe = Recipe(steps=4, parallel=mode, save_steps=100, output_dir=str(tmp_path))
    straight = run_ranks(size, train, recipe._replace(output_dir="", save_steps=0))
    stopped = run_ranks(size, train, recipe._replace(stop_after=2))
    path = tmp_path / "checkpoint-2"
    assert [answer["saved"] for answer in stopped] == [[path]] * size
    assert status(tmp_path) == {"state": "preempted", "step": 2, "checkpoint": str(path)}
    resumed = run_ranks(size, train, recipe._replace(resume="latest"))
    assert status(tmp_path)["state"] == "finished"
    for name, value in straight[0]["parameters"].items():
        assert np.array_equal(value, resumed[0]["parameters"][name])


def test_the_second_ctrl_c_interrupts():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with StopRequest(ALONE) as stop:
        assert not stop.requested()
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.requested()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert before == (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))


def test_status_tells_how_a_run_ended(tmp_path):
    with RunStatus(tmp_path, True) as run:
        assert status(tmp_path) == {"state": "running", "step": 0, "checkpoint": None}
        run.update(5, tmp_path / "checkpoint-5")
        run.update(7)
    expected = {"step": 7, "checkpoint": str(tmp_path / "checkpoint-5")}
    assert status(tmp_path) == {"state": "finished", **expected}
    with pytest.raises(ValueError), RunStatus(tmp_path, True):
        raise ValueError
    assert status(tmp_path)["state"] == "failed"


def test_only_the_main_rank_writes_the_status(tmp_path):
    with RunStatus(tmp_path, False) as run:
        run.update(5)
    assert list(tmp_path.iterdir()) == []
