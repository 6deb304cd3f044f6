"""What the tests of the fused losses share: how they are run, on which device, and how near two
results must be.
"""

from contextlib import contextmanager

import pytest
import torch
import torch.nn.functional as F
from hypothesis import settings
from hypothesis import strategies as st

from kernels import active_rows, linear_token_logprobs, rows, weighted_linear_cross_entropy
from tests.interpreter import DEVICES, use_fused_kernels
from tests.strategies.kernels import Problem
from tests.strategies.kernels import problems as drawn_problems

few = settings(max_examples=10)
chunk_sizes = st.sampled_from([None, 1, 3, 5, 100])


@pytest.fixture(scope="module", params=DEVICES, autouse=True)
def device(request):
    with pytest.MonkeyPatch.context() as patch:
        use_fused_kernels(patch, request.param)
        yield request.param


def functions():
    return rows.row_functions(torch.zeros(1))


def problems(**size):
    """Where float32 logits mean something: an error of 1e-3 in a logit of 1e4 hides all others."""
    return drawn_problems(**size).filter(
        lambda p: not p.hidden.numel() or p.hidden.abs().max() < 300
    )


@contextmanager
def row_blocks(width):
    """Rows are read in blocks of this width."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(functions(), "BLOCK", width)
        patch.setattr(functions(), "NLL_BLOCK", width)
        yield


def run(problem, device, dtype=torch.float32, upstream=1.0, chosen=None, chunk_size=None):
    hidden = problem.hidden.detach().to(device, dtype).requires_grad_()
    weight = problem.weight.detach().to(device, dtype).requires_grad_()
    data = (t.to(device) for t in problem[2:])
    loss = weighted_linear_cross_entropy(hidden, weight, *data, chosen, chunk_size)
    gradients = torch.autograd.grad(upstream * loss, (hidden, weight))
    return [t.detach().cpu() for t in (loss, *gradients)]


def run_logprobs(problem, device, upstream, dtype=torch.float32, temperature=1.0, chunk_size=None):
    """(log p, entropy, dL/dhidden, dL/dweight) for upstream[2, T] gradients of the first two."""
    hidden = problem.hidden.detach().to(device, dtype).requires_grad_()
    weight = problem.weight.detach().to(device, dtype).requires_grad_()
    targets = problem.targets.clamp(min=0).to(device)
    made = linear_token_logprobs(hidden, weight, targets, temperature, chunk_size)
    gradients = torch.autograd.grad(made, (hidden, weight), tuple(upstream.to(device)))
    return [t.detach().cpu() for t in (*made, *gradients)]


def exact_logprobs(problem, upstream, temperature=1.0):
    hidden, weight = (t.detach().double().requires_grad_() for t in problem[:2])
    targets = problem.targets.clamp(min=0)
    log_p = (hidden @ weight.T / temperature).log_softmax(1)
    made = log_p.gather(1, targets[:, None]).squeeze(1), -(log_p.exp() * log_p).sum(1)
    return *made, *torch.autograd.grad(made, (hidden, weight), tuple(upstream.double()))


def scales(problem):
    """What the errors of (loss, dL/dhidden, dL/dweight) are proportional to, and logits grow to."""
    c = problem.coefficients.double().abs().sum().item()
    x = problem.hidden.double().abs().max().item() if problem.hidden.numel() else 0.0
    w = problem.weight.double().abs().max().item()
    E = problem.hidden.shape[1]
    return (c * (10 + E * x * w), c * w, c * x), 10 + E * x * w


def assert_close(got, expected, problem, rounding=1.2e-7):
    sizes, logits = scales(problem)
    for actual, wanted, size in zip(got, expected, sizes, strict=True):
        worst = (actual.double() - wanted.double()).abs().max().item() if wanted.numel() else 0.0
        assert worst <= rounding * (16 + 4 * logits) * size, (worst, size)


def error(got, expected):
    return ((got.double() - expected).norm() / expected.norm().clamp_min(1e-30)).item()


def random_problem(T=24, E=8, V=37, seed=0, scale=1.0):
    g = torch.Generator().manual_seed(seed)
    targets = torch.randint(V, (T,), generator=g)
    coefficients = torch.rand(T, generator=g) * 9 - 3
    hidden = scale * torch.randn(T, E, generator=g)
    return Problem(hidden, torch.randn(V, E, generator=g), targets, coefficients)


def dense(problem):
    """(loss, dL/dhidden, dL/dweight) in float64 by autograd, for vocabularies that are large."""
    x, w = (t.double().requires_grad_() for t in problem[:2])
    nll = F.cross_entropy(x @ w.T, problem.targets, reduction="none")
    loss = (problem.coefficients.double() * nll).sum()
    return loss.detach(), *torch.autograd.grad(loss, (x, w))


def counting(problem):
    rows = active_rows(problem.targets, problem.coefficients)
    return Problem(problem.hidden[rows], problem.weight, problem.targets[rows],
                   problem.coefficients[rows])


def to(device, tensors):
    return [t.to(device) for t in tensors]
