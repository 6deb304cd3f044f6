"""Reading a sequence in pieces, through a cache, gives what reading it at once gives."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.strategies.model import configs, rope_scalings
from tests.test_model_decoder import TINY, brute_force_attention, build
from tl.model import pages
from tl.model.cache import KVCache, attend_fused
from tl.model.config import ModelConfig
from tl.model.pages import PAGE, pages_of


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
       st.sampled_from([torch.float32, torch.float64]), st.sampled_from([1, 3, 64]))  # fmt: skip
@torch.no_grad()
def test_cached_logits_equal_those_of_the_whole_sequence(config, lengths, steps, dtype, page):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pages, "PAGE", page)
        compare_with_the_whole_sequence(config, lengths, steps, dtype)


def compare_with_the_whole_sequence(config, lengths, steps, dtype):
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


def attend_to_pages(q, keys, values, bias, lengths):
    """keys, values[B, K, PAGE * m, D] in the order of tokens, whose pages are stored as they are
    in a cache with another slot and another page."""
    room = (0, 0, 0, PAGE, 0, 0, 0, 1)  # behind the tokens and behind the slots
    keys, values = (F.pad(x, room, value=math.pi) for x in (keys, values))
    stored = keys.unflatten(2, (-1, PAGE)).mT.contiguous().view(keys.shape)
    return pages_of(lengths, q.shape[1], stored).attend(q, stored, values, bias)


@pytest.mark.parametrize("kv_heads", [1, 2, 6])
@pytest.mark.parametrize("is_paged", [False, True])
def test_attention_to_the_cache_equals_its_definition(is_paged, kv_heads):
    generator = torch.Generator().manual_seed(0)
    lengths = [1, PAGE + 8, PAGE, 2 * PAGE]
    room = 2 * PAGE
    q = torch.randn(4, 6, 5, generator=generator, dtype=torch.float64)
    keys, values = torch.randn(2, 4, kv_heads, room, 5, generator=generator, dtype=torch.float64)
    beyond = torch.arange(room) >= torch.tensor(lengths)[:, None]
    bias = torch.zeros(4, room).double().masked_fill(beyond, -math.inf)[:, None]
    if is_paged:
        got = attend_to_pages(q, keys, values, bias, lengths)
    else:
        got = attend_fused(q, keys, values, bias)
    for b, length in enumerate(lengths):
        k, v = (x[b, :, :length].transpose(0, 1) for x in (keys, values))  # [L, K, D]
        expected = brute_force_attention(q[b : b + 1].expand(length, -1, -1), k, v, None)[-1]
        torch.testing.assert_close(got[b], expected, rtol=1e-13, atol=1e-13)


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


@pytest.mark.parametrize("page", [1, 4, 64])
@torch.no_grad()
def test_slots_grow_and_move_with_what_they_hold(page, monkeypatch):
    monkeypatch.setattr(pages, "PAGE", page)
    model = build(TINY, torch.float64)
    first, second, long = torch.arange(9), torch.arange(5).flip(0), torch.arange(300).flip(0) % 17
    cache = KVCache(model.config, 3, torch.float64, "cpu")
    read(model, cache, [2, 1], [first.tolist(), second.tolist()])
    room = cache.store.shape[4]
    cache.reserve(room)
    assert cache.store.shape[4] == room
    read(model, cache, [0], [long.tolist()])
    assert cache.store.shape[4] > room
    cache.copy(2, 0, 8)  # over the long one, whose end stays where it is
    got = model.decode(torch.stack((first[-1], second[-1])), cache.decode([9, 5]))
    expected = [whole_logits(model, ids.tolist())[-1] for ids in (first, second)]
    torch.testing.assert_close(got, torch.stack(expected), rtol=1e-6, atol=1e-6)


@torch.no_grad()
def test_sampling_in_16_bits_gives_the_logits_of_training():
    """What both round, they round at the same places: the ratios that PPO starts from are 1."""
    model = build(TINY, torch.bfloat16)
    sequences = [[(7 * i + j) % 17 for j in range(40 + i)] for i in range(4)]
    cache = KVCache(model.config, 4, torch.bfloat16, "cpu")
    read(model, cache, range(4), sequences)
    last = torch.tensor([each[-1] for each in sequences])
    got = model.decode(last, cache.decode([len(each) for each in sequences]))
    expected = torch.stack([_last_logits(model, each) for each in sequences])
    gap = (got.log_softmax(-1) - expected.log_softmax(-1)).abs().mean()
    assert gap < 1e-3, gap


def _last_logits(model, ids: list[int]) -> torch.Tensor:
    """[V] behind a sequence, by the pass that trains, in float32."""
    positions, bounds = torch.arange(len(ids)), torch.tensor([0, len(ids)])
    return model.logits(model(torch.tensor(ids), positions, bounds)[-1:])[0]


def test_new_room_is_zero(monkeypatch):
    """NaN behind the end of a sequence would pass a weight of 0."""
    cache = KVCache(build(TINY, torch.float32).config, 2, torch.float32, "cpu")
    empty = torch.Tensor.new_empty
    monkeypatch.setattr(
        torch.Tensor, "new_empty", lambda *a, **k: empty(*a, **k).fill_(torch.nan)
    )
    for tokens in (3, 500):
        cache.reserve(tokens)
        assert cache.store.shape[4] >= tokens and not cache.store.any()
