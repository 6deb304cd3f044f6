"""The row functions of `kernels.rows` in PyTorch: float32 and float64, any device.

z[C, V] are the logits of some rows, overwritten. `dz` is the buffer that the fused kernel writes
to; here a gradient takes the place of z.

Results that are gradients come as (dz, factor): dL/dz = factor[C, 1] * dz, or dz itself if factor
is None. One number per row is cheaper to apply on the E-wide side of the products that follow than
on V columns.
"""

from typing import NamedTuple

import torch
from torch import Tensor

Gradient = tuple[Tensor, Tensor | None]

# exp(20) is far outside every clip range; beyond it a ratio only overflows.
LOG_RATIO_LIMIT = 20.0


def nll(z: Tensor, dz: None, targets: Tensor, coefficients: Tensor) -> tuple[Tensor, Gradient]:
    """-log p of the targets [C], and the gradient of its sum weighted by coefficients [C]."""
    y = targets[:, None]  # [C, 1], and so are the next four
    z_y = z.sub_(z.amax(1, keepdim=True)).gather(1, y)
    e_y = z_y.exp()
    others = z.exp_().scatter_(1, y, 0).sum(1, keepdim=True)
    total = others + e_y
    e = z.scatter_(1, y, -others)
    return _nll(z_y, e_y, others).squeeze(1), (e, coefficients[:, None] / total)


def statistics(z: Tensor, targets: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """(log p of the targets [C], entropy [C])"""
    softmax = _softmax(z, targets, temperature)
    return softmax.logprobs.squeeze(1), softmax.entropy.squeeze(1)


def gradient(
    z: Tensor, dz: None, targets: Tensor, for_logprobs: Tensor, for_entropy: Tensor,
    temperature: float,
) -> Gradient:  # fmt: skip
    """The gradient with respect to z, from those with respect to log p [C] and entropy [C]."""
    softmax = _softmax(z, targets, temperature)
    g, h = for_logprobs[:, None], for_entropy[:, None]
    return _gradient(softmax, targets, g, h), softmax.factor / temperature


def policy(
    z: Tensor, dz: None, targets: Tensor, old_logprobs: Tensor, advantages: Tensor,
    clip: float, weight: float, entropy_weight: float, temperature: float,
) -> tuple[Tensor, Tensor, Gradient]:  # fmt: skip
    """(log p [C], entropy [C], gradient of weight * sum clipped loss - entropy_weight * sum H)"""
    softmax = _softmax(z, targets, temperature)
    logprobs, entropy = softmax.logprobs.squeeze(1), softmax.entropy.squeeze(1)
    _, slope = clipped_loss(logprobs, old_logprobs, advantages, clip)
    g, factor = weight * slope[:, None], softmax.factor / temperature
    if entropy_weight:
        h = torch.full_like(softmax.entropy, -entropy_weight)
        return logprobs, entropy, (_gradient(softmax, targets, g, h), factor)
    dz = z.copy_(softmax.e).scatter_(1, targets[:, None], -softmax.others)
    return logprobs, entropy, (dz, -g * factor)


def scale_(gradient: Tensor, upstream: Tensor) -> Tensor:
    """gradient *= upstream, a scalar that mostly is 1."""
    if upstream.device.type == "cpu" and upstream == 1:  # on CUDA, looking would stop the device
        return gradient
    return gradient.mul_(upstream)


def clipped_loss(
    logprobs: Tensor, old_logprobs: Tensor, advantages: Tensor, clip: float
) -> tuple[Tensor, Tensor]:
    """max(-A rho, -A clip(rho, 1 - eps, 1 + eps)) and its derivative by log p, both [C]."""
    log_ratio = logprobs - old_logprobs
    ratio = log_ratio.clamp(-LOG_RATIO_LIMIT, LOG_RATIO_LIMIT).exp()
    unclipped, clipped = -advantages * ratio, -advantages * ratio.clamp(1 - clip, 1 + clip)
    moves = (unclipped >= clipped) & (log_ratio.abs() <= LOG_RATIO_LIMIT)
    return torch.maximum(unclipped, clipped), torch.where(moves, unclipped, 0.0)


class _Softmax(NamedTuple):
    """z: shifted by its maximum [C, V]. e: its exponentials [C, V], 0 at the target. The others
    are [C, 1]; factor is 1 / sum of exp."""

    z: Tensor
    e: Tensor
    z_y: Tensor
    e_y: Tensor
    others: Tensor
    logprobs: Tensor
    entropy: Tensor
    log_total: Tensor
    factor: Tensor


def _softmax(z: Tensor, targets: Tensor, temperature: float) -> _Softmax:
    y = targets[:, None]
    if temperature != 1:
        z.div_(temperature)
    z.sub_(z.amax(1, keepdim=True))
    z_y = z.gather(1, y)
    z.clamp_(min=torch.finfo(z.dtype).min)  # a token of probability 0 adds 0 below, not 0 * -inf
    e = z.exp()
    e_y = e.gather(1, y)
    others = e.scatter_(1, y, 0).sum(1, keepdim=True)
    total = others + e_y
    logprobs = -_nll(z_y, e_y, others)
    log_total = torch.where(e_y > others, z_y - logprobs, total.log())
    spread = (e * z).sum(1, keepdim=True) + e_y * z.gather(1, y)
    entropy = log_total - spread / total
    return _Softmax(z, e, z_y, e_y, others, logprobs, entropy, log_total, 1 / total)


def _nll(z_y: Tensor, e_y: Tensor, others: Tensor) -> Tensor:
    """-log p_y. For p_y -> 1, log(total) - z_y is the difference of equal numbers; log1p is exact
    there."""
    return torch.where(e_y > others, torch.log1p(others / e_y), (others + e_y).log() - z_y)


def _gradient(softmax: _Softmax, targets: Tensor, g: Tensor, h: Tensor) -> Tensor:
    """dL/dz times the sum of exp, in the place of z."""
    z, e, _, e_y, others, logprobs, entropy, log_total, _ = softmax
    at_target = g * others - h * e_y * (logprobs + entropy)  # [C, 1]
    slopes = z.sub_(log_total - entropy).mul_(h).add_(g)  # [C, V]
    slopes.masked_fill_(e == 0, 0)  # not 0 * inf
    return slopes.mul_(e).neg_().scatter_(1, targets[:, None], at_target)
