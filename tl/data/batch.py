"""Examples as packed streams, and the deterministic order in which they are visited."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from tl.data.encode import Example


class Stream(NamedTuple):
    """A packed micro-batch: S trajectories end to end, no padding anywhere.

    input_ids:    int64[T]
    position_ids: int64[T]    starts at 0 in every trajectory
    cu_seqlens:   int32[S+1]  trajectory s is [cu_seqlens[s], cu_seqlens[s+1]); attention never
                  crosses a boundary
    targets:      int64[T]    -100: nothing to predict here
    weights:      float32[T]
    rows:         int64[N]    positions with a weight, so that the loss need not look for them on
                  the device
    key_mask:     bool[T]     a key token is predicted here
    """

    input_ids: Tensor
    position_ids: Tensor
    cu_seqlens: Tensor
    targets: Tensor
    weights: Tensor
    rows: Tensor
    key_mask: Tensor

    @property
    def inputs(self) -> dict[str, Tensor | list[int]]:
        """The arguments of a decoder; `lengths` are the tokens of each trajectory."""
        lengths = self.cu_seqlens.diff().tolist()
        tensors = {"input_ids": self.input_ids, "position_ids": self.position_ids}
        return {**tensors, "cu_seqlens": self.cu_seqlens, "lengths": lengths}

    def to(self, device: torch.device) -> "Stream":
        """What the device computes with; cu_seqlens and key_mask are read on the host."""
        if device.type == "cpu":
            return self
        names = ("input_ids", "position_ids", "targets", "weights", "rows")
        pinned = {name: getattr(self, name).pin_memory() for name in names}
        return self._replace(**{k: v.to(device, non_blocking=True) for k, v in pinned.items()})

    def scaled(self, factor: float) -> "Stream":
        """The same stream with all weights times factor."""
        return self._replace(weights=self.weights * factor)

    def silent(self) -> "Stream":
        """The same tokens without anything to learn: what a rank without examples sends through the
        model.
        """
        return self.counting(torch.zeros_like(self.key_mask))

    def counting(self, mask: Tensor) -> "Stream":
        """The same tokens with weight 1 where mask[T] is True, 0 elsewhere."""
        return self._replace(
            weights=mask.float(), rows=mask.nonzero().flatten(), key_mask=mask & self.key_mask
        )


def pack(examples: Sequence[Example]) -> Stream:
    """One stream of all examples, in their order."""
    lengths = torch.tensor([len(example) for example in examples])
    weights = torch.cat([example.weights for example in examples])
    return Stream(
        input_ids=torch.cat([example.input_ids for example in examples]),
        position_ids=torch.cat([torch.arange(length) for length in lengths]),
        cu_seqlens=torch.cat(
            [torch.zeros(1, dtype=torch.int32), lengths.cumsum(0).to(torch.int32)]
        ),
        targets=torch.cat([example.targets for example in examples]),
        weights=weights,
        rows=weights.nonzero().flatten(),
        key_mask=torch.cat([example.key_mask for example in examples]),
    )


class Sampler:
    """Which examples form global batch number `step`: a pure function of (seed, step), so resuming
    needs the step alone.

    Every epoch visits every example once in an order of its own; its last batch may be smaller.
    """

    def __init__(self, examples: int, batch_size: int, seed: int):
        self.examples = examples
        self.batch_size = batch_size
        self.seed = seed
        self._epoch: tuple[int, list[int]] | None = None

    @property
    def batches_per_epoch(self) -> int:
        return -(-self.examples // self.batch_size)

    def batch(self, step: int) -> list[int]:
        """Indices of the examples of global batch `step`, counted from 0 over all epochs."""
        epoch, number = divmod(step, self.batches_per_epoch)
        order = self._order(epoch)
        return order[number * self.batch_size : (number + 1) * self.batch_size]

    def visited(self, steps: int) -> int:
        """How many examples the first `steps` batches hold together."""
        epochs, batches = divmod(steps, self.batches_per_epoch)
        return epochs * self.examples + batches * self.batch_size

    def _order(self, epoch: int) -> list[int]:
        if self._epoch is None or self._epoch[0] != epoch:
            generator = torch.Generator().manual_seed((self.seed * 1_000_003 + epoch) % 2**63)
            self._epoch = (epoch, torch.randperm(self.examples, generator=generator).tolist())
        return self._epoch[1]


def deal(
    batch: Sequence[int], lengths: Mapping[int, int] | Sequence[int], bins: int
) -> list[list[int]]:
    """Deal the examples of a global batch into `bins` micro-batches of equal count (+-1) and
    similar token count.

    Longest first, back and forth over the bins, so that no rank waits long for another. The
    gradient of the global batch does not depend on the dealing: losses are sums, divided once by
    the global weight.
    """
    ordered = sorted(batch, key=lambda index: (-lengths[index], index))
    dealt: list[list[int]] = [[] for _ in range(bins)]
    for turn, start in enumerate(range(0, len(ordered), bins)):
        hand = ordered[start : start + bins]
        for place, index in enumerate(hand):
            dealt[place if turn % 2 == 0 else bins - 1 - place].append(index)
    return dealt


def share(
    batch: Sequence[int], examples: Sequence[Example], bins: int, rank: int, size: int
) -> list[Stream]:
    """Rank's micro-batches of a global batch: bins / size streams, the same number on every rank.

    A rank without an example of its own sends the shortest one through the model, with nothing to
    learn in it: collectives inside the model need every rank.
    """
    lengths = {index: len(examples[index]) for index in batch}
    idle = min(batch, key=lengths.get)
    return [
        pack([examples[index] for index in hand]) if hand else pack([examples[idle]]).silent()
        for hand in deal(batch, lengths, bins)[rank::size]
    ]
