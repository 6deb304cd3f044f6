"""Generation: the cache, the batch and the queue change nothing; draws follow the softmax."""

import math

import pytest
import torch
from hypothesis import Phase, assume, find, given, settings
from hypothesis import strategies as st

from tests.strategies.model import configs
from tests.test_model_cache import whole_logits
from tests.test_model_decoder import TINY, build
from tl import InputError
from tl.generate import DRAWN_BLOCK, LARGE_VOCABULARY, draw, draw_by_blocks, generate
from tl.model.config import ModelConfig
from tl.model.decoder import Decoder

PROMPTS = [[1, 2, 3], [4], [5, 6], [7, 8, 9, 10, 11, 12], [1, 2, 3]]


def prompts_for(config: dict):
    """Some of them twice."""
    ids = st.integers(0, config["vocab_size"] - 1)
    prompts = st.lists(st.lists(ids, min_size=1, max_size=8), min_size=1, max_size=5)
    return prompts.flatmap(
        lambda made: st.lists(st.sampled_from(made), max_size=3).map(lambda again: made + again)
    )


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def next_logprobs(model, context: list[int], temperature: float = 1.0) -> torch.Tensor:
    """log softmax(z / temperature) [V] behind the context, uncached: the oracle."""
    with torch.no_grad():
        return (whole_logits(model, context)[-1] / temperature).log_softmax(-1)


@settings(max_examples=80, deadline=None)
@given(configs(), st.integers(0, 12), st.integers(1, 4), st.data())
def test_greedy_equals_the_uncached_forward_token_by_token(config, tokens, batch_size, data):
    model = build(config, torch.float32)
    prompts = data.draw(prompts_for(config))
    got = generate(
        model, prompts, max_new_tokens=tokens, eos_ids=[0], batch_size=batch_size
    )
    for prompt, ids, logprobs, finished in zip(prompts, *got, strict=True):
        context = list(prompt)
        for token, logprob in zip(ids, logprobs, strict=True):
            expected = next_logprobs(model, context)
            # Where two tokens are as good as equal, either may be the argmax.
            assert expected[token] >= expected.max() - 1e-4
            assert logprob == pytest.approx(expected[token].item(), abs=1e-5)
            context.append(token)
        room = max(0, min(tokens, config["max_position_embeddings"] - len(prompt)))
        assert finished == (ids[-1:] == [0]) and 0 not in ids[:-1]
        assert finished or len(ids) == room


@settings(max_examples=40, deadline=None)
@given(configs(), st.sampled_from([0.0, 0.7, 1.5]), st.sampled_from([1.0, 0.8]), st.data())
def test_a_row_does_not_depend_on_the_others(config, temperature, top_p, data):
    model = build(config)  # float64: rounding decides nothing
    prompts = data.draw(prompts_for(config))
    others = data.draw(prompts_for(config))
    chosen = data.draw(st.integers(0, len(prompts) - 1))

    def run(prompts, batch_size):
        return generate(
            model, prompts, max_new_tokens=6, eos_ids=[1], temperature=temperature, top_p=top_p,
            generator=seeded(3), batch_size=batch_size,
        )  # fmt: skip

    together = run(prompts, 64)
    company = (others * 5)[:chosen] + [prompts[chosen]] + others
    for other in (run(prompts, data.draw(st.integers(1, 3))), run(company, 2)):
        assert other.ids[chosen] == together.ids[chosen]
        assert other.logprobs[chosen] == pytest.approx(together.logprobs[chosen], abs=1e-6)
        assert other.finished[chosen] == together.finished[chosen]


def test_the_searches_cross_the_change_of_frequencies_and_windows():
    quick = settings(phases=[Phase.generate], max_examples=2000)

    def crosses(config):
        rope = ModelConfig.from_hf(config).rope
        return any(rope.changes_at(n) for n in range(3, config["max_position_embeddings"]))

    find(configs(), crosses, settings=quick)
    find(configs(), lambda c: {None, 3} <= set(ModelConfig.from_hf(c).windows), settings=quick)


