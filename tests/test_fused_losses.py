"""The fused kernels: each trap that a published fused loss has fallen into is a test here.

    linkedin/Liger-Kernel, apple/ml-cross-entropy, volcengine/verl, unslothai/unsloth and others;
    issue numbers are beside the tests

They run in Triton's interpreter without a GPU, compiled with one. `tests/mutate_kernels.py` breaks
the kernels in one way per trap and shows that these tests notice.
"""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from kernels import arguments, head, matmul, weighted_linear_cross_entropy
from tests import oracles
from tests.fused import (
    assert_close,
    chunk_sizes,
    counting,
    dense,
    device,  # noqa: F401  a fixture
    error,
    exact_logprobs,
    few,
    functions,
    problems,
    random_problem,
    row_blocks,
    run,
    run_logprobs,
    scales,
    to,
)
from tests.strategies.kernels import BLOCKS, PEAKS, Problem, peaked_problems

# exp(-inf) * -inf and the like, where the kernel then takes another value
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning:triton")

seeds = st.integers(0, 2**32)


every_block = pytest.mark.parametrize("block", BLOCKS)


# --- 1. coefficients and upstream gradients differ from row to row (Liger 488, 678, 968) ------


@every_block
@few
@given(problems(), chunk_sizes)
def test_equals_the_float64_definition(block, device, problem, chunk_size):
    expected = oracles.weighted_linear_cross_entropy(*problem)
    with row_blocks(block):
        assert_close(run(problem, device, chunk_size=chunk_size), expected, problem)


@every_block
@few
@given(problems(min_rows=1), chunk_sizes, st.sampled_from([1.0, 0.7, 2.0]), seeds)
def test_logprobs_equal_the_float64_definition(block, device, problem, chunk_size, t, seed):
    g = torch.Generator().manual_seed(seed)
    upstream = torch.randn(2, len(problem.targets), generator=g)
    upstream[:, torch.rand(len(problem.targets), generator=g) < 0.3] = 0
    with row_blocks(block):
        got = run_logprobs(problem, device, upstream, temperature=t, chunk_size=chunk_size)
    size = scales(problem)[1] ** 2 * 10
    for ours, exact in zip(got, exact_logprobs(problem, upstream, t), strict=True):
        torch.testing.assert_close(ours.double(), exact, rtol=1e-5, atol=2e-7 * size)


# --- 2. p -> 1 (Liger 1329, TransformerEngine 3193) -------------------------------------------


@every_block
@few
@given(peaked_problems())
def test_peaked_rows_keep_their_digits(block, device, problem):
    """Relative, per element: an error of 1e-7 beside a gradient of 1e-7 would be 100%."""
    loss, d_hidden, _ = oracles.weighted_linear_cross_entropy(*problem)
    with row_blocks(block):
        got_loss, got_d_hidden, _ = run(problem, device)
    torch.testing.assert_close(got_d_hidden.double(), d_hidden, rtol=5e-6, atol=0)
    torch.testing.assert_close(got_loss.double(), loss, rtol=5e-6, atol=0)


@pytest.mark.parametrize("p", PEAKS)
def test_bfloat16_is_no_worse_than_torch(device, p):
    for seed in range(3):
        problem = peaked_bfloat16(p, seed)
        exact = oracles.weighted_linear_cross_entropy(*problem)
        ours = run(problem, device, torch.bfloat16)
        for theirs in torch_bfloat16(problem, widen=False), torch_bfloat16(problem, widen=True):
            for a, b, e in zip(ours, theirs, exact, strict=True):
                assert error(a, e) <= error(b, e)
        assert error(ours[0], exact[0]) < 2e-6
        assert max(error(a, e) for a, e in zip(ours[1:], exact[1:])) < 2**-8


def peaked_bfloat16(p, seed, V=200, T=16):
    """Every target has probability p, in a head whose rows are orthogonal."""
    g = torch.Generator().manual_seed(seed)
    logits = torch.randn(T, V, generator=g, dtype=torch.float64)
    targets = torch.randint(V, (T,), generator=g)
    top = torch.tensor(p / (1 - p)).log() + logits.logsumexp(1)
    logits.scatter_(1, targets[:, None], top.double()[:, None])
    weight = torch.linalg.qr(torch.randn(V, V, generator=g, dtype=torch.float64))[0]
    return Problem((logits @ weight).bfloat16(), weight.bfloat16(), targets, torch.ones(T))


