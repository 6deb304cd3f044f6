"""A whole training run in miniature over tl.run: what the tests of that room start, kill and
resume.

The model has uneven shards (7 and 3 rows over 2 ranks), a parameter smaller than the number of
ranks, tied or untied weights, a bias, recomputed blocks; the loss op stands outside of the model
and has its gradients ready after its forward pass, as kernels.weighted_linear_cross_entropy has.
"""

import os
import sys
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint as recompute

from tl.run import checkpoint, parallel, shard
from tl.run.optim import NonFiniteGuard, adamw, lr_at, set_lr
from tl.run.signals import RunStatus, StopRequest

V, E = 7, 3


class Recipe(NamedTuple):
    """What the tests vary."""

    steps: int = 3
    parallel: str = "replicate"
    tied: bool = False
    recompute: bool = False
    micro_batches: int = 6  # of the whole batch, dealt to the ranks
    output_dir: str = ""
    save_steps: int = 0
    keep: int = 2
    resume: str | None = None
    evaluate: bool = False
    stop_after: int = 0  # steps; the process then sends itself SIGTERM


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.Parameter(torch.ones(1))
        self.up = nn.Linear(E, 2 * E)
        self.down = nn.Linear(2 * E, E, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.down(torch.tanh(self.up(x * self.norm)))


class Tiny(nn.Module):
    def __init__(self, tied: bool, recompute: bool):
        super().__init__()
        self.embed = nn.Embedding(V, E)
        self.layers = nn.ModuleList(Block() for _ in range(2))
        self.norm = nn.LayerNorm(E)
        self.lm_head = nn.Linear(E, V, bias=False)
        self.recompute = recompute
        if tied:
            self.lm_head.weight = self.embed.weight

    def forward(self, ids: Tensor) -> Tensor:
        x = self.embed(ids)
        for block in self.layers:
            if self.recompute and torch.is_grad_enabled():
                x = recompute(block, x, use_reentrant=False)
            else:
                x = block(x)
        return self.norm(x)


class WeightedLoss(torch.autograd.Function):
    """sum_t c_t nll_t with gradients in forward; both inputs get a gradient, also when all c are
    0."""

    @staticmethod
    def forward(ctx, hidden, weight, targets, coefficients):
        with torch.enable_grad():
            h, w = (x.detach().float().requires_grad_() for x in (hidden, weight))
            loss = (F.cross_entropy(h @ w.T, targets, reduction="none") * coefficients).sum()
            gradients = torch.autograd.grad(loss, (h, w))
        ctx.save_for_backward(
            *(g.to(x.dtype) for g, x in zip(gradients, (hidden, weight), strict=True))
        )
        return loss.detach()

    @staticmethod
    def backward(ctx, upstream):
        return *(upstream * gradient for gradient in ctx.saved_tensors), None, None


def micro_batches(step: int, count: int) -> list[tuple[Tensor, Tensor, Tensor]]:
    """ids[T], targets[T], coefficients[T] of ragged lengths; of step 1 one has coefficients 0."""
    generator = torch.Generator().manual_seed(step)
    batches = []
    for number in range(count):
        ids = torch.randint(V, (2, 3 + number + step % 3), generator=generator)
        coefficients = torch.rand(ids.shape[1], generator=generator)
        batches.append((ids[0], ids[1], coefficients * (step != 1 or number != 0)))
    return batches


def build(recipe: Recipe, group: parallel.Group) -> Tiny:
    torch.manual_seed(0)
    if recipe.parallel == "replicate":
        return Tiny(recipe.tied, recipe.recompute)
    source = Tiny(recipe.tied, recipe.recompute).state_dict()
    with torch.device("meta"):
        model = Tiny(recipe.tied, recipe.recompute)
    shard.shard(model, model.layers, group)
    model.to_empty(device="cpu")
    for name, parameter in model.named_parameters():
        shard.copy_local(parameter, source[name])
    return model


def load_model(model: nn.Module, directory: Path) -> None:
    with safe_open(directory / "model.safetensors", framework="pt") as file:
        for name, parameter in model.named_parameters():
            shard.copy_local(parameter, file.get_slice(name))


def write_model(model: nn.Module, group: parallel.Group, directory: Path) -> None:
    gather = shard.gather(group)
    tensors = {name: gather(p).detach().clone() for name, p in model.named_parameters()}
    if group.is_main:
        save_file(tensors, directory / "model.safetensors")


def train(recipe: Recipe) -> dict:
    """Runs the recipe as one rank: {"parameters": whole tensors by name, "figures": (loss, norm)
    by step, ...}."""
    group = parallel.start("cpu")
    model = build(recipe, group)
    optimizer = adamw(model, 0.0, weight_decay=0.1)
    found = checkpoint.load(recipe.resume, recipe.output_dir, group)
    start, guard = 0, NonFiniteGuard()
    if found:
        load_model(model, found.directory)
        found.restore(model, optimizer)
        start = found.step
        guard.restore(found.values["guard"])
    figures, saved = {}, []
    directory = recipe.output_dir or os.devnull
    with (
        StopRequest(group) as stop,
        RunStatus(directory, group.is_main and bool(recipe.output_dir)) as status,
    ):
        for step in range(start, recipe.steps):
            figures[step] = train_step(model, optimizer, guard, step, recipe, group)
            if step + 1 == recipe.stop_after and group.rank == group.size - 1:
                os.kill(os.getpid(), 15)
            stopping = stop.requested()
            if recipe.save_steps and ((step + 1) % recipe.save_steps == 0 or stopping):
                saved.append(checkpoint.save(
                    recipe.output_dir, step + 1, group=group, model=model, optimizer=optimizer,
                    write_model=lambda directory: write_model(model, group, directory),
                    values={"guard": guard.state()}, keep=recipe.keep,
                ))  # fmt: skip
                status.update(step + 1, saved[-1])
            if stopping:
                status.preempted()
                break
    gather = shard.gather(group)
    parameters = {name: gather(p).detach().clone().numpy() for name, p in model.named_parameters()}
    group.close()
    return {"parameters": parameters, "figures": figures, "start": start, "saved": saved,
            "noise": torch.rand(3).tolist()}  # fmt: skip


def train_step(model, optimizer, guard, step: int, recipe: Recipe, group) -> tuple[float, float]:
    """One optimizer step over this rank's share of the micro-batches: (loss, gradient norm)."""
    set_lr(optimizer, lr_at(step, recipe.steps, 1, 0.05))
    batches = micro_batches(step, recipe.micro_batches)[group.rank :: group.size]
    weight = group.all_sum(sum(float(coefficients.sum()) for *_, coefficients in batches))
    loss = 0.0
    for ids, targets, coefficients in batches:
        hidden = model(ids)
        part = WeightedLoss.apply(hidden, model.lm_head.weight, targets, coefficients) / weight
        part.backward()
        loss += part.item()
    sys.audit("tiny_run.step", step)  # the tests count audit events to kill a run at one of them
    loss = group.all_sum(loss)
    parallel.sync_gradients(model.parameters(), group)
    norm = parallel.clip_grad_norm(model.parameters(), 0.5)
    if recipe.evaluate:
        with shard.evaluation(model):
            model(
                batches[0][0]
            )  # gathered weights that stayed behind would be stale after the step
    if guard.admits(step, loss, norm.item()):
        optimizer.step()
    optimizer.zero_grad()
    torch.rand(1)  # the random state moves on, a resumed run must have it
    return loss, norm.item()
