"""Slow float64 references, written from the definitions and from nothing else."""

import math

import torch
from torch import Tensor


def weighted_linear_cross_entropy(
    hidden: Tensor, weight: Tensor, targets: Tensor, coefficients: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """(loss, dL/dhidden, dL/dweight) in float64, one position at a time, softmax as a whole row.

    loss = sum_t c_t * (log(sum_v exp(z_tv)) - z_t[y_t]), z_t = weight @ hidden_t; targets of -100
    do not count.
    """
    hidden, weight = hidden.detach().double(), weight.detach().double()
    loss, d_hidden, d_weight = 0.0, torch.zeros_like(hidden), torch.zeros_like(weight)
    for t, (y, c) in enumerate(zip(targets.tolist(), coefficients.tolist())):
        if y == -100:
            continue
        z = weight @ hidden[t]
        peak = z.max().item()
        sum_exp = sum(math.exp(v - peak) for v in z.tolist())
        loss += c * (math.log(sum_exp) + peak - z[y].item())
        d_logits = c * (z - peak).exp() / sum_exp
        d_logits[y] -= c
        d_hidden[t] = weight.T @ d_logits
        d_weight += torch.outer(d_logits, hidden[t])
    return torch.tensor(loss, dtype=torch.float64), d_hidden, d_weight
