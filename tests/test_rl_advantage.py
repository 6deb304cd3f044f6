"""GAE against the definition on the policy's tokens alone, whitening, and the shaped rewards."""

import pytest
import torch
from hypothesis import find, given, settings
from hypothesis import strategies as st

from tl.rl.advantage import gae, kl_shaped_rewards, leave_one_out, whiten

FACTORS = st.sampled_from([0.0, 0.5, 0.9, 0.95, 1.0])


def definition(rewards, values, mask, gamma, lam, bootstrap):
    """One row, float64: the tokens of the policy are taken out, then A is summed up directly."""
    chosen = mask.nonzero().squeeze(1).tolist()
    r, v = rewards[chosen].tolist(), [*values[chosen].tolist(), bootstrap]
    delta = [r[i] + gamma * v[i + 1] - v[i] for i in range(len(chosen))]
    advantages = torch.zeros(len(rewards), dtype=torch.float64)
    for i, place in enumerate(chosen):
        advantages[place] = sum(
            (gamma * lam) ** k * delta[i + k] for k in range(len(chosen) - i)
        )
    return advantages


@st.composite
def episodes(draw):
    """(rewards, values, mask, bootstrap) of a few episodes; any mask, also none and all."""
    rows, length = draw(st.integers(1, 4)), draw(st.integers(1, 30))
    g = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    share = draw(st.sampled_from([0.0, 0.3, 0.7, 1.0]))
    mask = torch.rand(rows, length, generator=g) < share
    rewards, values = torch.randn(2, rows, length, generator=g, dtype=torch.float64)
    return torch.where(mask, rewards, 0.0), values, mask, torch.randn(rows, generator=g).double()


@settings(max_examples=1000)
@given(episodes(), FACTORS, FACTORS)
def test_equals_the_definition(episode, gamma, lam):
    rewards, values, mask, bootstrap = episode
    advantages, returns = gae(rewards, values, mask, gamma, lam, bootstrap)
    for row in range(len(rewards)):
        expected = definition(
            rewards[row], values[row], mask[row], gamma, lam, bootstrap[row].item()
        )
        torch.testing.assert_close(advantages[row], expected, rtol=0, atol=1e-10)
    torch.testing.assert_close(returns, torch.where(mask, advantages + values, 0.0))


def test_the_strategy_has_spans_between_calls():
    def has_gap(episode):
        row = episode[2][0].tolist()
        return "1001" in "".join(map(str, map(int, row)))

    assert find(episodes(), has_gap)
    assert find(episodes(), lambda e: not e[2].any()) and find(episodes(), lambda e: e[2].all())


@given(episodes(), FACTORS, st.integers(0, 5))
def test_what_a_tool_says_changes_nothing(episode, lam, longer):
    """Neither the values on its tokens, nor how many there are."""
    rewards, values, mask, bootstrap = episode
    advantages, _ = gae(rewards, values, mask, 1.0, lam, bootstrap)
    other = torch.where(mask, values, 1e6)
    torch.testing.assert_close(gae(rewards, other, mask, 1.0, lam, bootstrap)[0], advantages)
    gap = torch.zeros(len(mask), longer)
    parts = [torch.cat([x[:, :1], gap.to(x.dtype), x[:, 1:]], 1) for x in (rewards, values, mask)]
    stretched, _ = gae(*parts, 1.0, lam, bootstrap)
    torch.testing.assert_close(torch.cat([stretched[:, :1], stretched[:, longer + 1 :]], 1),
                               advantages)  # fmt: skip


def test_known_values():
    rewards, values = torch.tensor([0.0, 0, 0, 1]), torch.tensor([0.0, 0, 0, 1])
    mask = torch.ones(4, dtype=torch.bool)
    _, returns = gae(rewards, values, mask, 0.9, 0.95)
    torch.testing.assert_close(returns, torch.tensor([0.6579225, 0.7695, 0.9, 1.0]))
    # three tokens of a call, twenty of a tool, two of the policy; V = 0.5, reward 1 at the end
    mask = torch.tensor([1] * 3 + [0] * 20 + [1] * 2, dtype=torch.bool)
    rewards = torch.zeros(25).index_fill(0, torch.tensor([24]), 1.0)
    advantages, _ = gae(rewards, torch.full((25,), 0.5), mask, 1.0, 0.95)
    expected = torch.tensor([0.4073, 0.4287, 0.4512, 0.475, 0.5])
    torch.testing.assert_close(advantages[mask], expected, rtol=0, atol=1e-4)


def test_a_cut_off_episode_continues_with_its_value():
    rewards, mask = torch.zeros(1, 3), torch.ones(1, 3, dtype=torch.bool)
    values = torch.full((1, 3), 0.7)
    assert gae(rewards, values, mask, 1.0, 0.95, torch.tensor([0.7]))[0].abs().max() < 1e-6
    assert gae(rewards, values, mask, 1.0, 0.95)[0][0, -1] == pytest.approx(-0.7)


def test_a_reward_that_would_be_lost_is_refused():
    rewards, mask = torch.ones(1, 3), torch.tensor([[True, False, True]])
    with pytest.raises(ValueError, match="last token of its call"):
        gae(rewards, torch.zeros(1, 3), mask)
    with pytest.raises(ValueError, match="last token of its call"):
        kl_shaped_rewards(rewards, rewards, rewards, mask, 0.1)


