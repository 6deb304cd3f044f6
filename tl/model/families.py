"""What each model family fixes without a word in its config.json.

Source: transformers 5.23, `models/*/configuration_*.py` (defaults of absent keys) and the layers'
constructors in `modeling_*.py` (biases, norms of queries and keys).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """One row per `model_type`. A `default_*` holds only where the key is absent."""

    architecture: str  # the class in transformers
    default_max_positions: int
    default_kv_heads: int | None = None  # None = as many as heads
    default_head_dim: int | None = None  # None = hidden_size / heads
    default_window: int | None = None  # None = the family has no sliding window
    windows_by_layer: bool = False  # a window needs use_sliding_window and holds for some layers
    qkv_bias: bool = False  # q, k, v have biases whatever config.json says
    reads_attention_bias: bool = False
    reads_mlp_bias: bool = False
    qk_norm: bool = False


FAMILIES = {
    "llama": Family("LlamaForCausalLM", 2048, reads_attention_bias=True, reads_mlp_bias=True),
    "mistral": Family("MistralForCausalLM", 131072, default_kv_heads=8, default_window=4096),
    "qwen2": Family(
        "Qwen2ForCausalLM",
        32768,
        default_kv_heads=32,
        default_window=4096,
        windows_by_layer=True,
        qkv_bias=True,
    ),
    "qwen3": Family(
        "Qwen3ForCausalLM",
        32768,
        default_kv_heads=32,
        default_head_dim=128,
        default_window=4096,
        windows_by_layer=True,
        reads_attention_bias=True,
        qk_norm=True,
    ),
}
