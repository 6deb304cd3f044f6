"""Fused loss operations on the language-model head. Torch and, where it is installed, Triton: this
room knows nothing of `tl`.

    from kernels import linear_policy_loss, linear_token_logprobs, weighted_linear_cross_entropy
"""

from kernels.linear_cross_entropy import active_rows, weighted_linear_cross_entropy
from kernels.policy_loss import linear_policy_loss
from kernels.rows_torch import LOG_RATIO_LIMIT
from kernels.token_logprobs import linear_token_logprobs

__all__ = [
    "LOG_RATIO_LIMIT",
    "active_rows",
    "linear_policy_loss",
    "linear_token_logprobs",
    "weighted_linear_cross_entropy",
]
