"""Several processes, accumulation and sharding give the parameters of one process with one
batch."""

import math
import os

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tests.processes import run_ranks
from tests.tiny_run import E, Recipe, Tiny, V, micro_batches, train
from tl import InputError
from tl.run import parallel, shard
from tl.run.report import PeerFailed

ALONE = parallel.Group(0, 1, torch.device("cpu"))


def plain_training(recipe: Recipe) -> tuple[dict[str, np.ndarray], list]:
    """(parameters, [loss, gradient norm] by step) of the same training in plain PyTorch: one
    batch, full logits, nothing of tl.run.
    """
    torch.manual_seed(0)
    model = Tiny(recipe.tied, recompute=False)
    decayed = [p for p in model.parameters() if p.dim() == 2]
    others = [p for p in model.parameters() if p.dim() == 1]
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.95), eps=1e-8)
    figures = []
    for step in range(recipe.steps):
        rate = (
            0.0 if step == 0 else 0.025 * (1 + math.cos(math.pi * (step - 1) / (recipe.steps - 1)))
        )
        for options in optimizer.param_groups:
            options["lr"] = rate
        ids, targets, coefficients = map(
            torch.cat, zip(*micro_batches(step, recipe.micro_batches), strict=True)
        )
        nll = F.cross_entropy(model.lm_head(model(ids)), targets, reduction="none")
        loss = (nll * coefficients).sum() / coefficients.sum()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        figures.append([loss.item(), norm.item()])
        optimizer.step()
        optimizer.zero_grad()
    return {name: p.detach().numpy() for name, p in model.named_parameters()}, figures


def largest_difference(a: dict, b: dict) -> float:
    assert a.keys() == b.keys()
    return max(float(np.abs(a[name] - b[name]).max()) for name in a)


@pytest.mark.parametrize("tied", [False, True], ids=["untied", "tied"])
@pytest.mark.parametrize("mode", ["replicate", "fsdp"])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_ranks_and_accumulation_do_not_change_the_numbers(size, mode, tied):
    recipe = Recipe(parallel=mode, tied=tied, recompute=True, evaluate=True)
    parameters, figures = plain_training(recipe)
    for answer in run_ranks(size, train, recipe):
        assert largest_difference(answer["parameters"], parameters) <= 1e-6
        # AdamW hardly sees the scale of gradients, their norm does: a mean in place of a sum
        assert np.allclose(list(answer["figures"].values()), figures, rtol=0, atol=1e-6)


def collectives() -> dict:
    group = parallel.start("cpu")
    answer = {
        "sum": (group.all_sum(group.rank + 0.1), group.all_sum(3)),
        "tensor": group.all_sum(torch.tensor([group.rank, 1.0])).tolist(),
        "max": group.all_max(-group.rank),
        "broadcast": group.broadcast_object({"from": group.rank}),
    }
    group.close()
    return answer


def test_collectives():
    expected = {
        "sum": (0.1 + 1.1, 6),
        "tensor": [1.0, 2.0],
        "max": 0,
        "broadcast": {"from": 0},
    }
    assert run_ranks(2, collectives) == [expected, expected]
    alone = run_ranks(1, collectives)[0]
    assert alone == {
        "sum": (0.1, 3),
        "tensor": [0.0, 1.0],
        "max": 0,
        "broadcast": {"from": 0},
    }


def partial_gradients() -> list:
    """Gradients: on both ranks, on rank 1 only, nowhere, frozen; in several buckets."""
    group = parallel.start("cpu")
    parallel.BUCKET_ELEMENTS = 5
    parameters = [torch.nn.Parameter(torch.ones(4, dtype=d)) for d in [torch.float32] * 3]
    parameters.append(torch.nn.Parameter(torch.ones(9).bfloat16()))
    frozen = torch.nn.Parameter(torch.ones(2), requires_grad=False)
    parameters[0].grad = torch.full((4,), 1.0 + group.rank)
    if group.rank == 1:
        parameters[1].grad = torch.full((4,), 5.0)
    parameters[3].grad = torch.full((9,), 0.5).bfloat16()
    parallel.sync_gradients([*parameters, frozen], group)
    group.close()
    return [None if p.grad is None else (p.grad[0].item(), p.dtype) for p in [*parameters, frozen]]


def test_gradients_that_some_ranks_lack():
    f32 = torch.float32
    expected = [(3.0, f32), (5.0, f32), None, (1.0, torch.bfloat16), None]
    assert run_ranks(2, partial_gradients) == [expected, expected]


def norm_with_an_infinity(mode: str) -> tuple:
    group = parallel.start("cpu")
    model = torch.nn.Sequential(torch.nn.Linear(3, 3))
    if mode == "fsdp":
        shard.shard(model, [], group)
    inputs = torch.ones(1, 3) * (math.inf if group.rank == 1 else 1.0)
    model(inputs).sum().backward()
    parallel.sync_gradients(model.parameters(), group)
    norm = parallel.clip_grad_norm(model.parameters(), 1.0)
    group.close()
    return norm.isfinite().item(), norm.dim(), type(norm) is torch.Tensor


@pytest.mark.parametrize("mode", ["replicate", "fsdp"])
def test_a_gradient_that_is_not_finite_on_one_rank_is_seen_by_all(mode):
    assert run_ranks(2, norm_with_an_infinity, mode) == [(False, 0, True)] * 2


def test_clip_returns_the_norm_before_and_zero_means_no_limit():
    parameter = torch.nn.Parameter(torch.zeros(2))
    for limit, after in [(0.0, [3.0, 4.0]), (10.0, [3.0, 4.0]), (0.5, [0.3, 0.4])]:
        parameter.grad = torch.tensor([3.0, 4.0])
        assert parallel.clip_grad_norm([parameter], limit).item() == 5.0
        assert np.allclose(parameter.grad, after, atol=1e-6)


