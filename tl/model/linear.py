"""The projections of the decoder: nn.Linear, with the faster matrix product for float32 on CPU.

    y = x W^T + b        dL/dx = dL/dy W        dL/dW = (dL/dy)^T x        dL/db = sum_t dL/dy_t

Names, parameters and initialisation are those of nn.Linear.
"""

import torch
from torch import Tensor, nn

from kernels.matmul import inner_product, onednn_multiplies, product


class Linear(nn.Linear):
    """nn.Linear; float32 on CPU is multiplied by oneDNN (see kernels.matmul)."""

    def forward(self, x: Tensor) -> Tensor:
        """x[T, in_features] -> [T, out_features]."""
        weight = self.weight  # looked up once: small batches are as fast as Python is
        is_fp32 = onednn_multiplies(x) and onednn_multiplies(weight)
        if is_fp32 and len(x) and not torch.is_autocast_enabled("cpu"):
            multiply = _OneDnnLinear.apply if torch.is_grad_enabled() else _multiply
            return multiply(x, weight, self.bias)
        return super().forward(x)


def _multiply(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    y = product(x, weight.t())  # [T, out]
    return y if bias is None else y.add_(bias)


class _OneDnnLinear(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias):
        ctx.save_for_backward(x, weight)
        return _multiply(x, weight, bias)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, upstream):
        x, weight = ctx.saved_tensors
        for_x, for_weight, for_bias = ctx.needs_input_grad
        return (
            product(upstream, weight) if for_x else None,  # [T, in]
            inner_product(upstream, x) if for_weight else None,  # [out, in]
            upstream.sum(0) if for_bias else None,  # [out]
        )
