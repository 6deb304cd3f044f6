"""The decoder's laws: packing changes nothing, no position sees the future or another sequence,
gradients are exact."""

import math

import pytest
import torch
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from tests.strategies.model import configs, lengths, stream
from tl.model import attention, packed_attention, rope
from tl.model.config import ModelConfig
from tl.model.decoder import Decoder
from tl.model.hf import init_model
from tl.model.norm import RMSNorm, fused_rms_norm
from tl.model.packed_attention import Packing, attention_by_sequence
from tl.model.rope_config import ROPE_TYPES

TINY = {
    "model_type": "llama", "vocab_size": 17, "hidden_size": 12, "intermediate_size": 20,
    "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 4,
    "initializer_range": 0.4,
}  # fmt: skip


def build(config: dict, dtype: torch.dtype = torch.float64) -> Decoder:
    """A model whose norms and biases are random too, so that each of them matters."""
    model = init_model(ModelConfig.from_hf(config), seed=1, dtype=dtype)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter += 0.3 * torch.randn(parameter.shape, generator=generator, dtype=dtype)
    return model


@settings(max_examples=60, deadline=None)
@given(configs(), lengths())
def test_packed_equals_one_by_one(config, lengths):
    model = build(config)
    input_ids, position_ids, cu_seqlens = stream(lengths, config["vocab_size"])
    packed = model(input_ids, position_ids, cu_seqlens)
    alone = [
        model(ids, torch.arange(len(ids)), torch.tensor([0,
        len(ids)])) for ids in input_ids.split(lengths)
    ]  # fmt: skip
    torch.testing.assert_close(packed, torch.cat(alone), rtol=1e-11, atol=1e-11)


@settings(max_examples=60, deadline=None)
@given(configs(), lengths(), st.data())
def test_some_rows_are_those_of_all(config, lengths, data):
    """Hidden states and gradients, for any rows in any order."""
    model = build(config)
    inputs = stream(lengths, config["vocab_size"])
    order = data.draw(st.permutations(range(sum(lengths))))
    rows = torch.tensor(order[: data.draw(st.integers(1, len(order)))])

    def gradients(hidden):
        model.zero_grad()
        (hidden.sin() @ model.lm_head.weight.T).square().sum().backward()
        return [parameter.grad.clone() for parameter in model.parameters()]

    some, chosen = model(*inputs, rows=rows), model(*inputs)[rows]
    torch.testing.assert_close(some, chosen, rtol=1e-11, atol=1e-11)
    for ours, theirs in zip(gradients(some), gradients(chosen)):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


def test_frequencies_do_not_depend_on_the_place_in_the_stream():
    embedding = rope.Rope(
        head_dim=8, theta=100.0, rope_type="dynamic", factor=4.0, max_positions=6
    )  # fmt: skip
    lengths = torch.arange(1, 400)  # a vector loop and its remainder differ in the last bit of pow
    alone = torch.cat([embedding.frequencies(length[None]) for length in lengths])
    assert torch.equal(embedding.frequencies(lengths), alone)
    assert torch.equal(embedding.frequencies(lengths[5:]), alone[5:])


@settings(max_examples=30, deadline=None)
@given(configs(), lengths(), st.data())
def test_a_token_is_seen_by_later_tokens_of_its_sequence_only(config, lengths, data):
    model = build(config)
    input_ids, position_ids, cu_seqlens = stream(lengths, config["vocab_size"])
    changed = data.draw(st.integers(0, len(input_ids) - 1))
    other = input_ids.clone()
    other[changed] = (other[changed] + 1) % config["vocab_size"]
    with torch.no_grad():
        before = model(input_ids, position_ids, cu_seqlens)
        after = model(other, position_ids, cu_seqlens)
    end = next(bound for bound in cu_seqlens.tolist() if bound > changed)
    same = (before == after).all(dim=1)
    assert same[:changed].all() and same[end:].all()
    assert not same[changed]