def test_a_prompt_is_read_once_for_all_that_begin_with_it(monkeypatch):
    read = []
    prefill = Decoder.prefill
    noted = lambda self, ids, cache: read.append(len(ids)) or prefill(self, ids, cache)
    monkeypatch.setattr(Decoder, "prefill", noted)
    model, prompts = build(TINY, torch.float32), [[1, 2, 3]] * 4 + [[4, 5]] * 3
    generate(model, prompts, max_new_tokens=3, eos_ids=[])
    assert sum(read) == 2 + 1
    read.clear()
    limits = [1, 1, 5, 1]  # the last join first; one of them is there when the third and the fourth join
    generate(model, prompts[:4], max_new_tokens=limits, eos_ids=[], batch_size=2)
    assert sum(read) == 2


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_draws_follow_the_softmax(temperature):
    """Two tokens of 4,000 rows: chi-square of the first, and of the second given the first."""
    model = build(TINY, torch.float32)
    rows, prompt = 4000, [3, 1]
    got = generate(
        model, [prompt] * rows, max_new_tokens=2, eos_ids=[], temperature=temperature,
        generator=seeded(0), batch_size=1000,
    )  # fmt: skip
    first = next_logprobs(model, prompt, temperature).exp()
    likeliest = int(first.argmax())
    second = next_logprobs(model, [*prompt, likeliest], temperature).exp()
    followers = [ids[1] for ids in got.ids if ids[0] == likeliest]
    for drawn, probabilities in (([ids[0] for ids in got.ids], first), (followers, second)):
        observed = torch.bincount(torch.tensor(drawn), minlength=len(probabilities))
        expected = probabilities * len(drawn)
        common = expected >= 5  # the usual condition of the test; the others are one class
        observed = torch.cat((observed[common], observed[~common].sum()[None]))
        expected = torch.cat((expected[common], expected[~common].sum()[None])).clamp(min=1e-9)
        freedom = len(expected) - 1
        chi_square = ((observed - expected) ** 2 / expected).sum()
        assert chi_square < freedom + 4 * math.sqrt(2 * freedom)


@given(st.lists(st.integers(0, 20), min_size=1, max_size=8).filter(any),
       st.floats(0.01, 1.0))  # fmt: skip
def test_draw_is_an_inversion_over_the_smallest_set(weights, top_p):
    p = torch.tensor(weights, dtype=torch.float64)
    p = p / p.sum()
    steps = 2000
    uniforms = (torch.arange(steps, dtype=torch.float64) + 0.5) / steps
    drawn = draw(p.expand(steps, -1), uniforms, top_p)
    frequencies = torch.bincount(drawn, minlength=len(p)) / steps
    descending = sorted(p.tolist(), reverse=True)
    masses = [sum(descending[: n + 1]) for n in range(len(descending))]
    assume(top_p == 1 or all(abs(mass - top_p) > 1e-9 for mass in masses))
    size = next(n + 1 for n, mass in enumerate(masses) if mass >= top_p - 1e-9)
    if top_p == 1:
        size = sum(x > 0 for x in descending)
    kept = sorted(p.tolist(), reverse=True)[:size]
    expected = sorted((x / sum(kept) for x in kept), reverse=True)
    got = sorted(frequencies.tolist(), reverse=True)
    assert got[:size] == pytest.approx(expected, abs=2 / steps)
    assert not any(got[size:]) and not any(frequencies[p == 0])


@given(
    st.integers(1, 4 * DRAWN_BLOCK), st.integers(0, 2**30), st.sampled_from([0.0, 0.9, 0.999])
)  # fmt: skip
def test_drawing_by_blocks_is_the_same_inversion(size, seed, without_mass):
    """Each drawn token has mass, and u lies in its part of the interval."""
    generator = torch.Generator().manual_seed(seed)
    p = torch.rand(3, size, generator=generator)
    p[torch.rand(3, size, generator=generator) < without_mass] = 0
    p[torch.arange(3), torch.randint(size, (3,), generator=generator)] = 1  # one of them at least
    p /= p.sum(1, keepdim=True)
    uniforms = 1 - torch.rand(3, generator=generator, dtype=torch.float64)
    uniforms[0], uniforms[1] = 1, 5e-17  # the ends
    tokens = draw_by_blocks(p, uniforms)[:, None]
    masses = p.double().cumsum(1)
    target = uniforms[:, None] * masses[:, -1:]
    mass, reached = p.gather(1, tokens), masses.gather(1, tokens)
    assert (mass > 0).all()
    assert (target <= reached + 1e-6).all() and (target >= reached - mass - 1e-6).all()
    alone = [draw_by_blocks(p[row, None], uniforms[row, None]).item() for row in range(3)]
    assert alone == tokens[:, 0].tolist()  # whoever shares the batch


