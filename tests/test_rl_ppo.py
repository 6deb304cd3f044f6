"""The losses of PPO: known values, gradients, and what the clips cut off."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kernels import linear_token_logprobs
from tl.rl.ppo import AdaptiveKL, Coefficients, FixedKL, policy_loss, value_loss

E = math.e
BY = Coefficients(clip=0.2, value_clip=0.2, value=0.1, entropy=0.0)
LOGPROB = -0.5


def choose(logprobs, old, advantages, count=1.0, by=BY):
    """(hidden, result) where token 0 of 2 was chosen with these log-probabilities."""
    other = torch.log(-torch.expm1(logprobs))
    hidden = torch.stack([logprobs, other], 1).requires_grad_()
    head, actions = torch.eye(2, dtype=hidden.dtype), torch.zeros(len(hidden), dtype=torch.int64)
    return hidden, policy_loss(hidden, head, actions, old, advantages, by, count)


def one(ratio, advantage):
    """(loss, d loss / d logprob, result) of one token."""
    new = torch.tensor([LOGPROB], dtype=torch.float64)
    hidden, result = choose(new, new - math.log(ratio), torch.tensor([advantage]))
    (gradient,) = torch.autograd.grad(result.loss, hidden)
    return result.loss.item(), gradient[0, 0].item() / -math.expm1(LOGPROB), result


@pytest.mark.parametrize(
    ("ratio", "advantage", "loss", "cut_off"),
    [
        (E, 1.0, -1.2, True),
        (1 / E, 1.0, -1 / E, False),
        (E, -1.0, E, False),
        (1 / E, -1.0, 0.8, True),
        (1.0, 2.0, -2.0, False),
        (1.1, 2.0, -2.2, False),
    ],
)
def test_known_values(ratio, advantage, loss, cut_off):
    got, gradient, result = one(ratio, advantage)
    assert got == pytest.approx(loss)
    assert (gradient == 0) == cut_off == bool(result.clip_fraction)
    assert cut_off or gradient == pytest.approx(-advantage * ratio)


@given(st.integers(0, 2**32), st.integers(1, 7))
def test_micro_batches_add_up(seed, cut):
    g = torch.Generator().manual_seed(seed)
    new, old, advantages = torch.randn(3, 8, generator=g, dtype=torch.float64)
    halves = slice(cut), slice(cut, None)
    hidden, weight = torch.randn(8, 3, generator=g), torch.randn(5, 3, generator=g)
    actions, by = torch.randint(5, (8,), generator=g), BY._replace(entropy=0.1)
    tensors = hidden.double(), actions, old, advantages

    def loss(part):
        h, *others = (each[part] for each in tensors)
        return policy_loss(h, weight.double(), *others, by, 8)

    whole, parts = loss(slice(None)), [loss(part) for part in halves]
    for name in whole._fields:
        total = sum(getattr(part, name) for part in parts)
        torch.testing.assert_close(total, getattr(whole, name))
    values = value_loss(new, old, advantages, 0.2, 8)
    made = [value_loss(*(x[s] for x in (new, old, advantages)), 0.2, 8) for s in halves]
    torch.testing.assert_close(sum(each.loss for each in made), values.loss)


def test_at_ratio_one_it_is_the_policy_gradient():
    g = torch.Generator().manual_seed(0)
    inputs = [torch.randn(n, 3, generator=g, requires_grad=True) for n in (5, 4)]
    actions, advantages = torch.tensor([0, 3, 1, 1, 2]), torch.tensor([1.0, -2, 0.5, 0, 3])
    old = linear_token_logprobs(*inputs, actions)[0].detach()
    result = policy_loss(*inputs, actions, old, advantages, BY, 5)
    assert result.ratio == 5 and result.approx_kl == 0
    ours = torch.autograd.grad(result.loss, inputs)
    logprobs = (inputs[0] @ inputs[1].t()).log_softmax(1)[torch.arange(5), actions]
    plain = torch.autograd.grad(-(advantages * logprobs).mean(), inputs)
    torch.testing.assert_close(ours, plain)


def test_approx_kl_is_unbiased_and_never_negative():
    """The mean of k3 over samples of the old policy is KL(old || new)."""
    g = torch.Generator().manual_seed(0)
    old, new = torch.randn(2, 6, generator=g, dtype=torch.float64).log_softmax(1)
    log_ratio = new - old
    k3 = [choose(new[i : i + 1], old[i : i + 1], torch.zeros(1))[1].approx_kl for i in range(6)]
    assert min(k3) >= 0
    assert sum(p * k for p, k in zip(old.exp(), k3, strict=True)) == pytest.approx(
        -(old.exp() * log_ratio).sum().item()
    )


def test_a_runaway_ratio_stays_finite():
    for sign in (1.0, -1.0):
        new, old = torch.full((2,), LOGPROB), torch.tensor([-500.0, 500.0])
        hidden, result = choose(new, old, torch.full((2,), sign), count=2)
        result.loss.backward()
        assert all(torch.isfinite(x).all() for x in (*result, hidden.grad))


@pytest.mark.parametrize(
    ("value", "old", "target", "loss", "gradient"),
    [
        (0.5, 0.5, 1.0, 0.125, -0.5),
        (0.6, 0.5, 1.0, 0.08, -0.4),
        (0.9, 0.5, 1.0, 0.045, 0.0),  # clipped to 0.7: it has moved far enough
        (0.1, 0.5, 1.0, 0.405, -0.9),  # the wrong way: not held back
    ],
)
def test_value_loss(value, old, target, loss, gradient):
    values = torch.tensor([value], dtype=torch.float64, requires_grad=True)
    old_values, returns = torch.tensor([[old], [target]]).double()
    result = value_loss(values, old_values, returns, 0.2, 1)
    assert result.loss.item() == pytest.approx(loss)
    result.loss.backward()
    assert values.grad.item() == pytest.approx(gradient, abs=1e-12)


@given(st.integers(0, 2**32))
def test_rounding_clips_no_value(seed):
    """Whatever lies within the range keeps its gradient, and does not count as clipped."""
    g = torch.Generator().manual_seed(seed)
    old, new, returns = torch.randn(3, 64, generator=g)
    old, values = 0.05 * old.tanh(), (0.1 * new.tanh()).requires_grad_()
    result = value_loss(values, old, returns, 0.2, 1)
    result.loss.backward()
    assert result.clip_fraction == 0
    torch.testing.assert_close(values.grad, values.detach() - returns)


def test_the_adaptive_coefficient_follows_the_kl():
    control = AdaptiveKL(0.3, target=0.1, horizon=1000)
    control.update(0.1, 100)
    assert control.coefficient == pytest.approx(0.3)
    control.update(0.11, 100)
    assert control.coefficient == pytest.approx(0.3 * (1 + 0.1 * 0.1))
    control.update(50.0, 100)
    control.update(0.0, 100)
    assert control.coefficient == pytest.approx(0.303 * 1.02 * 0.98)
    fixed = FixedKL(0.3)
    fixed.update(9.0, 10)
    assert fixed.coefficient == 0.3
