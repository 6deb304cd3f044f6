"""Attention within each sequence of a packed stream, on the kernels that the device has.

o_t = sum_s softmax_s(q_t . k_s / sqrt(D)) v_s,     s <= t in the same sequence

A sequence may end in branches: continuations of its stem, one behind the other in the stream, of
which none sees another. Several replies to one context are read so, the context once.

    stem        w x y z                 positions   0 1 2 3
    branches            a b c                               4 5 6
                              d e                                 4 5
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention.varlen import varlen_attn

from tl.model.block_attention import LONGEST, block_attention
from tl.model.branches import visible


class Packing(NamedTuple):
    """Where the sequences of a stream lie, and the rotation of each token: made once per forward
    pass and handed to every layer."""

    lengths: list[int]  # tokens of each sequence, on the host
    cu_seqlens: Tensor  # [S+1] int32, the bounds of the sequences on the device
    cos: Tensor  # [T, 1, D]
    sin: Tensor  # [T, 1, D]
    branches: list[list[int]] | None = None  # of each sequence, the lengths; None: nowhere any


def packed_attention(
    q: Tensor, k: Tensor, v: Tensor, packing: Packing, window: int | None
) -> Tensor:
    """Causal attention within each sequence. q[T, H, D], k[T, K, D], v[T, K, D] -> [T, H, D]."""
    branches = packing.branches
    if branches is None and flash_attention_takes(q.dtype, q.device.type, q.shape[-1]):
        return fused_attention(q, k, v, packing, window)
    if q.device.type == "cpu" and (branches or max(packing.lengths) <= LONGEST):
        return block_attention(q, k, v, packing.lengths, window, branches)
    return attention_by_sequence(q, k, v, packing, window)


def flash_attention_takes(dtype: torch.dtype, device_type: str, head_dim: int) -> bool:
    """True where FlashAttention has a kernel for heads of this size."""
    is_half = dtype in (torch.bfloat16, torch.float16)
    return device_type == "cuda" and is_half and head_dim % 8 == 0 and head_dim <= 256


def fused_attention(
    q: Tensor, k: Tensor, v: Tensor, packing: Packing, window: int | None
) -> Tensor:
    """One FlashAttention launch for the whole stream (CUDA, bf16 or fp16)."""
    bounds, longest = packing.cu_seqlens, max(packing.lengths)
    lookback = -1 if window is None else window - 1  # to the left, the token itself not counted
    return varlen_attn(
        q, k, v, bounds, bounds, longest, longest, window_size=(lookback, 0), enable_gqa=True
    )


def attention_by_sequence(
    q: Tensor, k: Tensor, v: Tensor, packing: Packing, window: int | None
) -> Tensor:
    """The same, one scaled_dot_product_attention per sequence: any device, any dtype."""
    # split, not slices: its backward is one concatenation, that of a slice a full-size zero tensor
    pieces = zip(*(x.split(packing.lengths) for x in (q, k, v)), strict=True)
    branches = packing.branches or [[]] * len(packing.lengths)
    mixed = [attend_one(*qkv, window, own) for qkv, own in zip(pieces, branches, strict=True)]
    return torch.cat(mixed)  # [T, H, D]


def attend_one(
    q: Tensor, k: Tensor, v: Tensor, window: int | None, branches: list[int]
) -> Tensor:
    """Causal attention in one sequence of L tokens. q[L, H, D], k, v[L, K, D] -> [L, H, D]."""
    mask = None
    if branches or window is not None and window < len(q):
        mask = visible(len(q), branches, window).to(q.device)
    if q.is_cuda:  # where its kernels in O(L) memory, without FlashAttention, want K = H
        k, v = expand_heads(k, q.shape[1]), expand_heads(v, q.shape[1])
    q, k, v = (x.transpose(0, 1)[None] for x in (q, k, v))  # [1, H, L, D]
    mixed = F.scaled_dot_product_attention(
        q, k, v, attn_mask=mask, is_causal=mask is None, enable_gqa=True
    )
    return mixed.squeeze(0).transpose(0, 1)  # [L, H, D]


def expand_heads(x: Tensor, heads: int) -> Tensor:
    """x[L, K, D] -> [L, heads, D], each key/value head once for every query head it serves."""
    return x.repeat_interleave(heads // x.shape[1], dim=1)
