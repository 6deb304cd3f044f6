"""The loss op against its definition in float64, and the promises of its docstring."""

from random import Random

import pytest
import torch
import torch.nn.functional as F
from hypothesis import find, given, settings
from hypothesis import strategies as st

from kernels import active_rows, matmul, weighted_linear_cross_entropy
from kernels.head import Head, default_chunk_size
from kernels.linear_cross_entropy import _sum_over_chunks
from tests import oracles
from tests.strategies.kernels import PEAKS, Problem, peaked_problems, problems

seeds = st.integers(0, 2**32)
chunk_sizes = st.sampled_from([None, 1, 2, 3, 5, 100])


def run(problem, *, dtype=torch.float64, upstream=1.0, rows=None, chunk_size=None):
    """(loss, dL/dhidden, dL/dweight) of the op under test."""
    hidden = problem.hidden.detach().to(dtype).requires_grad_()
    weight = problem.weight.detach().to(dtype).requires_grad_()
    loss = weighted_linear_cross_entropy(
        hidden, weight, problem.targets, problem.coefficients, rows, chunk_size
    )
    gradients = torch.autograd.grad(upstream * loss, (hidden, weight))
    return loss.detach(), *gradients


def scales(problem):
    """What rounding errors of (loss, dL/dhidden, dL/dweight) are proportional to."""
    c = problem.coefficients.double().abs().sum().item()
    x = problem.hidden.double().abs().max().item() if problem.hidden.numel() else 0.0
    w = problem.weight.double().abs().max().item()
    E = problem.hidden.shape[1]
    return c * (10 + E * x * w), c * w, c * x


def assert_close(got, expected, problem, relative):
    for actual, wanted, scale in zip(got, expected, scales(problem), strict=True):
        error = (actual.double() - wanted.double()).abs().max().item() if wanted.numel() else 0.0
        assert error <= relative * scale, f"error {error:.3g} > {relative:.1g} * {scale:.3g}"


def random_problem(T=24, E=8, V=37, seed=0, active=1.0, scale=1.0):
    g = torch.Generator().manual_seed(seed)
    targets = torch.randint(V, (T,), generator=g)
    coefficients = torch.rand(T, generator=g) * 9 - 3
    coefficients[torch.rand(T, generator=g) >= active] = 0
    hidden = scale * torch.randn(T, E, generator=g, dtype=torch.float64)
    return Problem(hidden, torch.randn(V, E, generator=g).double(), targets, coefficients)


# --- the definition ---------------------------------------------------------------------------


@given(problems(), chunk_sizes)
def test_equals_the_float64_definition(problem, chunk_size):
    expected = oracles.weighted_linear_cross_entropy(*problem)
    assert_close(run(problem, chunk_size=chunk_size), expected, problem, 1e-12)


@given(problems(), chunk_sizes)
def test_float32_is_within_rounding_of_the_definition(problem, chunk_size):
    """The logits round to E * max|x| * max|w| * eps, and the loss and softmax inherit that."""
    expected = oracles.weighted_linear_cross_entropy(*problem)
    got = run(problem, dtype=torch.float32, chunk_size=chunk_size)
    assert [g.dtype for g in got] == [torch.float32] * 3
    logit_error = scales(problem)[0] / max(problem.coefficients.abs().sum().item(), 1e-30)
    assert_close(got, expected, problem, 1.2e-7 * (16 + 4 * logit_error))


def test_gradcheck():
    problem = random_problem(T=9, E=4, V=11, active=0.7)
    inputs = [problem.hidden.requires_grad_(), problem.weight.requires_grad_()]

    def loss(hidden, weight):
        return weighted_linear_cross_entropy(hidden, weight, *problem[2:], chunk_size=4)

    assert torch.autograd.gradcheck(loss, inputs)


# --- p -> 1 -----------------------------------------------------------------------------------


