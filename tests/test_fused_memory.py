"""What the fused losses allocate on CPU, in bytes: counted by PyTorch's allocator, so the same on
every machine. What oneDNN keeps for itself is not in it; `python -m kernels.bench` measures all.
"""

import pytest
import torch
import torch.nn.functional as F
from torch.profiler import ProfilerActivity, profile

from kernels import head, linear_policy_loss, linear_token_logprobs, weighted_linear_cross_entropy
from kernels.head import default_chunk_size
from kernels.matmul import SLAB_ROWS

V, E, T = 32016, 256, 256
LOGITS = 4 * V  # bytes of a row of them
SMALL = 2**20  # indices, targets, one number per row


def peak(function) -> int:
    """Bytes at the peak of a call, beyond what was there before."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        function()
    events = [e for e in profiled.profiler.kineto_results.events() if e.name() == "[memory]"]
    present = highest = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        present += event.nbytes()
        highest = max(highest, present)
    return highest


def inputs():
    g = torch.Generator().manual_seed(0)
    hidden, weight = (torch.randn(n, E, generator=g).requires_grad_() for n in (T, V))
    return hidden, weight, torch.randint(V, (T,), generator=g)


def cross_entropy():
    hidden, weight, targets = inputs()
    return lambda: weighted_linear_cross_entropy(hidden, weight, targets, torch.ones(T)).backward()


def policy(entropy_weight=0.0):
    hidden, weight, actions = inputs()
    data = torch.full((T,), -5.0), torch.ones(T)
    numbers = {"clip": 0.2, "count": T, "entropy_weight": entropy_weight}
    return lambda: linear_policy_loss(hidden, weight, actions, *data, **numbers)[0].backward()


def policy_with_entropy():
    return policy(0.1)


def logprobs():
    hidden, weight, actions = inputs()
    return lambda: linear_token_logprobs(hidden, weight, actions)[0].sum().backward()


def of_the_gradient(count_of_blocks: int) -> int:
    """dL/dW once, the logits of one chunk, dL/dh twice, the product of one slab of dL/dW and a copy
    of its operand, and some blocks of what the row functions make."""
    chunk = default_chunk_size(torch.empty(V, E, device="cpu"))
    slab = 4 * SLAB_ROWS * (E + chunk)
    blocks = 4 * head.BLOCK_LOGITS * count_of_blocks
    return 4 * V * E + chunk * LOGITS + 2 * 4 * T * E + max(slab, blocks) + SMALL


def test_the_counter_counts():
    assert peak(lambda: torch.empty(2**20).add_(torch.empty(2**20))) == 2 * 4 * 2**20


@pytest.mark.parametrize(
    ("op", "blocks"), [(cross_entropy, 1), (policy, 2), (policy_with_entropy, 3), (logprobs, 3)]
)
def test_one_chunk_of_logits_exists_at_one_time(op, blocks):
    assert T > default_chunk_size(torch.empty(V, E))
    assert peak(op()) <= of_the_gradient(blocks)


def test_logprobs_alone_take_a_chunk_and_some_blocks():
    hidden, weight, actions = (t.detach() for t in inputs())
    found = peak(lambda: linear_token_logprobs(hidden, weight, actions))
    assert found <= default_chunk_size(weight) * LOGITS + 3 * 4 * head.BLOCK_LOGITS + SMALL


def test_no_more_than_pytorch():
    hidden, weight, targets = inputs()
    theirs = peak(lambda: F.linear_cross_entropy(
        hidden, weight, targets, reduction="sum",
        options=torch.nn.LinearCrossEntropyOptions()).backward())  # fmt: skip
    assert peak(cross_entropy()) <= theirs
