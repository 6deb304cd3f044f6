"""linear_token_logprobs against its definition in float64."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kernels import linear_token_logprobs
from tests.strategies.kernels import problems

TEMPERATURES = st.sampled_from([1.0, 0.7, 2.0])
CHUNKS = st.sampled_from([None, 1, 2, 5, 100])


def definition(hidden, weight, targets, temperature):
    log_p = (hidden @ weight.t() / temperature).log_softmax(1)
    chosen = log_p[torch.arange(len(targets)), targets]
    p = log_p.exp()
    entropy = -torch.where(p > 0, p * log_p, 0.0).sum(1)
    return chosen, entropy


def results(function, problem, temperature, dtype=torch.float64, **options):
    """(logprobs, entropy, gradients of a mixture of both with respect to hidden and weight)"""
    targets = problem.targets.clamp(min=0)
    hidden = problem.hidden.detach().to(dtype).requires_grad_()
    weight = problem.weight.detach().to(dtype).requires_grad_()
    logprobs, entropy = function(hidden, weight, targets, temperature, **options)
    g = torch.Generator().manual_seed(1)
    mixture = sum(
        (torch.randn(len(targets), generator=g, dtype=torch.float64).to(dtype) * x).sum()
        for x in (logprobs, entropy)
    )
    return logprobs, entropy, *torch.autograd.grad(mixture, (hidden, weight))


@given(problems(), TEMPERATURES, CHUNKS)
def test_equals_the_float64_definition(problem, temperature, chunk_size):
    expected = results(definition, problem, temperature)
    got = results(linear_token_logprobs, problem, temperature, chunk_size=chunk_size)
    scale = 1 + (problem.hidden.abs().max().item() if problem.hidden.numel() else 0) * 30
    for ours, theirs in zip(got, expected, strict=True):
        assert torch.isfinite(ours).all()
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-11 * scale**2)


@given(problems(min_rows=1), TEMPERATURES)
def test_float32_is_near(problem, temperature):
    exact = results(definition, problem, temperature)[0]
    logprobs, entropy, *_ = results(linear_token_logprobs, problem, temperature, torch.float32)
    scale = 1 + 30 * problem.hidden.abs().max().item()
    assert logprobs.dtype == entropy.dtype == torch.float32
    torch.testing.assert_close(logprobs.double(), exact, rtol=1e-5, atol=1e-6 * scale)


def test_gradcheck():
    g = torch.Generator().manual_seed(0)
    hidden = torch.randn(5, 4, generator=g, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(7, 4, generator=g, dtype=torch.float64, requires_grad=True)
    targets = torch.randint(7, (5,), generator=g)
    torch.autograd.gradcheck(
        lambda h, w: linear_token_logprobs(h, w, targets, 0.8, 2), (hidden, weight)
    )


def test_half_precision_is_summed_in_float32():
    g = torch.Generator().manual_seed(0)
    hidden = torch.randn(6, 16, generator=g).bfloat16()
    weight = torch.randn(50, 16, generator=g).bfloat16()
    targets = torch.randint(50, (6,), generator=g)
    got = linear_token_logprobs(hidden, weight, targets)
    exact = definition(hidden.double(), weight.double(), targets, 1.0)
    for ours, theirs in zip(got, exact, strict=True):
        torch.testing.assert_close(ours.double(), theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"temperature": 0.0}, "temperature is 0.0, expected a number above 0"),
        ({"temperature": float("nan")}, "temperature is nan"),
        ({"targets": torch.tensor([0, 9])}, r"targets\[1\] is 9, expected in \[0, 4\)"),
        ({"targets": torch.tensor([0, -100])}, r"targets\[1\] is -100"),
        ({"targets": torch.tensor([0])}, r"targets is int64 \[1\], expected int64 \[2\]"),
        ({"weight": torch.zeros(4, 5)}, "weight is float32"),
        ({"chunk_size": 0}, "chunk_size is 0"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    arguments = {
        "hidden": torch.zeros(2, 3), "weight": torch.zeros(4, 3), "targets": torch.tensor([0, 1]),
    }  # fmt: skip
    with pytest.raises(ValueError, match=message):
        linear_token_logprobs(**arguments | change)
