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
        normalise = fused_rms_norm if x.is_cuda else _RMSNorm.apply
        return normalise(x, self.weight, self.eps)


def fused_rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """The same in one kernel, fp32 inside. Autocast would first make, and keep for the backward
    pass, a copy of x in fp32; and the kernel wants one dtype."""
    with torch.autocast(x.device.type, enabled=False):
        return F.rms_norm(x, weight.shape, weight.to(x.dtype), eps)


class _RMSNorm(torch.autograd.Function):
    """The same on the CPU, where F.rms_norm is no kernel and autograd's backward pass takes three
    times as long.

    n = x / sqrt(mean(x^2) + eps)        y = w n
    dw = sum_t dy n        dn = w dy        dx = (dn - n mean(dn n)) / sqrt(mean(x^2) + eps)
    """

    @staticmethod
    def forward(ctx, x, weight, eps):
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        scale = torch.rsqrt((wide * wide).mean(-1, keepdim=True) + eps)  # [..., 1]
        n = wide * scale
        ctx.save_for_backward(n, scale, weight)
        return (n * weight).to(x.dtype)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, upstream):
        n, scale, weight = ctx.saved_tensors
        for_weight = (upstream * n).reshape(-1, len(weight)).sum(0).to(weight.dtype)
        dn = upstream * weight.to(n.dtype)
        along = (dn * n).mean(-1, keepdim=True)  # [..., 1]
        for_x = dn.addcmul_(n, along, value=-1).mul_(scale)
        return for_x.to(upstream.dtype), for_weight, None
