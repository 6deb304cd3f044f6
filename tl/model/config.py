"""The architecture of a decoder, from and to Hugging Face's `config.json`.

One record describes Llama 1/2/3.x, CodeLlama, Mistral, Qwen2/2.5 and Qwen3. A family is a row of `FAMILIES`:
what its class in transformers hard-wires or defaults. Both spellings are read, transformers v4 (`rope_theta`,
`rope_scaling`, `torch_dtype`) and v5 (`rope_parameters`, `dtype`, `layer_types`), and the one that was read
is written back.

A field that would change the computation and is not implemented here is refused by its name: see `screen.py`.
"""

import copy
from dataclasses import dataclass, field, fields as dataclass_fields, replace
from typing import Any

from tl import InputError
from tl.model.fields import Fields
from tl.model.rope import Rope, read_rope
from tl.model.screen import refuse_unknown_math

DTYPES = ("float32", "bfloat16", "float16", "float64")


@dataclass(frozen=True)
class Family:
    """What a model_type fixes without a word in config.json. Source: transformers 5.23, `configuration_*.py`
    and the layers' constructors in `modeling_*.py`."""

    architecture: str
    max_positions: int
    num_key_value_heads: int | None = None  # default when the key is absent; None = as many as heads
    head_dim: int | None = None  # default when the key is absent; None = hidden_size / heads
    qkv_bias: bool = False  # bias of q, k, v where there is no `attention_bias`
    reads_attention_bias: bool = False
    reads_mlp_bias: bool = False
    qk_norm: bool = False
    sliding_window: int | None = None  # default when the key is absent
    windows_by_layer: bool = False  # windows only with use_sliding_window, on some layers