def test_large_vocabularies_are_drawn_from_by_blocks():
    size, steps = LARGE_VOCABULARY + 100, 20_000
    p = torch.zeros(size)
    likely = [0, 255, 256, 5000, size - 1]
    p[likely] = torch.tensor([0.1, 0.2, 0.3, 0.15, 0.25])
    uniforms = torch.arange(1, steps + 1, dtype=torch.float64) / steps
    drawn = torch.cat([draw(p.expand(len(u), -1), u) for u in uniforms.split(500)])
    counts = torch.bincount(drawn, minlength=size) / steps
    torch.testing.assert_close(counts, p, rtol=0, atol=1e-4)
    assert drawn.tolist() == sorted(drawn.tolist())


def test_the_ends_of_the_unit_interval_draw_tokens_that_have_mass():
    p = torch.tensor([[0.0, 0.25, 0.0, 0.75, 0.0]]).expand(2, -1)
    ends = torch.tensor([2.0**-53, 1.0], dtype=torch.float64)
    assert draw(p, ends).tolist() == [1, 3]
    assert draw(p, ends, 0.9).tolist() == [3, 1]
    assert draw(p, ends, 0.75).tolist() == [3, 3]


def test_a_zero_of_the_random_stream_is_a_one(monkeypatch):
    """torch.rand gives 0 and not 1; a draw needs it the other way round."""
    model = build(TINY, torch.float32)
    monkeypatch.setattr(torch, "rand", lambda *size, **_: torch.zeros(*size, dtype=torch.float64))
    got = generate(model, [[1]], max_new_tokens=1, eos_ids=[], temperature=1.0, generator=seeded(0))
    assert got.ids == [[16]]  # the last token: all mass is reached there only


def test_sampled_logprobs_are_those_of_the_temperature_before_top_p():
    model = build(TINY, torch.float32)
    got = generate(
        model, PROMPTS, max_new_tokens=9, eos_ids=[], temperature=0.6, top_p=0.7,
        generator=seeded(1),
    )  # fmt: skip
    for prompt, ids, logprobs in zip(PROMPTS, got.ids, got.logprobs, strict=True):
        for t, (token, logprob) in enumerate(zip(ids, logprobs, strict=True)):
            expected = next_logprobs(model, prompt + ids[:t], 0.6)
            assert logprob == pytest.approx(expected[token].item(), abs=1e-5)
            likelier = expected[expected > expected[token] + 1e-6].exp().sum()
            assert likelier < 0.7


def test_equal_seeds_repeat_and_the_global_stream_is_left_alone():
    model = build(TINY, torch.float32)
    before = torch.get_rng_state()

    def run(generator):
        return generate(model, PROMPTS, max_new_tokens=12, eos_ids=[], temperature=1.0,
                        generator=generator)  # fmt: skip

    generator = seeded(5)
    first, second = run(generator), run(generator)
    assert run(seeded(5)) == first
    assert second.ids != first.ids and run(seeded(6)).ids != first.ids
    assert first.ids[0] != first.ids[4]  # the same prompt, another row
    assert torch.equal(torch.get_rng_state(), before)


@pytest.fixture
def batches(monkeypatch):
    """The number of rows of each decoding step."""
    sizes = []
    decode = Decoder.decode
    monkeypatch.setattr(
        Decoder, "decode", lambda model, *step: sizes.append(len(step[0])) or decode(model, *step)
    )
    return sizes


def test_several_stop_ids_end_rows_which_leave_the_batch(batches):
    model = build(TINY, torch.float32)

    def run(stops):
        return generate(model, PROMPTS, max_new_tokens=10, eos_ids=stops, temperature=1.0,
                        generator=seeded(0))  # fmt: skip

    free = run([])
    stops = {free.ids[0][0], free.ids[1][4]}
    assert len(stops) == 2
    batches.clear()
    got = run(stops)
    for longer, ids, finished in zip(free.ids, got.ids, got.finished, strict=True):
        ends = [t for t, token in enumerate(longer) if token in stops]
        assert ids == (longer[: ends[0] + 1] if ends else longer)
        assert finished == bool(ends)
    assert {ids[-1] for ids, finished in zip(got.ids, got.finished) if finished} == stops
    assert sum(batches) == sum(map(len, got.ids))
    assert batches == sorted(batches, reverse=True) and batches[-1] < batches[0] == len(PROMPTS)