def test_shaped_rewards():
    logprobs, ref = torch.tensor([0.1, 0.2, 0.3]), torch.tensor([0.2, 0.3, 0.4])
    mask = torch.ones(3, dtype=torch.bool)
    shaped = kl_shaped_rewards(torch.tensor([0.0, 0, 1]), logprobs, ref, mask, 0.5)
    torch.testing.assert_close(shaped, torch.tensor([0.05, 0.05, 1.05]))
    part = kl_shaped_rewards(torch.tensor([0.0, 0, 1]), logprobs, ref, mask & (ref > 0.3), 0.5)
    torch.testing.assert_close(part, torch.tensor([0.0, 0, 1.05]))


@given(episodes(), st.integers(1, 5))
def test_whitening_is_of_the_whole_rollout(episode, cut):
    x, _, mask, _ = episode
    whole = whiten(x, mask)
    assert (whole[~mask] == 0).all()
    if mask.sum() > 1:
        assert abs(whole[mask].mean()) < 1e-9 and abs(whole[mask].std() - 1) < 1e-6
    parts = [(x[:, :cut], mask[:, :cut]), (x[:, cut:], mask[:, cut:])]  # on two ranks
    torch.testing.assert_close(torch.cat(_whiten_together(parts), 1), whole)


def _whiten_together(parts):
    """Each part whitened with sums over all parts, as processes that take turns would."""
    sums = []
    for stage in range(3):
        found, results = [], []
        for part in parts:
            calls = iter(range(2))

            def total(value, calls=calls):
                number = next(calls)
                if number < len(sums):
                    return sums[number]
                found.append(value)
                return value

            results.append(whiten(*part, total))
        if stage < 2:
            sums.append(sum(found[:: 2 - stage]))
    return results


def test_one_token_has_no_spread():
    x = torch.tensor([3.0, 5.0])
    assert whiten(x, torch.tensor([True, False])).tolist() == [0, 0]
    assert whiten(x, torch.tensor([False, False])).tolist() == [0, 0]


def test_rounding_is_not_made_a_signal():
    """Equal rewards, but for the last bit of each: nothing to learn from."""
    g = torch.Generator().manual_seed(0)
    x = torch.full((4, 8), -2.0) + 2.4e-7 * torch.randn(4, 8, generator=g)
    assert whiten(x, torch.ones(4, 8, dtype=torch.bool)).abs().max() < 0.02


@given(st.integers(1, 3), st.integers(1, 4), st.integers(1, 4), st.integers(0, 2**32))
def test_the_baseline_of_a_reply_is_what_the_others_to_its_context_were_worth(
    contexts, copies, tokens, seed
):
    g = torch.Generator().manual_seed(seed)
    advantages = torch.randn(contexts * copies, tokens, generator=g, dtype=torch.float64)
    mask = torch.rand(advantages.shape, generator=g) < 0.7
    mask[:, 0] = True
    advantages = torch.where(mask, advantages, 0.0)
    got = leave_one_out(advantages, mask, copies)
    for episode, row in enumerate(advantages):
        context = episode // copies * copies
        others = [e for e in range(context, context + copies) if e != episode]
        baseline = sum(advantages[e, 0] for e in others) / max(1, len(others))
        expected = torch.where(mask[episode], row - baseline, 0.0)
        torch.testing.assert_close(got[episode], expected)
    if copies > 1:  # nothing of it is left where all are worth the same
        alike = torch.where(mask, 0.3, 0.0)
        assert not leave_one_out(alike, mask, copies).any()


@given(st.lists(st.integers(1, 12), min_size=4, max_size=4), st.integers(0, 2**32))
def test_without_a_critic_lambda_1_gives_every_token_its_reply_less_the_others(lengths, seed):
    """And with lambda below 1 the length of a reply would count: the flags refuse it."""
    rewards = torch.zeros(4, 12)
    mask = torch.arange(12) < torch.tensor(lengths)[:, None]
    worth = torch.randn(4, generator=torch.Generator().manual_seed(seed))
    rewards[torch.arange(4), torch.tensor(lengths) - 1] = worth
    advantages, _ = gae(rewards, torch.zeros(4, 12), mask, 1.0, 1.0)
    got = leave_one_out(advantages, mask, 2)
    expected = (worth - worth.view(2, 2).flip(1).flatten())[:, None]
    torch.testing.assert_close(got, torch.where(mask, expected, 0.0))


def test_lambda_below_1_makes_a_long_failure_seem_better_than_a_short_one():
    rewards, mask = torch.zeros(2, 30), torch.ones(2, 30, dtype=torch.bool)
    mask[0, 10:], rewards[0, 9], rewards[1, 29] = False, -1.5, -2.0
    for lam, longer_wins in ((0.95, True), (1.0, False)):
        advantages, _ = gae(rewards, torch.zeros(2, 30), mask, 1.0, lam)
        short, long = leave_one_out(advantages, mask, 2)[:, 0]
        assert (long > short) == longer_wins
