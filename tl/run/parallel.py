"""Processes: who am I, what do all of us have together, gradients as sums over all of us.

Two ways to use several devices, both exact: a loss that every rank divides by the *global*
denominator gives, summed over ranks, the gradient of one process that saw everything.

    replicate   each rank holds the whole model; `sync_gradients` sums once per optimizer step
    fsdp        each rank holds rows of every parameter (tl.run.shard); the backward pass sums

Without torchrun a Group has one process and every collective is the identity.
"""

import datetime
import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

from tl import InputError
from tl.run.report import PeerFailed

TIMEOUT = datetime.timedelta(minutes=30)  # rank 0 may hash a large checkpoint meanwhile
BUCKET_ELEMENTS = 2**24  # gradients per all-reduce: 64 MiB of fp32


@dataclass(frozen=True)
class Group:
    """The processes of this run, as one of them sees them.

    rank: 0 .. size-1. device: where this rank computes.
    """

    rank: int
    size: int
    device: torch.device

    @property
    def is_main(self) -> bool:
        """True on the one rank that prints and writes shared files."""
        return self.rank == 0

    def all_sum(self, value: Tensor | float) -> Tensor | float:
        """The sum over ranks, of the same type, the same on every rank; numbers in fp64."""
        return self._reduce(value, dist.ReduceOp.SUM)

    def all_max(self, value: Tensor | float) -> Tensor | float:
        """The maximum over ranks, of the same type, the same on every rank."""
        return self._reduce(value, dist.ReduceOp.MAX)

    def _reduce(self, value: Tensor | float, operation) -> Tensor | float:
        if self.size == 1:
            return value
        if isinstance(value, Tensor):
            total = value.detach().clone()
            dist.all_reduce(total, operation)
            return total
        total = torch.tensor(value, dtype=torch.float64, device=self.device)
        dist.all_reduce(total, operation)
        return type(value)(total.item())

    def broadcast_object(self, value: Any) -> Any:
        """Rank 0's value on every rank (the other ranks' arguments are ignored)."""
        if self.size == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0, device=self.device)
        return box[0]

    def barrier(self) -> None:
        """Returns when every rank has come here."""
        self.all_max(0)

    def check(self) -> None:
        """Inside `together`: raises PeerFailed on every rank if one has failed. Collective."""
        if self.all_max(0):
            raise PeerFailed("another process of this run failed; its own message says why")

    @contextmanager
    def together(self) -> Iterator[None]:
        """The block succeeds on every rank or on none: others than the failed raise PeerFailed.

        Collectives inside of the block must be preceded by `check()`, or a failed rank leaves the
        others waiting in them.
        """
        try:
            yield
        except PeerFailed:
            raise
        except Exception:
            self.all_max(1)
            raise
        self.check()

    @contextmanager
    def main_first(self) -> Iterator[None]:
        """Rank 0 runs the block before the others do (it fills a cache that they read)."""
        with self.together():
            if not self.is_main:
                self.check()
            yield
            if self.is_main:
                self.check()

    def close(self) -> None:
        """Leaves the process group. Not collective; nothing can be sent afterwards."""
        if dist.is_initialized():
            dist.destroy_process_group()


def start(device: str = "auto") -> Group:
    """Joins the run: under torchrun gloo (CPU) or nccl (CUDA), alone otherwise.

    device: "auto", "cpu" or "cuda" (each process takes the GPU of its local rank).
    Raises InputError where CUDA is asked for and absent, or there are more processes than GPUs.
    """
    rank, size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    place = _device(device, int(os.environ.get("LOCAL_RANK", "0")))
    if place.type == "cuda":
        # Every batch has another length. Segments that grow take it; fixed ones fragment, until
        # memory runs out with gigabytes free. Read at the first allocation on the device.
        os.environ.setdefault("PYTORCH_ALLOC_CONF", "expandable_segments:True")
        torch.cuda.set_device(place)
    if size > 1:
        _join(place, rank=rank, world_size=size)
    return Group(rank, size, place)


