"""The fused kernels between tensors as they come and autograd as it goes: the traps of
test_fused_losses.py that are not about numbers.
"""

import importlib

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.checkpoint import checkpoint

from kernels import (
    active_rows,
    head,
    linear_policy_loss,
    linear_token_logprobs,
    weighted_linear_cross_entropy,
)
from kernels import linear_cross_entropy as ce
from tests.fused import (
    assert_close,
    chunk_sizes,
    device,  # noqa: F401  a fixture
    few,
    functions,
    problems,
    random_problem,
    run,
    run_logprobs,
    scales,
    to,
)
from tests.strategies.kernels import Problem, laid_out, layouts

# exp(-inf) * -inf and the like, where the kernel then takes another value
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning:triton")

dtypes = st.sampled_from([torch.float32, torch.bfloat16])
upstreams = st.sampled_from([1.0, -2.5, 0.0, 65536.0])


# --- 9. more than 2^31 logits (CCE 37, flash-attention 714, Triton 1058) ----------------------


def test_offsets_pass_2_to_the_31(device):
    """The rows stand so far apart that int32 would wrap around to their mirror images, which are
    there (as pages that nothing has touched): a wrong number, not a crash."""
    stride = 2**30
    buffer = torch.empty(6 * stride, dtype=torch.bfloat16, device=device)  # 13 GB, virtual
    z = buffer[2 * stride :].as_strided((3, 5), (stride, 1))
    values = torch.randn(3, 5, generator=torch.Generator().manual_seed(0)).bfloat16()
    for row, value in zip(z, values):
        row.copy_(value)
    targets = torch.tensor([1, 4, 0], device=device)
    logprobs, _ = functions().statistics(z, targets, 1.0)
    exact = values.double().log_softmax(1).gather(1, targets.cpu()[:, None]).squeeze(1)
    torch.testing.assert_close(logprobs.cpu().double(), exact, rtol=1e-6, atol=1e-6)


# --- 10. strides and alignment (QuACK 126, unsloth 10713, flash-attention) --------------------


@few
@given(problems(min_rows=1), layouts(), chunk_sizes, dtypes)
def test_strides_and_alignment_do_not_matter(device, problem, layout, chunk_size, dtype):
    expected = run(problem, device, dtype, chunk_size=chunk_size)
    strided = laid_out(problem, layout, dtype)
    x, w = (t.detach().to(device).requires_grad_() for t in strided[:2])
    loss = weighted_linear_cross_entropy(x, w, *to(device, strided[2:]), chunk_size=chunk_size)
    one = torch.ones(1, device=device).expand(3)[1]  # stride 0
    got = loss.detach().cpu(), *(g.cpu() for g in torch.autograd.grad(loss, (x, w), one))
    exact = dtype == torch.float32
    assert_close(got, expected, problem, 6e-8 if exact else 2e-3)


@few
@given(problems(min_rows=1), layouts())
def test_strided_upstream_gradients_of_logprobs(device, problem, layout):
    strided = laid_out(problem, layout, torch.float32)
    one = torch.tensor(1.5).expand(len(problem.targets))
    expected = run_logprobs(problem, device, torch.stack([one, -one]))
    x, w = (t.detach().to(device).requires_grad_() for t in strided[:2])
    made = linear_token_logprobs(x, w, strided.targets.clamp(min=0).to(device))
    got = torch.autograd.grad(made, (x, w), (one.to(device), -one.to(device)))
    for ours, theirs in zip(got, expected[2:], strict=True):
        size = scales(problem)[1] ** 2
        torch.testing.assert_close(ours.cpu(), theirs, rtol=1e-5, atol=1e-6 * size)


# --- 11. upstream gradients and a second backward (torchtitan, QuACK, PyTorch) ----------------


@few
@given(problems(min_rows=1), st.lists(upstreams, min_size=2, max_size=3))
def test_every_backward_over_a_retained_graph_is_right(device, problem, upstreams):
    """The results of earlier ones must not change either: they may be somebody's .grad."""
    _, *expected = run(problem, device)
    inputs = [problem.hidden.float().to(device).requires_grad_(),
              problem.weight.float().to(device).requires_grad_()]  # fmt: skip
    loss = weighted_linear_cross_entropy(*inputs, *to(device, problem[2:]))
    results = [
        torch.autograd.grad(loss, inputs, torch.tensor(u, device=device), retain_graph=True)
        for u in upstreams
    ]
    for upstream, got in zip(upstreams, results, strict=True):
        for a, b in zip(got, expected, strict=True):
            torch.testing.assert_close(a.cpu(), upstream * b, rtol=1e-6, atol=0)


@pytest.mark.parametrize("op", ["cross-entropy", "logprobs", "policy"])
def test_under_activation_checkpointing(device, op):
    """Saved tensors may be unpacked once in each backward; then they are gone."""
    problem = random_problem()
    hidden = problem.hidden.to(device).requires_grad_()
    weight, targets, c = to(device, problem[1:])

    def loss(h):
        if op == "cross-entropy":
            return weighted_linear_cross_entropy(2 * h, weight, targets, c)
        if op == "logprobs":
            return linear_token_logprobs(2 * h, weight, targets)[0].sum()
        return linear_policy_loss(2 * h, weight, targets, c, c, clip=0.2, count=9)[0]

    (expected,) = torch.autograd.grad(loss(hidden), hidden)
    (got,) = torch.autograd.grad(checkpoint(loss, hidden, use_reentrant=False), hidden)
    assert torch.equal(got, expected)


