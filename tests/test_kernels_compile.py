"""What compilers make of the fused losses: torch.compile of the ops, Triton of the row kernel.

The row kernel is compiled for GPUs that are not here, by Triton's own ptxas, in a process of its
own that does not interpret.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from kernels import linear_policy_loss, linear_token_logprobs, weighted_linear_cross_entropy
from tests.interpreter import HAS_TRITON

BACKENDS = ["eager", "aot_eager"]


def inputs(T=6, E=4, V=11):
    g = torch.Generator().manual_seed(0)
    hidden = torch.randn(T, E, generator=g, requires_grad=True)
    weight = torch.randn(V, E, generator=g, requires_grad=True)
    return hidden, weight, torch.randint(V, (T,), generator=g), torch.rand(T, generator=g)


def cross_entropy(hidden, weight, targets, c):
    rows = torch.arange(len(c))
    return weighted_linear_cross_entropy(2 * hidden, weight, targets, c, rows, 4) + 1


def logprobs(hidden, weight, targets, c):
    log_p, entropy = linear_token_logprobs(2 * hidden, weight, targets, 0.7, 4)
    return (c * log_p).sum() + 0.1 * entropy.sum()


def policy(hidden, weight, targets, c):
    made = linear_policy_loss(2 * hidden, weight, targets, -c, c, clip=0.2, count=6, chunk_size=4)
    return made[0] * made[1].sum()


@pytest.mark.parametrize("op", [cross_entropy, logprobs, policy])
@pytest.mark.parametrize("backend", BACKENDS)
def test_torch_compile_keeps_one_graph(op, backend):
    hidden, weight, *data = inputs()
    compiled = torch.compile(op, backend=backend, fullgraph=True)
    got, expected = compiled(hidden, weight, *data), op(hidden, weight, *data)
    assert got.dtype == torch.float32
    torch.testing.assert_close(got, expected)
    exact = torch.autograd.grad(expected, (hidden, weight))
    first = torch.autograd.grad(got, (hidden, weight), retain_graph=True)
    kept = [g.clone() for g in first]
    second = torch.autograd.grad(got, (hidden, weight), torch.tensor(-3.0))
    for a, b, again, e in zip(first, kept, second, exact, strict=True):
        torch.testing.assert_close(a, e)
        assert torch.equal(a, b)  # the second backward has left it alone
        torch.testing.assert_close(again, -3 * e)


@pytest.mark.parametrize("frozen", [0, 1])
def test_torch_compile_of_a_frozen_input(frozen):
    tensors = inputs()
    tensors[frozen].requires_grad_(False)
    compiled = torch.compile(cross_entropy, backend="aot_eager", fullgraph=True)
    compiled(*tensors).backward()
    assert tensors[frozen].grad is None
    got = tensors[1 - frozen].grad.clone()
    tensors[1 - frozen].grad = None
    cross_entropy(*tensors).backward()
    torch.testing.assert_close(got, tensors[1 - frozen].grad)


def test_fake_implementations_agree_with_the_real_ones():
    from kernels import linear_cross_entropy, policy_loss, token_logprobs
    from tests.test_policy_loss import policy_arguments

    hidden, weight, targets, c = (t.detach() for t in inputs())
    checks = ("test_schema", "test_faketensor")
    arguments, options = policy_arguments((hidden, weight, targets, c), "cpu")
    for needs in ((True, True), (True, False), (False, True), (False, False)):
        rows = torch.arange(6)
        for op, args in (
            (linear_cross_entropy._gradients_and_loss, (hidden, weight, rows, targets, c, 4)),
            (token_logprobs._gradients, (hidden, weight, targets, c, c, 0.7, 4)),
            (policy_loss._gradients_and_loss, (*arguments, *options)),
        ):
            torch.library.opcheck(op, (*args, *needs), test_utils=checks)
    arguments = (hidden, weight, targets, 0.7, 4)
    torch.library.opcheck(token_logprobs._logprobs, arguments, test_utils=checks)


@pytest.mark.skipif(not HAS_TRITON, reason="Triton is not installed")
def test_the_row_kernel_compiles_for_hopper(tmp_path):
    """Its launches at the vocabularies of CodeLlama, Llama 3.1 and Qwen 2.5: no float64 (Python
    floats become float64 in some compilers: Liger 1362), no atomics, nothing spilled."""
    root = Path(__file__).resolve().parents[1]
    environment = os.environ | {"PYTHONPATH": str(root), "TRITON_CACHE_DIR": str(tmp_path)}
    environment.pop("TRITON_INTERPRET", None)
    command = [sys.executable, "tests/compile_row_kernel.py", "90"]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert len({tuple(each["constants"]) for each in found}) == 9  # each mode whole and in blocks
    for each in found:
        assert not each["float64"] and not each["atomics"], each
        assert each["spilled"] <= 4, each  # bytes per thread