@given(peaked_problems())
def test_peaked_rows_keep_their_digits_in_float32(problem):
    """Relative, per element: an error of 1e-7 beside a gradient of 1e-7 would be 100%."""
    loss, d_hidden, _ = oracles.weighted_linear_cross_entropy(*problem)
    got_loss, got_d_hidden, _ = run(problem, dtype=torch.float32)
    torch.testing.assert_close(got_d_hidden.double(), d_hidden, rtol=3e-6, atol=0)
    torch.testing.assert_close(got_loss.double(), loss, rtol=3e-6, atol=0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("p", PEAKS)
def test_16_bit_is_no_worse_than_torch(p, dtype):
    for seed in range(3):
        g = torch.Generator().manual_seed(seed)
        V, T = 200, 16
        logits = torch.randn(T, V, generator=g, dtype=torch.float64)
        targets = torch.randint(V, (T,), generator=g)
        top = torch.tensor(p / (1 - p)).log() + logits.logsumexp(1)
        logits.scatter_(1, targets[:, None], top.double()[:, None])
        weight = torch.linalg.qr(torch.randn(V, V, generator=g, dtype=torch.float64))[0]
        hidden = (logits @ weight).to(dtype)  # weight is orthogonal: hidden @ weight.T == logits
        problem = Problem(hidden, weight.to(dtype), targets, torch.ones(T))
        exact = oracles.weighted_linear_cross_entropy(*problem)
        ours = run(problem, dtype=dtype)
        assert [g.dtype for g in ours] == [torch.float32, dtype, dtype]

        x, w = hidden.detach().requires_grad_(), weight.to(dtype).requires_grad_()
        options = torch.nn.LinearCrossEntropyOptions()
        loss = F.linear_cross_entropy(x, w, targets, reduction="sum", options=options)
        torchs = (loss.detach(), *torch.autograd.grad(loss, (x, w)))
        for a, b, e in zip(ours, torchs, exact, strict=True):
            # 1.01: both round the same number once, in another order of summation
            assert error(a, e) <= 1.01 * error(b, e) + 1e-6


def error(got, expected):
    return ((got.double() - expected).norm() / expected.norm().clamp_min(1e-30)).item()


# --- algebra ----------------------------------------------------------------------------------


@given(problems(min_rows=1), st.floats(-3, 3, width=32), seeds)
def test_linear_in_the_coefficients(problem, factor, seed):
    g = torch.Generator().manual_seed(seed)
    first = problem.coefficients.double()
    second = torch.randn(first.shape, generator=g, dtype=torch.float64)
    parts = [run(problem._replace(coefficients=c)) for c in (first, second)]
    whole = problem._replace(coefficients=first + factor * second)
    expected = [a + factor * b for a, b in zip(*parts, strict=True)]
    bound = problem._replace(coefficients=first.abs() + abs(factor) * second.abs())
    assert_close(run(whole), expected, bound, 1e-12)


@given(problems(), chunk_sizes, chunk_sizes)
def test_chunk_size_changes_nothing_but_the_order_of_sums(problem, one, other):
    for dtype, bound in ((torch.float64, 1e-13), (torch.float32, 1e-5)):
        if problem.hidden.numel() and problem.hidden.abs().max() > 300 and dtype == torch.float32:
            continue  # a logit of 1e4 has an absolute rounding error of 1e-3: nothing to compare
        got, expected = (run(problem, dtype=dtype, chunk_size=size) for size in (one, other))
        assert_close(got, expected, problem, bound)


def test_float32_error_does_not_grow_with_the_number_of_chunks():
    problem = random_problem(T=512, E=8, V=65)
    exact = run(problem)
    errors = [
        error(run(problem, dtype=torch.float32, chunk_size=size)[2], exact[2])
        for size in (512, 64, 8, 1)
    ]
    assert max(errors) <= 1e-6, errors


@given(problems(min_rows=1), st.randoms(use_true_random=False), chunk_sizes)
def test_row_order_does_not_matter(problem, random, chunk_size):
    order = list(range(len(problem.targets)))
    random.shuffle(order)
    shuffled = Problem(problem.hidden[order], problem.weight, problem.targets[order],
                       problem.coefficients[order])
    loss, d_hidden, d_weight = run(problem)
    got = run(shuffled, chunk_size=chunk_size)
    assert_close(got, (loss, d_hidden[order], d_weight), problem, 1e-12)

    rows = active_rows(problem.targets, problem.coefficients).tolist()
    random.shuffle(rows)
    got = run(problem, rows=torch.tensor(rows, dtype=torch.int64), chunk_size=chunk_size)
    assert_close(got, (loss, d_hidden, d_weight), problem, 1e-12)


@given(problems(), st.lists(st.integers(0, 12), max_size=4), chunk_sizes)
def test_packing_and_micro_batches_sum_up(problem, cuts, chunk_size):
    """A stream cut anywhere, even into empty parts: losses and dW add up, dhidden concatenates."""
    whole = run(problem, chunk_size=chunk_size)
    edges = [0, *sorted(min(cut, len(problem.targets)) for cut in cuts), len(problem.targets)]
    parts = [
        run(Problem(problem.hidden[a:b], problem.weight, problem.targets[a:b],
                    problem.coefficients[a:b]))
        for a, b in zip(edges, edges[1:])
    ]
    losses, d_hiddens, d_weights = zip(*parts)
    assert_close((sum(losses), torch.cat(d_hiddens), sum(d_weights)), whole, problem, 1e-12)


# --- rows that do not count -------------------------------------------------------------------


@given(problems(min_rows=1))
def test_rows_that_do_not_count_are_never_read(problem):
    """Their hidden is NaN here: a zero gradient that was computed would be NaN * 0 = NaN."""
    counts = (problem.targets != -100) & (problem.coefficients != 0)
    poisoned = problem._replace(hidden=problem.hidden.clone())
    poisoned.hidden[~counts] = torch.nan
    expected, got = run(problem), run(poisoned)
    assert all(torch.equal(a, b) for a, b in zip(expected, got, strict=True))
    assert torch.equal(got[1][~counts], torch.zeros_like(got[1][~counts]))


@pytest.mark.parametrize("T", [0, 1, 7])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_no_row_counts(T, dtype):
    hidden = torch.randn(T, 4, dtype=dtype, requires_grad=True)
    weight = torch.randn(9, 4, dtype=dtype, requires_grad=True)
    targets = torch.tensor([-100, 3, -100, 2, 2, 2, 2][:T], dtype=torch.int64)
    coefficients = torch.tensor([1.0, 0, 0, 0, 0, 0, 0][:T])
    loss = weighted_linear_cross_entropy(hidden, weight, targets, coefficients)
    assert loss == 0 and loss.requires_grad
    (2.5 * loss).backward()
    assert torch.equal(hidden.grad, torch.zeros_like(hidden))
    assert torch.equal(weight.grad, torch.zeros_like(weight))


@pytest.mark.parametrize("active", [1, 2, 7, 8, 9, 127, 129])
def test_sparse_masks(active):
    """1 row that counts among many, and numbers around 8 and 128 with chunks that do not divide."""
    problem = random_problem(T=300, E=5, V=19)
    coefficients = torch.zeros(300)
    coefficients[torch.randperm(300, generator=torch.Generator().manual_seed(active))[:active]] = 2
    problem = problem._replace(coefficients=coefficients)
    expected = oracles.weighted_linear_cross_entropy(*problem)
    for chunk_size in (None, 4, 128):
        got = run(problem, chunk_size=chunk_size)
        assert_close(got, expected, problem, 1e-12)
        assert (got[1] != 0).any(1).sum() == active


# --- backward ---------------------------------------------------------------------------------


@given(problems(), st.floats(-100, 100))
def test_upstream_gradient(problem, upstream):
    loss, *expected = run(problem)
    _, *got = run(problem, upstream=upstream)
    for a, b in zip(got, expected, strict=True):
        torch.testing.assert_close(a, upstream * b, rtol=1e-14, atol=0)


@given(problems(), st.lists(st.sampled_from([1.0, -2.5, 0.0, 3.0]), min_size=2, max_size=4))
def test_every_backward_over_a_retained_graph_is_right(problem, upstreams):
    """The results of earlier ones must not change either: they may be somebody's .grad."""
    _, *expected = run(problem)
    inputs = [problem.hidden.clone().requires_grad_(), problem.weight.clone().requires_grad_()]
    loss = weighted_linear_cross_entropy(*inputs, *problem[2:])
    results = [
        torch.autograd.grad(loss, inputs, torch.tensor(u).double(), retain_graph=True)
        for u in upstreams
    ]
    for upstream, got in zip(upstreams, results, strict=True):
        for a, b in zip(got, expected, strict=True):
            torch.testing.assert_close(a, upstream * b, rtol=1e-14, atol=0)


def test_second_backward_without_retained_graph_is_refused():
    hidden = torch.randn(3, 2, requires_grad=True)
    loss = weighted_linear_cross_entropy(
        hidden, torch.randn(5, 2), torch.tensor([0, 1, 4]), torch.ones(3)
    )
    loss.backward()
    with pytest.raises(RuntimeError, match="second time"):
        loss.backward()


@pytest.mark.parametrize("onednn", [True, False])
def test_autocast_does_not_touch_float32(monkeypatch, onednn):
    if not onednn:
        monkeypatch.setattr(matmul, "onednn_multiplies", lambda *operands: False)
    problem = random_problem()
    expected = run(problem, dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        got = run(problem, dtype=torch.float32)
    for a, b in zip(got, expected, strict=True):
        assert torch.equal(torch.as_tensor(a), torch.as_tensor(b))


def test_accumulates_into_grad():
    problem = random_problem()
    weight = problem.weight.clone().requires_grad_()
    for _ in range(3):
        weighted_linear_cross_entropy(problem.hidden, weight, *problem[2:]).backward()
    assert_close((torch.zeros(()), problem.hidden * 0, weight.grad / 3),
                 (torch.zeros(()), problem.hidden * 0, run(problem)[2]), problem, 1e-13)


@pytest.mark.parametrize("hidden_grad", [True, False])
@pytest.mark.parametrize("weight_grad", [True, False])
@pytest.mark.parametrize("retain_graph", [True, False])
def test_frozen_inputs_get_no_gradient_and_cost_no_product(
    monkeypatch, hidden_grad, weight_grad, retain_graph
):
    from kernels import head as op

    products = []
    for name in ("product", "accumulate_"):
        original = getattr(op, name)
        monkeypatch.setattr(
            op, name, lambda *a, f=original, n=name, **k: products.append(n) or f(*a, **k)
        )
    problem = random_problem()
    loss, d_hidden, d_weight = run(problem)
    products.clear()
    hidden = problem.hidden.clone().requires_grad_(hidden_grad)
    weight = problem.weight.clone().requires_grad_(weight_grad)
    got = weighted_linear_cross_entropy(hidden, weight, *problem[2:])
    assert got == loss and got.requires_grad == (hidden_grad or weight_grad)
    if got.requires_grad:
        got.backward(retain_graph=retain_graph)
    assert products == ["product"] * (1 + hidden_grad) + ["accumulate_"] * weight_grad
    assert (hidden.grad is None) == (not hidden_grad)
    assert (weight.grad is None) == (not weight_grad)
    assert not hidden_grad or torch.equal(hidden.grad, d_hidden)
    assert not weight_grad or torch.equal(weight.grad, d_weight)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_without_grad_only_the_loss_is_computed(monkeypatch, mode):
    from kernels import head as op

    problem = random_problem()
    problem.weight.requires_grad_(), problem.hidden.requires_grad_()
    monkeypatch.setattr(op, "accumulate_", None)
    with mode():
        loss = weighted_linear_cross_entropy(*problem)
    assert not loss.requires_grad
    assert_close((loss,) * 3, (oracles.weighted_linear_cross_entropy(*problem)[0],) * 3,
                 problem._replace(weight=problem.weight + 10), 1e-12)


def test_double_backward_is_refused():
    problem = random_problem()
    hidden = problem.hidden.requires_grad_()
    loss = weighted_linear_cross_entropy(*problem)
    with pytest.raises(RuntimeError, match="create_graph=True is not supported"):
        torch.autograd.grad(loss, hidden, create_graph=True)


# --- layouts and dtypes -----------------------------------------------------------------------


@given(problems(min_rows=1), chunk_sizes)
def test_strides_and_alignment_do_not_matter(problem, chunk_size):
    T, E = problem.hidden.shape
    V = problem.weight.shape[0]
    hidden = torch.full((2 * T, E + 3), torch.nan).double()
    hidden[::2, 1 : E + 1] = problem.hidden
    weight = torch.full((E, 3 * V), torch.nan).double()
    weight[:, ::3] = problem.weight.T
    targets = torch.zeros(T + 1, dtype=torch.int64)
    targets[1:] = problem.targets  # starts 8 bytes after a 16-byte boundary
    coefficients = torch.zeros(T, 2)
    coefficients[:, 1] = problem.coefficients
    for dtype, bound in ((torch.float64, 1e-12), (torch.float32, 0.0)):
        if dtype == torch.float32:
            if problem.hidden.abs().max() > 300:
                continue
            bound = 1e-5
        expected = run(problem, dtype=dtype)
        strided = Problem(hidden.to(dtype)[::2, 1 : E + 1], weight.to(dtype)[:, ::3].T,
                          targets[1:], coefficients[:, 1])
        assert not strided.weight.is_contiguous() or min(E, V) == 1
        x, w = strided.hidden.detach().requires_grad_(), strided.weight.detach().requires_grad_()
        loss = weighted_linear_cross_entropy(x, w, *strided[2:], chunk_size=chunk_size)
        loss.backward()
        assert_close((loss.detach(), x.grad, w.grad), expected, problem, bound)


@pytest.mark.parametrize("V", [33, 2047, 2049, 4111, 32016])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 60.0])
def test_ragged_vocabularies(V, scale):
    """Small logits: a column too many in the sum would count as exp(0), as much as a real one."""
    problem = random_problem(T=6, E=7, V=V, scale=scale)
    expected = oracles.weighted_linear_cross_entropy(*problem)
    assert_close(run(problem, chunk_size=4), expected, problem, 1e-12)
    got = run(problem, dtype=torch.float32, chunk_size=4)
    assert_close(got, expected, problem, 3e-6 * max(1.0, scale))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_float32_master_weights_beside_16_bit_hidden(dtype):
    problem = random_problem(T=40)
    hidden = problem.hidden.to(dtype).requires_grad_()
    weight = problem.weight.to(dtype).float().requires_grad_()
    loss = weighted_linear_cross_entropy(hidden, weight, *problem[2:])
    loss.backward()
    assert (loss.dtype, hidden.grad.dtype, weight.grad.dtype) == (
        torch.float32, dtype, torch.float32
    )
    exact = oracles.weighted_linear_cross_entropy(hidden, weight, *problem[2:])
    assert error(weight.grad, exact[2]) < 1e-6  # not rounded to 16 bits
    assert error(loss, exact[0]) < 1e-6
    assert error(hidden.grad, exact[1]) < 2 ** -8


