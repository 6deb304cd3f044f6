"""Causal self-attention over a packed stream: no token sees another sequence.

    q, k, v = W_q x, W_k x, W_v x           (Qwen3: q and k normalised per head)
    o_t     = sum_s softmax_s(q_t . k_s / sqrt(D)) v_s,     s <= t in the same sequence
    out     = W_o o

K key/value heads serve H >= K query heads, H / K each (grouped-query attention, arXiv:2305.13245).
"""

from typing import TYPE_CHECKING, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention.varlen import varlen_attn

from tl.model.config import ModelConfig
from tl.model.linear import Linear
from tl.model.norm import RMSNorm
from tl.model.rope import rotate

if TYPE_CHECKING:
    from tl.model.cache import Decode, Prefill


class Packing(NamedTuple):
    """Where the sequences of a stream lie, and the rotation of each token: made once per forward
    pass and handed to every layer."""

    lengths: list[int]  # tokens of each sequence, on the host
    cu_seqlens: Tensor  # [S+1] int32, the bounds of the sequences on the device
    cos: Tensor  # [T, 1, D]
    sin: Tensor  # [T, 1, D]


class Attention(nn.Module):
    """The attention of one layer; a token looks back over `window` positions, itself included
    (None = over all of its sequence)."""

    def __init__(self, config: ModelConfig, layer: int):
        super().__init__()
        self.head_dim = config.head_dim
        self.layer = layer
        self.window = config.windows[layer]
        queries = config.num_attention_heads * config.head_dim
        keys = config.num_key_value_heads * config.head_dim
        self.q_proj = Linear(config.hidden_size, queries, bias=config.qkv_bias)
        self.k_proj = Linear(config.hidden_size, keys, bias=config.qkv_bias)
        self.v_proj = Linear(config.hidden_size, keys, bias=config.qkv_bias)
        self.o_proj = Linear(queries, config.hidden_size, bias=config.o_bias)
        if config.qk_norm:
            self.q_norm = RMSNorm(config.head_dim, config.rms_norm_eps)
            self.k_norm = RMSNorm(config.head_dim, config.rms_norm_eps)
        else:
            self.q_norm = self.k_norm = nn.Identity()

    def forward(
        self, x: Tensor, packing: Packing, cache: "Prefill | Decode | None" = None
    ) -> Tensor:
        """x[T, E] -> [T, E]; k and v go to the cache, if there is one."""
        q = self.q_norm(self.q_proj(x).view(len(x), -1, self.head_dim))  # [T, H, D]
        q = rotate(q, packing.cos, packing.sin)
        k, v = self.keys_values(x, packing)
        if cache is None:
            mixed = packed_attention(q, k, v, packing, self.window)  # [T, H, D]
        else:
            mixed = cache.attend(self.layer, q, k, v, self.window)  # [T, H, D]
        return self.o_proj(mixed.flatten(1))  # [T, E]

    def keys_values(self, x: Tensor, packing: Packing) -> tuple[Tensor, Tensor]:
        """x[T, E] -> k, v, each [T, K, D]."""
        k = self.k_norm(self.k_proj(x).view(len(x), -1, self.head_dim))
        v = self.v_proj(x).view(len(x), -1, self.head_dim)
        return rotate(k, packing.cos, packing.sin), v


def packed_attention(
    q: Tensor, k: Tensor, v: Tensor, packing: Packing, window: int | None
) -> Tensor:
    """Causal attention within each sequence. q[T, H, D], k[T, K, D], v[T, K, D] -> [T, H, D]."""
    fused = flash_attention_takes(q.dtype, q.device.type, q.shape[-1])
    attend = fused_attention if fused else attention_by_sequence
    return attend(q, k, v, packing, window)


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
    return torch.cat([attend_one(*piece, window) for piece in pieces])  # [T, H, D]


def attend_one(q: Tensor, k: Tensor, v: Tensor, window: int | None) -> Tensor:
    """Causal attention in one sequence of L tokens. q[L, H, D], k, v[L, K, D] -> [L, H, D]."""
    mask = None if window is None or window >= len(q) else window_mask(len(q), window, q.device)
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


def window_mask(length: int, window: int, device: torch.device) -> Tensor:
    """[L, L], True where the query of the row sees the key of the column."""
    position = torch.arange(length, device=device)
    distance = position[:, None] - position  # [L, L] row - column
    return (distance >= 0) & (distance < window)
