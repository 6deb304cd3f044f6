"""AdamW, its schedule, and the guard against steps that are not finite."""

import math

import pytest
import torch

from tl import InputError
from tl.run.optim import NonFiniteGuard, adamw, lr_at, set_lr, warmup_length

# rate of each step, base 0.3, from transformers 5.23.0:
# get_{cosine,linear,constant}_schedule_with_warmup on torch.optim.SGD
HUGGING_FACE = {
    ("cosine", 7, 2): [0.0, 0.15, 0.3, 0.27135254915624213, 0.19635254915624212]
    + [0.1036474508437579, 0.0286474508437579],
    ("cosine", 5, 0): [0.3, 0.27135254915624213, 0.19635254915624212]
    + [0.1036474508437579, 0.0286474508437579],
    ("cosine", 3, 3): [0.0, 0.09999999999999999, 0.19999999999999998],
    ("linear", 7, 2): [0.0, 0.15, 0.3, 0.24, 0.18, 0.12, 0.06],
    ("linear", 5, 0): [0.3, 0.24, 0.18, 0.12, 0.06],
    ("linear", 4, 6): [0.0, 0.049999999999999996, 0.09999999999999999, 0.15],
    ("constant", 7, 2): [0.0, 0.15, 0.3, 0.3, 0.3, 0.3, 0.3],
}


@pytest.mark.parametrize("case", HUGGING_FACE, ids=str)
def test_schedule_equals_hugging_face(case):
    kind, total, warmup = case
    rates = [lr_at(step, total, warmup, 0.3, kind) for step in range(total)]
    assert rates == pytest.approx(HUGGING_FACE[case], rel=1e-15, abs=1e-16)


@pytest.mark.parametrize("kind", ["cosine", "linear"])
def test_schedule_ends_at_zero_and_stays_there(kind):
    assert lr_at(10, 10, 2, 1.0, kind) == lr_at(11, 10, 2, 1.0, kind) == 0.0


def test_warmup_length():
    assert warmup_length(1217, 0.01) == 13  # rounded up
    assert warmup_length(1217, 0.0) == 0
    assert warmup_length(1217, 0.01, 0) == 0
    assert warmup_length(1217, 0.01, 40) == 40


def test_an_unknown_schedule_is_refused():
    with pytest.raises(InputError, match="--lr_scheduler_type.*'square'"):
        lr_at(5, 10, 2, 1.0, "square")


def test_matrices_decay_norms_and_biases_do_not():
    model = torch.nn.ModuleDict({
        "embed": torch.nn.Embedding(3, 2),
        "linear": torch.nn.Linear(2, 2),
        "norm": torch.nn.LayerNorm(2),
        "frozen": torch.nn.Linear(2, 2),
    })  # fmt: skip
    model["frozen"].requires_grad_(False)
    decayed, others = adamw(model, 1e-3, weight_decay=0.25).param_groups
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    assert [names[id(p)] for p in decayed["params"]] == ["embed.weight", "linear.weight"]
    assert [names[id(p)] for p in others["params"]] == ["linear.bias", "norm.weight", "norm.bias"]
    assert (decayed["weight_decay"], others["weight_decay"]) == (0.25, 0.0)


def test_adamw_equals_its_definition():
    """Loshchilov and Hutter 2019, algorithm 2, in fp64 beside the fused fp32 step."""
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 2)
    optimizer = adamw(model, 0.0, weight_decay=0.1, betas=(0.8, 0.95), epsilon=1e-6)
    x = model.weight.detach().double().clone()
    m = v = torch.zeros_like(x)
    for t in range(1, 5):
        g = torch.randn(2, 3)
        model.weight.grad = g.clone()
        set_lr(optimizer, rate := 0.1 / t)
        optimizer.step()
        m, v = 0.8 * m + 0.2 * g.double(), 0.95 * v + 0.05 * g.double() ** 2
        x = x - rate * 0.1 * x
        x = x - rate * (m / (1 - 0.8**t)) / ((v / (1 - 0.95**t)).sqrt() + 1e-6)
    assert (model.weight - x).abs().max() < 1e-6


@pytest.mark.parametrize("loss, norm", [(math.nan, 1.0), (1.0, math.inf), (-math.inf, math.nan)])
def test_the_guard_skips_counts_and_stops(loss, norm):
    guard = NonFiniteGuard(limit=3)
    assert guard.admits(1, 2.0, 1.0)
    assert not guard.admits(2, loss, norm) and not guard.admits(3, loss, norm)
    assert guard.admits(4, 2.0, 1.0)  # a good one between: the row starts again
    assert not guard.admits(5, loss, norm)
    resumed = NonFiniteGuard(limit=3)
    resumed.restore(guard.state())
    assert resumed.skipped == 3
    assert not resumed.admits(6, loss, norm)
    with pytest.raises(
        InputError, match="step 7: .*not finite for 3 steps in a row.*--learning_rate"
    ):
        resumed.admits(7, loss, norm)
