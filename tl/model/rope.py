"""Rotary position embedding: its configuration, its frequencies for each published scaling, its rotation.

Position p turns the pair (x_i, x_{i + D/2}) of a head by the angle p * f_i, with

    f_i = theta^(-2i / D),    i = 0 .. D/2 - 1                     ("default"; Su et al. 2021, arXiv:2104.09864)

The other types change f so that a model reads texts longer than those it was trained on. Definitions restate
transformers 5.23, `modeling_rope_utils.py`, in the same order of fp32 operations, so that angles agree to the bit.
The pairs are the two halves of a head (Hugging Face layout), not neighbours (Meta layout).

Nothing here is a buffer: tables are made from the configuration once per forward pass, so that a model
that was built on the meta device needs no repair.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from tl import InputError
from tl.model.fields import Fields

ROPE_TYPES = ("default", "linear", "dynamic", "llama3", "yarn", "longrope")

# Keys that each type reads, beside rope_type/type, rope_theta and original_max_position_embeddings.
_KEYS = {
    "default": (),
    "linear": ("factor",),
    "dynamic": ("factor",),
    "llama3": ("factor", "low_freq_factor", "high_freq_factor"),
    "yarn": ("factor", "attention_factor", "beta_fast", "beta_slow", "mscale", "mscale_all_dim", "truncate"),
    "longrope": ("factor", "attention_factor", "short_factor", "long_factor"),
}
_ALWAYS = ("rope_type", "type", "rope_theta", "original_max_position_embeddings")
_WITHOUT_EFFECT = ("finetuned",)  # Yarn-Llama-2 and Yarn-Mistral carry it


@dataclass(frozen=True)
class Rope:
    """One rotary embedding; `max_positions` is the model's max_position_embeddings, `original_max_positions`
    the length that it was trained on before scaling."""

    head_dim: int
    theta: float = 10000.0
    rope_type: str = "default"
    factor: float = 1.0
    max_positions: int = 2048
    original_max_positions: int = 2048
    low_freq_factor: float = 1.0
    high_freq_factor: float = 4.0
    attention_factor: float = 1.0
    beta_fast: float = 32.0
    beta_slow: float = 1.0
    truncate: bool = True
    short_factor: tuple[float, ...] = ()
    long_factor: tuple[float, ...] = ()

    def tables(self, position_ids: Tensor, lengths: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """(cos, sin), each [T, 1, D], for `rotate`. fp32 angles whatever the model's dtype; the result is
        fp32, or fp64 for an fp64 model.

        `lengths[T]` is, for each token, the length of the sequence that it stands in: "dynamic" and
        "longrope" choose their frequencies by it, for each sequence of a packed stream on its own.
        """
        frequencies = self.frequencies(lengths)  # [D/2] or [T, D/2]
        angles = position_ids[:, None].float() * frequencies  # [T, D/2]
        cos = angles.cos() * self.attention_factor
        sin = angles.sin() * self.attention_factor
        cos = torch.cat((cos, cos), dim=-1)[:, None]  # [T, 1, D]
        sin = torch.cat((-sin, sin), dim=-1)[:, None]  # [T, 1, D]
        table_dtype = torch.promote_types(dtype, torch.float32)
        return cos.to(table_dtype), sin.to(table_dtype)

    def frequencies(self, lengths: Tensor) -> Tensor:
        """f_i in radians per position, fp32: [D/2], or [T, D/2] for the types that depend on `lengths[T]`."""
        exponents = torch.arange(0, self.head_dim, 2, device=lengths.device).float() / self.head_dim
        match self.rope_type:
            case "linear":
                return 1.0 / self.theta**exponents / self.factor
            case "dynamic":
                return self._dynamic(exponents, lengths)
            case "llama3":
                return self._llama3(1.0 / self.theta**exponents)
            case "yarn":
                return self._yarn(self.theta**exponents)
            case "longrope":
                return self._longrope(exponents, lengths)
        return 1.0 / self.theta**exponents

    def _dynamic(self, exponents: Tensor, lengths: Tensor) -> Tensor:
        """NTK-aware: theta' = theta (f s / M - (f - 1))^(D / (D - 2)), s = max(sequence length, M)."""
        s = lengths.clamp(min=self.max_positions)  # [T]
        stretch = self.factor * s / self.max_positions - (self.factor - 1)  # [T]
        theta = self.theta * stretch ** (self.head_dim / (self.head_dim - 2))
        return 1.0 / theta[:, None] ** exponents  # [T, D/2]

    def _llama3(self, f: Tensor) -> Tensor:
        """Long wavelengths are divided by `factor`, short ones kept, those between blended linearly."""
        wavelength = 2 * math.pi / f
        low, high = self.low_freq_factor, self.high_freq_factor
        turns = self.original_max_positions / wavelength
        keep = (turns - low) / (high - low)
        blended = (1 - keep) * f / self.factor + keep * f
        is_long = wavelength > self.original_max_positions / low
        is_short = wavelength < self.original_max_positions / high
        return torch.where(is_long, f / self.factor, torch.where(is_short, f, blended))

    def _yarn(self, wavelength: Tensor) -> Tensor:
        """Peng et al. 2023 (arXiv:2309.00071), section 3.2: the pairs that turn more than `beta_fast` times
        over the original length keep their frequency, those below `beta_slow` are divided by `factor`."""
        low, high = self._turning_pair(self.beta_fast), self._turning_pair(self.beta_slow)
        if self.truncate:
            low, high = math.floor(low), math.ceil(high)
        low, high = max(low, 0), min(high, self.head_dim - 1)
        if low == high:
            high += 0.001  # a step instead of a division by zero
        pairs = torch.arange(self.head_dim // 2, dtype=torch.float32, device=wavelength.device)
        keep = 1 - ((pairs - low) / (high - low)).clamp(0, 1)
        return 1.0 / (self.factor * wavelength) * (1 - keep) + 1.0 / wavelength * keep

    def _turning_pair(self, turns: float) -> float:
        """The (fractional) pair that turns `turns` times over the original length."""
        share = math.log(self.original_max_positions / (turns * 2 * math.pi))
        return self.head_dim * share / (2 * math.log(self.theta))

    def _longrope(self, exponents: Tensor, lengths: Tensor) -> Tensor:
        """Ding et al. 2024 (arXiv:2402.13753): one searched divisor per pair, one set for short texts and one
        for texts longer than the original length."""
        base = self.theta**exponents  # [D/2]
        short = 1.0 / (torch.tensor(self.short_factor, device=base.device) * base)
        long = 1.0 / (torch.tensor(self.long_factor, device=base.device) * base)
        is_long = lengths > self.original_max_positions  # [T]
        return torch.where(is_long[:, None], long, short)  # [T, D/2]


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn each pair (x_i, x_{i + D/2}) of x[T, H, D] by its angle; the dtype of x is kept.

    `sin` is negative in its first half, so that (x_i, x_j) -> (x_i cos - x_j sin, x_j cos + x_i sin).
    """
    turned = torch.addcmul(x * cos, x.roll(x.shape[-1] // 2, dims=-1), sin)
    return turned.to(x.dtype)


def read_rope(fields: Fields, head_dim: int, max_positions: int) -> Rope:
    """The rotary embedding of a config.json, in either spelling: `rope_theta` + `rope_scaling` (transformers
    v4) or `rope_parameters` (v5)."""
    scaling = _scaling(fields)
    rope_type = _rope_type(scaling)
    unknown = set(scaling.values) - set(_ALWAYS) - set(_WITHOUT_EFFECT) - set(_KEYS[rope_type])
    for name in sorted(unknown):
        without_effect = (None, 1) if name == "partial_rotary_factor" else (None,)
        if scaling.values[name] not in without_effect:
            raise scaling.error(name, f"no such key for rope_type {rope_type!r}")
    if head_dim % 2 or (rope_type == "dynamic" and head_dim < 4):
        raise InputError(f"{fields.where}: head_dim: got {head_dim}, expected an even number for rotary embedding")
    original = scaling.integer("original_max_position_embeddings", default=max_positions)
    if "original_max_position_embeddings" in fields:  # Phi-3's place for it; it has priority in transformers too
        original = fields.integer("original_max_position_embeddings")
    rope = {
        "head_dim": head_dim,
        "theta": _theta(fields, scaling),
        "rope_type": rope_type,
        "max_positions": max_positions,
        "original_max_positions": original,
    }
    return Rope(**rope, **_scaling_values(scaling, rope_type, head_dim, max_positions / original, original))


def _scaling(fields: Fields) -> Fields:
    old, new = fields.object("rope_scaling"), fields.object("rope_parameters")
    if old and new and old != new:
        raise fields.error("rope_scaling", "the same as rope_parameters, or only one of the two")
    name = "rope_scaling" if old else "rope_parameters"
    scaling = Fields(old or new, f"{fields.where}: {name}")
    for nested in ("full_attention", "sliding_attention"):
        if nested in scaling.values:
            raise scaling.error(nested, "one rotary embedding for all layers")
    return scaling


def _rope_type(scaling: Fields) -> str:
    rope_type = scaling.text("rope_type", default=scaling.text("type", default="default"))
    if rope_type not in ROPE_TYPES:
        raise scaling.error("rope_type" if "rope_type" in scaling else "type", f"one of {', '.join(ROPE_TYPES)}")
    if "type" in scaling and scaling.text("type") != rope_type:
        raise scaling.error("type", f"the same as rope_type ({rope_type!r})")
    return rope_type


def _theta(fields: Fields, scaling: Fields) -> float:
    if "rope_theta" not in scaling:
        return fields.number("rope_theta", default=10000.0, above=1.0)
    theta = scaling.number("rope_theta", above=1.0)
    if "rope_theta" in fields and fields.number("rope_theta", above=1.0) != theta:
        raise fields.error("rope_theta", f"the same as in {scaling.where} ({theta:g})")
    return theta


def _scaling_values(
    scaling: Fields, rope_type: str, head_dim: int, stretch: float, original: int
) -> dict[str, Any]:
    """The constants of one rope type. `stretch` = max_position_embeddings / original, the default of `factor`
    where transformers has that default."""
    match rope_type:
        case "linear" | "dynamic":
            return {"factor": scaling.number("factor")}
        case "llama3":
            low, high = scaling.number("low_freq_factor"), scaling.number("high_freq_factor")
            if high <= low:
                raise scaling.error("high_freq_factor", f"more than low_freq_factor ({low:g})")
            return {"factor": scaling.number("factor"), "low_freq_factor": low, "high_freq_factor": high}
        case "yarn":
            factor = scaling.number("factor", default=stretch)
            return {
                "factor": factor,
                "attention_factor": _yarn_attention_factor(scaling, factor),
                "beta_fast": scaling.number("beta_fast", default=32.0),
                "beta_slow": scaling.number("beta_slow", default=1.0),
                "truncate": scaling.boolean("truncate", default=True),
            }
        case "longrope":
            factor = scaling.number("factor", default=stretch)
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
