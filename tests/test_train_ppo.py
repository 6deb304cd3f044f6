"""PPO on a micro model: what a run leaves, what it learns, and what it does not."""

# ruff: noqa: F401, F811  fixtures of ppo_run are imported

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import train_ppo
import train_sft
from tests.micro import write_model
from tests.ppo_run import data, difference_to, flags, model, numbers, train, weights
from tl import InputError
from tl.data.tokenizer import load_tokenizer
from tl.model.hf import load_model
from tl.rl import ppo, rollout
from tl.run.log import read_metrics


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


@pytest.fixture(scope="module")
def sft(model, data, tmp_path_factory) -> Path:
    """A policy that has learned the entries by heart, more or less."""
    directory = tmp_path_factory.mktemp("sft")
    flags = ["--model", model, "--data", data, "--learning_rate", 0.01, "--max_steps", 80,
             "--per_device_train_batch_size", 6, "--output_dir", directory]  # fmt: skip
    assert train_sft.main([str(flag) for flag in flags]) == 0
    return directory


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


def test_a_reference_of_its_own(flags, tmp_path):
    other = write_model(tmp_path / "other", tie_word_embeddings=True, initializer_range=0.3)
    train(*flags, "--max_steps", 1, "--ref_model", other, "--output_dir", tmp_path / "out")
    assert numbers(tmp_path / "out")[1]["objective/kl"] > 0.1


def test_sampling_and_training_must_agree(flags, tmp_path, monkeypatch):
    """A trainer that forgets the temperature learns from ratios that mean nothing."""
    forgetful = ppo.linear_policy_loss
    monkeypatch.setattr(
        ppo, "linear_policy_loss",
        lambda *tensors, temperature, **numbers: forgetful(*tensors, **numbers),
    )  # fmt: skip
    with pytest.raises(InputError, match=r"mean \|ratio - 1\| of .* another temperature"):
        train(*flags, "--temperature", 0.5, "--output_dir", tmp_path)


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_the_first_ratio_is_one(flags, tmp_path, monkeypatch, temperature):
    gaps = []
    monkeypatch.setattr(train_ppo.ppo, "check_first_ratio", lambda gap, dtype: gaps.append(gap))
    train(*flags, "--max_steps", 1, "--temperature", temperature, "--output_dir", tmp_path)
    assert len(gaps) == 1 and gaps[0] <= 1e-5


def test_several_replies_to_a_context_are_learned_from_as_if_each_stood_alone(
    flags, tmp_path, monkeypatch
):
    """The context is read once, which changes the time and nothing else."""
    judged(monkeypatch, lambda prompt, actions: float(sum(actions) % 5))
    flags = [*flags, "--num_generations", 2, "--max_steps", 2, "--learning_rate", 1e-3]
    train(*flags, "--output_dir", tmp_path / "shared")
    packed, rows = rollout.Rollout.packed, rollout.Rollout._in_stream
    read = []

    def alone(self, shared):
        read.append(shared)
        return packed(self, False)

    monkeypatch.setattr(rollout.Rollout, "packed", alone)
    monkeypatch.setattr(rollout.Rollout, "_in_stream", lambda self, p, shared: rows(self, p, False))
    train(*flags, "--output_dir", tmp_path / "alone")
    assert read and all(read)
    assert difference_to(tmp_path / "shared", tmp_path / "alone") < 1e-5
    shared, alone = (numbers(tmp_path / name) for name in ("shared", "alone"))
    for ours, theirs in zip(shared.values(), alone.values(), strict=True):
        for key in ("objective/scores", "objective/kl", "loss/policy_avg", "loss/value_avg"):
            assert ours.get(key) == pytest.approx(theirs.get(key), abs=1e-5)


def test_replies_to_a_context_must_fill_the_rollout(flags, capsys):
    with pytest.raises(SystemExit):
        train(*flags, "--num_generations", 3)
    assert "expected a multiple of --num_generations 3" in capsys.readouterr().err


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
