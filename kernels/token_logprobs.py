"""Log-probability and entropy of chosen tokens; the logits of the whole batch never exist.

    z_t = W h_t / temperature                               [V]
    l_t = z_t[y_t] - logsumexp(z_t)                         log p of the token, in nats
    H_t = logsumexp(z_t) - sum_v p_v z_v                    entropy of the distribution, in nats

    dl_t/dz = onehot(y_t) - p          dH_t/dz_v = -p_v (log p_v + H_t)

PPO weighs l_t by a ratio that is known only after it, so the gradient cannot be formed in forward
as `linear_cross_entropy` does: backward multiplies each chunk's logits again, 8NEV operations in
all. The caller passes the rows that count (the tokens of the policy) and no others.
"""

import torch
from torch import Tensor

from kernels.arguments import check_chosen
from kernels.linear_cross_entropy import default_chunk_size
from kernels.matmul import accumulate_, product


def linear_token_logprobs(
    hidden: Tensor,
    weight: Tensor,
    targets: Tensor,
    temperature: float = 1.0,
    chunk_size: int | None = None,
) -> tuple[Tensor, Tensor]:
    """(log p [T], entropy [T]) of softmax(weight @ hidden_t / temperature), in nats.

    Args:
        hidden: [T, E] float32, float64, bfloat16 or float16.
        weight: [V, E] of the same dtype, or float32 beside 16-bit hidden.
        targets: [T] int64 in [0, V): every row counts.
        temperature: that of the sampling, above 0.
        chunk_size: how many rows' logits exist at one time; None for the default of the device.

    Returns:
        float32 (float64 for float64 hidden), differentiable once with respect to hidden and weight.

    Raises:
        ValueError: a shape, dtype or device does not fit, or the temperature is not above 0. On CPU
            also: a target out of range.
    """
    check_chosen(hidden, weight, targets, temperature, chunk_size)
    chunk_size = chunk_size or default_chunk_size(weight)
    return _LinearTokenLogprobs.apply(hidden, weight, targets, temperature, chunk_size)


class _LinearTokenLogprobs(torch.autograd.Function):
    @staticmethod
    def forward(ctx, hidden, weight, targets, temperature, chunk_size):
        add = torch.float64 if hidden.dtype == torch.float64 else torch.float32
        logprobs, entropy = (hidden.new_empty(len(hidden), dtype=add) for _ in range(2))
        with torch.autocast(hidden.device.type, enabled=False):
            for chunk in _chunks(len(hidden), chunk_size):
                logits = _log_softmax(hidden[chunk], weight, temperature)  # [C, V]
                logprobs[chunk] = logits.gather(1, targets[chunk, None]).squeeze(1)
                entropy[chunk] = _entropy(logits)
        ctx.save_for_backward(hidden, weight, targets, entropy)
        ctx.temperature, ctx.chunk_size = temperature, chunk_size
        return logprobs, entropy

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, for_logprobs, for_entropy):
        hidden, weight, targets, entropy = ctx.saved_tensors
        need_hidden, need_weight = ctx.needs_input_grad[:2]
        d_hidden = torch.empty_like(hidden) if need_hidden else None
        d_weight = torch.zeros_like(weight, dtype=entropy.dtype) if need_weight else None
        with torch.autocast(hidden.device.type, enabled=False):
            for chunk in _chunks(len(hidden), ctx.chunk_size):
                x = hidden[chunk]
                log_p = _log_softmax(x, weight, ctx.temperature)  # [C, V]
                g, h = for_logprobs[chunk, None], for_entropy[chunk, None]  # [C, 1]
                d_z = -log_p.exp() * (g + h * (log_p + entropy[chunk, None]))
                _where_certain(d_z, log_p)
                d_z.scatter_add_(1, targets[chunk, None], g)
                d_z /= ctx.temperature
                if need_hidden:
                    d_hidden[chunk] = product(d_z, weight.to(d_z.dtype)).to(hidden.dtype)
                if need_weight:
                    accumulate_(d_weight, d_z.t(), x.to(d_z.dtype))
        d_weight = d_weight.to(weight.dtype) if need_weight else None
        return d_hidden, d_weight, None, None, None


def _log_softmax(x: Tensor, weight: Tensor, temperature: float) -> Tensor:
    if x.device.type == "cpu" and x.dtype != torch.float64:
        x, weight = x.float(), weight.float()  # 16-bit products would round the logits
    z = product(x, weight.to(x.dtype).t())
    return torch.log_softmax(z.div_(temperature), 1)


def _entropy(log_p: Tensor) -> Tensor:
    """-sum p log p; a token of probability 0 adds nothing, although its logarithm is -inf."""
    return -(log_p.exp() * log_p.clamp(min=torch.finfo(log_p.dtype).min)).sum(1)


def _where_certain(d_z: Tensor, log_p: Tensor) -> None:
    """0 * -inf is no number: where p is exactly 0, so is its gradient."""
    d_z.masked_fill_(log_p == -torch.inf, 0)


def _chunks(rows: int, size: int) -> list[slice]:
    return [slice(start, min(start + size, rows)) for start in range(0, rows, size)]
