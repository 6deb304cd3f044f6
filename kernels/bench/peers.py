"""The contenders: each at its best documented setting, imported only where it is installed.

Every one is a function of Inputs that returns the summed loss, ready for backward. All support
uniform weights alone, so those are what is timed.
"""

import importlib
import warnings
from collections.abc import Callable
from functools import partial
from importlib import metadata

import torch
import torch.nn.functional as F
from torch import Tensor

from kernels import weighted_linear_cross_entropy
from kernels.bench.cases import Case, Inputs

Contender = Callable[[Inputs], Tensor]
PACKAGES = {
    "torch": "torch",
    "triton": "triton",
    "liger-kernel": "liger_kernel",
    "cut-cross-entropy": "cut_cross_entropy",
    "quack-kernels": "quack",
}
# Chunk sizes of F.linear_cross_entropy that are tried beside its own choice.
TORCH_CHUNKS = (128, 512, 2048, 4096)


class Unavailable(Exception):
    """Why a contender cannot run here."""


def versions() -> dict[str, str]:
    """Of the packages in the comparison, by distribution."""
    return {name: _version(name) for name in PACKAGES}


def contenders(case: Case) -> dict[str, Callable[[], Contender]]:
    """By name, what makes a contender ready for a case; it may raise Unavailable."""
    sizes = [size for size in TORCH_CHUNKS if size <= case.tokens]
    return {
        "ours": lambda: ours,
        "torch eager": lambda: torch_eager,
        "torch.compile": _torch_compile,
        "F.linear_cross_entropy": lambda: torch_chunked(None),
        **{f"F.linear_cross_entropy {n}": partial(torch_chunked, n) for n in sizes},
        "Liger": partial(_liger, case, None),
        "Liger, fp32 sums": partial(_liger, case, torch.float32),
        "CCE": partial(_cut_cross_entropy, case, "cce"),
        "CCE kahan_full_c": partial(_cut_cross_entropy, case, "cce_kahan_full_c"),
        "QuACK": partial(_quack, case),
    }


def ours(inputs: Inputs) -> Tensor:
    return weighted_linear_cross_entropy(*inputs)


def torch_eager(inputs: Inputs) -> Tensor:
    """All logits, the loss in float32."""
    hidden, weight, targets = inputs[:3]
    return F.cross_entropy(F.linear(hidden, weight).float(), targets, reduction="sum")


def torch_chunked(size: int | None) -> Contender:
    """PyTorch's own fused op, with its automatic choice of chunks or a given one."""

    def loss(inputs: Inputs) -> Tensor:
        options = torch.nn.LinearCrossEntropyOptions(batch_chunk_size=size)
        return F.linear_cross_entropy(*inputs[:3], reduction="sum", options=options)

    return loss


def _torch_compile() -> Contender:
    return torch.compile(torch_eager)


def _liger(case: Case, accumulate: torch.dtype | None) -> Contender:
    module = _import("liger-kernel", "liger_kernel.transformers.functional")
    _require_cuda(case)
    fused = module.liger_fused_linear_cross_entropy
    return lambda inputs: fused(*inputs[:3], reduction="sum", accum_dtype=accumulate)


def _cut_cross_entropy(case: Case, implementation: str) -> Contender:
    """On CPU its own torch.compile implementation is all there is."""
    module = _import("cut-cross-entropy", "cut_cross_entropy")
    if case.device == "cpu":
        implementation = "torch_compile"
    fused = module.linear_cross_entropy
    return lambda inputs: fused(*inputs[:3], reduction="sum", impl=implementation)


def _quack(case: Case) -> Contender:
    module = _import("quack-kernels", "quack.linear_cross_entropy")
    _require_cuda(case)
    fused = module.chunked_linear_cross_entropy
    return lambda inputs: fused(*inputs[:3], chunk_size=4096, reduction="sum")


def _require_cuda(case: Case) -> None:
    if case.device == "cpu":
        raise Unavailable("has no CPU path")


def _import(distribution: str, module: str):
    if _version(distribution) == "not installed":
        raise Unavailable("not installed")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(module)
    except Exception as error:  # whatever a package does when it is imported where it cannot run
        raise Unavailable(f"import fails: {error!r}") from error


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "not installed"
