"""What the tests of train_ppo.py share: a micro model, short entries, a run and what it left."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import train_ppo
from tests.micro import write_model
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


def difference_to(model: Path, trained: Path) -> float:
    a, b = (load_file(folder / "model.safetensors") for folder in (model, trained))
    return max((a[name] - b[name]).abs().max().item() for name in a)


def numbers(directory: Path) -> dict[int, dict]:
    """All metrics but the times."""
    metrics = read_metrics(directory / "metrics.jsonl")
    return {step: {key: value for key, value in row.items() if "seconds" not in key}
            for step, row in metrics.items()}  # fmt: skip
