"""Keys and values of sequences that are being continued, so that each token is computed once.

    cache = KVCache(model.config, slots=32, dtype=torch.float32, device="cpu")
    model.prefill(input_ids, cache.prefill(...))            the beginnings of some sequences
    logits = model.decode(input_ids, cache.decode(...))     one more token of each sequence

`prefill` and `decode` make the record of one pass over the decoder: each layer hands it its q, k, v
and gets the attention back.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from tl.model.config import ModelConfig
from tl.model.packed_attention import Packing, packed_attention

GROWTH = 64  # tokens, at least, by which the slots get longer at one time
# On CPU rows look at equally many places in groups, those behind the end of a row too. One group of
# 32 rows reads and multiplies half as much again as four groups when lengths are ragged; where they
# are alike, four groups are four times the calls. A call more costs as much as this many numbers.
GROUP_ROWS, CALL_NUMBERS = 8, 2**18


class Prefill(NamedTuple):
    """A pass over the beginnings of some sequences, packed end to end."""

    store: Tensor
    slots: Tensor  # [T] where each token's k and v are kept
    position_ids: Tensor  # [T]
    packing: Packing

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor, window: int | None) -> Tensor:
        """As in training. q[T, H, D], k[T, K, D], v[T, K, D] -> [T, H, D]."""
        self.write(layer, k, v)
        return packed_attention(q, k, v, self.packing, window)

    def write(self, layer: int, k: Tensor, v: Tensor) -> None:
        _write(*self.store[layer], self.slots, self.position_ids, k, v)


class Group(NamedTuple):
    """Rows that look at L places each."""

    rows: slice
    stored: Tensor  # [layers, 2, b, K, L, D] their part of the store
    biases: dict[int | None, Tensor]  # by window: [b, K, 1, L], added to the scores


class Decode(NamedTuple):
    """A pass over one token of each of the first B slots."""

    store: Tensor
    slots: Tensor  # [B] 0, 1, ...
    position_ids: Tensor  # [B]
    packing: Packing
    groups: list["Group"]  # the B rows, split

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor, window: int | None) -> Tensor:
        """Over all that is in the slot. q[B, H, D], k[B, K, D], v[B, K, D] -> [B, H, D]."""
        _write(*self.store[layer], self.slots, self.position_ids, k, v)
        exact = q.element_size() > 2 and not q.is_cuda
        attend = attend_by_products if exact else attend_fused
        grouped = q.unflatten(1, (k.shape[1], -1))  # [B, K, H/K, D]
        mixed = [
            attend(grouped[group.rows], *group.stored[layer], group.biases[window])
            for group in self.groups
        ]
        return (torch.cat(mixed) if len(mixed) > 1 else mixed[0]).flatten(1, 2)  # [B, H, D]


class KVCache:
    """`store[layers, 2, slots, K, L, D]`: keys and values. Token t of a sequence stands at t in
    the slot of that sequence; what lies behind its end is never looked at. The slots get longer as
    the sequences do."""

    def __init__(
        self, config: ModelConfig, slots: int, dtype: torch.dtype, device: torch.device | str
    ):
        self.rope, self.windows = config.rope, set(config.windows)
        shape = (config.num_hidden_layers, 2, slots, config.num_key_value_heads, 0, config.head_dim)
        self.store = torch.zeros(shape, dtype=dtype, device=device)

    def prefill(self, slots: list[int], lengths: list[int]) -> Prefill:
        """The pass over all but the last token of sequences of these lengths (>= 2)."""
        device = self.store.device
        counts = [length - 1 for length in lengths]
        self.reserve(max(counts))
        position_ids = torch.cat([torch.arange(count, device=device) for count in counts])  # [T]
        slot, total = torch.tensor([slots, lengths], device=device).repeat_interleave(
            torch.tensor(counts, device=device), dim=1, output_size=sum(counts)
        )  # [T] each
        bounds = torch.tensor([0, *counts]).cumsum(0).to(device, torch.int32)
        cos, sin = self.rope.tables(position_ids, total, self.store.dtype)
        return Prefill(self.store, slot, position_ids, Packing(counts, bounds, cos, sin))

    def decode(self, lengths: list[int]) -> Decode:
        """The pass over the last tokens of the sequences in slots 0, 1, ..., which have these
        lengths."""
        device = self.store.device
        self.reserve(max(lengths))
        total = torch.tensor(lengths, device=device)  # [B]
        cos, sin = self.rope.tables(total - 1, total, self.store.dtype)
        groups = []
        for rows in self._groups(lengths):
            places = torch.arange(max(lengths[rows]), device=device)  # [L]
            distances = total[rows, None] - 1 - places  # [b, L]
            biases = {window: self._bias(distances, window) for window in self.windows}
            groups.append(Group(rows, self.store[:, :, rows, :, : len(places)], biases))
        slots = torch.arange(len(lengths), device=device)
        packing = Packing([1] * len(lengths), None, cos, sin)
        return Decode(self.store, slots, total - 1, packing, groups)

    def _groups(self, lengths: list[int]) -> list[slice]:
        """The rows in groups: some neighbours, and their neighbours too where these are about as
        long."""
        rows = len(lengths)
        if self.store.is_cuda:
            return [slice(rows)]
        numbers = 2 * self.store.shape[3] * self.store.shape[5]  # read for each place
        starts, longest = [0], max(lengths[:GROUP_ROWS])
        for start in range(GROUP_ROWS, rows, GROUP_ROWS):
            own = lengths[start : start + GROUP_ROWS]
            wider = max(longest, *own)
            padding = (start - starts[-1]) * (wider - longest) + len(own) * (wider - max(own))
            if padding * numbers > CALL_NUMBERS:
                starts.append(start)
                wider = max(own)
            longest = wider
        return [slice(*ends) for ends in zip(starts, [*starts[1:], rows], strict=True)]

    def _bias(self, distance: Tensor, window: int | None) -> Tensor:
        """[b, K, 1, L]: 0 where a token looks, -inf elsewhere. distance[b, L] = how far a place
        lies behind the token."""
        hidden = distance < 0
        if window is not None:
            hidden |= distance >= window
        bias = self.store.new_zeros(hidden.shape).masked_fill_(hidden, -torch.inf)
        return bias[:, None, None].repeat(1, self.store.shape[3], 1, 1)

    def move(self, source: int, target: int, tokens: int) -> None:
        """The first `tokens` tokens in slot `source` go to slot `target`."""
        self.store[:, :, target, :, :tokens] = self.store[:, :, source, :, :tokens]

    def reserve(self, tokens: int) -> None:
        """Give each slot room for so many tokens, keeping what it holds."""
        *outer, room, head_dim = self.store.shape
        if tokens > room:
            grown = self.store.new_empty((*outer, tokens + max(GROWTH, tokens // 8), head_dim))
            grown[..., :room, :] = self.store
            grown[..., room:, :] = 0  # NaN there would pass a weight of 0
            self.store = grown


def _write(
    keys: Tensor, values: Tensor, slots: Tensor, positions: Tensor, k: Tensor, v: Tensor
) -> None:
    """k, v[T, K, D] -> their places in keys, values[slots, K, L, D]."""
    keys[slots, :, positions] = k
    values[slots, :, positions] = v


def attend_fused(q: Tensor, keys: Tensor, values: Tensor, bias: Tensor) -> Tensor:
    """One query token per row. q[B, K, H/K, D], keys and values[B, K, L, D], bias[B, K, 1, L]
    -> [B, K, H/K, D]. The query heads that share a key head are its queries: it is read once."""
    bias = bias.expand(-1, -1, q.shape[2], -1)
    return F.scaled_dot_product_attention(q, keys, values, bias).contiguous()


def attend_by_products(q: Tensor, keys: Tensor, values: Tensor, bias: Tensor) -> Tensor:
    """The same in the dtype of q: on the CPU four fifths of the fused kernel's time."""
    q_, keys_, values_, bias_ = (x.flatten(0, 1) for x in (q, keys, values, bias))  # [B * K, ...]
    bias_ = bias_.expand(-1, q_.shape[1], -1)  # [B * K, H/K, L]
    scores = torch.baddbmm(bias_, q_, keys_.transpose(1, 2), alpha=q.shape[-1] ** -0.5)
    return torch.bmm(scores.softmax(-1), values_).view(q.shape)
