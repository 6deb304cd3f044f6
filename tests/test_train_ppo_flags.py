"""The command line of train_ppo.py: its kinds of data, its recipe, what it refuses."""

# ruff: noqa: F401, F811  fixtures of ppo_run are imported

import json

import pytest

import train_ppo
from tests.micro import ROOT, write_data, write_model
from tests.ppo_run import data, difference, flags, model, numbers, train
from tl import InputError
from tl.data.entries import read_entries


def test_exercises_of_the_world_are_played(model, tmp_path):
    train("--model", model, "--data", "world", "--exercises", 1200, "--response_length", 4,
          "--per_device_rollout_batch_size", 6, "--max_steps", 1, "--num_ppo_epochs", 1,
          "--output_dir", tmp_path)  # fmt: skip
    assert numbers(tmp_path)[1]["rollout/replies"] >= 1


def test_trajectories_are_entries_too(flags, tmp_path):
    data = write_data(tmp_path / "raw_data.json", 3)
    train(*flags, "--data", data, "--max_steps", 1, "--output_dir", tmp_path / "out")
    assert len(read_entries(data)) > 3


def test_a_context_without_room_is_a_bad_record(flags, model, tmp_path):
    small = write_model(tmp_path / "small", max_position_embeddings=200, tie_word_embeddings=True)
    flags = [*flags, "--model", small, "--output_dir", tmp_path / "out"]
    with pytest.raises(InputError, match=r"entries.json:\d+: the context has \d+ tokens"):
        train(*flags)
    with pytest.raises(InputError, match="nothing is left of it"):
        train(*flags, "--on_bad_record", "skip")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--exercises", 3], "--exercises: needs --data world"),
        (["--parallel", "fsdp"], "--parallel fsdp: every process"),
        (["--num_generations", 2, "--lam", 0.95], "--lam 0.95: expected 1 with --num_gen"),
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
    expected = "out/sft: no such directory; `torchrun train_sft.py` makes out/sft"
    assert expected in capsys.readouterr().err


def test_train_args_replay_the_run(flags, tmp_path):
    train(*flags, "--max_steps", 2, "--output_dir", tmp_path / "first")
    config = tmp_path / "first" / "train_args.json"
    train("--config", config, "--output_dir", tmp_path / "again")
    assert difference(tmp_path / "first", tmp_path / "again") == 0.0


@pytest.mark.parametrize(
    ("flags", "lam"),
    [([], 0.95), (["--lam", 0.5], 0.5), (["--lam", 1, "--num_generations", 8], 1.0),
     (["--num_generations", 8], 1.0)],
)  # fmt: skip
def test_the_default_of_lambda_follows_from_the_number_of_generations(flags, lam):
    assert train_ppo.parse(["--model", "world", "--data", "world", *map(str, flags)]).lam == lam


def test_the_recipe_is_made_of_flags():
    recipe = json.loads((ROOT / "tl/world/recipes/ppo.json").read_text())
    assert recipe["model"] == "out/sft" and recipe["data"] == recipe["eval_data"] == "world"
