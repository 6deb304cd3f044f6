"""The row functions of `kernels.rows` as one Triton kernel: one program per row, no atomics.

A row that fits one block is read once and stays in registers. A longer one is read twice, in
blocks: first for the running maximum and sums, then for the gradient. Logits and sums are float32;
the gradient is rounded once, to the dtype of `dz`. Where z and dz are one buffer, a thread
overwrites only what it has read itself.

Offsets of rows are int64: C * V may pass 2^31. Columns beyond V count as exp(-inf).
"""

import torch
import triton
import triton.language as tl  # the alias that the field uses; not this repository's package
from torch import Tensor

from kernels.rows_torch import LOG_RATIO_LIMIT

Gradient = tuple[Tensor, None]

# The largest blocks that ptxas keeps in the registers of 512 threads without spilling (sm_80 to
# sm_100). Cross-entropy needs only exp(z) after the sums, the others z as well.
NLL_BLOCK = 32768
BLOCK = 16384
SCALE_BLOCK = 8192

STATISTICS, NLL, GRADIENT, POLICY = (tl.constexpr(mode) for mode in range(4))
LIMIT = tl.constexpr(LOG_RATIO_LIMIT)
LOWEST = tl.constexpr(-3.0e38)  # a maximum to start from: -inf - -inf would be no number


def nll(z: Tensor, dz: Tensor | None, targets: Tensor, coefficients: Tensor):
    """-log p of the targets [C]; dz[C, V]: the gradient of its sum weighted by coefficients [C]."""
    mode = STATISTICS if dz is None else NLL
    logprobs, _ = _launch(mode, z, dz, targets, coefficients)
    return logprobs.neg_(), (dz, None)


