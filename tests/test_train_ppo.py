"""The whole command on a micro model: learning, exact over processes and resuming, refusals."""

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
import train_sft
from tests.micro import ROOT, write_data, write_model
from tests.processes import Died, run_ranks
from tl import InputError
from tl.agent import practice
from tl.data.entries import read_entries
from tl.data.tokenizer import load_tokenizer
from tl.model.hf import load_model
from tl.rl import ppo, rollout
from tl.run import checkpoint
from tl.run.log import read_metrics
from tl.world.datasets import make_entries
from tl.world.rl import entry_record


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return write_model(tmp_path_factory.mktemp("model"), tie_word_embeddings=True)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Six short entries."""
    path = tmp_path_factory.mktemp("data") / "entries.json"
    made = sorted(map(entry_record, make_entries(80)), key=lambda record: len(str(record)))
    path.write_text(json.dumps(made[:6]), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def sft(model, data, tmp_path_factory) -> Path:
    """A policy that has learned the entries by heart, more or less."""
    directory = tmp_path_factory.mktemp("sft")
    flags = ["--model", model, "--data", data, "--learning_rate", 0.01, "--max_steps", 80,
             "--per_device_train_batch_size", 6, "--output_dir", directory]  # fmt: skip
    assert train_sft.main([str(flag) for flag in flags]) == 0
    return directory


@pytest.fixture
def flags(model, data):
    return [
        "--model", model, "--data", data, "--learning_rate", 0.01, "--critic_learning_rate", 0.01,
        "--per_device_rollout_batch_size", 4, "--response_length", 6, "--max_steps", 3,
    ]  # fmt: skip


def train(*flags) -> None:
    assert train_ppo.main([str(flag) for flag in flags]) == 0


def train_one_rank(*flags) -> None:
    torch.set_num_threads(1)
    train(*flags)


def weights(directory: Path) -> dict[str, torch.Tensor]:
    parts = {"actor": directory, "critic": directory / "critic"}
    found = {f"{name} {key}": tensor for name, folder in parts.items()
             if (folder / "model.safetensors").exists()
             for key, tensor in load_file(folder / "model.safetensors").items()}  # fmt: skip
    return found | load_file(directory / "critic" / "value_head.safetensors")


def difference(left: Path, right: Path) -> float:
    a, b = weights(left), weights(right)
    assert a.keys() == b.keys()
    return max((a[name] - b[name]).abs().max().item() for name in a)


def numbers(directory: Path) -> dict[int, dict]:
    """All metrics but the times."""
    metrics = read_metrics(directory / "metrics.jsonl")
    return {step: {key: value for key, value in row.items() if "seconds" not in key}
            for step, row in metrics.items()}  # fmt: skip


def test_a_run_leaves_a_policy_a_critic_and_its_account(flags, model, data, tmp_path):
    train(*flags, "--output_dir", tmp_path, "--eval_data", data, "--sample_steps", 2)
    metrics = read_metrics(tmp_path / "metrics.jsonl")
    assert list(metrics) == [0, 1, 2, 3]
    assert {"eval/data/reward", "eval/data/cf"} <= metrics[0].keys() & metrics[3].keys()
    first = metrics[1]
    assert first["objective/kl"] == pytest.approx(0, abs=1e-5)  # the policy is the reference
    assert first["critic/value_mean"] == 0  # a head of zeros
    assert metrics[3]["objective/kl"] != 0 and metrics[3]["critic/value_mean"] != 0
    for row in (metrics[1], metrics[2], metrics[3]):
        assert row["rollout/truncated"] == pytest.approx(1, abs=0.5) and 1 <= row["updates"] <= 4
        assert -2 <= row["objective/scores"] <= 1 and 0 <= row["rollout/correct"] <= 1
    samples = [json.loads(line) for line in (tmp_path / "samples.jsonl").read_text().splitlines()]
    assert {row["step"] for row in samples} == {1, 2, 3}
    assert all(row["gold"] and len(row["reply"]) == len(row["reward"]) == 1 for row in samples)
    assert (tmp_path / "curves.svg").read_text().count("<polyline") >= 5
    trained = load_model(tmp_path, torch.float32, "cpu")
    assert all(torch.isfinite(p).all() for p in trained.parameters())
    head = load_file(tmp_path / "critic" / "value_head.safetensors")
    assert head["weight"].abs().max() > 0
    status = json.loads((tmp_path / "status.json").read_text())
    assert status["state"] == "finished" and status["step"] == 3


def judged(monkeypatch, worth) -> None:
    """The reward of an episode is worth(its prompt, its actions)."""

    def on_text(recorder, number, text):
        trace = recorder._traces[number]
        start = trace.places[0] + 1
        trace.rewards[-1] = worth(trace.ids[:start], trace.actions)
        trace.replies.append((text, trace.rewards[-1]))

    monkeypatch.setattr(rollout.Recorder, "on_text", on_text)


@pytest.fixture
def more_data(data, tmp_path) -> Path:
    path = tmp_path / "more.json"
    path.write_text(json.dumps(json.loads(data.read_text()) * 4), encoding="utf-8")
    return path


@pytest.mark.parametrize("critic", ["separate", "shared"])
def test_the_policy_learns_what_is_rewarded(flags, sft, more_data, tmp_path, monkeypatch, critic):
    """1 for replies that begin as the finishing call does: some at first, nearly all in the end."""
    (finish,) = {entry[0] for entry in first_tokens(sft, "finish(")}
    judged(monkeypatch, lambda prompt, actions: float(actions[0] == finish))
    train(*flags, "--model", sft, "--data", more_data, "--per_device_rollout_batch_size", 24,
          "--per_device_train_batch_size", 24, "--max_steps", 12, "--response_length", 2,
          "--kl_coef", 0.01, "--critic", critic, "--output_dir", tmp_path / "out")  # fmt: skip
    rows = numbers(tmp_path / "out")
    assert rows[1]["objective/scores"] < 0.7
    assert rows[12]["objective/scores"] > 0.95
    assert rows[12]["objective/kl"] > 0.3  # it is far from the reference now, and knows it


def first_tokens(directory: Path, *replies: str) -> list[list[int]]:
    """The ids of replies as they stand behind a prompt."""
    tokenizer = load_tokenizer(directory)
    return [tokenizer.encode_segment(" " + reply) for reply in replies]


def test_the_critic_learns_what_follows_from_the_prompt(flags, more_data, tmp_path, monkeypatch):
    judged(monkeypatch, lambda prompt, actions: 1.0 if sum(prompt) % 2 else -1.0)
    train(*flags, "--data", more_data, "--per_device_rollout_batch_size", 24, "--max_steps", 12,
          "--per_device_train_batch_size", 24, "--learning_rate", 0, "--cliprange_value", 5,
          "--lr_scheduler_type", "constant", "--output_dir", tmp_path / "out")  # fmt: skip
    rows = numbers(tmp_path / "out")
    assert rows[1]["critic/explained_variance"] == pytest.approx(0, abs=1e-6)
    assert rows[12]["critic/explained_variance"] > 0.95


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


def difference_to(model: Path, trained: Path) -> float:
    a, b = (load_file(folder / "model.safetensors") for folder in (model, trained))
    return max((a[name] - b[name]).abs().max().item() for name in a)


def test_the_size_of_a_pass_changes_nothing(flags, tmp_path):
    name = "--per_device_train_batch_size"
    train(*flags, name, 4, "--output_dir", tmp_path / "four")
    train(*flags, name, 1, "--output_dir", tmp_path / "one")
    assert difference(tmp_path / "four", tmp_path / "one") <= 1e-5


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
        "rollout": (practice, "judge"), "score": (train_ppo, "join"), "learn": (ppo, "ppo_loss"),
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


def test_a_reference_of_its_own(flags, tmp_path):
    other = write_model(tmp_path / "other", tie_word_embeddings=True, initializer_range=0.3)
    train(*flags, "--max_steps", 1, "--ref_model", other, "--output_dir", tmp_path / "out")
    assert numbers(tmp_path / "out")[1]["objective/kl"] > 0.1


def test_sampling_and_training_must_agree(flags, tmp_path, monkeypatch):
    """A trainer that forgets the temperature learns from ratios that mean nothing."""
    forgetful = train_ppo.linear_token_logprobs
    monkeypatch.setattr(
        train_ppo, "linear_token_logprobs", lambda h, w, t, temperature: forgetful(h, w, t, 1.0)
    )
    with pytest.raises(InputError, match=r"mean \|ratio - 1\| of .* another temperature"):
        train(*flags, "--temperature", 0.5, "--output_dir", tmp_path)


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_the_first_ratio_is_one(flags, tmp_path, monkeypatch, temperature):
    gaps = []
    monkeypatch.setattr(train_ppo.ppo, "check_first_ratio", lambda gap, dtype: gaps.append(gap))
    train(*flags, "--max_steps", 1, "--temperature", temperature, "--output_dir", tmp_path)
    assert len(gaps) == 1 and gaps[0] <= 1e-5


def test_the_passes_end_when_the_policy_has_gone_too_far(flags, tmp_path):
    flags = [*flags, "--num_ppo_epochs", 6, "--learning_rate", 0.05]
    train(*flags, "--kl_stop", 0, "--output_dir", tmp_path / "all")
    train(*flags, "--kl_stop", 0.01, "--output_dir", tmp_path / "few")
    assert numbers(tmp_path / "all")[1]["updates"] == 6
    assert 1 <= numbers(tmp_path / "few")[1]["updates"] < 6
    assert (
        numbers(tmp_path / "few")[1]["policy/approxkl_avg"]
        < numbers(tmp_path / "all")[1]["policy/approxkl_avg"]
    )


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


def test_without_learning_nothing_moves(flags, model, tmp_path):
    train(*flags, "--learning_rate", 0, "--critic_learning_rate", 0, "--output_dir", tmp_path)
    assert difference_to(model, tmp_path) == 0
    for step, row in numbers(tmp_path).items():
        assert row["val/ratio"] == pytest.approx(1, abs=1e-5), step
        assert row["policy/approxkl_avg"] == pytest.approx(0, abs=1e-9)
        assert row["objective/kl"] == pytest.approx(0, abs=1e-4)


def test_the_critic_can_learn_first(flags, model, tmp_path):
    train(*flags, "--critic_warmup_steps", 2, "--max_steps", 2, "--output_dir", tmp_path)
    assert difference_to(model, tmp_path) == 0
    assert load_file(tmp_path / "critic" / "value_head.safetensors")["weight"].abs().max() > 0


def test_a_cut_reply_goes_on_with_its_value_if_wanted(flags, tmp_path):
    train(*flags, "--truncation", "bootstrap", "--output_dir", tmp_path)
    rows = numbers(tmp_path)
    assert all(row["rollout/truncated"] > 0.5 for row in rows.values())
    assert all(-2 * (1 - row["rollout/truncated"]) <= row["objective/scores"]
               for row in rows.values())  # fmt: skip


def test_bfloat16_trains_master_weights_in_float32(flags, tmp_path):
    train(*flags, "--max_steps", 2, "--dtype", "bfloat16", "--output_dir", tmp_path)
    assert all(tensor.dtype == torch.float32 for tensor in weights(tmp_path).values())
    assert 0 < numbers(tmp_path)[1]["val/ratio_gap"]


def test_sigterm_saves_and_the_run_goes_on(flags, tmp_path):
    """The signal comes from outside, in the middle of a step; the run saves at its boundary."""
    flags = [*flags, "--max_steps", 400, "--save_steps", 0, "--output_dir", tmp_path]
    process = subprocess.Popen(
        [sys.executable, *map(str, [ROOT / "train_ppo.py", *flags])], stdout=subprocess.PIPE,
        text=True, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    for line in process.stdout:
        if line.startswith("step") and " 3/400" in line:
            process.send_signal(signal.SIGTERM)
            break
    process.stdout.read()
    assert process.wait(timeout=60) == 0
    status = json.loads((tmp_path / "status.json").read_text())
    assert status["state"] == "preempted" and 3 <= status["step"] < 400
    assert Path(status["checkpoint"]).name == f"checkpoint-{status['step']}"


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


def test_exercises_of_the_world_are_played(model, tmp_path):
    train("--model", model, "--data", "world", "--exercises", 1200, "--response_length", 4,
          "--per_device_rollout_batch_size", 6, "--max_steps", 1, "--num_ppo_epochs", 1,
          "--output_dir", tmp_path)  # fmt: skip
    assert numbers(tmp_path)[1]["rollout/replies"] >= 1


def test_trajectories_are_entries_too(flags, tmp_path):
    data = write_data(tmp_path / "raw_data.json", 3)
    train(*flags, "--data", data, "--max_steps", 1, "--output_dir", tmp_path / "out")
    assert len(read_entries(data)) > 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--exercises", 3], "--exercises: needs --data world"),
        (["--parallel", "fsdp"], "--parallel fsdp: every process"),
    ],
)
def test_what_does_not_go_together_is_refused(flags, change, message, capsys):
    with pytest.raises(SystemExit):
        train(*flags, *change)
    assert message in capsys.readouterr().err


def test_without_flags_it_needs_the_model_of_the_sft_script(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        train_ppo.main([])
    assert "out/sft: no such directory; `torchrun train_sft.py` makes it" in capsys.readouterr().err


def test_another_course_is_no_resumption(flags, tmp_path):
    train(*flags, "--save_steps", 2, "--output_dir", tmp_path)
    with pytest.raises(InputError, match="differs from the one that saved it in critic"):
        train(*flags, "--critic", "shared", "--output_dir", tmp_path, "--resume_from_checkpoint")


def test_a_context_without_room_is_a_bad_record(flags, model, tmp_path):
    small = write_model(tmp_path / "small", max_position_embeddings=200, tie_word_embeddings=True)
    flags = [*flags, "--model", small, "--output_dir", tmp_path / "out"]
    with pytest.raises(InputError, match=r"entries.json:\d+: the context has \d+ tokens"):
        train(*flags)
    with pytest.raises(InputError, match="nothing is left of it"):
        train(*flags, "--on_bad_record", "skip")


def test_train_args_replay_the_run(flags, tmp_path):
    train(*flags, "--max_steps", 2, "--output_dir", tmp_path / "first")
    config = tmp_path / "first" / "train_args.json"
    train("--config", config, "--output_dir", tmp_path / "again")
    assert difference(tmp_path / "first", tmp_path / "again") == 0.0


def test_the_recipe_is_made_of_flags():
    recipe = json.loads((ROOT / "tl/world/recipes/ppo.json").read_text())
    assert recipe["model"] == "out/sft" and recipe["data"] == recipe["eval_data"] == "world"