def _device(choice: str, local_rank: int) -> torch.device:
    if choice == "cpu" or (choice == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise InputError("--device cuda: this torch sees no CUDA device; use --device cpu")
    if local_rank >= torch.cuda.device_count():
        raise InputError(
            f"torchrun --nproc_per_node: {local_rank + 1} processes or more on a machine with "
            f"{torch.cuda.device_count()} CUDA devices; start one process per device"
        )
    return torch.device("cuda", local_rank)


def _join(device: torch.device, **place: Any) -> None:
    """Initialises the process group; place: rank, world_size and, outside torchrun, store."""
    backend, device_id = ("nccl", device) if device.type == "cuda" else ("gloo", None)
    dist.init_process_group(backend, timeout=TIMEOUT, device_id=device_id, **place)


def join_alone(device: torch.device) -> None:
    """A process group of one process, which fully_shard needs; nothing where there is a group."""
    if not dist.is_initialized():
        _join(device, rank=0, world_size=1, store=dist.HashStore())


def compute_dtype(choice: str, device: torch.device) -> torch.dtype:
    """What `--dtype` means on this device: auto is bfloat16 on CUDA where the device computes in
    it by itself (from Ampere on), else float32."""
    if choice == "auto":
        is_native = device.type == "cuda" and torch.cuda.is_bf16_supported(False)
        choice = "bfloat16" if is_native else "float32"
    return getattr(torch, choice)


def parallel_mode(choice: str, group: Group) -> str:
    """What `--parallel` means for this run: auto is fsdp on several GPUs, replicate otherwise."""
    if choice == "auto":
        return "fsdp" if group.size > 1 and group.device.type == "cuda" else "replicate"
    return choice


def autocast(device: torch.device, dtype: torch.dtype) -> AbstractContextManager:
    """Matrix products in dtype with fp32 master weights; nothing to do for float32."""
    if dtype == torch.float32:
        return nullcontext()
    return torch.autocast(device.type, dtype)


def sync_gradients(parameters: Iterable[nn.Parameter], group: Group) -> None:
    """Replaces each gradient by its sum over ranks, once per optimizer step. Collective.

    A parameter that has a gradient on some ranks only counts as zero on the others; one that has
    none anywhere keeps None, so that the optimizer skips it as it would in one process. Sharded
    parameters are left alone: the backward pass has summed theirs.
    """
    parameters = [p for p in parameters if p.requires_grad and not isinstance(p, DTensor)]
    if group.size == 1 or not parameters:
        return
    mine = torch.tensor([p.grad is not None for p in parameters], dtype=torch.int32)
    anywhere = group.all_max(mine.to(group.device)).tolist()
    for bucket in _buckets([p for p, used in zip(parameters, anywhere, strict=True) if used]):
        for parameter in bucket:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        flat = torch.cat([p.grad.reshape(-1).float() for p in bucket])
        dist.all_reduce(flat)
        totals = flat.split([p.numel() for p in bucket])
        for parameter, total in zip(bucket, totals, strict=True):
            parameter.grad.copy_(total.view_as(parameter))


def _buckets(parameters: list[nn.Parameter]) -> Iterator[list[nn.Parameter]]:
    """Consecutive parameters of together BUCKET_ELEMENTS, a larger one by itself."""
    bucket, elements = [], 0
    for parameter in parameters:
        if bucket and elements + parameter.numel() > BUCKET_ELEMENTS:
            yield bucket
            bucket, elements = [], 0
        bucket.append(parameter)
        elements += parameter.numel()
    if bucket:
        yield bucket


def clip_grad_norm(parameters: Iterable[nn.Parameter], max_norm: float) -> Tensor:
    """Scales the gradients, already summed over ranks, to a global norm of at most max_norm (0:
    no limit).

    Returns the norm before clipping, a 0-dim tensor, the same on every rank. It is not finite if
    and only if some gradient on some rank is not: one `isfinite` decides for all ranks alike.
    """
    parameters = [p for p in parameters if p.grad is not None]
    norm = nn.utils.get_total_norm([p.grad for p in parameters])
    if isinstance(norm, DTensor):
        norm = norm.full_tensor()
    if max_norm > 0:
        nn.utils.clip_grads_with_norm_(parameters, max_norm, norm)
    return norm
