"""The whole command on a micro model: exact over processes, accumulation and resuming."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import train_sft
from tests.micro import write_data, write_model
from tests.preempted import preempt
from tests.processes import run_ranks
from tl import InputError
from tl.data.tokenizer import load_tokenizer
from tl.model.hf import load_model
from tl.run.log import read_metrics


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return write_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return write_data(tmp_path_factory.mktemp("data") / "raw_data.json")


@pytest.fixture
def flags(model, data):
    return ["--model", model, "--data", data, "--learning_rate", 0.01, "--logging_steps", 1]


def train(*flags) -> None:
    assert train_sft.main([str(flag) for flag in flags]) == 0


def train_one_rank(*flags) -> None:
    torch.set_num_threads(1)
    train(*flags)


def weights(directory: Path) -> dict[str, torch.Tensor]:
    return load_file(directory / "model.safetensors")


def difference(left: Path, right: Path) -> float:
    a, b = weights(left), weights(right)
    assert a.keys() == b.keys()
    return max((a[name] - b[name]).abs().max().item() for name in a)


def test_training_learns_and_leaves_a_model_that_loads(flags, model, data, tmp_path):
    train(*flags, "--output_dir", tmp_path, "--num_train_epochs", 4, "--eval_data", data)
    metrics = read_metrics(tmp_path / "metrics.jsonl")
    assert list(metrics) == list(range(1, 13))  # 11 trajectories, batches of 4, 4 epochs
    assert metrics[12]["loss"] < metrics[1]["loss"] - 0.5
    assert metrics[12]["eval_loss"] < metrics[1]["loss"] and metrics[12]["eval_key_loss"] > 0
    assert difference(tmp_path, model) > 0.01
    trained = load_model(tmp_path, torch.float32, "cpu")
    assert load_tokenizer(tmp_path).encode("def f(") == load_tokenizer(model).encode("def f(")
    assert all(torch.isfinite(p).all() for p in trained.parameters())
    status = json.loads((tmp_path / "status.json").read_text())
    assert status["state"] == "finished" and status["step"] == 12


@pytest.mark.parametrize("parallel", ["replicate", "fsdp"])
@pytest.mark.parametrize("tied", [False, True])
def test_processes_and_accumulation_change_nothing(data, tmp_path, parallel, tied):
    """3 steps on ragged trajectories: 2 processes == accumulation over 2 == one batch of 4."""
    directory = write_model(tmp_path / "model", tie_word_embeddings=tied)
    flags = ["--model", directory, "--data", data, "--learning_rate", 0.01, "--max_steps", 3]
    batch = "--per_device_train_batch_size"
    train(*flags, batch, 4, "--output_dir", tmp_path / "one")
    train(*flags, batch, 2, "--gradient_accumulation_steps", 2, "--output_dir", tmp_path / "acc")
    two = [*flags, batch, 2, "--parallel", parallel, "--output_dir", tmp_path / "two"]
    run_ranks(2, train_one_rank, *two)
    assert difference(tmp_path / "one", directory) > 1e-3  # the steps were steps
    assert difference(tmp_path / "one", tmp_path / "acc") <= 1e-6
    assert difference(tmp_path / "one", tmp_path / "two") <= 1e-6
    one, two = (read_metrics(tmp_path / name / "metrics.jsonl") for name in ("one", "two"))
    assert one[3]["loss"] == pytest.approx(two[3]["loss"], abs=1e-6)


@pytest.mark.parametrize("parallel", ["replicate", "fsdp"])
@pytest.mark.parametrize("tied", [False, True])
def test_what_is_saved_lies_on_the_way(data, tmp_path, parallel, tied):
    """Between the weights at the start and those at the end, in one process and in two."""
    model = write_model(tmp_path / "model", tie_word_embeddings=tied)
    flags = ["--model", model, "--data", data, "--learning_rate", 0.01, "--max_steps", 3]
    train(*flags, "--output_dir", tmp_path / "end")
    flags += ["--wise_ft", 0.75]
    train(*flags, "--output_dir", tmp_path / "way")
    flags += ["--per_device_train_batch_size", 2, "--parallel", parallel]
    run_ranks(2, train_one_rank, *flags, "--output_dir", tmp_path / "two")
    assert difference(tmp_path / "way", tmp_path / "two") <= 1e-6
    start, end, way = (weights(each) for each in (model, tmp_path / "end", tmp_path / "way"))
    for name, tensor in way.items():
        torch.testing.assert_close(tensor, start[name].lerp(end[name], 0.75), rtol=0, atol=1e-6)
    assert difference(tmp_path / "end", tmp_path / "way") > 1e-3


def test_without_weights_at_the_start_there_is_no_way_back(flags, capsys):
    with pytest.raises(SystemExit):
        train(*flags, "--init", "random", "--wise_ft", 0.8)
    assert "no weights to go back to" in capsys.readouterr().err


@pytest.mark.parametrize("parallel", ["replicate", "fsdp"])
@pytest.mark.parametrize("tied", [False, True])
def test_frozen_embeddings_stay_as_they_are(data, tmp_path, parallel, tied):
    directory = write_model(tmp_path / "model", tie_word_embeddings=tied)
    flags = ["--model", directory, "--data", data, "--learning_rate", 0.01, "--max_steps", 3]
    flags += ["--freeze_embeddings", "--gradient_checkpointing"]
    train(*flags, "--output_dir", tmp_path / "one")
    flags += ["--per_device_train_batch_size", 2, "--parallel", parallel]
    run_ranks(2, train_one_rank, *flags, "--output_dir", tmp_path / "two")
    assert difference(tmp_path / "one", tmp_path / "two") <= 1e-6
    before, after = weights(directory), weights(tmp_path / "one")
    same = {name for name in before if torch.equal(before[name], after[name])}
    assert same == {"model.embed_tokens.weight"} | (set() if tied else {"lm_head.weight"})


def test_gradient_checkpointing_changes_nothing(flags, tmp_path):
    train(*flags, "--max_steps", 3, "--output_dir", tmp_path / "plain")
    train(*flags, "--max_steps", 3, "--gradient_checkpointing", "--output_dir", tmp_path / "less")
    assert difference(tmp_path / "plain", tmp_path / "less") <= 1e-6


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_resumed_run_ends_with_the_same_bits(flags, tmp_path, ranks):
    """5 steps == 3 steps, a new process, 2 steps: weights, moments, order, schedule."""
    flags = [*flags, "--max_steps", 5, "--save_steps", 3, "--per_device_train_batch_size", 2]
    run_ranks(ranks, train_one_rank, *flags, "--output_dir", tmp_path / "whole")
    interrupted = tmp_path / "interrupted"
    run_ranks(ranks, train_one_rank, *flags, "--output_dir", interrupted)
    (interrupted / "model.safetensors").unlink()
    assert [p.name for p in interrupted.glob("checkpoint-*")] == ["checkpoint-3"]
    resumed = [*flags, "--output_dir", interrupted, "--resume_from_checkpoint"]
    run_ranks(ranks, train_one_rank, *resumed)
    assert difference(tmp_path / "whole", interrupted) == 0.0
    whole, again = (read_metrics(tmp_path / d / "metrics.jsonl") for d in ("whole", "interrupted"))
    assert {k: v["loss"] for k, v in whole.items()} == {k: v["loss"] for k, v in again.items()}


def test_sigterm_from_outside_saves(flags, tmp_path):
    preempt("train_sft.py", [*flags, "--per_device_train_batch_size", 1], tmp_path, at_step=5)


def test_the_ablation_switches_change_what_is_learned(flags, tmp_path):
    standard, spelled_out, full = (tmp_path / name for name in ("standard", "spelled", "full"))
    train(*flags, "--max_steps", 2, "--standard_sft", "--output_dir", standard)
    train(
        *flags, "--max_steps", 2, "--no-mask_errors", "--max_weight", 1, "--output_dir", spelled_out
    )
    train(*flags, "--max_steps", 2, "--output_dir", full)
    assert difference(standard, spelled_out) == 0.0
    assert difference(standard, full) > 0


@pytest.mark.parametrize("flag", ["--other_words", "--more_parameters"])
def test_other_readings_in_each_epoch(flag, flags, tmp_path):
    """As many steps as without; a run cannot be resumed with another share."""
    more = (*flags, "--num_train_epochs", 2, "--save_steps", 3)
    runs = {share: tmp_path / str(share) for share in (0.0, 1.0)}
    for share, directory in runs.items():
        train(*more, flag, share, "--output_dir", directory)
        metrics = read_metrics(directory / "metrics.jsonl")
        assert max(metrics) == 6 and metrics[6]["epoch"] == 2.0
    assert difference(*runs.values()) > 1e-3
    wrong = (*more, flag, 0.5, "--resume_from_checkpoint", "--output_dir", runs[1.0])
    with pytest.raises(InputError, match="data"):
        train(*wrong)


def test_train_args_replay_the_run(flags, tmp_path):
    train(*flags, "--max_steps", 2, "--seed", 7, "--output_dir", tmp_path / "first")
    config = tmp_path / "first" / "train_args.json"
    train("--config", config, "--output_dir", tmp_path / "again")
    assert difference(tmp_path / "first", tmp_path / "again") == 0.0


def test_examples_are_shown_before_anything_is_paid_for(flags, tmp_path, capsys):
    train(*flags, "--show_examples", 2, "--output_dir", tmp_path / "none")
    shown = capsys.readouterr().out
    assert shown.count("--- ") == 2 and "⏎" in shown and "finish" in shown
    assert not (tmp_path / "none").exists()


def test_bfloat16_trains_master_weights_in_float32(flags, tmp_path):
    train(*flags, "--max_steps", 3, "--dtype", "bfloat16", "--output_dir", tmp_path / "bf16")
    train(*flags, "--max_steps", 3, "--output_dir", tmp_path / "fp32")
    assert all(tensor.dtype == torch.float32 for tensor in weights(tmp_path / "bf16").values())
    assert 0 < difference(tmp_path / "bf16", tmp_path / "fp32") < 0.05
