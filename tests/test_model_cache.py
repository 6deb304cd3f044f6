"""Reading a sequence in pieces, through a cache, gives what reading it at once gives."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.strategies.model import configs, rope_scalings
from tests.test_model_decoder import TINY, brute_force_attention, build
from tl.model import cache as cache_module
from tl.model.cache import (
    CALL_NUMBERS,
    GROUP_ROWS,
    KVCache,
    attend_by_products,
    attend_fused,
)
from tl.model.config import ModelConfig


def whole_logits(model, ids: list[int]) -> torch.Tensor:
    """[T, V] of one sequence, uncached: the oracle."""
    positions, bounds = torch.arange(len(ids)), torch.tensor([0, len(ids)])
    return model(torch.tensor(ids), positions, bounds) @ model.lm_head.weight.T


def read(model, cache: KVCache, slots: list[int], sequences: list[list[int]]) -> None:
    """Prefill all but the last token of each."""
    kept = [(slot, ids) for slot, ids in zip(slots, sequences) if len(ids) > 1]
    if kept:
        step = cache.prefill([slot for slot, _ in kept], [len(ids) for _, ids in kept])
        model.prefill(torch.tensor([token for _, ids in kept for token in ids[:-1]]), step)


@settings(max_examples=60, deadline=None)
@given(configs(), st.lists(st.integers(1, 12), min_size=1, max_size=4), st.integers(1, 5),
       st.sampled_from([torch.float32, torch.float64]))  # fmt: skip
@torch.no_grad()
def test_cached_logits_equal_those_of_the_whole_sequence(config, lengths, steps, dtype):
    model = build(config, dtype)
    generator = torch.Generator().manual_seed(0)
    sequences = [
        torch.randint(config["vocab_size"], (length + steps,), generator=generator).tolist()
        for length in lengths
    ]
    cache = KVCache(model.config, len(lengths), dtype, "cpu")
    read(model, cache, list(range(len(lengths))), [s[:n] for s, n in zip(sequences, lengths)])
    for step in range(steps):
        ends = [length + step for length in lengths]
        for slot, end in enumerate(ends):
            if step and model.config.rope.changes_at(end):
                read(model, cache, [slot], [sequences[slot][:end]])
        last = torch.tensor([ids[end - 1] for ids, end in zip(sequences, ends)])
        got = model.decode(last, cache.decode(ends))
        expected = torch.stack([whole_logits(model, s[:n])[-1] for s, n in zip(sequences, ends)])
        tolerance = 2e-5 if dtype == torch.float32 else 1e-6
        torch.testing.assert_close(got, expected, rtol=tolerance, atol=tolerance)


def cache_for(rows: int) -> KVCache:
    return KVCache(ModelConfig.from_hf(TINY), rows, torch.float32, "cpu")


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=60))
def test_rows_are_grouped_where_that_costs_little(lengths):
    groups = cache_for(len(lengths))._groups(lengths)
    assert [row for rows in groups for row in range(len(lengths))[rows]] == [*range(len(lengths))]
    kept = cache_for(1).store.shape
    for rows in groups:
        own = lengths[rows]
        chunks = [own[i : i + GROUP_ROWS] for i in range(0, len(own), GROUP_ROWS)]
        alone = sum(len(chunk) * max(chunk) for chunk in chunks)
        padding = (len(own) * max(own) - alone) * 2 * kept[3] * kept[5]
        assert padding <= CALL_NUMBERS * (len(chunks) - 1)


def test_rows_of_one_length_are_one_group():
    assert cache_for(40)._groups([500] * 40) == [slice(0, 40)]
    ragged = [5000] * 8 + [1] * 8 + [2] * 4
    assert cache_for(20)._groups(ragged) == [slice(0, 8), slice(8, 20)]


@torch.no_grad()
def test_groups_change_nothing(monkeypatch):
    model = build(TINY, torch.float64)
    lengths = [1 + 7 * row % 12 for row in range(19)]
    generator = torch.Generator().manual_seed(0)
    size = TINY["vocab_size"]
    sequences = [torch.randint(size, (n,), generator=generator).tolist() for n in lengths]
    found = []
    for numbers in (-1, 2**18):
        monkeypatch.setattr(cache_module, "CALL_NUMBERS", numbers)
        cache = KVCache(model.config, 19, torch.float64, "cpu")
        read(model, cache, [*range(19)], sequences)
        step = cache.decode(lengths)
        found.append(len(step.groups))
        got = model.decode(torch.tensor([ids[-1] for ids in sequences]), step)
        expected = torch.stack([whole_logits(model, ids)[-1] for ids in sequences])
        torch.testing.assert_close(got, expected, rtol=1e-9, atol=1e-9)
    assert found == [3, 1]


@given(rope_scalings(3), st.integers(2, 20))
def test_frequencies_change_where_they_are_said_to(scaling, length):
    config = {**TINY, "head_dim": 6, "max_position_embeddings": 9, "rope_scaling": scaling}
    rope = ModelConfig.from_hf(config).rope
    shorter, longer = (
        rope.frequencies(torch.tensor([n])).broadcast_to(1, 3) for n in (length - 1, length)
    )
    has_effect = rope.rope_type != "dynamic" or rope.factor != 1  # 1 * s / M - (1 - 1) = s / M
    if has_effect or rope.changes_at(length):
        assert torch.equal(shorter, longer) is not rope.changes_at(length)


@pytest.mark.parametrize("kv_heads", [1, 2, 6])
@pytest.mark.parametrize("attend", [attend_fused, attend_by_products])
def test_attention_to_the_cache_equals_its_definition(attend, kv_heads):
    generator = torch.Generator().manual_seed(0)
    lengths = [1, 8, 3]
    q = torch.randn(3, 6, 5, generator=generator, dtype=torch.float64)
    keys, values = torch.randn(2, 3, kv_heads, 9, 5, generator=generator, dtype=torch.float64)
    beyond = torch.arange(9) >= torch.tensor(lengths)[:, None]
    bias = torch.zeros(3, 9).double().masked_fill(beyond, -math.inf)[:, None, None]
    got = attend(q.view(3, kv_heads, -1, 5), keys, values, bias.repeat(1, kv_heads, 1, 1))
    for b, length in enumerate(lengths):
        k, v = (x[b, :, :length].transpose(0, 1) for x in (keys, values))  # [L, K, D]
        expected = brute_force_attention(q[b : b + 1].expand(length, -1, -1), k, v, None)[-1]
        torch.testing.assert_close(got[b].view(6, 5), expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_follows_float32(dtype):
    exact = build({**TINY, "model_type": "qwen3"}, torch.float32)
    low = build({**TINY, "model_type": "qwen3"}, torch.float32).to(dtype)
    ids = list(range(11))
    logits = []
    with torch.no_grad():
        for model, kind in ((exact, torch.float32), (low, dtype)):
            cache = KVCache(model.config, 2, kind, "cpu")
            read(model, cache, [1, 0], [ids, ids[:4]])
            step = cache.decode([4, 11])
            logits.append(model.decode(torch.tensor([ids[3], ids[10]]), step))
    assert logits[1].dtype == torch.float32
    assert 0 < (logits[0] - logits[1]).abs().max() < 0.3


def test_slots_grow_and_move_with_what_they_hold(monkeypatch):
    cache = KVCache(ModelConfig.from_hf(TINY), 3, torch.float32, "cpu")
    new_empty = torch.Tensor.new_empty
    monkeypatch.setattr(
        torch.Tensor, "new_empty", lambda *args: new_empty(*args).fill_(math.nan)
    )
    cache.reserve(5)
    held = torch.randn_like(cache.store[:, :, 1, :, :5])
    cache.store[:, :, 1, :, :5] = held
    room = cache.store.shape[4]
    cache.reserve(room)
    assert cache.store.shape[4] == room
    cache.reserve(room + 1)
    assert cache.store.shape[4] > room and cache.store.isfinite().all()
    cache.move(1, 0, 4)
    assert torch.equal(cache.store[:, :, 1, :, :5], held)
    assert torch.equal(cache.store[:, :, 0, :, :4], held[..., :4, :])
    assert not cache.store[:, :, 0, :, 4:].any()
