"""Keys and values of sequences that are being continued, so that each token is computed once.

    cache = KVCache(model.config, slots=32, dtype=torch.float32, device="cpu")
    model.prefill(input_ids, cache.prefill(...))            the beginnings of some sequences
    logits = model.decode(input_ids, cache.decode(...))     one more token of each sequence

`prefill` and `decode` make the record of one pass over the decoder: each layer hands it its q, k, v
and gets the attention back.
"""

import math
import mmap
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from tl.model.config import ModelConfig
from tl.model.packed_attention import Packing, packed_attention
from tl.model.pages import Pages, pages_of, put_keys, whole_pages

GROWTH = 64  # tokens, at least, by which the slots get longer at one time


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


class Decode(NamedTuple):
    """A pass over one token of each of the first B slots."""

    store: Tensor
    slots: Tensor  # [B] 0, 1, ...
    position_ids: Tensor  # [B]
    packing: Packing
    pages: Pages | None  # on the CPU
    biases: dict[int | None, Tensor]  # by window: [B, 1, L], added to the scores

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor, window: int | None) -> Tensor:
        """Over all that is in the slot. q[B, H, D], k[B, K, D], v[B, K, D] -> [B, H, D]."""
        keys, values = self.store[layer]
        _write(keys, values, self.slots, self.position_ids, k, v)
        bias = self.biases[window]
        if self.pages is not None:
            return self.pages.attend(q, keys, values, bias)
        seen = (slice(len(q)), slice(None), slice(bias.shape[-1]))
        return attend_fused(q, keys[seen], values[seen], bias)


class KVCache:
    """`store[layers, 2, slots, K, L, D]`: keys and values. Token t of a sequence stands at t in
    the slot of that sequence (on the CPU its key in a page: see tl.model.pages); what lies behind
    its end has no weight. The slots get longer as the sequences do. 16-bit models keep float32 on
    the CPU."""

    def __init__(
        self, config: ModelConfig, slots: int, dtype: torch.dtype, device: torch.device | str
    ):
        self.rope, self.windows = config.rope, set(config.windows)
        self.heads = config.num_attention_heads
        shape = (config.num_hidden_layers, 2, slots, config.num_key_value_heads, 0, config.head_dim)
        if torch.device(device).type != "cuda":
            dtype = torch.promote_types(dtype, torch.float32)
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
        slots = torch.arange(len(lengths), device=device)
        packing = Packing([1] * len(lengths), None, cos, sin)
        pages, longest = None, max(lengths)
        if not self.store.is_cuda:
            pages = pages_of(lengths, self.heads, self.store[0, 0])
            longest = whole_pages(longest)
        distances = total[:, None] - 1 - torch.arange(longest, device=device)  # [B, L]
        biases = {window: self._bias(distances, window) for window in self.windows}
        return Decode(self.store, slots, total - 1, packing, pages, biases)

    def _bias(self, distance: Tensor, window: int | None) -> Tensor:
        """[B, 1, L]: 0 where a token looks, -inf elsewhere. distance[B, L] = how far a place lies
        behind the token."""
        hidden = distance < 0
        if window is not None:
            hidden |= distance >= window
        return self.store.new_zeros(hidden.shape).masked_fill_(hidden, -torch.inf)[:, None]

    def copy(self, source: int, target: int, tokens: int) -> None:
        """The first `tokens` tokens in slot `source` go to slot `target`, too."""
        held = whole_pages(tokens)
        self.store[:, :, target, :, :held] = self.store[:, :, source, :, :held]

    def reserve(self, tokens: int) -> None:
        """Give each slot room for so many tokens, keeping what it holds."""
        *outer, room, head_dim = self.store.shape
        if tokens > room:
            longer = whole_pages(tokens + max(GROWTH, tokens // 8))
            grown = _zeros((*outer, longer, head_dim), self.store)  # NaN would pass a weight of 0
            grown[..., :room, :] = self.store
            self.store = grown


def _zeros(shape: tuple[int, ...], like: Tensor) -> Tensor:
    """On the CPU memory that is zero when it is first touched: few sequences fill their slots."""
    if like.is_cuda:
        return like.new_zeros(shape)
    size, own = math.prod(shape) * like.element_size(), mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    try:
        memory = mmap.mmap(-1, size, flags=own)
    except OSError as error:
        raise MemoryError(f"{size:,} bytes of keys and values") from error
    return torch.frombuffer(memory, dtype=like.dtype).view(shape)


def _write(
    keys: Tensor, values: Tensor, slots: Tensor, positions: Tensor, k: Tensor, v: Tensor
) -> None:
    """k, v[T, K, D] -> their places in keys, values[slots, K, L, D]."""
    k, v = k.to(keys.dtype), v.to(keys.dtype)
    if keys.is_cuda:
        keys[slots, :, positions] = k
    else:
        put_keys(keys, slots, positions, k)
    values[slots, :, positions] = v


def attend_fused(q: Tensor, keys: Tensor, values: Tensor, bias: Tensor) -> Tensor:
    """One query token per row. q[B, H, D], keys and values[B, K, L, D], bias[B, 1, L] ->
    [B, H, D]. The query heads that share a key head are its queries: it is read once."""
    shared = q.unflatten(1, (keys.shape[1], -1))  # [B, K, H/K, D]
    bias = bias[:, None].expand(*shared.shape[:3], -1)
    return F.scaled_dot_product_attention(shared, keys, values, bias).reshape(q.shape)
