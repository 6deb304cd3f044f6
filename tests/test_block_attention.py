"""Attention by blocks of queries: its definition, its gradients, its precision, its sharing out."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.test_model_decoder import brute_force_attention
from tl.model import block_attention as blocks
from tl.model.packed_attention import Packing, attention_by_sequence, packed_attention


def draw(lengths, heads, keys, dim, dtype=torch.float64, seed=0):
    """q[T, H, D], k, v[T, K, D] and an upstream gradient."""
    generator = torch.Generator().manual_seed(seed)
    shapes = [(sum(lengths), count, dim) for count in (heads, keys, keys, heads)]
    *qkv, upstream = (torch.randn(s, generator=generator, dtype=torch.float64) for s in shapes)
    return [x.to(dtype).requires_grad_() for x in qkv], upstream.to(dtype)


def by_sequence(q, k, v, lengths, window, branches=None):
    return attention_by_sequence(q, k, v, Packing(lengths, None, None, None, branches), window)


@settings(max_examples=40, deadline=None)
@given(
    lengths=st.lists(st.sampled_from([1, 2, 5, 6, 7, 13]), min_size=1, max_size=6),
    window=st.none() | st.integers(1, 20),
    keys=st.sampled_from([1, 2, 6]),
    rows=st.integers(1, 7),
    most=st.sampled_from([1, 2**18]),
)
def test_results_and_gradients_are_those_of_torch(lengths, window, keys, rows, most):
    """Whatever the size of the blocks, and how many sequences a call takes."""
    (q, k, v), upstream = draw(lengths, 6, keys, 4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "ROWS", rows)
        patch.setattr(blocks, "SCORES", most)
        got = blocks.block_attention(q, k, v, lengths, window)
        found = torch.autograd.grad(got, (q, k, v), upstream)
    expected = by_sequence(q, k, v, lengths, window)
    torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-12)
    expected = torch.autograd.grad(expected, (q, k, v), upstream)
    torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-11)


@st.composite
def branching(draw):
    """Lengths of stems, and of what branches off at the end of each."""
    shape = st.tuples(st.integers(1, 9), st.lists(st.integers(0, 5), max_size=4))
    shapes = draw(st.lists(shape, min_size=1, max_size=4))
    return [stem for stem, _ in shapes], [ends for _, ends in shapes]


@settings(max_examples=60, deadline=None)
@given(branching(), st.none() | st.integers(1, 12), st.integers(1, 7))
def test_branches_are_read_as_if_each_stood_behind_its_stem(shapes, window, rows):
    """Results and gradients, of the blocks and of torch's function with a mask."""
    stems, branches = shapes
    lengths = [stem + sum(ends) for stem, ends in zip(*shapes, strict=True)]
    (q, k, v), upstream = draw(lengths, 4, 2, 4)
    expected = torch.zeros_like(q)
    start = 0
    for stem, ends in zip(stems, branches, strict=True):
        places = torch.arange(start, start + stem)
        behind = start + stem
        for length in (0, *ends):
            own = torch.cat([places, torch.arange(behind, behind + length)])
            read = by_sequence(q[own], k[own], v[own], [len(own)], window)
            wanted = own if not length else own[stem:]
            expected = expected.index_copy(0, wanted, read[len(own) - len(wanted) :])
            behind += length
        start = behind
    gradients = torch.autograd.grad(expected, (q, k, v), upstream)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "ROWS", rows)
        for attend in (blocks.block_attention, by_sequence):
            got = attend(q, k, v, lengths, window, branches)
            torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-12)
            found = torch.autograd.grad(got, (q, k, v), upstream)
            torch.testing.assert_close(found, gradients, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("window", [None, 1, 65, 100])
def test_several_blocks_equal_the_definition(window):
    lengths = [150, 3]
    (q, k, v), _ = draw(lengths, 2, 1, 3)
    pieces = zip(*(x.detach().split(lengths) for x in (q, k, v)), strict=True)
    expected = torch.cat([brute_force_attention(*piece, window) for piece in pieces])
    got = blocks.block_attention(q, k, v, lengths, window)
    torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-12)


def test_gradients_are_those_of_differences(monkeypatch):
    monkeypatch.setattr(blocks, "ROWS", 2)
    (q, k, v), _ = draw([5, 5, 2], 2, 1, 2)
    assert torch.autograd.gradcheck(
        lambda *qkv: blocks.block_attention(*qkv, [5, 5, 2], 3), (q, k, v)
    )


@pytest.mark.parametrize("lengths", [[3, 0, 2], [0, 3], [0]])
def test_empty_sequences(lengths):
    (q, k, v), _ = draw(lengths, 2, 1, 4)
    got = blocks.block_attention(q, k, v, lengths, None)
    torch.testing.assert_close(got, by_sequence(q, k, v, lengths, None))


def test_autocast_leaves_float64_alone():
    (q, k, v), _ = draw([5], 2, 1, 4)
    with torch.autocast("cpu", torch.bfloat16):
        got = blocks.block_attention(q, k, v, [5], None)
    torch.testing.assert_close(got, by_sequence(q, k, v, [5], None))


def test_neighbours_of_one_length_go_together():
    rows, length = 4 * 64, 96
    most = blocks.SCORES // (rows * length)
    assert most > 1
    lengths = [7, 7, *[length] * (most + 1), 7, 2000]
    found = list(blocks._bunches([(each, ()) for each in lengths], rows))
    expected = [(2, 7), (most, length), (1, length), (1, 7), (1, 2000)]
    assert found == [(count, (each, ())) for count, each in expected]
    assert list(blocks._bunches([(7, (2,)), (7, (2,)), (7, (1, 1))], rows)) == [
        (2, (7, (2,))), (1, (7, (1, 1))),
    ]  # fmt: skip


@pytest.mark.parametrize("autocast", [False, True])
def test_16_bits_are_no_worse_than_torch(autocast):
    """The error against float64, of outputs and gradients, within a fifth of that of torch's."""
    lengths = [300, 40, 40]
    exact, upstream = draw(lengths, 4, 2, 16, seed=1)
    with torch.no_grad():
        for x in exact[:2]:
            x *= 2  # scores of up to 20: rounded to 16 bits, probabilities were off by a tenth
    expected = by_sequence(*exact, lengths, None)
    expected = [expected, *torch.autograd.grad(expected, exact, upstream)]
    given = [x.detach().to(torch.bfloat16).requires_grad_() for x in exact]
    errors = {}
    for attend in (blocks.block_attention, by_sequence):
        passed = [x.float() for x in given] if autocast else given
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            got = attend(*passed, lengths, None)
        assert got.dtype == torch.bfloat16
        got = [got, *torch.autograd.grad(got, given, upstream.bfloat16())]
        errors[attend] = [
            ((a.double() - b).norm() / b.norm()).item() for a, b in zip(got, expected, strict=True)
        ]
    ours, theirs = errors.values()
    assert all(a <= 1.2 * b for a, b in zip(ours, theirs, strict=True)), errors


def test_long_sequences_keep_no_probabilities(monkeypatch):
    """What is kept for the backward pass is O(L) there."""
    length = blocks.LONGEST + 1
    (q, k, v), _ = draw([length], 2, 2, 4, torch.float32)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda x: kept.append(x.numel()) or x, lambda x: x
    ):
        packed_attention(q, k, v, Packing([length], None, None, None), None)
        assert sum(kept) < length**2 // 8
        kept.clear()
        packed_attention(*(x[1:] for x in (q, k, v)), Packing([length - 1], None, None, None), None)
    assert sum(kept) > length**2 // 2  # so the test would see them
