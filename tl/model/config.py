"""The architecture of a decoder, from and to Hugging Face's `config.json`.

One record describes Llama 1/2/3.x, CodeLlama, Mistral, Qwen2/2.5 and Qwen3. Both spellings are
read, transformers v4 (`rope_theta`, `rope_scaling`, `torch_dtype`) and v5 (`rope_parameters`,
`dtype`, `layer_types`), and the one that was read is written back.

A field that would change the computation and is not implemented here is refused by its name: see
`screen.py`.
"""

import copy
import dataclasses
from dataclasses import dataclass, field
from typing import Any

from tl import InputError
from tl.model.families import FAMILIES, Family
from tl.model.fields import Fields
from tl.model.rope import Rope
from tl.model.rope_config import read_rope
from tl.model.screen import refuse_unknown_math

DTYPES = ("float32", "bfloat16", "float16", "float64")
FULL, SLIDING = "full_attention", "sliding_attention"

# Fields that stand in config.json under their own name and alone, so that a change of one can be
# written back.
_WRITABLE = {
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_attention_heads",
    "num_key_value_heads",
    "rms_norm_eps",
    "initializer_range",
    "tie_word_embeddings",
}


@dataclass(frozen=True)
class ModelConfig:
    """Sizes and switches of one decoder. Made by `from_hf`; change it by `dataclasses.replace`."""

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
    windows: tuple[int | None, ...]  # positions each layer looks back over, itself too; None = all
    rms_norm_eps: float
    initializer_range: float
    tie_word_embeddings: bool
    qkv_bias: bool
    o_bias: bool
    mlp_bias: bool
    qk_norm: bool
    dtype: str | None  # of the weights on disk ("bfloat16"); None = not said
    source: dict[str, Any] = field(compare=False, repr=False)  # config.json as it was read

    @classmethod
    def from_hf(cls, values: dict[str, Any], where: str = "config.json") -> "ModelConfig":
        """Read the object of a config.json; `where` names the file in messages. May raise
        InputError."""
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
        max_positions = fields.integer("max_position_embeddings", family.default_max_positions)
        bias = family.reads_attention_bias and fields.boolean("attention_bias", default=False)
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
            qkv_bias=bias or family.qkv_bias,
            o_bias=bias,
            mlp_bias=family.reads_mlp_bias and fields.boolean("mlp_bias", default=False),
            qk_norm=family.qk_norm,
            dtype=_read_dtype(fields),
            source=copy.deepcopy(values),
            **heads,
        )

    def to_hf(self) -> dict[str, Any]:
        """The object for config.json: what was read, in its spelling, with what was replaced since
        (fields of `_WRITABLE` only), the architecture's name and the dtype."""
        hf = copy.deepcopy(self.source)
        read = ModelConfig.from_hf(self.source)
        for name in (each.name for each in dataclasses.fields(self) if each.compare):
            if name != "dtype" and getattr(self, name) != getattr(read, name):
                assert name in _WRITABLE, f"{name} cannot be written back alone"
                hf[name] = getattr(self, name)
        hf["architectures"] = [FAMILIES[self.model_type].architecture]
        old, new = "torch_dtype", "dtype"
        if "dtype" in hf or "rope_parameters" in hf:
            old, new = new, old
        hf.pop(new, None)
        hf[old] = self.dtype or "float32"
        return hf

    def with_dtype(self, dtype: str) -> "ModelConfig":
        """The same architecture, its weights stored as `dtype` ("bfloat16")."""
        return dataclasses.replace(self, dtype=dtype)


def _read_heads(fields: Fields, family: Family) -> dict[str, int]:
    """The sizes that depend on each other. An absent key takes the family's default, null the
    derived one."""
    hidden, heads = fields.integer("hidden_size"), fields.integer("num_attention_heads")
    absent = {"num_key_value_heads", "head_dim"} - fields.values.keys()
    default = family.default_kv_heads if "num_key_value_heads" in absent else None
    kv_heads = fields.integer("num_key_value_heads", default or heads)
    if heads % kv_heads:
        raise fields.error("num_key_value_heads", f"a divisor of num_attention_heads ({heads})")
    default = family.default_head_dim if "head_dim" in absent else None
    if default is None and "head_dim" not in fields and hidden % heads:
        expected = f"a multiple of num_attention_heads ({heads}), or a head_dim"
        raise fields.error("hidden_size", expected)
    return {
        "hidden_size": hidden,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "head_dim": fields.integer("head_dim", default or hidden // heads),
    }


def _read_windows(fields: Fields, family: Family, layers: int) -> tuple[int | None, ...]:
    """The attention window of each layer: Mistral's holds for all of them, Qwen's only with
    `use_sliding_window`, and then for those of `layer_types` or from `max_window_layers` on."""
    absent = "sliding_window" not in fields.values
    window = family.default_window if absent else fields.integer("sliding_window", default=None)
    if family.windows_by_layer and not fields.boolean("use_sliding_window", default=False):
        window = None
    if "layer_types" in fields:
        kinds = _read_layer_types(fields, layers)
        if window is None and SLIDING in kinds:
            raise fields.error("layer_types", f"{FULL} only, as no sliding window is in use")
        if window is not None and FULL in kinds and not family.windows_by_layer:
            raise fields.error("layer_types", f"{SLIDING} only, as in every {family.architecture}")
    elif family.windows_by_layer:
        first = fields.integer("max_window_layers", default=28, minimum=0)
        kinds = [SLIDING if layer >= first else FULL for layer in range(layers)]
    else:
        kinds = [SLIDING] * layers
    return tuple(window if kind == SLIDING else None for kind in kinds)


def _read_layer_types(fields: Fields, layers: int) -> list[str]:
    kinds = fields.values["layer_types"]
    is_list = isinstance(kinds, list) and len(kinds) == layers
    if not is_list or any(kind not in (FULL, SLIDING) for kind in kinds):
        expected = f"a list of {layers} (num_hidden_layers), each {FULL} or {SLIDING}"
        raise fields.error("layer_types", expected)
    return kinds


def _read_dtype(fields: Fields) -> str | None:
    name = "dtype" if "dtype" in fields else "torch_dtype"
    if name not in fields:
        return None
    dtype = fields.text(name).removeprefix("torch.")
    if dtype not in DTYPES:
        raise fields.error(name, f"one of {', '.join(DTYPES)}")
    return dtype
