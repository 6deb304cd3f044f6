"""Root-mean-square normalisation (Zhang and Sennrich 2019, arXiv:1910.07467)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class RMSNorm(nn.Module):
    """y = weight * x / sqrt(mean(x^2) + eps) over the last dimension, in fp32 (fp64 for fp64)."""

    def __init__(self, size: int, eps: float):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """x[..., size] -> [..., size], in the dtype of x."""
        if x.is_cuda:
            return fused_rms_norm(x, self.weight, self.eps)
        # On the CPU F.rms_norm is no kernel and slower; so is the backward of square().
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        mean_square = (wide * wide).mean(-1, keepdim=True)  # [..., 1]
        return (wide * torch.rsqrt(mean_square + self.eps) * self.weight).to(x.dtype)


def fused_rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """The same in one kernel, fp32 inside. Autocast would first make, and keep for the backward
    pass, a copy of x in fp32; and the kernel wants one dtype."""
    with torch.autocast(x.device.type, enabled=False):
        return F.rms_norm(x, weight.shape, weight.to(x.dtype), eps)
