"""Causal self-attention over a packed stream: no token sees another sequence.

    q, k, v = W_q x, W_k x, W_v x           (Qwen3: q and k normalised per head)
    o_t     = sum_s softmax_s(q_t . k_s / sqrt(D)) v_s,     s <= t in the same sequence
    out     = W_o o

K key/value heads serve H >= K query heads, H / K each (grouped-query attention, arXiv:2305.13245).
"""

from torch import Tensor, nn

from tl.model.cache import Decode, Prefill
from tl.model.config import ModelConfig
from tl.model.linear import Linear
from tl.model.norm import RMSNorm
from tl.model.packed_attention import Packing, packed_attention
from tl.model.rope import rotate


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
        self,
        x: Tensor,
        packing: Packing,
        cache: Prefill | Decode | None = None,
        rows: Tensor | None = None,
    ) -> Tensor:
        """x[T, E] -> [T, E], or [N, E] of these rows[N] alone; k and v go to the cache, if there is
        one."""
        q = self.q_norm(self.q_proj(x).view(len(x), -1, self.head_dim))  # [T, H, D]
        q = rotate(q, packing.cos, packing.sin)
        k, v = self.keys_values(x, packing)
        if cache is None:
            mixed = packed_attention(q, k, v, packing, self.window)  # [T, H, D]
        else:
            mixed = cache.attend(self.layer, q, k, v, self.window)  # [T, H, D]
        mixed = mixed.flatten(1)  # [T, H * D]
        return self.o_proj(mixed if rows is None else mixed.index_select(0, rows))  # [T or N, E]

    def keys_values(self, x: Tensor, packing: Packing) -> tuple[Tensor, Tensor]:
        """x[T, E] -> k, v, each [T, K, D]."""
        k = self.k_norm(self.k_proj(x).view(len(x), -1, self.head_dim))
        v = self.v_proj(x).view(len(x), -1, self.head_dim)
        return rotate(k, packing.cos, packing.sin), v