FAMILIES = {
    "llama": Family("LlamaForCausalLM", 2048, reads_attention_bias=True, reads_mlp_bias=True),
    "mistral": Family("MistralForCausalLM", 131072, num_key_value_heads=8, sliding_window=4096),
    "qwen2": Family(
        "Qwen2ForCausalLM", 32768, num_key_value_heads=32, qkv_bias=True,
        sliding_window=4096, windows_by_layer=True,
    ),
    "qwen3": Family(
        "Qwen3ForCausalLM", 32768, num_key_value_heads=32, head_dim=128, reads_attention_bias=True,
        qk_norm=True, sliding_window=4096, windows_by_layer=True,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class ModelConfig:
    """Sizes and switches of one decoder. `windows[i]` is the number of positions that layer i looks back over,
    itself included; None = all of them. `dtype` is the type of the weights on disk, None = not on disk yet."""

    model_type: str
    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    max_position_embeddings: int
    rope: Rope
    windows: tuple[int | None, ...]
    rms_norm_eps: float = 1e-6
    initializer_range: float = 0.02
    tie_word_embeddings: bool = False
    qkv_bias: bool = False
    o_bias: bool = False
    mlp_bias: bool = False
    qk_norm: bool = False
    dtype: str | None = None
    source: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)  # config.json as read

    @classmethod
    def from_hf(cls, values: dict[str, Any], where: str = "config.json") -> "ModelConfig":
        """Read the object of a config.json. `where` names the file in messages. Raises InputError."""
        if not isinstance(values, dict):
            raise InputError(f"{where}: got a JSON {type(values).__name__}, expected an object")
        fields = Fields(values, where)
        model_type = fields.text("model_type")
        if model_type not in FAMILIES:
            raise fields.error("model_type", f"one of {', '.join(FAMILIES)}")
        family = FAMILIES[model_type]
        refuse_unknown_math(fields, family)
        heads = _read_heads(fields, family)
        layers = fields.integer("num_hidden_layers")
        max_positions = fields.integer("max_position_embeddings", default=family.max_positions)
        attention_bias = family.reads_attention_bias and fields.boolean("attention_bias", default=False)
        return cls(
            model_type=model_type,
            vocab_size=fields.integer("vocab_size"),
            intermediate_size=fields.integer("intermediate_size"),
            num_hidden_layers=layers,
            max_position_embeddings=max_positions,
            rope=read_rope(fields, heads["head_dim"], max_positions),
            windows=_read_windows(fields, family, layers),
            rms_norm_eps=fields.number("rms_norm_eps", default=1e-6),
            initializer_range=fields.number("initializer_range", default=0.02),
            tie_word_embeddings=fields.boolean("tie_word_embeddings", default=False),
            qkv_bias=attention_bias or family.qkv_bias,
            o_bias=attention_bias,
            mlp_bias=family.reads_mlp_bias and fields.boolean("mlp_bias", default=False),
            qk_norm=family.qk_norm,
            dtype=_read_dtype(fields),
            source=copy.deepcopy(values),
            **heads,
        )

    def to_hf(self) -> dict[str, Any]:
        """The object for config.json: what was read, in its spelling, with what `dataclasses.replace` changed
        since, the architecture's name and the dtype. Only fields that stand in config.json under
        their own name may have been replaced."""
        hf = copy.deepcopy(self.source)
        read = ModelConfig.from_hf(self.source)
        for name in (each.name for each in dataclass_fields(self) if each.compare and each.name != "dtype"):
            if getattr(self, name) != getattr(read, name):
                assert name in _WRITABLE, f"{name} has no field of its own in config.json"
                hf[name] = getattr(self, name)
        hf["architectures"] = [FAMILIES[self.model_type].architecture]
        spelling = "dtype" if "dtype" in hf or "rope_parameters" in hf else "torch_dtype"
        hf.pop("torch_dtype" if spelling == "dtype" else "dtype", None)
        hf[spelling] = self.dtype or "float32"
        return hf

    def with_dtype(self, dtype: str) -> "ModelConfig":
        """The same architecture, its weights stored as `dtype` ("bfloat16")."""
        return replace(self, dtype=dtype)


_WRITABLE = (
    "vocab_size", "hidden_size", "intermediate_size", "num_attention_heads", "num_key_value_heads",
    "head_dim", "rms_norm_eps", "initializer_range", "tie_word_embeddings",
)  # fmt: skip


def _read_heads(fields: Fields, family: Family) -> dict[str, int]:
    """hidden_size, num_attention_heads, num_key_value_heads and head_dim, checked against each other."""
    hidden, heads = fields.integer("hidden_size"), fields.integer("num_attention_heads")
    default = family.num_key_value_heads if "num_key_value_heads" not in fields.values else None
    kv_heads = fields.integer("num_key_value_heads", default=default or heads)
    if heads % kv_heads:
        raise fields.error("num_key_value_heads", f"a divisor of num_attention_heads ({heads})")
    default = family.head_dim if "head_dim" not in fields.values else None
    if default is None and "head_dim" not in fields and hidden % heads:
        raise fields.error("hidden_size", f"a multiple of num_attention_heads ({heads}), or a head_dim")
    return {
        "hidden_size": hidden,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "head_dim": fields.integer("head_dim", default=default or hidden // heads),
    }


def _read_windows(fields: Fields, family: Family, layers: int) -> tuple[int | None, ...]:
    """The attention window of each layer: Mistral's holds for all of them, Qwen's only with
    `use_sliding_window`, and then for those of `layer_types` or from `max_window_layers` on."""
    if "sliding_window" in fields.values:
        window = fields.integer("sliding_window", default=None)
    else:
        window = family.sliding_window
    if family.windows_by_layer and not fields.boolean("use_sliding_window", default=False):
        window = None
    kinds = _layer_types(fields, layers)
    if kinds is None and family.windows_by_layer:
        first = fields.integer("max_window_layers", default=28, minimum=0)
        kinds = ["sliding_attention" if layer >= first else "full_attention" for layer in range(layers)]
    if kinds is None:
        return (window,) * layers
    if window is None and "sliding_attention" in kinds and "layer_types" in fields:
        raise fields.error("layer_types", "full_attention everywhere, as no sliding window is in use")
    if not family.windows_by_layer and window is not None and "full_attention" in kinds:
        raise fields.error("layer_types", f"sliding_attention everywhere for {fields.text('model_type')}")
    return tuple(window if kind == "sliding_attention" else None for kind in kinds)


def _layer_types(fields: Fields, layers: int) -> list[str] | None:
    kinds = fields.values.get("layer_types")
    if kinds is None:
        return None
    known = ("full_attention", "sliding_attention")
    if not isinstance(kinds, list) or len(kinds) != layers or any(kind not in known for kind in kinds):
        raise fields.error("layer_types", f"a list of {layers} (num_hidden_layers), each {' or '.join(known)}")
    return kinds


def _read_dtype(fields: Fields) -> str | None:
    name = "dtype" if "dtype" in fields else "torch_dtype"
    dtype = fields.text(name, default=None)
    if dtype is None:
        return None
    dtype = dtype.removeprefix("torch.")
    if dtype not in DTYPES:
        raise fields.error(name, f"one of {', '.join(DTYPES)}")
    return dtype
