"""Rotary position embedding: its frequencies for each published scaling, and the rotation.

Position p turns the pair (x_i, x_{i + D/2}) of a head by the angle p * f_i, with

    f_i = theta^(-2i / D),    i = 0 .. D/2 - 1    ("default"; Su et al. 2021, arXiv:2104.09864)

The other types change f so that a model reads texts longer than those it was trained on.
Definitions restate transformers 5.23, `modeling_rope_utils.py`, in the same order of fp32
operations, so that angles agree to the bit. The pairs are the two halves of a head (Hugging Face
layout), not neighbours (Meta layout).

Nothing here is a buffer: tables are made from the configuration once per forward pass, so that a
model that was built on the meta device needs no repair.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Rope:
    """One rotary embedding. `max_positions` is the model's max_position_embeddings,
    `original_max_positions` the length that it was trained on before scaling."""

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

    def tables(
        self, position_ids: Tensor, lengths: Tensor, dtype: torch.dtype
    ) -> tuple[Tensor, Tensor]:
        """(cos, sin), each [T, 1, D], for `rotate`: fp32 whatever the model's `dtype`, except that
        an fp64 model gets the same numbers as fp64.

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

    @property
    def depends_on_length(self) -> bool:
        """True if tokens of a longer sequence turn by other frequencies."""
        return self.rope_type in ("dynamic", "longrope")

    def changes_at(self, length: int) -> bool:
        """True if a sequence of `length` tokens turns by other frequencies than one that is a token
        shorter, so that nothing computed for the shorter one holds."""
        match self.rope_type:
            case "dynamic":
                return length > self.max_positions
            case "longrope":
                return length == self.original_max_positions + 1
        return False

    def frequencies(self, lengths: Tensor) -> Tensor:
        """f_i in radians per position, fp32: [D/2], or [T, D/2] for the types that depend on
        `lengths[T]`."""
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
        """NTK-aware: theta' = theta (f s / M - (f - 1))^(D / (D - 2)), s = max(length, M).

        The power is taken in fp64: in fp32 its last bit depends on where in the vector a number
        stands, so that a sequence would turn a little differently in another packing.
        """
        s = lengths.clamp(min=self.max_positions).double()  # [T]
        stretch = self.factor * s / self.max_positions - (self.factor - 1)  # [T]
        theta = (self.theta * stretch ** (self.head_dim / (self.head_dim - 2))).float()  # [T]
        return 1.0 / theta[:, None] ** exponents  # [T, D/2]

    def _llama3(self, f: Tensor) -> Tensor:
        """Low frequencies are divided by `factor`, high ones kept, those between blended."""
        wavelength = 2 * math.pi / f
        low, high = self.low_freq_factor, self.high_freq_factor
        turns = self.original_max_positions / wavelength
        keep = (turns - low) / (high - low)
        blended = (1 - keep) * f / self.factor + keep * f
        is_long = wavelength > self.original_max_positions / low
        is_short = wavelength < self.original_max_positions / high
        return torch.where(is_long, f / self.factor, torch.where(is_short, f, blended))

    def _yarn(self, wavelength: Tensor) -> Tensor:
        """Peng et al. 2023 (arXiv:2309.00071), section 3.2: the pairs that turn more than
        `beta_fast` times over the original length keep their frequency, those below `beta_slow`
        are divided by `factor`."""
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
        """Ding et al. 2024 (arXiv:2402.13753): one searched divisor per pair, one set for short
        texts and one for texts longer than the original length."""
        base = self.theta**exponents  # [D/2]
        short = 1.0 / (torch.tensor(self.short_factor, device=base.device) * base)
        long = 1.0 / (torch.tensor(self.long_factor, device=base.device) * base)
        is_long = lengths > self.original_max_positions  # [T]
        return torch.where(is_long[:, None], long, short)  # [T, D/2]


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn each pair (x_i, x_j), j = i + D/2, of x[T, H, D] by its angle; keeps the dtype of x.

    (x_i, x_j) -> (x_i cos - x_j sin, x_j cos + x_i sin)        `sin` is negative where i < D/2
    """
    turned = torch.addcmul(x * cos, x.roll(x.shape[-1] // 2, dims=-1), sin)
    return turned.to(x.dtype)
