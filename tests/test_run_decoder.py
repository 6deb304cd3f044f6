"""The real decoder and loss op under sharding: loaded by rows, trained one step, saved whole."""

import filecmp
import math

import pytest
import torch

from kernels import weighted_linear_cross_entropy
from tests.processes import run_ranks
from tl.model.config import ModelConfig
from tl.model.decoder import Decoder
from tl.model.hf import init_model, load_config, load_model, load_weights, save_model
from tl.run import parallel, shard
from tl.run.optim import adamw

CONFIG = {
    "model_type": "llama",
    "vocab_size": 37,  # uneven over two ranks
    "hidden_size": 12,
    "intermediate_size": 20,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "num_key_value_heads": 1,
    "max_position_embeddings": 32,
    "rms_norm_eps": 1e-6,
}
LENGTHS = (5, 9)  # one sequence per rank; on the second no position is learned


def backward(model: Decoder, places) -> None:
    """Gradients of sum_t c_t nll_t / 4 over the sequences at `places`."""
    for place in places:
        generator = torch.Generator().manual_seed(place)
        length = LENGTHS[place]
        ids, targets = torch.randint(37, (2, length), generator=generator)
        coefficients = torch.rand(length, generator=generator) * (place == 0)
        hidden = model(ids, torch.arange(length), torch.tensor([0, length]))
        weighted_linear_cross_entropy(
            hidden, model.lm_head.weight, targets, coefficients / 4
        ).backward()


def step(model: Decoder, places, group: parallel.Group) -> float:
    optimizer = adamw(model, 1e-3)
    backward(model, places)
    parallel.sync_gradients(model.parameters(), group)
    norm = parallel.clip_grad_norm(model.parameters(), 1.0)
    optimizer.step()
    return norm.item()


def train_one_step(source: str, target: str, mode: str, dtype: torch.dtype) -> float:
    group = parallel.start("cpu")
    if mode == "fsdp":
        with torch.device("meta"):
            model = Decoder(load_config(source))
        shard.shard(model, model.model.layers, group, dtype)
        model.to_empty(device="cpu")
        load_weights(model, source, copy=shard.copy_local)
    else:
        model = load_model(source, torch.float32)
    model.gradient_checkpointing = True
    norm = step(model, range(group.rank, 2, group.size), group)
    with group.together():
        save_model(model, target, gather=shard.gather(group), write=group.is_main)
    group.close()
    return norm


@pytest.fixture(params=[False, True], ids=["untied", "tied"])
def source(request, tmp_path):
    config = ModelConfig.from_hf({**CONFIG, "tie_word_embeddings": request.param})
    save_model(init_model(config, seed=3), tmp_path / "source")
    return tmp_path / "source"


@pytest.mark.parametrize("mode", ["replicate", "fsdp"])
def test_two_ranks_give_the_step_of_one_process(source, tmp_path, mode):
    target = tmp_path / "trained"
    norms = run_ranks(2, train_one_step, str(source), str(target), mode, torch.float32)
    model = load_model(source, torch.float32)
    alone = parallel.Group(0, 1, torch.device("cpu"))
    expected = step(model, range(2), alone)
    assert norms == pytest.approx([expected] * 2, rel=1e-6)
    trained = load_model(target, torch.float32)
    for (name, p), q in zip(model.named_parameters(), trained.parameters(), strict=True):
        assert (p - q).abs().max() <= 1e-6, name
    before = load_model(source, torch.float32)
    moved = [
        not torch.equal(p, q)
        for p, q in zip(trained.parameters(), before.parameters(), strict=True)
    ]
    assert all(moved)


def test_bfloat16_computation_gives_nearly_the_same_gradient(source, tmp_path):
    for dtype in (torch.float32, torch.bfloat16):
        norm, other = run_ranks(
            2, train_one_step, str(source), str(tmp_path / "trained"), "fsdp", dtype
        )
        assert norm == other and math.isfinite(norm)
        if dtype == torch.float32:
            exact = norm
    assert norm == pytest.approx(exact, rel=0.02) and norm != exact


def load_and_save(source: str, target: str) -> None:
    group = parallel.start("cpu")
    with torch.device("meta"):
        model = Decoder(load_config(source))
    shard.shard(model, model.model.layers, group)
    model.to_empty(device="cpu")
    load_weights(model, source, copy=shard.copy_local)
    save_model(model, target, gather=shard.gather(group), write=group.is_main)
    group.close()


def test_sharding_loses_no_bit(source, tmp_path):
    run_ranks(3, load_and_save, str(source), str(tmp_path / "again"))
    for path in source.iterdir():
        assert filecmp.cmp(path, tmp_path / "again" / path.name, shallow=False), path.name