def test_tiny_coefficients_survive_float16():
    problem = random_problem(T=16)
    problem = problem._replace(coefficients=torch.full((16,), 1e-8))
    weight = problem.weight.to(torch.float16).float().requires_grad_()
    hidden = problem.hidden.to(torch.float16)
    weighted_linear_cross_entropy(hidden, weight, *problem[2:]).backward()
    exact = oracles.weighted_linear_cross_entropy(hidden, weight, *problem[2:])
    assert error(weight.grad, exact[2]) < 1e-6


# --- memory -----------------------------------------------------------------------------------


def test_no_tensor_is_larger_than_a_chunk_of_logits_or_the_weight():
    from torch.utils._python_dispatch import TorchDispatchMode

    class Largest(TorchDispatchMode):
        numel = 0

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            result = func(*args, **(kwargs or {}))
            for tensor in result if isinstance(result, (tuple, list)) else [result]:
                if isinstance(tensor, torch.Tensor):
                    self.numel = max(self.numel, tensor.numel())
            return result

    T, E, V, C = 512, 4, 1000, 16
    problem = random_problem(T=T, E=E, V=V)
    rows = active_rows(problem.targets, problem.coefficients)
    operands = Head(problem.hidden, problem.weight, rows, C)
    with Largest() as largest:  # it does not see into the custom op
        _sum_over_chunks(operands, problem.targets[rows], problem.coefficients[rows], True, True)
    assert largest.numel == C * V < T * V