def test_the_batch_is_bounded_and_filled_from_the_queue(batches):
    model = build(TINY, torch.float32)
    limits = [1, 7, 0, 3, 5]
    free = generate(model, PROMPTS, max_new_tokens=7, eos_ids=[])
    batches.clear()
    got = generate(model, PROMPTS, max_new_tokens=limits, eos_ids=[], batch_size=2)
    assert got.ids == [ids[:n] for ids, n in zip(free.ids, limits)]
    assert got.finished == [False] * 5
    assert sum(batches) == sum(limits) and max(batches) == 2
    assert len(batches) == 11  # one slot: 3, then 1, then 7 tokens; the other: 5


def test_a_prompt_longer_than_a_prefill_pass_and_many_short_ones(monkeypatch):
    model = build(TINY, torch.float32)
    expected = generate(model, PROMPTS, max_new_tokens=4, eos_ids=[])
    monkeypatch.setattr("tl.generate.CPU_PREFILL_TOKENS", 3)
    assert generate(model, PROMPTS, max_new_tokens=4, eos_ids=[]).ids == expected.ids


def test_positions_end_the_sequence():
    model = build({**TINY, "max_position_embeddings": 5}, torch.float32)
    prompts = [[1] * n for n in range(1, 8)]
    got = generate(model, prompts, max_new_tokens=100, eos_ids=[])
    assert [len(ids) for ids in got.ids] == [4, 3, 2, 1, 0, 0, 0]
    assert got.finished == [False] * 7


def test_nothing_to_do():
    model = build(TINY, torch.float32)
    assert generate(model, [], max_new_tokens=3, eos_ids=[]) == ([], [], [])
    assert generate(model, [[1]], max_new_tokens=0, eos_ids=[]) == ([[]], [[]], [False])


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"prompts": [[1], []]}, r"prompts\[1\]: got no tokens"),
        ({"prompts": [[1], [2, 17]]}, r"prompts\[1\]: got token id 17, expected ids in \[0, 17\)"),
        ({"prompts": [[3, -1]]}, r"prompts\[0\]: got token id -1"),
        ({"max_new_tokens": -1}, "max_new_tokens: got -1"),
        ({"max_new_tokens": [1, 2]}, "one for each of the 1 prompts"),
        ({"temperature": -0.5}, "temperature: got -0.5"),
        ({"temperature": math.nan}, "temperature: got nan"),
        ({"temperature": 1e-39}, "temperature: got 1e-39, expected 0"),
        ({"temperature": math.inf}, "temperature: got inf"),
        ({"temperature": 1.0}, "generator: got None"),
        ({"top_p": 0.0}, "top_p: got 0.0"),
        ({"top_p": 1.1}, "top_p: got 1.1"),
        ({"batch_size": 0}, "batch_size: got 0"),
    ],
)
def test_arguments_that_make_no_sense(changes, message):
    arguments = {"prompts": [[1]], "max_new_tokens": 2, "eos_ids": [], **changes}
    with pytest.raises(InputError, match=message):
        generate(build(TINY, torch.float32), **arguments)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_model_of_nan_is_an_error(temperature):
    model = build(TINY, torch.float32)
    with torch.no_grad():
        model.model.norm.weight.fill_(math.nan)
    with pytest.raises(InputError, match=r"prompts\[\d\], token 0: the model's logits are NaN"):
        generate(model, PROMPTS, max_new_tokens=2, eos_ids=[], temperature=temperature,
                 generator=seeded(0))  # fmt: skip


def test_autocast_and_bfloat16_generate():
    model = build(TINY, torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        under_autocast = generate(model, PROMPTS, max_new_tokens=4, eos_ids=[])
    low = generate(model.bfloat16(), PROMPTS, max_new_tokens=4, eos_ids=[])
    assert all(len(ids) == 4 for ids in under_autocast.ids + low.ids)


def test_the_model_can_be_trained_afterwards():
    model = build(TINY, torch.float32)
    generate(model, PROMPTS, max_new_tokens=2, eos_ids=[])
    assert model.training
    whole_logits(model, [1, 2, 3]).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
