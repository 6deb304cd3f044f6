"""Keys and values of sequences that are being continued, so that each token is computed once.

    cache = KVCache(model.config, slots=32, dtype=torch.float32, device="cpu")
    prefill    many tokens of some sequences, as one packed stream: attention as in training,
               their k and v are written down
    decode     one token of each sequence: its k and v are written down, its query looks over all
               that stands in the slot of the sequence

A pass over the decoder takes one of the two records below as `cache`; each layer calls its `attend`
with its own q, k, v.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from tl.model.attention import Packing, packed_attention
from tl.model.config import ModelConfig

GROWTH = 64  # tokens, at least, by which the slots get longer at one time


class KVCache:
    """`store[layers, 2, slots, K, tokens, D]`: keys and values. Token t of a sequence stands at t
    in the slot of that sequence; what lies behind its end is never looked at."""

    def __init__(
        self, config: ModelConfig, slots: int, dtype: torch.dtype, device: torch.device | str
    ):
        shape = (config.num_hidden_layers, 2, slots, config.num_key_value_heads, 0, config.head_dim)
        self.store = torch.zeros(shape, dtype=dtype, device=device)
        self.windows = set(config.windows)

    def reserve(self, tokens: int) -> None:
        """Give each slot room for so many tokens, keeping what it holds."""
        old = self.store.shape[4]
        if tokens > old:
            shape = (*self.store.shape[:4], tokens + max(GROWTH, tokens // 8), self.store.shape[5])
            grown = self.store.new_zeros(shape)  # NaN in the unused part would pass the mask: 0 * NaN
            grown[..., :old, :] = self.store
            self.store = grown

    def move(self, source: int, target: int, tokens: int) -> None:
        """The sequence of `tokens` tokens in slot `source` goes to slot `target`."""
        self.store[:, :, target, :, :tokens] = self.store[:, :, source, :, :tokens]

    def prefill(self, slots: list[int], lengths: list[int], totals: list[int]) -> "Prefill":
        """The pass over the first `lengths[i]` tokens of the sequence in `slots[i]`, whose length
        (for the rotary embedding) is `totals[i]`."""
        self.reserve(max(lengths))
        device = self.store.device
        counts = torch.tensor(lengths, device=device)
        slot, total = torch.tensor([slots, totals], device=device).repeat_interleave(
            counts, dim=1, output_size=sum(lengths)
        )  # [T] each
        position_ids = torch.cat([torch.arange(length, device=device) for length in lengths])
        return Prefill(self.store, slot, position_ids, total)

    def decode(self, lengths: list[int]) -> "Decode":
        """The pass over the last tokens of the sequences in slots 0, 1, ..., which with it have
        these lengths."""
        self.reserve(max(lengths))
        device = self.store.device
        total = torch.tensor(lengths, device=device)  # [B]
        position_ids = total - 1
        behind = position_ids[:, None] - torch.arange(max(lengths), device=device)  # [B, longest]
        masks = {
            window: (behind >= 0 if window is None else (behind >= 0) & (behind < window))
            for window in self.windows
        }
        slots = torch.arange(len(lengths), device=device)
        return Decode(self.store, slots, position_ids, total, masks)


class Prefill(NamedTuple):
    """A pass over the beginnings of some sequences, packed."""

    store: Tensor
    slots: Tensor  # [T] in which each token's k and v are kept
    position_ids: Tensor  # [T]
    totals: Tensor  # [T] length of each token's sequence, as the rotary embedding sees it

    def attend(
        self, layer: int, q: Tensor, k: Tensor, v: Tensor, packing: Packing, window: int | None
    ) -> Tensor:
        """q[T, H, D], k[T, K, D], v[T, K, D] -> [T, H, D]."""
        keys, values = self.store[layer]  # [slots, K, tokens, D]
        keys[self.slots, :, self.position_ids] = k
        values[self.slots, :, self.position_ids] = v
        return packed_attention(q, k, v, packing, window)


class Decode(NamedTuple):
    """A pass over one token of each of the first B slots."""

    store: Tensor
    slots: Tensor  # [B] 0, 1, ...
    position_ids: Tensor  # [B]
    totals: Tensor  # [B] length of each sequence, this token included
    masks: dict[int | None, Tensor]  # window: [B, longest], True where the token looks

    def attend(
        self, layer: int, q: Tensor, k: Tensor, v: Tensor, packing: Packing, window: int | None
    ) -> Tensor:
        """q[B, H, D], k[B, K, D], v[B, K, D] -> [B, H, D]."""
        keys, values = self.store[layer]  # [slots, K, tokens, D]
        keys[self.slots, :, self.position_ids] = k
        values[self.slots, :, self.position_ids] = v
        rows, longest = self.masks[window].shape
        keys, values = keys[:rows, :, :longest], values[:rows, :, :longest]
        return attend_cached(q, keys, values, self.masks[window])


def attend_cached(q: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
    """One query token per row. q[B, H, D], keys and values[B, K, L, D], mask[B, L] True = looks
    -> [B, H, D]. The H / K query heads that share a key head are its queries, so that keys are
    read once."""
    grouped = q.view(len(q), keys.shape[1], -1, q.shape[2])  # [B, K, H/K, D]
    mask = mask[:, None, None].expand(-1, -1, grouped.shape[2], -1)  # [B, 1, H/K, L]
    mixed = F.scaled_dot_product_attention(grouped, keys, values, attn_mask=mask)
    return mixed.reshape(q.shape)
