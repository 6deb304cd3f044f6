"""The rotary embedding that a config.json describes, in either spelling:

"rope_theta": 1e6, "rope_scaling": {"type": "yarn", "factor": 4.0}              transformers v4
"rope_parameters": {"rope_theta": 1e6, "rope_type": "yarn", "factor": 4.0}      transformers v5
"""

import math
from typing import Any

from tl.model.fields import Fields
from tl.model.rope import Rope

# The keys that each type reads, beside `_ALWAYS`.
ROPE_TYPES = {
    "default": "",
    "linear": "factor",
    "dynamic": "factor",
    "llama3": "factor low_freq_factor high_freq_factor",
    "yarn": "factor attention_factor beta_fast beta_slow mscale mscale_all_dim truncate",
    "longrope": "factor attention_factor short_factor long_factor",
}
_ALWAYS = {"rope_type", "type", "rope_theta", "original_max_position_embeddings"}
_WITHOUT_EFFECT = {"finetuned"}  # Yarn-Llama-2 and Yarn-Mistral carry it
_NEUTRAL_AT_ONE = {"factor", "attention_factor", "attn_factor", "partial_rotary_factor"}


def read_rope(fields: Fields, head_dim: int, max_positions: int) -> Rope:
    """The rotary embedding of a config.json. Raises InputError."""
    scaling = _scaling(fields)
    rope_type = _rope_type(scaling)
    _refuse_unknown(scaling, rope_type)
    if head_dim % 2 or (rope_type == "dynamic" and head_dim < 4):
        expected = "an even number, at least 4 for dynamic" if head_dim > 1 else "an even number"
        raise Fields({"head_dim": head_dim}, fields.where).error("head_dim", expected)
    # Phi-3 has it outside, where it takes priority in transformers too.
    outside = "original_max_position_embeddings" in fields
    place = fields if outside else scaling
    original = place.integer("original_max_position_embeddings", max_positions, minimum=2)
    return Rope(
        head_dim=head_dim,
        theta=_theta(fields, scaling),
        rope_type=rope_type,
        max_positions=max_positions,
        original_max_positions=original,
        **_constants(scaling, rope_type, head_dim, max_positions, original),
    )


def _scaling(fields: Fields) -> Fields:
    """The object that holds the rope type, whatever its name; empty for the default type."""
    names = ("rope_scaling", "rope_parameters")  # false means the same as null
    old, new = ({} if fields.values.get(n) is False else fields.object(n) for n in names)
    if old and new and old != new:
        raise fields.error("rope_scaling", "the same as rope_parameters, or only one of the two")
    scaling = Fields(old or new, f"{fields.where}: {'rope_scaling' if old else 'rope_parameters'}")
    for nested in ("full_attention", "sliding_attention"):
        if nested in scaling.values:
            raise scaling.error(nested, "one rotary embedding for all layers")
    return scaling


def _rope_type(scaling: Fields) -> str:
    name = "rope_type" if "rope_type" in scaling else "type"
    rope_type = scaling.text(name, default="default")
    if rope_type not in ROPE_TYPES:
        raise scaling.error(name, f"one of {', '.join(ROPE_TYPES)}")
    if "type" in scaling and scaling.text("type") != rope_type:
        raise scaling.error("type", f"the same as rope_type ({rope_type!r})")
    return rope_type


def _refuse_unknown(scaling: Fields, rope_type: str) -> None:
    known = _ALWAYS | _WITHOUT_EFFECT | set(ROPE_TYPES[rope_type].split())
    for name, value in sorted(scaling.values.items()):
        is_off = value is None or (name in _NEUTRAL_AT_ONE and value == 1)
        if name not in known and not is_off:
            expected = f"no such key for rope_type {rope_type!r}"
            raise scaling.error(name, f"{expected}; remove the key if it has no effect")


def _theta(fields: Fields, scaling: Fields) -> float:
    if "rope_theta" not in scaling:
        return fields.number("rope_theta", default=10000.0, above=1.0)
    theta = scaling.number("rope_theta", above=1.0)
    if "rope_theta" in fields and fields.number("rope_theta", above=1.0) != theta:
        raise fields.error("rope_theta", f"the same as in {scaling.where} ({theta:g})")
    return theta


def _constants(
    scaling: Fields, rope_type: str, head_dim: int, max_positions: int, original: int
) -> dict[str, Any]:
    """The constants of one rope type, as keyword arguments of `Rope`."""
    match rope_type:
        case "linear" | "dynamic":
            return {"factor": scaling.number("factor")}
        case "llama3":
            low, high = scaling.number("low_freq_factor"), scaling.number("high_freq_factor")
            if high <= low:
                raise scaling.error("high_freq_factor", f"more than low_freq_factor ({low:g})")
            factor = scaling.number("factor")
            return {"factor": factor, "low_freq_factor": low, "high_freq_factor": high}
        case "yarn":
            factor = scaling.number("factor", default=max_positions / original)
            return {
                "factor": factor,
                "attention_factor": _yarn_attention_factor(scaling, factor),
                "beta_fast": scaling.number("beta_fast", default=32.0),
                "beta_slow": scaling.number("beta_slow", default=1.0),
                "truncate": scaling.boolean("truncate", default=True),
            }
        case "longrope":
            factor = scaling.number("factor", default=max_positions / original)
            return {
                "factor": factor,
                "attention_factor": _longrope_attention_factor(scaling, factor, original),
                "short_factor": scaling.numbers("short_factor", head_dim // 2),
                "long_factor": scaling.numbers("long_factor", head_dim // 2),
            }
    return {}


def _yarn_attention_factor(scaling: Fields, factor: float) -> float:
    """0.1 ln(factor) + 1 (yarn, section 3.4), or DeepSeek's ratio of two such terms."""
    if "attention_factor" in scaling:
        return scaling.number("attention_factor")

    def temperature(mscale: float) -> float:
        return 0.1 * mscale * math.log(factor) + 1.0 if factor > 1 else 1.0

    mscale = scaling.number("mscale", default=0.0, above=-math.inf)
    mscale_all_dim = scaling.number("mscale_all_dim", default=0.0, above=-math.inf)
    if mscale and mscale_all_dim:
        return temperature(mscale) / temperature(mscale_all_dim)
    return temperature(1.0)


def _longrope_attention_factor(scaling: Fields, factor: float, original: int) -> float:
    """sqrt(1 + ln(factor) / ln(original length))."""
    if "attention_factor" in scaling:
        return scaling.number("attention_factor")
    return math.sqrt(1 + math.log(factor) / math.log(original)) if factor > 1 else 1.0