def test_default_chunk_of_logits_fits_in_16_mib():
    for V in (1, 300, 32016, 128256):
        chunk = default_chunk_size(torch.empty(V, 1))
        assert chunk % 16 == 0 and (chunk * V * 4 <= 16 * 2**20 or chunk == 16)
    assert default_chunk_size(torch.empty(32016, 1)) == 128


# --- bad arguments ----------------------------------------------------------------------------

GOOD = {
    "hidden": torch.zeros(4, 3),
    "weight": torch.zeros(7, 3),
    "targets": torch.tensor([0, 6, -100, 2]),
    "coefficients": torch.tensor([1.0, 1.0, 1.0, 0.0]),
}
BAD = [
    ("hidden", torch.zeros(2, 2, 3), "hidden is float32 [2, 2, 3]"),
    ("hidden", torch.zeros(4, 3, dtype=torch.int64), "hidden is int64 [4, 3]"),
    ("weight", torch.zeros(7, 4), "weight is float32 [7, 4], expected [V, 3]"),
    ("weight", torch.zeros(0, 3), "V > 0"),
    ("weight", torch.zeros(7, 3).double(), "weight is float64 [7, 3], expected torch.float32"),
    ("weight", torch.zeros(7, 3).bfloat16(), "weight is bfloat16 [7, 3]"),
    ("weight", torch.zeros(7, 3, device="meta"), "weight is on meta, expected on cpu"),
    ("targets", torch.zeros(5, dtype=torch.int64), "targets is int64 [5], expected int64 [4]"),
    ("targets", torch.zeros(4, dtype=torch.int32), "targets is int32 [4]"),
    ("targets", torch.tensor([0, 7, 0, 0]), "targets[1] is 7, expected in [0, 7)"),
    ("targets", torch.tensor([0, 1, 0, -1]), "targets[3] is -1"),
    ("coefficients", torch.zeros(3), "coefficients is float32 [3]"),
    ("coefficients", torch.zeros(4).double(), "coefficients is float64 [4]"),
    ("coefficients", torch.zeros(4, requires_grad=True), "coefficients.detach()"),
    ("coefficients", torch.tensor([1, 1, torch.nan, 1]), "coefficients[2] is nan"),
    ("coefficients", torch.tensor([1, 1, 1, -torch.inf]), "coefficients[3] is -inf"),
    ("rows", torch.tensor([0.0, 1.0]), "rows is float32 [2]"),
    ("rows", torch.tensor([0]), "each of the 2 rows that count once"),
    ("rows", torch.tensor([0, 1, 1]), "rows is 3 indices"),
    ("rows", torch.tensor([0, 2]), "rows is 2 indices"),
    ("rows", torch.tensor([0, 1, 3]), "rows is 3 indices"),
    ("rows", torch.tensor([0, 9]), "rows is 2 indices"),
    ("chunk_size", 0, "chunk_size is 0, expected a positive number"),
    ("chunk_size", 2.0, "chunk_size is 2.0"),
]