def torch_bfloat16(problem, widen):
    """PyTorch's own: bfloat16 products, the loss in bfloat16 or in float32."""
    x, w = problem.hidden.detach().requires_grad_(), problem.weight.detach().requires_grad_()
    logits = F.linear(x, w)
    logits = logits.float() if widen else logits
    loss = F.cross_entropy(logits, problem.targets, reduction="sum")
    return loss.detach(), *torch.autograd.grad(loss, (x, w))


# --- 3. dW over many chunks (Liger 512, 827, 1391; CCE 14; axolotl 1601) ----------------------


def test_bfloat16_error_does_not_grow_with_the_number_of_chunks(device):
    problem = random_problem(T=128, E=8, V=33)
    problem = problem._replace(hidden=problem.hidden.bfloat16(), weight=problem.weight.bfloat16())
    exact = oracles.weighted_linear_cross_entropy(*problem)[2]
    x, w = problem.hidden.to(device), problem.weight.float().to(device).requires_grad_()
    errors = []
    for size in (128, 32, 8, 1):
        w.grad = None
        weighted_linear_cross_entropy(x, w, *to(device, problem[2:]), chunk_size=size).backward()
        errors.append(error(w.grad.cpu(), exact))
    # dz is rounded once, to a relative 2^-9: every chunk's share alike, and nothing after it.
    assert max(errors) <= 2**-9 and max(errors) <= 1.02 * min(errors), errors


@few
@given(problems(), chunk_sizes, chunk_sizes)
def test_chunk_size_changes_nothing_but_the_order_of_sums(device, problem, one, other):
    got, expected = (run(problem, device, chunk_size=size) for size in (one, other))
    assert_close(got, expected, problem, 6e-8)


# --- 4. exact sums of 16-bit products, not 32-bit products (TRL 6863) -------------------------


def test_bfloat16_operands_and_float32_sums(device, monkeypatch):
    seen = []
    for name in ("product", "accumulate_"):
        original = getattr(head, name)

        def spy(*args, f=original, **options):
            made = f(*args, **options)
            seen.append((args[-2].dtype, args[-1].dtype, made.dtype))
            return made

        monkeypatch.setattr(head, name, spy)
    problem = random_problem()
    hidden = problem.hidden.bfloat16().to(device).requires_grad_()
    weight = problem.weight.to(device).requires_grad_()
    loss = weighted_linear_cross_entropy(hidden, weight, *to(device, problem[2:]), chunk_size=24)
    loss.backward()
    assert len(seen) == head.PARTS + 2
    assert set(seen) == {(torch.bfloat16, torch.bfloat16, torch.float32)}
    assert hidden.grad.dtype == torch.bfloat16 and weight.grad.dtype == torch.float32


# --- 5. the tail of a ragged vocabulary (verl 2656, 2899, 5349) -------------------------------


@pytest.mark.parametrize("V", [33, 32000, 32016, 32769, 50257, 152064])
@pytest.mark.parametrize("scale", [1e-3, 30.0])
def test_ragged_vocabularies(device, V, scale):
    """Small logits: a column too many in the sum would count as exp(0), as much as a real one."""
    problem = random_problem(T=2, E=3, V=V, scale=scale)
    problem.targets[0] = V - 1
    expected = dense(problem)
    got = run(problem, device)
    assert_close(got, expected, problem)
    upstream = torch.tensor([[1.0, -2.0], [0.5, 0.0]])
    got = run_logprobs(problem, device, upstream)
    for ours, exact in zip(got, exact_logprobs(problem, upstream), strict=True):
        torch.testing.assert_close(ours.double(), exact, rtol=2e-5, atol=1e-5 * (1 + scale))