def test_the_strategy_reaches_every_family_and_rope():
    quick = settings(phases=[Phase.generate], max_examples=2000)

    def reaches(condition):
        return find(configs(), condition, settings=quick)

    for model_type in ("llama", "mistral", "qwen2", "qwen3"):
        reaches(lambda config: config["model_type"] == model_type and "rope_parameters" in config)
    for kind in ROPE_TYPES:
        reaches(lambda config: ModelConfig.from_hf(config).rope.rope_type == kind)
    reaches(lambda config: len(set(ModelConfig.from_hf(config).windows)) == 2)
    find(
        lengths(),
        lambda lengths: max(lengths) > 9 and min(lengths) == 1 and len(lengths) > 2,
        settings=quick,
    )


def brute_force_attention(q, k, v, window):
    """One sequence, by the definition: a loop over heads and positions in fp64."""
    out = torch.zeros_like(q)
    for head in range(q.shape[1]):
        shared = head * k.shape[1] // q.shape[1]
        for t in range(len(q)):
            first = 0 if window is None else max(0, t - window + 1)
            scores = k[first : t + 1, shared] @ q[t, head] / math.sqrt(q.shape[2])
            out[t, head] = torch.softmax(scores, 0) @ v[first : t + 1, shared]
    return out


@pytest.mark.parametrize("window", [None, 1, 3, 7, 8, 100])
@pytest.mark.parametrize("kv_heads", [1, 2, 6])
def test_attention_equals_its_definition(window, kv_heads):
    lengths = [1, 8, 3]
    generator = torch.Generator().manual_seed(0)
    q, k, v = (
        torch.randn(12, heads, 5, generator=generator, dtype=torch.float64)
        for heads in (6, kv_heads, kv_heads)
    )
    packing = Packing(lengths, None, None, None)
    expected = [
        brute_force_attention(*piece, window) for piece in zip(*(x.split(lengths) for x in (q, k,
        v)))
    ]  # fmt: skip
    got = attention_by_sequence(q, k, v, packing, window)
    torch.testing.assert_close(got, torch.cat(expected), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("window, expected", [(None, (-1, 0)), (5, (4, 0))])
def test_the_fused_path_asks_for_the_same_attention(monkeypatch, window, expected):
    """varlen_attn has no CPU kernel; what it is asked for is compared with its documentation, its
    result on CUDA in `test_model_cuda.py`."""
    calls = []
    monkeypatch.setattr(
        packed_attention, "varlen_attn", lambda *args, **kwargs: calls.append((args, kwargs))
    )
    bounds = torch.tensor([0, 3, 10], dtype=torch.int32)
    q, k = torch.zeros(10, 4, 8), torch.zeros(10, 2, 8)
    packed_attention.fused_attention(q, k, k, Packing([3, 7], bounds, None, None), window)
    ((_, _, _, cu_q, cu_k, max_q, max_k), kwargs) = calls[0]
    assert cu_q is bounds and cu_k is bounds and (max_q, max_k) == (7, 7)
    assert kwargs == {"window_size": expected, "enable_gqa": True}


@pytest.mark.parametrize(
    "dtype, device, head_dim, takes",
    [
        (torch.bfloat16, "cuda", 128, True),
        (torch.float16, "cuda", 8, True),
        (torch.bfloat16, "cuda", 256, True),
        (torch.bfloat16, "cuda", 264, False),
        (torch.bfloat16, "cuda", 100, False),
        (torch.float32, "cuda", 128, False),
        (torch.bfloat16, "cpu", 128, False),
    ],
)
def test_what_flash_attention_takes(dtype, device, head_dim, takes):
    assert packed_attention.flash_attention_takes(dtype, device, head_dim) is takes


def test_expanded_heads_give_the_same_attention():
    q, k, v = (torch.randn(7, heads, 4, dtype=torch.float64) for heads in (6, 2, 2))
    expanded = packed_attention.expand_heads(k, 6), packed_attention.expand_heads(v, 6)
    for window in (None, 3):
        grouped = packed_attention.attend_one(q, k, v, window, [])
        torch.testing.assert_close(packed_attention.attend_one(q, *expanded, window, []), grouped)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_fused_norm_keeps_the_dtype_under_autocast(dtype):
    norm = RMSNorm(6, 1e-6)
    with torch.no_grad():
        norm.weight.uniform_(0.5, 2.0)
    x = torch.randn(3, 6).to(dtype).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        y = fused_rms_norm(x, norm.weight, norm.eps)
    assert y.dtype == dtype
    torch.testing.assert_close(y, norm(x), rtol=2e-2 if dtype == torch.bfloat16 else 1e-6, atol=0)
    y.float().sum().backward()
    assert norm.weight.grad.dtype == torch.float32 and x.grad.dtype == dtype


def test_lengths_on_the_host_change_nothing():
    model = build(TINY)
    arguments = stream([3, 1, 5], TINY["vocab_size"])
    assert torch.equal(model(*arguments), model(*arguments, lengths=[3, 1, 5]))
    with pytest.raises(AssertionError, match="2 lengths"):
        model(*arguments, lengths=[4, 5])


def test_rotation_depends_on_distance_only_and_keeps_lengths():
    embedding = rope.Rope(head_dim=6)
    q, k = torch.randn(2, 1, 1, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def score(query_position, key_position):
        positions = torch.tensor([query_position, key_position])
        cos, sin = embedding.tables(positions, positions + 1, torch.float64)  # [2, 1, 6]
        return (rope.rotate(q, cos[:1], sin[:1]) * rope.rotate(k, cos[1:], sin[1:])).sum()

    assert score(9, 4) == pytest.approx(score(5, 0).item(), abs=1e-6)
    assert score(9, 4) != pytest.approx(score(9, 3).item(), abs=1e-3)
    assert score(3, 3) == pytest.approx((q * k).sum().item(), abs=1e-6)


def test_rotation_turns_halves_by_hand():
    cos, sin = rope.Rope(head_dim=4, theta=100.0).tables(
        torch.tensor([2]), torch.tensor([3]), torch.float32
    )
    x = torch.tensor([[[1.0, 2.0, 3.0, 4.0]]])
    a, b = 2.0, 0.2  # position 2, frequencies 1 and 100^(-1/2)
    expected = [
        math.cos(a) - 3 * math.sin(a), 2 * math.cos(b) - 4 * math.sin(b),
        3 * math.cos(a) + math.sin(a), 4 * math.cos(b) + 2 * math.sin(b),
    ]  # fmt: skip
    torch.testing.assert_close(rope.rotate(x, cos, sin).view(-1), torch.tensor(expected))


def test_norm_equals_its_definition_and_keeps_the_dtype():
    norm = RMSNorm(7, eps=0.01).double()
    x = torch.randn(3, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = [
        [value / math.sqrt(sum(v * v for v in row) / 7 + 0.01) for value in row]
        for row in x.tolist()
    ]
    torch.testing.assert_close(norm(x), torch.tensor(expected, dtype=torch.float64))
    large = torch.full((1, 7), 300.0, dtype=torch.float16)  # its square overflows fp16
    torch.testing.assert_close(norm.half()(large), torch.ones(1, 7, dtype=torch.float16))


def test_the_norm_of_one_vector():
    norm, x = RMSNorm(4, eps=0.01).double(), torch.randn(4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(norm, (x,))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_gradients_of_the_norm_have_the_dtypes_of_its_inputs(dtype):
    """And are summed in float32: only rounding to the dtype separates them from float64."""
    g = torch.Generator().manual_seed(0)
    x, upstream = (torch.randn(40, 3, 8, generator=g).to(dtype) for _ in range(2))
    norm, exact = RMSNorm(8, eps=0.01), torch.nn.RMSNorm(8, eps=0.01).double()
    with torch.no_grad():
        exact.weight.copy_(norm.weight.uniform_(0.5, 2.0, generator=g))
    inputs = x.clone().requires_grad_(), x.double().requires_grad_()
    norm(inputs[0]).backward(upstream)
    exact(inputs[1]).backward(upstream.double())
    close = {"rtol": torch.finfo(dtype).eps, "atol": 1e-6}
    torch.testing.assert_close(inputs[0].grad, inputs[1].grad.to(dtype), **close)
    assert norm.weight.grad.dtype == torch.float32
    torch.testing.assert_close(
        norm.weight.grad, exact.weight.grad.float(), rtol=1e-5, atol=1e-4
    )  # fmt: skip


@pytest.mark.parametrize("model_type", ["llama", "qwen2", "qwen3"])
def test_gradients_equal_finite_differences(model_type):
    config = {
        **TINY,
        "model_type": model_type,
        "hidden_size": 4,
        "intermediate_size": 3,
        "num_hidden_layers": 1,
    }
    model = build(config)
    inputs = stream([3, 2], config["vocab_size"])
    names, parameters = zip(*model.named_parameters())

    def hidden(*values):
        return torch.func.functional_call(model, dict(zip(names, values)), inputs)

    moved = tuple(parameter.detach().requires_grad_() for parameter in parameters)
    assert torch.autograd.gradcheck(hidden, moved, atol=1e-6, fast_mode=True)


@pytest.mark.parametrize("tied", [False, True])
def test_checkpointing_recomputes_the_same_gradients(tied):
    model = build({**TINY, "tie_word_embeddings": tied}, torch.float32)
    inputs = stream([5, 9, 1], 17)

    def gradients(checkpointing):
        model.gradient_checkpointing = checkpointing
        model.zero_grad()
        (model(*inputs) @ model.lm_head.weight.T).square().sum().backward()
        return [parameter.grad.clone() for parameter in model.parameters()]

    kept, recomputed = gradients(False), gradients(True)
    assert all(torch.equal(a, b) for a, b in zip(kept, recomputed))
    calls = []
    model.model.layers[0].register_forward_pre_hook(lambda *_: calls.append(1))
    gradients(True)
    assert len(calls) == 2  # once forward, once recomputed
    with torch.no_grad():
        model(*inputs)
    assert len(calls) == 3


def test_autocast_computes_matmuls_in_bf16_and_keeps_fp32_masters():
    model = build(TINY, torch.float32)
    inputs = stream([5, 9], 17)
    exact = model(*inputs)
    dtypes = []
    projection = model.model.layers[0].self_attn.o_proj
    projection.register_forward_hook(lambda _, args, out: dtypes.append((args[0].dtype, out.dtype)))
    with torch.autocast("cpu", torch.bfloat16):
        hidden = model(*inputs)
    assert dtypes == [(torch.bfloat16, torch.bfloat16)]
    assert hidden.dtype == torch.float32
    assert 0 < (hidden - exact).abs().max() < 0.1
    hidden.sum().backward()
    assert all(
        parameter.grad.dtype == torch.float32
        for name, parameter in model.named_parameters()
        if "head" not in name
    )


@pytest.mark.parametrize("model_type", ["llama", "qwen2", "qwen3"])
def test_attention_gets_one_dtype_under_autocast(model_type, monkeypatch):
    """fp32 rope tables and norm weights must not lift q and k out of what FlashAttention takes."""
    seen = []

    def record(q, k, v, packing, window):
        seen.append({q.dtype, k.dtype, v.dtype})
        return attention_by_sequence(q, k, v, packing, window)

    monkeypatch.setattr(attention, "packed_attention", record)
    model = build({**TINY, "model_type": model_type}, torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        model(*stream([5, 9], 17))
    assert seen == [{torch.bfloat16}] * 2
    model(*stream([5, 9], 17))
    assert seen[2:] == [{torch.float32}] * 2


def test_bf16_stays_near_fp32_at_far_positions():
    """The angles are made in fp32: in bf16, position 4001 would be rounded to 4000."""
    model = build(TINY, torch.float32)
    input_ids, _, cu_seqlens = stream([9], 17)
    position_ids = torch.arange(4001, 4010)
    exact = model(input_ids, position_ids, cu_seqlens)
    low = model.bfloat16()(input_ids, position_ids, cu_seqlens)
    assert low.dtype == torch.bfloat16
    assert (low.float() - exact).abs().max() < 0.1


def test_no_buffers_and_nothing_computed_on_meta():
    with torch.device("meta"):
        model = Decoder(ModelConfig.from_hf({**TINY, "model_type": "qwen3"}))
    assert list(model.buffers()) == []
    assert all(parameter.is_meta for parameter in model.parameters())


def test_tied_weights_survive_to_empty():
    with torch.device("meta"):
        model = Decoder(ModelConfig.from_hf({**TINY, "tie_word_embeddings": True}))
    model.to_empty(device="cpu")
    assert model.lm_head.weight is model.model.embed_tokens.weight
    assert "lm_head.weight" not in dict(model.named_parameters())