def meta_model_equals_its_source(tied: bool) -> tuple:
    """Built on meta, sharded, filled from rows; gathered again. Over 3 ranks a [1] has empty
    shards."""
    group = parallel.start("cpu")
    torch.manual_seed(0)
    source = Tiny(tied, recompute=False)
    with torch.device("meta"):
        model = Tiny(tied, recompute=False)
    shard.shard(model, model.layers, group)
    model.to_empty(device="cpu")
    for (_, parameter), value in zip(model.named_parameters(), source.parameters(), strict=True):
        written = shard.copy_local(parameter, value.detach())
        assert written.shape == shard.local(parameter).shape
    whole = shard.gather(group)
    equal = [
        torch.equal(whole(p), q)
        for p, q in zip(model.parameters(), source.parameters(), strict=True)
    ]
    rows = [shard.rows(model.embed.weight), shard.rows(model.layers[0].norm)]
    is_tied = model.lm_head.weight is model.embed.weight
    group.close()
    return all(equal), is_tied, [(r.start, r.stop) for r in rows]


@pytest.mark.parametrize("tied", [False, True], ids=["untied", "tied"])
def test_a_model_made_on_meta_gets_its_own_rows(tied):
    answers = run_ranks(3, meta_model_equals_its_source, tied)
    assert [answer[:2] for answer in answers] == [(True, tied)] * 3
    rows = [answer[2] for answer in answers]
    assert [embed for embed, _ in rows] == [(0, 3), (3, 6), (6, V)]  # uneven
    assert rows[0][1] == (0, 1) and all(start == stop for _, (start, stop) in rows[1:])  # empty


def bf16_compute() -> list:
    group = parallel.start("cpu")
    torch.manual_seed(0)
    model = Tiny(False, recompute=False)
    shard.shard(model, model.layers, group, torch.bfloat16)
    hidden = model(torch.tensor([1, 2]))
    head = model.lm_head.weight
    (hidden.float() @ head.float().T).sum().backward()
    master = model.lm_head.weight
    group.close()
    return [
        hidden.dtype,
        head.dtype,
        master.dtype,
        master.grad.dtype,
        tuple(hidden.shape) == (2, E),
    ]


def test_bfloat16_computes_while_float32_learns():
    bf16, f32 = torch.bfloat16, torch.float32
    assert run_ranks(2, bf16_compute) == [[bf16, bf16, f32, f32, True]] * 2


def failing_together(bad_rank: int) -> str:
    group = parallel.start("cpu")
    try:
        with group.together():
            if group.rank == bad_rank:
                raise InputError("disk full")
    except (InputError, PeerFailed) as error:
        return type(error).__name__
    finally:
        group.close()
    return "no error"


@pytest.mark.parametrize("bad_rank", [0, 1])
def test_a_failure_on_one_rank_ends_the_block_on_all(bad_rank):
    expected = ["PeerFailed", "PeerFailed"]
    expected[bad_rank] = "InputError"
    assert run_ranks(2, failing_together, bad_rank) == expected
    assert run_ranks(2, failing_together, -1) == ["no error", "no error"]


def main_comes_first(path: str, fails: bool) -> str:
    group = parallel.start("cpu")
    try:
        with group.main_first():
            if group.is_main:
                if fails:
                    raise InputError("cannot write")
                with open(path, "w") as file:
                    file.write("ready")
            else:
                with open(path) as file:
                    return file.read()
    except (InputError, PeerFailed) as error:
        return type(error).__name__
    finally:
        group.close()
    return "wrote"


def test_main_first(tmp_path):
    assert run_ranks(2, main_comes_first, str(tmp_path / "cache"), False) == ["wrote", "ready"]
    assert run_ranks(2, main_comes_first, "", True) == ["InputError", "PeerFailed"]


def test_flags_that_depend_on_the_machine(monkeypatch):
    cpu, cuda = torch.device("cpu"), torch.device("cuda", 0)
    assert parallel.compute_dtype("auto", cpu) == torch.float32
    for native, dtype in ((True, torch.bfloat16), (False, torch.float32)):
        # a Turing card has bfloat16 by emulation only
        monkeypatch.setattr(
            torch.cuda, "is_bf16_supported", lambda emulated=True, native=native: emulated or native
        )
        assert parallel.compute_dtype("auto", cuda) == dtype
    assert parallel.compute_dtype("float32", cuda) == torch.float32
    assert parallel.parallel_mode("auto", parallel.Group(0, 8, cuda)) == "fsdp"
    assert parallel.parallel_mode("auto", parallel.Group(0, 8, cpu)) == "replicate"
    assert parallel.parallel_mode("fsdp", ALONE) == "fsdp"


@pytest.mark.skipif(torch.cuda.is_available(), reason="a message for machines without CUDA")
def test_cuda_that_is_absent_is_a_clear_error():
    with pytest.raises(InputError, match="--device cuda.*--device cpu"):
        parallel.start("cuda")


@pytest.mark.parametrize("chosen", [None, "backend:cudaMallocAsync"])
def test_memory_on_cuda_grows_in_segments_unless_the_user_chose(monkeypatch, chosen):
    monkeypatch.setenv("PYTORCH_ALLOC_CONF", chosen or "")
    if chosen is None:
        monkeypatch.delenv("PYTORCH_ALLOC_CONF")
    seen = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(
        torch.cuda, "set_device", lambda device: seen.append(os.environ["PYTORCH_ALLOC_CONF"])
    )
    parallel.start("cuda")
    assert seen == [chosen or "expandable_segments:True"]
