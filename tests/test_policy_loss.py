"""PPO's clipped loss formed in forward against autograd through its definition in float64."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels import linear_policy_loss, linear_token_logprobs
from kernels.head import default_chunk_size
from tests.interpreter import DEVICES, use_fused_kernels
from tests.strategies.kernels import policy_steps

# exp(-inf) * -inf and the like, where the kernel then takes another value
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning:triton")

PATHS = ["twin", *DEVICES]
chunk_sizes = st.sampled_from([None, 1, 3, 100])


@pytest.fixture(scope="module", params=PATHS, autouse=True)
def device(request):
    """The twin on CPU, then the fused kernel in the interpreter or on CUDA."""
    if request.param == "twin":
        yield "cpu"
        return
    with pytest.MonkeyPatch.context() as patch:
        use_fused_kernels(patch, request.param)
        yield request.param


def old_logprobs_of(problem, shifts, temperature):
    exact = problem.hidden.double() @ problem.weight.double().T / temperature
    actions = problem.targets.clamp(min=0)
    return exact.log_softmax(1).gather(1, actions[:, None]).squeeze(1) - shifts


def definition(hidden, weight, actions, old, advantages, clip, count, entropy_weight, temperature):
    log_p = (hidden @ weight.T / temperature).log_softmax(1)
    chosen = log_p.gather(1, actions[:, None]).squeeze(1)
    ratio = (chosen - old).exp()
    surrogate = torch.minimum(advantages * ratio, advantages * ratio.clamp(1 - clip, 1 + clip))
    entropy = -(log_p.exp() * log_p).sum(1)
    return -(surrogate.sum() + entropy_weight * entropy.sum()) / count, chosen, entropy


@settings(max_examples=25)
@given(policy_steps(), chunk_sizes, st.sampled_from([0.0, 0.01]), st.sampled_from([1.0, 0.6]))
def test_equals_the_float64_definition(device, step, chunk_size, entropy_weight, temperature):
    problem, shifts, advantages = step
    old, actions = old_logprobs_of(problem, shifts, temperature), problem.targets.clamp(min=0)
    numbers = {"clip": 0.2, "count": 7.0, "entropy_weight": entropy_weight,
               "temperature": temperature}  # fmt: skip
    x, w = (t.double().requires_grad_() for t in problem[:2])
    exact = definition(x, w, actions, old, advantages.double(), *numbers.values())
    exact = *exact, *torch.autograd.grad(exact[0], (x, w))

    x, w = (t.float().to(device).requires_grad_() for t in problem[:2])
    data = (t.to(device) for t in (actions, old.float(), advantages))
    got = linear_policy_loss(x, w, *data, **numbers, chunk_size=chunk_size)
    got = *got, *torch.autograd.grad(got[0], (x, w))
    size = (1 + 30 * problem.hidden.abs().max().item()) ** 2 * shifts.exp().max().item()
    for ours, theirs in zip(got, exact, strict=True):
        assert ours.dtype == torch.float32
        ours = ours.double().cpu()
        torch.testing.assert_close(ours, theirs.detach(), rtol=1e-4, atol=1e-6 * size)


def test_gradients_are_those_of_the_logprobs_op(device):
    """Twice the way to the same update: a loss behind linear_token_logprobs, and in front."""
    g = torch.Generator().manual_seed(0)
    x = torch.randn(30, 8, generator=g).to(device).requires_grad_()
    w = torch.randn(50, 8, generator=g).to(device).requires_grad_()
    actions = torch.randint(50, (30,), generator=g).to(device)
    advantages = torch.randn(30, generator=g).to(device)
    logprobs, entropy = linear_token_logprobs(x, w, actions)
    old = (logprobs + 0.3 * torch.randn(30, generator=g).to(device)).detach()
    ratio = (logprobs - old).exp()
    loss = -torch.minimum(advantages * ratio, advantages * ratio.clamp(0.8, 1.2)).sum() / 30
    loss = loss - 0.01 * entropy.sum() / 30
    numbers = {"clip": 0.2, "count": 30, "entropy_weight": 0.01}
    got = linear_policy_loss(x, w, actions, old, advantages, **numbers)
    torch.testing.assert_close(got[0], loss)
    torch.testing.assert_close(got[1:], (logprobs, entropy))
    assert not (got[1].requires_grad or got[2].requires_grad)
    expected = torch.autograd.grad(loss, (x, w))
    torch.testing.assert_close(torch.autograd.grad(got[0], (x, w), retain_graph=True), expected)
    for upstream in (1.0, -3.0):  # and once more, over the retained graph
        again = torch.autograd.grad(upstream * got[0], (x, w), retain_graph=True)
        torch.testing.assert_close(again, tuple(upstream * e for e in expected))


def test_three_products(device, monkeypatch):
    from kernels import head

    products = []
    for name in ("product", "accumulate_"):
        original = getattr(head, name)
        monkeypatch.setattr(
            head, name, lambda *a, f=original, n=name, **k: products.append(n) or f(*a, **k)
        )
    x, w = (torch.randn(n, 4, device=device, requires_grad=True) for n in (3, 9))
    one = torch.ones(3, device=device)
    loss, *_ = linear_policy_loss(x, w, one.long(), -one, one, clip=0.2, count=3)
    loss.backward()
    assert products == ["product", "product", "accumulate_"]


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("shift", [40.0, -40.0])
def test_ratios_far_away_do_not_overflow(device, sign, shift):
    x, w = (torch.randn(2, 4, device=device, requires_grad=True) for _ in range(2))
    actions = torch.zeros(2, dtype=torch.int64, device=device)
    old = linear_token_logprobs(x, w, actions)[0].detach() - shift
    advantages = torch.full((2,), sign, device=device)
    loss, *_ = linear_policy_loss(x, w, actions, old, advantages, clip=0.2, count=2)
    loss.backward()
    assert torch.isfinite(loss) and torch.equal(x.grad, torch.zeros_like(x))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"old_logprobs": torch.zeros(3)}, r"is float32 \[3\], expected float32 \[2\]"),
        ({"advantages": torch.zeros(2).double()}, r"advantages is float64 \[2\]"),
        ({"advantages": torch.zeros(2, requires_grad=True)}, r"pass advantages.detach\(\)"),
        ({"actions": torch.tensor([0, 9])}, r"targets\[1\] is 9, expected in \[0, 4\)"),
        ({"temperature": 0.0}, "temperature is 0.0"),
        ({"chunk_size": 0}, "chunk_size is 0"),
        ({"count": 0}, "count is 0, expected a number above 0"),
        ({"count": -2}, "count is -2"),
        ({"clip": -0.1}, "clip is -0.1, expected a number of at least 0"),
        ({"clip": float("nan")}, "clip is nan"),
    ],
)
def test_what_does_not_fit_is_refused(device, change, message):
    if device != "cpu":
        pytest.skip("values are looked at on CPU alone")
    arguments = {
        "hidden": torch.zeros(2, 3), "weight": torch.zeros(4, 3), "actions": torch.tensor([0, 1]),
        "old_logprobs": torch.zeros(2), "advantages": torch.zeros(2), "clip": 0.2, "count": 2,
    }  # fmt: skip
    with pytest.raises(ValueError, match=message):
        linear_policy_loss(**arguments | change)


def policy_arguments(problem, device):
    """(tensors, options) of the op behind the function."""
    hidden, weight, targets, c = (t.to(device) for t in problem)
    tensors = hidden, weight, None, targets.clamp(min=0), -c.abs(), c
    return tensors, (0.2, 0.1, 0.01, 0.7, default_chunk_size(weight))
