"""AdamW with decay groups, the learning-rate schedule, and the guard against non-finite steps."""

import math
from collections import defaultdict

import torch
from torch import nn

from tl import InputError


def adamw(
    model: nn.Module,
    learning_rate: float,
    weight_decay: float = 0.01,
    betas: tuple[float, float] = (0.9, 0.95),
    epsilon: float = 1e-8,
) -> torch.optim.AdamW:
    """AdamW over the trainable parameters: weight decay on matrices only, not on norms and
    biases.

    The model must have its final parameters already: loaded, sharded, on its device.
    """
    parameters = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.dim() >= 2], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    return torch.optim.AdamW(groups, lr=learning_rate, betas=betas, eps=epsilon, fused=True)


class Optimizers:
    """Several optimizers over different parameters, whose moments are saved and restored as one."""

    def __init__(self, *optimizers: torch.optim.Optimizer) -> None:
        self.state: defaultdict = defaultdict(dict)
        for optimizer in optimizers:
            optimizer.state = self.state  # no parameter is in two of them


def warmup_length(total: int, ratio: float, steps: int | None = None) -> int:
    """Warm-up steps of `total`: `steps` if given, else ratio * total rounded up, as HF does."""
    return math.ceil(ratio * total) if steps is None else steps


def lr_at(step: int, total: int, warmup: int, base: float, kind: str = "cosine") -> float:
    """Learning rate of optimizer step `step` = 0 .. total - 1.

        step < warmup    base * step / warmup
        after it         base * f(progress),    progress = (step - warmup) / (total - warmup)
        cosine           f(x) = (1 + cos(pi x)) / 2
        linear           f(x) = 1 - x
        constant         f(x) = 1

    As in Hugging Face, the first step of a warm-up has rate 0:
    https://github.com/huggingface/transformers/blob/v4.57.1/src/transformers/optimization.py
    """
    if step < warmup:
        return base * step / warmup
    progress = min(1.0, (step - warmup) / max(1, total - warmup))
    if kind == "cosine":
        return base * 0.5 * (1 + math.cos(math.pi * progress))
    if kind == "linear":
        return base * (1 - progress)
    if kind == "constant":
        return base
    raise InputError(f"--lr_scheduler_type: expected cosine, linear or constant, got {kind!r}")


def set_lr(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """Sets the rate of every parameter group."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate


class NonFiniteGuard:
    """Decides whether an optimizer step may be taken, and ends a run that has diverged.

    Every rank must pass the same global numbers (loss and gradient norm after their reduction
    over ranks), so that all ranks decide alike.
    """

    def __init__(self, limit: int = 10) -> None:
        self.limit = limit  # skipped steps in a row that end the run
        self.skipped = 0
        self.in_a_row = 0

    def admits(self, step: int, loss: float, grad_norm: float) -> bool:
        """True if both numbers are finite; otherwise drop the gradients and go on, it is counted.

        Raises InputError when `limit` steps in a row were not finite.
        """
        if math.isfinite(loss) and math.isfinite(grad_norm):
            self.in_a_row = 0
            return True
        self.skipped += 1
        self.in_a_row += 1
        if self.in_a_row >= self.limit:
            raise InputError(
                f"step {step}: loss {loss:g}, gradient norm {grad_norm:g}: not finite for "
                f"{self.in_a_row} steps in a row; lower --learning_rate or --max_grad_norm, "
                "use --dtype float32, or check the weights of --model"
            )
        return False

    def state(self) -> dict[str, int]:
        """For a checkpoint."""
        return {"skipped": self.skipped, "in_a_row": self.in_a_row}

    def restore(self, state: dict[str, int]) -> None:
        """From a checkpoint."""
        self.skipped, self.in_a_row = state["skipped"], state["in_a_row"]
