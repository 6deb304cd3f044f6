"""PPO in any number of processes, interrupted anywhere, ends where one whole run ends."""

# ruff: noqa: F401, F811  fixtures of ppo_run are imported

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import train_ppo
from tests.micro import ROOT
from tests.ppo_run import (
    data,
    difference,
    difference_to,
    flags,
    model,
    numbers,
    train,
    train_one_rank,
    weights,
)  # fmt: skip
from tests.preempted import preempt
from tests.processes import Died, run_ranks
from tl import InputError
from tl.agent import practice
from tl.rl import ppo
from tl.run import checkpoint


@pytest.mark.parametrize("critic", ["separate", "shared"])
def test_processes_change_nothing(flags, model, tmp_path, critic):
    """They sample as one would, and learn as one would: 2 x 2 episodes == 4."""
    flags = [*flags, "--critic", critic, "--num_mini_batches", 1]
    size = "--per_device_rollout_batch_size"
    train(*flags, "--output_dir", tmp_path / "one")
    run_ranks(2, train_one_rank, *flags, size, 2, "--output_dir", tmp_path / "two")
    assert difference_to(model, tmp_path / "one") > 1e-3  # the steps were steps
    assert difference(tmp_path / "one", tmp_path / "two") <= 1e-5
    one, two = numbers(tmp_path / "one"), numbers(tmp_path / "two")
    for step in one:
        assert one[step] == pytest.approx(two[step], abs=1e-4)


@pytest.mark.parametrize("critic", ["separate", "shared"])
def test_frozen_embeddings_stay_as_they_are(flags, model, tmp_path, critic):
    train(*flags, "--critic", critic, "--freeze_embeddings", "--output_dir", tmp_path)
    vocabulary = {"model.embed_tokens.weight", "lm_head.weight"}
    for trained in [tmp_path, tmp_path / "critic"] if critic == "separate" else [tmp_path]:
        before, after = (load_file(each / "model.safetensors") for each in (model, trained))
        same = {name for name in before if torch.equal(before[name], after[name])}
        assert same == vocabulary & {*before}


def test_the_size_of_a_pass_changes_nothing(flags, tmp_path):
    name = "--per_device_train_batch_size"
    train(*flags, name, 4, "--output_dir", tmp_path / "four")
    train(*flags, name, 1, "--output_dir", tmp_path / "one")
    assert difference(tmp_path / "four", tmp_path / "one") <= 1e-5


def test_torchrun_starts_two_processes(flags, tmp_path):
    command = [Path(sys.executable).parent / "torchrun", "--nproc_per_node", 2,
               "--rdzv_backend", "c10d", "--rdzv_endpoint", "localhost:0",
               ROOT / "train_ppo.py", *flags, "--per_device_rollout_batch_size", 2,
               "--output_dir", tmp_path]  # fmt: skip
    subprocess.run(
        [str(part) for part in command], check=True, capture_output=True, timeout=120,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    arguments = json.loads((tmp_path / "train_args.json").read_text())
    assert arguments["environment"]["world_size"] == 2
    assert list(numbers(tmp_path)) == [1, 2, 3]


@pytest.mark.parametrize(("ranks", "critic"), [(1, "separate"), (2, "separate"), (1, "shared")])
def test_a_resumed_run_ends_with_the_same_bits(flags, tmp_path, ranks, critic):
    """Policy, critic, both optimizers, KL controller, samples, order of the data."""
    flags = [*flags, "--per_device_rollout_batch_size", 4 // ranks, "--critic", critic,
             "--max_steps", 4, "--save_steps", 2, "--num_mini_batches",
             2, "--kl_target", 0.01, "--kl_horizon", 100, "--num_ppo_epochs", 2]  # fmt: skip
    run_ranks(ranks, train_one_rank, *flags, "--output_dir", tmp_path / "whole")
    again = tmp_path / "again"
    run_ranks(ranks, train_one_rank, *flags, "--output_dir", again)
    (again / "model.safetensors").unlink()
    assert [path.name for path in again.glob("checkpoint-*")] == ["checkpoint-2"]
    resumed = [*flags, "--output_dir", again, "--resume_from_checkpoint"]
    run_ranks(ranks, train_one_rank, *resumed)
    assert difference(tmp_path / "whole", again) == 0.0
    assert numbers(tmp_path / "whole") == numbers(again)
    coefficients = {row["objective/kl_coef"] for row in numbers(again).values()}
    assert len(coefficients) == 4  # it has adapted


def test_nothing_of_a_pass_that_was_given_up_is_left(flags, tmp_path):
    """Its gradients are not those of the next rollout: a resumed run has none of them."""
    flags = [*flags, "--num_ppo_epochs", 6, "--learning_rate", 0.05, "--kl_stop", 0.01,
             "--max_steps", 2, "--save_steps", 1, "--output_dir", tmp_path]  # fmt: skip
    train(*flags)
    assert numbers(tmp_path)[1]["updates"] < 6
    whole, at_once = weights(tmp_path), numbers(tmp_path)[2]
    train(*flags, "--resume_from_checkpoint", tmp_path / "checkpoint-1")
    assert numbers(tmp_path)[2] == at_once
    assert all(torch.equal(whole[name], tensor) for name, tensor in weights(tmp_path).items())


PHASES = ["rollout", "score", "learn", "save"]


@pytest.mark.parametrize("phase", PHASES)
def test_a_kill_in_any_phase_costs_no_more_than_the_work_since_the_checkpoint(
    flags, tmp_path, phase
):
    flags = [*flags, "--max_steps", 4, "--save_steps", 1, "--num_ppo_epochs", 2]
    run_ranks(1, train_one_rank, *flags, "--output_dir", tmp_path / "whole")
    killed = tmp_path / "killed"
    with pytest.raises(Died, match="exit status -9"):
        run_ranks(1, train_and_die, phase, *flags, "--output_dir", killed)
    assert not (killed / "model.safetensors").exists()
    run_ranks(1, train_one_rank, *flags, "--output_dir", killed, "--resume_from_checkpoint")
    assert difference(tmp_path / "whole", killed) == 0.0
    assert numbers(tmp_path / "whole") == numbers(killed)


def train_and_die(phase: str, *flags) -> None:
    """Kill -9 from inside, in the third step."""
    places = {
        "rollout": (practice, "judge"), "score": (train_ppo, "join"), "learn": (ppo, "actor_loss"),
        "save": (checkpoint, "_publish"),
    }  # fmt: skip
    module, name = places[phase]
    original, calls = getattr(module, name), []
    in_third_step = {"rollout": 10, "score": 3, "learn": 6, "save": 3}[phase]

    def deadly(*arguments, **named):
        calls.append(1)
        if len(calls) == in_third_step:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments, **named)

    setattr(module, name, deadly)
    train_one_rank(*flags)


def test_sigterm_from_outside_saves(flags, tmp_path):
    preempt("train_ppo.py", flags, tmp_path, at_step=3)


def test_another_course_is_no_resumption(flags, tmp_path):
    train(*flags, "--save_steps", 2, "--output_dir", tmp_path)
    with pytest.raises(InputError, match="differs from the one that saved it in critic"):
        train(*flags, "--critic", "shared", "--output_dir", tmp_path, "--resume_from_checkpoint")
