"""Fused loss operations on the language-model head. Torch only: this room knows nothing of `tl`.

    from kernels import linear_token_logprobs, weighted_linear_cross_entropy
"""

from kernels.linear_cross_entropy import active_rows, weighted_linear_cross_entropy
from kernels.token_logprobs import linear_token_logprobs

__all__ = ["active_rows", "linear_token_logprobs", "weighted_linear_cross_entropy"]