# --- 12. frozen inputs (Liger 931) ------------------------------------------------------------


@pytest.mark.parametrize("hidden_grad", [True, False])
@pytest.mark.parametrize("weight_grad", [True, False])
@pytest.mark.parametrize("op", ["cross-entropy", "logprobs"])
def test_frozen_inputs_get_no_gradient_and_cost_no_product(
    monkeypatch, device, hidden_grad, weight_grad, op
):
    products = []
    for name in ("product", "accumulate_"):
        original = getattr(head, name)
        monkeypatch.setattr(
            head, name, lambda *a, f=original, n=name, **k: products.append(n) or f(*a, **k)
        )
    problem = random_problem()
    hidden = problem.hidden.to(device).requires_grad_(hidden_grad)
    weight = problem.weight.to(device).requires_grad_(weight_grad)
    if op == "logprobs":
        got = linear_token_logprobs(hidden, weight, problem.targets.to(device))[0].sum()
    else:
        got = weighted_linear_cross_entropy(hidden, weight, *to(device, problem[2:]))
    assert got.requires_grad == (hidden_grad or weight_grad)
    if got.requires_grad:
        got.backward()
    again = op == "logprobs" and got.requires_grad  # its backward multiplies the logits again
    assert products == ["product"] * (1 + again + hidden_grad) + ["accumulate_"] * weight_grad
    assert (hidden.grad is None) == (not hidden_grad)
    assert (weight.grad is None) == (not weight_grad)
    products.clear()
    with torch.no_grad():
        assert torch.allclose(got, weighted_linear_cross_entropy(
            hidden, weight, *to(device, problem[2:])) if op != "logprobs" else got)
    assert "accumulate_" not in products


# --- 14. nothing on the way looks at a value (Liger 1292) -------------------------------------

LOOKS = {"_local_scalar_dense", "nonzero", "equal", "is_nonzero", "item", "masked_select", "unique"}


def test_no_op_stops_the_device(device, monkeypatch):
    from torch.utils._python_dispatch import TorchDispatchMode

    from tests.test_policy_loss import policy_arguments

    class Looks(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            name = func.overloadpacket.__name__
            assert name not in LOOKS, name
            return func(*args, **(kwargs or {}))

    for module in (ce, *(_module(name) for name in ("token_logprobs", "policy_loss"))):
        for check in ("check_values", "check_targets"):  # skipped on CUDA
            if hasattr(module, check):
                monkeypatch.setattr(module, check, lambda *arguments: None)
    monkeypatch.setattr(functions(), "_row_kernel", Launches())
    monkeypatch.setattr(functions(), "_scale_kernel", Launches())
    p = random_problem()
    p = p._replace(hidden=p.hidden.bfloat16())
    hidden, weight, targets, c = to(device, p)
    chosen = active_rows(targets, c)
    with Looks():  # it does not see into custom ops, so their insides are called
        ce._gradients_and_loss._init_fn(hidden, weight, chosen, targets, c, 5, True, True)
        token = _module("token_logprobs")
        token._logprobs._init_fn(hidden, weight, targets, 1.0, 5)
        token._gradients._init_fn(hidden, weight, targets, c, c, 1.0, 5, True, True)
        arguments, options = policy_arguments(p, device)
        _module("policy_loss")._gradients_and_loss._init_fn(*arguments, *options, True, True)
        w = weight.requires_grad_()
        loss = weighted_linear_cross_entropy(hidden, w, targets, c, chosen)
        torch.autograd.grad(3 * loss, w)


class Launches:
    """A kernel that does nothing: the interpreter would read its arguments on the host."""

    def __getitem__(self, grid):
        return lambda *arguments, **options: None


def _module(name):
    return importlib.import_module(f"kernels.{name}")


# --- 15. normalised once, over all processes (torchtitan 2206, 3412) --------------------------


@few
@given(problems(min_rows=1), st.lists(st.integers(0, 12), max_size=3))
def test_the_shares_of_processes_sum_up(device, problem, cuts):
    """Each process divides by the sum of the coefficients of all; gradients are then added up."""
    total = problem.coefficients.abs().sum().clamp_min(1e-6)
    problem = problem._replace(coefficients=problem.coefficients / total)
    edges = [0, *sorted(min(cut, len(problem.targets)) for cut in cuts), len(problem.targets)]
    shares = [
        run(Problem(problem.hidden[a:b], problem.weight, problem.targets[a:b],
                    problem.coefficients[a:b]), device)
        for a, b in zip(edges, edges[1:])
    ]  # fmt: skip
    losses, d_hiddens, d_weights = zip(*shares)
    whole = run(problem, device)
    assert_close((sum(losses), torch.cat(d_hiddens), sum(d_weights)), whole, problem)
