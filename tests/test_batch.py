"""Packing, dealing and the order of visits: nothing is lost, doubled or padded."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from tl.data.batch import Sampler, deal, pack
from tl.data.encode import NO_TARGET, Example


def example(length: int, seed: int = 0) -> Example:
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(0, 50, (length,), generator=generator)
    weights = torch.randint(0, 3, (length,), generator=generator).float()
    targets = torch.where(weights > 0, ids, NO_TARGET)
    return Example(f"made:{seed}", ids, targets, weights, ())


@given(st.lists(st.integers(1, 30), min_size=1, max_size=6))
def test_a_stream_is_its_examples_end_to_end(lengths):
    examples = [example(length, seed) for seed, length in enumerate(lengths)]
    stream = pack(examples)
    bounds = stream.cu_seqlens.tolist()
    assert bounds[0] == 0 and bounds[-1] == len(stream.input_ids) == sum(lengths)
    for one, start, end in zip(examples, bounds[:-1], bounds[1:], strict=True):
        assert torch.equal(stream.input_ids[start:end], one.input_ids)
        assert torch.equal(stream.targets[start:end], one.targets)
        assert torch.equal(stream.weights[start:end], one.weights)
        assert stream.position_ids[start:end].tolist() == list(range(end - start))
    assert stream.rows.tolist() == [i for i, w in enumerate(stream.weights.tolist()) if w != 0]


def test_a_silent_stream_has_tokens_but_nothing_to_learn():
    stream = pack([example(9)]).silent()
    assert len(stream.input_ids) == 9 and len(stream.rows) == 0 and not stream.weights.any()


@given(st.integers(1, 40), st.integers(1, 9), st.integers(0, 5) | st.just(2**63 - 1))
def test_every_epoch_visits_every_example_once(examples, batch_size, seed):
    sampler = Sampler(examples, batch_size, seed)
    for epoch in range(2):
        steps = range(epoch * sampler.batches_per_epoch, (epoch + 1) * sampler.batches_per_epoch)
        visited = [index for step in steps for index in sampler.batch(step)]
        assert sorted(visited) == list(range(examples))


def test_a_batch_depends_on_seed_and_step_alone():
    whole = [Sampler(100, 7, 3).batch(step) for step in range(40)]
    walked = Sampler(100, 7, 3)
    assert [walked.batch(step) for step in range(40)] == whole
    assert [walked.batch(step) for step in reversed(range(40))] == whole[::-1]
    assert Sampler(100, 7, 4).batch(0) != whole[0]
    assert whole[0] != whole[15]  # the second epoch has an order of its own


@given(st.lists(st.integers(1, 1000), max_size=40), st.integers(1, 8))
def test_dealing_is_fair_and_loses_nothing(lengths, bins):
    dealt = deal(range(len(lengths)), lengths, bins)
    assert sorted(index for hand in dealt for index in hand) == list(range(len(lengths)))
    assert len(dealt) == bins
    counts = [len(hand) for hand in dealt]
    assert max(counts) - min(counts) <= 1
    totals = [sum(lengths[index] for index in hand) for hand in dealt]
    if len(lengths) % bins == 0 and lengths:
        assert max(totals) - min(totals) <= max(lengths)  # back and forth: off by one hand at most


def test_dealing_does_not_depend_on_the_order_of_the_batch():
    lengths = [5, 9, 9, 2, 7, 1, 3, 3]
    assert deal([3, 1, 2, 0, 7, 5, 4, 6], lengths, 2) == deal(range(8), lengths, 2)


def test_hands_go_back_and_forth():
    assert deal(range(4), [10, 9, 8, 7], 2) == [[0, 3], [1, 2]]
