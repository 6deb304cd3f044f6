"""Fully sharded data parallelism (FSDP2): every rank holds its rows of every parameter.

    with torch.device("meta"):
        model = Decoder(config)
    shard(model, model.model.layers, group, dtype)
    model.to_empty(device=group.device)
    load_weights(model, directory, copy=copy_local)        each rank reads only its own rows
    optimizer = adamw(model, ...)                          after sharding: over the local rows

One unit per block, gathered for its forward and its backward pass. What is left (embedding, last
norm, lm_head) is the root unit, so tied weights stay one parameter; it stays gathered from the
forward to the end of the backward pass, because the loss reads `lm_head.weight` outside of
forward.

Master weights, gradients and moments are fp32; the computation has `dtype`. Gradients are SUMS
over ranks, as the loss carries the global denominator.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor
from torch.distributed.tensor._utils import compute_local_shape_and_global_offset

from tl.run.parallel import Group, join_alone


def shard(
    model: nn.Module, blocks: Iterable[nn.Module], group: Group, dtype: torch.dtype = torch.float32
) -> None:
    """Splits the parameters of model over all ranks, in place; collective with one process too.

    blocks: the modules gathered one at a time. dtype: of the computation.
    Call model(...) first in every pass; the blocks by themselves are not callable any more.
    """
    join_alone(group.device)
    options = {
        "mesh": init_device_mesh(group.device.type, (group.size,)),
        "mp_policy": MixedPrecisionPolicy(
            param_dtype=dtype, reduce_dtype=torch.float32, cast_forward_inputs=False
        ),
    }
    for block in blocks:
        fully_shard(block, **options)
    fully_shard(model, reshard_after_forward=False, **options)
    for module in _units(model):
        # sums, not means; in this order, because gloo cannot multiply while it sums
        module.set_force_sum_reduction_for_comms(True)
        module.set_gradient_divide_factor(1.0)


def _units(model: nn.Module) -> Iterator[FSDPModule]:
    return (module for module in model.modules() if isinstance(module, FSDPModule))


@contextmanager
def evaluation(model: nn.Module) -> Iterator[None]:
    """No gradients, eval mode; afterwards the parameters are the sharded ones again.

    Needed around every forward pass that no backward pass follows: gathered weights that stay
    behind would be stale after the next optimizer step. For models of either mode.
    """
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(training)
        reshard(model)


def reshard(model: nn.Module) -> None:
    """Frees gathered parameters, so that `model.parameters()` are the sharded ones."""
    for module in _units(model):
        module.reshard()


def local(tensor: Tensor) -> Tensor:
    """This rank's rows of a sharded tensor; another tensor as it is."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def rows(tensor: Tensor) -> slice:
    """Which rows (indices of dimension 0) of the whole tensor[N, ...] this rank holds."""
    if not isinstance(tensor, DTensor):
        return slice(0, tensor.shape[0])
    shape, offset = compute_local_shape_and_global_offset(
        tensor.shape, tensor.device_mesh, tensor.placements
    )
    return slice(offset[0], offset[0] + shape[0])


def copy_local(target: Tensor, source: Any) -> Tensor:
    """A hook for `load_weights`: target = source, of which only this rank's rows are read.

    target: a parameter, sharded or not. source: a tensor or an open safetensors slice of the
    whole shape. Returns what was written, this rank's rows.
    """
    own, written = rows(target), local(target.detach())
    if own.start < own.stop:  # a rank may hold no row of a small parameter
        written.copy_(source[own])
    return written


def gather(group: Group) -> Callable[[Tensor], Tensor]:
    """A hook for `save_model`: sharded tensor -> whole tensor.

    Collective: every rank passes the same tensors in the same order, inside `group.together()`.
    If another rank has failed (disk full), it raises PeerFailed instead of waiting for it.
    """

    def whole(tensor: Tensor) -> Tensor:
        group.check()
        return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor

    return whole
