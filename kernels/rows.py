"""What happens to the logits of a chunk of rows: statistics, and their gradient in their place.

    p = softmax(z / temperature)        l = log p_y         H = -sum_v p_v log p_v

    dL/dz_v = (g (onehot(y)_v - p_v)  -  h p_v (log p_v + H)) / temperature

for a loss with dL/dl = g and dL/dH = h. The two ops differ in where g and h come from:

    nll          L = -c l: g = -c is data, h = 0                        weighted cross-entropy
    statistics   l and H alone, no gradient                             log-probs, forward
    gradient     g and h come from autograd                             log-probs, backward
    policy       PPO's clipped loss: g follows from l and data, h is data

`kernels.rows_triton` is one kernel that reads a row, finds its sums, g and h, and writes dL/dz.
`kernels.rows_torch` says the same in PyTorch, under the same names. In both, 1 - p_y is never
formed as a difference: it is (sum of the other tokens' exp) / (sum of all), exact to rounding for
p_y -> 1, where `softmax - onehot` loses every digit (linkedin/Liger-Kernel#1329). Fine-tuning on
well-formed tool calls lives there.
"""

import os
from importlib.util import find_spec
from types import ModuleType

import torch
from torch import Tensor

from kernels import rows_torch


def row_functions(hidden: Tensor) -> ModuleType:
    """CUDA with Triton (or TRITON_INTERPRET=1): the fused kernel; otherwise its PyTorch twin."""
    return _fused() if _runs_triton(hidden) else rows_torch


def _runs_triton(hidden: Tensor) -> bool:
    """On CPU, Triton's interpreter runs the same kernel for whoever asks for it, slowly."""
    asked = hidden.is_cuda or os.environ.get("TRITON_INTERPRET") == "1"
    return asked and hidden.dtype != torch.float64 and find_spec("triton") is not None


def _fused() -> ModuleType:
    from kernels import rows_triton  # importing Triton takes a while, and CPU runs need it not

    return rows_triton