@every_block
def test_columns_beyond_the_vocabulary_are_neither_read_nor_written(block, device):
    """The logits are a part of a wider buffer, as where a larger head was allocated."""
    g = torch.Generator().manual_seed(0)
    wide = 3 * torch.randn(4, 60, generator=g)
    wide[:, 37:] = 1e4
    targets, c = torch.tensor([0, 36, 5, 7]), torch.tensor([1.0, -2, 0.5, 3])
    exact = dense(Problem(wide[:, :37], torch.eye(37), targets, c))
    ours = wide.clone().to(device)
    z = ours[:, :37]
    with row_blocks(block):
        nll, (dz, _) = functions().nll(z, z, *to(device, (targets, c)))
    torch.testing.assert_close((c * nll.cpu()).sum().double(), exact[0], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(dz.cpu().double(), exact[1], rtol=1e-5, atol=1e-6)
    assert (ours[:, 37:] == 1e4).all()


# --- 6. no row counts (Liger 177, torchtune 2341, unsloth 10892) ------------------------------


@pytest.mark.parametrize("T", [0, 1, 7])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_no_row_counts(device, T, dtype):
    hidden = torch.randn(T, 4, dtype=dtype, device=device, requires_grad=True)
    weight = torch.randn(9, 4, dtype=dtype, device=device, requires_grad=True)
    targets = torch.tensor([-100, 3, -100, 2, 2, 2, 2][:T], dtype=torch.int64, device=device)
    coefficients = torch.tensor([1.0, 0, 0, 0, 0, 0, 0][:T], device=device)
    loss = weighted_linear_cross_entropy(hidden, weight, targets, coefficients)
    assert loss == 0 and loss.requires_grad
    (2.5 * loss).backward()
    assert torch.equal(hidden.grad, torch.zeros_like(hidden))
    assert torch.equal(weight.grad, torch.zeros_like(weight))


# --- 7. few rows count (unsloth 5230) ---------------------------------------------------------


@pytest.mark.parametrize("active", [1, 7, 8, 9, 127, 129])
def test_sparse_masks(device, active):
    """1 row that counts among many, and numbers around 8 and 128 with chunks that do not divide."""
    problem = random_problem(T=300, E=5, V=19)
    chosen = torch.randperm(300, generator=torch.Generator().manual_seed(active))[:active]
    coefficients = torch.zeros(300).index_fill_(0, chosen, 2)
    problem = problem._replace(coefficients=coefficients)
    problem.hidden[coefficients == 0] = torch.nan  # rows that do not count are never read
    expected = oracles.weighted_linear_cross_entropy(*counting(problem))
    for chunk_size in (None, 50):
        got = run(problem, device, chunk_size=chunk_size)
        assert (got[1] != 0).any(1).sum() == active
        got[1] = got[1][coefficients != 0]
        assert_close(got, expected, counting(problem))


# --- 8. log-probabilities in float32 ----------------------------------------------------------


def test_bfloat16_logprobs_are_float32_to_rounding(device):
    """An error of 0.03 nats, that of a bfloat16 logit, is as large as the steps that PPO takes."""
    problem = random_problem(T=40, E=16, V=100, scale=2.0)
    problem = problem._replace(hidden=problem.hidden.bfloat16(), weight=problem.weight.bfloat16())
    upstream = torch.ones(2, 40)
    got = run_logprobs(problem, device, upstream, torch.bfloat16)
    exact = exact_logprobs(problem, upstream)
    for ours, theirs in zip(got[:2], exact[:2], strict=True):
        assert ours.dtype == torch.float32
        assert (ours - theirs).abs().max() < 2e-5
    each = problem._replace(coefficients=torch.zeros(40).index_fill_(0, torch.tensor([3]), 1))
    loss = run(each, device, torch.bfloat16)[0]
    assert loss.dtype == torch.float32 and abs(loss + exact[0][3]) < 2e-5


# --- the same every time, and the twin --------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_deterministic(device, dtype):
    problem = random_problem(T=64)
    one, other = (run(problem, device, dtype, chunk_size=10) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_float64_is_left_to_the_twin(device):
    problem = random_problem()
    expected = oracles.weighted_linear_cross_entropy(*problem)
    got = run(problem._replace(hidden=problem.hidden.double()), device, torch.float64)
    assert_close(got, expected, problem, 1e-15)


def test_what_the_twin_makes_of_bfloat16_products(device):
    assert matmul.product(torch.ones(2, 300).bfloat16(), torch.ones(300, 1).bfloat16())[0, 0] == 300


def test_on_cpu_values_are_checked(device):
    if device == "cpu":
        with pytest.raises(ValueError, match=r"targets\[0\] is 9"):
            arguments.check_targets(9, torch.tensor([9]))