@pytest.mark.parametrize("name, value, message", BAD)
def test_bad_arguments_are_named(name, value, message):
    weighted_linear_cross_entropy(**GOOD)
    with pytest.raises(ValueError) as caught:
        weighted_linear_cross_entropy(**{**GOOD, name: value})
    assert message in str(caught.value)


# --- the strategies produce what they are for -------------------------------------------------


def counts(problem):
    return (problem.targets != -100) & (problem.coefficients != 0)


@pytest.mark.parametrize("case", [
    lambda p: len(p.targets) == 0,
    lambda p: len(p.targets) > 2 and not counts(p).any(),
    lambda p: counts(p).sum() == 1 and len(p.targets) > 3,
    lambda p: counts(p).all() and len(p.targets) > 3,
    lambda p: ((p.targets != -100) & (p.coefficients == 0)).any(),
    lambda p: ((p.targets == -100) & (p.coefficients != 0)).any(),
    lambda p: (p.coefficients < 0).any() and (p.coefficients > 0).any(),
    lambda p: ((p.coefficients.abs() < 1e-7) & (p.coefficients != 0)).any(),
    lambda p: (p.coefficients.abs() == 9).any(),
    lambda p: p.weight.shape[0] % 8 and p.weight.shape[0] > 8,
    lambda p: p.weight.shape[0] == 1,
    lambda p: len(p.targets) and (p.hidden @ p.weight.T).abs().max() > 1e4,
    lambda p: len(p.targets) and (p.hidden @ p.weight.T).abs().max() < 1e-2,
])
def test_problems_cover(case):
    patient = settings(max_examples=20_000, derandomize=True)  # rare cases, the same each run
    find(problems(), lambda problem: bool(case(problem)), settings=patient, random=Random(0))


@pytest.mark.parametrize("p", PEAKS)
def test_peaked_problems_cover(p):
    def has_p(problem):
        softmax = (problem.hidden @ problem.weight.T).softmax(1)
        p_y = softmax.gather(1, problem.targets[:, None])
        return bool(((1 - p_y) / (1 - p) - 1).abs().min() < 1e-4)

    find(peaked_problems(), has_p)