def statistics(z: Tensor, targets: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """(log p of the targets [C], entropy [C])"""
    return _launch(STATISTICS, z, None, targets, temperature=temperature)


def gradient(
    z: Tensor, dz: Tensor, targets: Tensor, for_logprobs: Tensor, for_entropy: Tensor,
    temperature: float,
) -> Gradient:  # fmt: skip
    """dz: the gradient with respect to z, from those with respect to log p [C] and entropy [C]."""
    _launch(GRADIENT, z, dz, targets, for_logprobs, for_entropy, temperature)
    return dz, None


def policy(
    z: Tensor, dz: Tensor, targets: Tensor, old_logprobs: Tensor, advantages: Tensor,
    clip: float, weight: float, entropy_weight: float, temperature: float,
) -> tuple[Tensor, Tensor, Gradient]:  # fmt: skip
    """(log p [C], entropy [C], gradient of weight * sum clipped loss - entropy_weight * sum H)"""
    by = (clip, weight, entropy_weight)
    made = _launch(POLICY, z, dz, targets, old_logprobs, advantages, temperature, by)
    return *made, (dz, None)


def scale_(gradient: Tensor, upstream: Tensor) -> Tensor:
    """gradient *= upstream; where it is 1 the device finds out and touches nothing."""
    blocks = triton.cdiv(gradient.numel(), SCALE_BLOCK)
    if blocks:
        _scale_kernel[(blocks,)](gradient, upstream, gradient.numel(), SCALE_BLOCK)
    return gradient


def _launch(
    mode: tl.constexpr, z: Tensor, dz: Tensor | None, targets: Tensor,
    first: Tensor | None = None, second: Tensor | None = None, temperature: float = 1.0,
    by: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """(log p [C], entropy [C]); first, second: two numbers per row, see the modes."""
    rows, V = z.shape
    logprobs, entropy = (z.new_empty(rows, dtype=torch.float32) for _ in range(2))
    whole = triton.next_power_of_2(V)
    block = min(whole, NLL_BLOCK if mode == NLL and whole <= NLL_BLOCK else BLOCK)
    dz = z if dz is None else dz
    first, second = (logprobs if t is None else t.contiguous() for t in (first, second))
    if rows:
        _row_kernel[(rows,)](
            z, dz, targets.contiguous(), first, second, logprobs, entropy, z.stride(0),
            dz.stride(0), V, 1.0 / temperature, *map(float, by), mode.value, block, block == whole,
            num_warps=max(1, min(16, block // 1024)),
        )  # fmt: skip
    return logprobs, entropy


@triton.jit
def _row_kernel(
    z, dz, targets, first, second, logprobs, entropies, z_stride, dz_stride, V, scale,
    clip, weight, entropy_weight,
    MODE: tl.constexpr, BLOCK: tl.constexpr, WHOLE: tl.constexpr,
):  # fmt: skip
    t = tl.program_id(0).to(tl.int64)
    z += t * z_stride
    dz += t * dz_stride
    y = tl.load(targets + t)
    z_y = tl.load(z + y).to(tl.float32) * scale
    columns = tl.arange(0, BLOCK)
    row = _load(z, columns, V, scale)

    # 1. Sums over the tokens other than y: of e = exp(z - peak), and of e (z - peak)
    peak = tl.maximum(tl.max(row, 0), LOWEST)
    others, spread = _sums(row, columns, y, peak, MODE)
    if not WHOLE:
        for start in range(BLOCK, V, BLOCK):
            block = _load(z, start + columns, V, scale)
            higher = tl.maximum(peak, tl.max(block, 0))
            shrink = tl.exp(peak - higher)
            more, wider = _sums(block, start + columns, y, higher, MODE)
            spread = shrink * (spread + others * (peak - higher)) + wider
            others = shrink * others + more
            peak = higher

    # 2. The statistics of the row
    e_y = tl.exp(z_y - peak)
    total = others + e_y
    certain = e_y > others
    log_total = tl.where(certain, z_y - peak + _log1p(others / e_y), tl.log(total))
    log_p = tl.where(certain, -_log1p(others / e_y), z_y - peak - log_total)
    at_peak = tl.where(e_y > 0, e_y * (z_y - peak), 0.0)
    entropy = log_total - (spread + at_peak) / total
    tl.store(logprobs + t, log_p)
    tl.store(entropies + t, entropy)

    # 3. dL/dz from g = dL/dlog p and h = dL/dH
    if MODE != STATISTICS:
        g = tl.load(first + t).to(tl.float32)
        h = 0.0
        if MODE == NLL:
            g = -g
        if MODE == GRADIENT:
            h = tl.load(second + t).to(tl.float32)
        if MODE == POLICY:
            g = weight * _clipped_slope(log_p, g, tl.load(second + t).to(tl.float32), clip)
            h = -entropy_weight
        at_y = scale * (g * others - h * e_y * (log_p + entropy)) / total
        g, h, total = scale * g, scale * h, 1 / total
        mean = log_total - entropy  # of z - peak
        tl.debug_barrier()  # dz may be z: all have read z_y before any overwrites it
        for start in range(0, V, BLOCK):
            if not WHOLE:
                row = _load(z, start + columns, V, scale)
            d = _gradient(row - peak, g, h, total, mean, MODE)
            d = tl.where(start + columns == y, at_y, d).to(dz.dtype.element_ty)
            tl.store(dz + start + columns, d, mask=start + columns < V)


@triton.jit
def _load(z, columns, V, scale):
    return tl.load(z + columns, mask=columns < V, other=-float("inf")).to(tl.float32) * scale


@triton.jit
def _sums(row, columns, y, peak, MODE: tl.constexpr):
    e = tl.where(columns == y, 0.0, tl.exp(row - peak))
    if MODE == NLL:
        return tl.sum(e, 0), 0.0
    return tl.sum(e, 0), tl.sum(tl.where(e > 0, e * (row - peak), 0.0), 0)


@triton.jit
def _gradient(z, g, h, factor, mean, MODE: tl.constexpr):
    """-p (g + h (log p + H)) with p = factor * exp(z) and log p + H = z - mean."""
    p = factor * tl.exp(z)
    if MODE == NLL:
        return -p * g
    return -p * (g + tl.where(p > 0, h * (z - mean), 0.0))  # not 0 * inf


@triton.jit
def _clipped_slope(log_p, old_log_p, advantage, clip):
    """d/dlog p of max(-A rho, -A clip(rho)); 0 where the clip cuts it off."""
    log_ratio = log_p - old_log_p
    ratio = tl.exp(tl.minimum(tl.maximum(log_ratio, -LIMIT), LIMIT))
    unclipped = -advantage * ratio
    clipped = -advantage * tl.minimum(tl.maximum(ratio, 1 - clip), 1 + clip)
    moves = (unclipped >= clipped) & (tl.abs(log_ratio) <= LIMIT)
    return tl.where(moves, unclipped, 0.0)


@triton.jit
def _log1p(x):
    """log(1 + x) for x in [0, 1] to float32 rounding, by 2 atanh(x / (2 + x)): hardware logarithms
    have an absolute error, which is all there is where p_y -> 1."""
    s = x / (2 + x)
    q = s * s
    series = 1 / 15 + q * (1 / 17)
    series = 1 / 11 + q * (1 / 13 + q * series)
    series = 1 / 7 + q * (1 / 9 + q * series)
    series = 1 / 3 + q * (1 / 5 + q * series)
    return 2 * (s + s * q * series)


@triton.jit
def _scale_kernel(x, factor, n, BLOCK: tl.constexpr):
    f = tl.load(factor).to(tl.float32)
    if f != 1.0:
        at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
        tl.store(x + at, f * tl.load(x + at, mask=at < n), mask=at < n)
