"""The tiny base model as it lies in tl/world/tiny: configuration, tokenizer, weights."""

import json
import re
import statistics
from pathlib import Path

import pytest
import torch

from kernels import weighted_linear_cross_entropy
from tl.data.tokenizer import load_tokenizer
from tl.dialects import get_dialect
from tl.model.config import ModelConfig
from tl.model.hf import init_model, load_config, load_model
from tl.world import TOOLS, tokenizer
from tl.world.datasets import make_trajectories
from tl.world.pretrain.__main__ import batch_of
from tl.world.pretrain.documents import documents, words_of
from tl.world.unseen import SEEN

TINY = Path(tokenizer.__file__).parent / "tiny"


@pytest.fixture(scope="module")
def tiny():
    return load_tokenizer(TINY)


def pieces(tiny, text: str) -> list[str]:
    return [tiny.decode_segment([token]) for token in tiny.encode_segment(text)]


def test_the_command_makes_the_committed_files(tmp_path):
    """If the world's texts have changed, run python -m tl.world.tokenizer."""
    assert tokenizer.main(["--output_dir", str(tmp_path)]) == 0
    for name in ("tokenizer.json", "tokenizer_config.json"):
        assert (tmp_path / name).read_bytes() == (TINY / name).read_bytes(), name


def test_files_belong_together(tiny):
    config = json.loads((TINY / "config.json").read_text())
    assert (tiny.bos_id, tiny.eos_id) == (config["bos_token_id"], config["eos_token_id"])
    assert tiny.vocab_size == config["vocab_size"]
    assert (TINY / "tokenizer.json").stat().st_size <= 200_000
    assert ModelConfig.from_hf(config) is not None


def test_tool_names_fall_apart_behind_their_underscores(tiny):
    assert pieces(tiny, "search_flights(") == ["search_", "flights", "("]
    assert pieces(tiny, "search_flight_status") == ["search_", "flight_", "status"]
    assert [pieces(tiny, name) for name in SEEN] == [re.findall("[^_]+_?", name) for name in SEEN]
    for name in TOOLS:
        assert "".join(pieces(tiny, name)) == name
        assert pieces(tiny, f"def {name}(")[-1 - len(pieces(tiny, name)) :] == pieces(
            tiny, f" {name}("
        )[-1 - len(pieces(tiny, name)) :], "the same in a definition and in a call"


def test_a_value_is_the_same_tokens_in_request_feedback_and_call(tiny):
    for value in ("Paris", "Anna Berg", "QX482", "2025-05-14", "EUR", "17"):
        ids = tiny.encode_segment(value)
        for text in (f"from {value} to", f"origin = '{value}',", f'"city": "{value}"}}'):
            found = tiny.encode_segment(text)
            places = range(len(found) - len(ids) + 1)
            assert any(found[i : i + len(ids)] == ids for i in places), (value, pieces(tiny, text))


def test_trajectories_are_short_and_read_back(tiny):
    dialect, lengths = get_dialect("codellama"), []
    for split, count in (("train", 1217), ("test", 200)):
        for trajectory in make_trajectories(split, count):
            segments = [segment.text for segment in dialect.render(trajectory.conversation)]
            ids = [token for text in segments for token in tiny.encode_segment(text)]
            lengths.append(len(ids))
            assert tiny.decode_segment(ids) == "".join(segments)
    assert statistics.mean(lengths) <= 700
    assert max(lengths) <= 1500


def test_the_weights_are_small():
    model = load_model(TINY, torch.float32, torch.device("cpu"))
    assert sum(parameter.numel() for parameter in model.parameters()) <= 4_000_000
    assert sum(path.stat().st_size for path in TINY.iterdir()) <= 8_000_000


def test_the_weights_have_read_the_text(tiny):
    """On documents of its last stage, drawn anew: nats per token, most of which nobody can know."""
    words = words_of(tiny.decode_segment([token]) for token in range(tiny.vocab_size))
    stream = batch_of(documents(words, seed=43, step=23_599), tiny, 8192)
    config = load_config(TINY)

    def loss(model):
        with torch.no_grad():
            hidden = model(**stream.inputs)
            return weighted_linear_cross_entropy(
                hidden, model.lm_head.weight, stream.targets, stream.weights, stream.rows
            ).item()

    assert loss(load_model(TINY, torch.float32, torch.device("cpu"))) < 2.0
    assert loss(init_model(config, 1, torch.float32, torch.device("cpu"))) > 8.0
