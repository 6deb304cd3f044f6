"""Muon for the matrices of the layers, AdamW for the rest: the optimizer of pre-training.

    M <- mu M + G                             momentum of a matrix W
    W <- W - lr * 0.2 sqrt(max(W.shape)) * orthogonal(G + mu M)

orthogonal(X) = U V^T for X = U S V^T, by a few Newton-Schulz steps: every direction of the update
is as long as every other, so that rare directions are learned as fast as frequent ones. Heads that
copy form in less than half the steps that AdamW takes (tl/world/tiny/README.md). The factor in
front gives matrices of all shapes updates of one size; AdamW takes a third of the rate (measured:
the same rate for both is slower).

Keller Jordan et al., https://kellerjordan.github.io/posts/muon/; the factor: Liu et al.,
https://arxiv.org/abs/2502.16982, section 2.2.
"""

from collections import defaultdict

import torch
from torch import Tensor, nn

ADAMW_SHARE = 1 / 3  # of the learning rate


class MuonWithAdamW:
    """torch.optim.Muon and torch.optim.AdamW side by side, to be used like one optimizer.

    param_groups, state, step() and zero_grad() are those of a torch optimizer.
    """

    def __init__(
        self,
        model: nn.Module,
        learning_rate: float,
        weight_decay: float,
        betas: tuple[float, float],
        epsilon: float,
    ) -> None:
        """The model must have its final parameters. Weight decay is for the matrices of the layers
        alone; embeddings and norms have none."""
        matrices, rest = [], []
        for name, parameter in model.named_parameters():
            is_matrix = "layers." in name and parameter.dim() == 2
            (matrices if is_matrix else rest).append(parameter)
        self.muon = torch.optim.Muon(
            matrices, lr=learning_rate, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw"
        )
        self.adamw = torch.optim.AdamW(
            rest, lr=learning_rate, weight_decay=0.0, betas=betas, eps=epsilon, fused=True
        )
        self.state: defaultdict[Tensor, dict[str, Tensor]] = defaultdict(dict)
        self.muon.state = self.adamw.state = self.state  # no parameter is in both
        self.param_groups = self.muon.param_groups

    def step(self) -> None:
        """Updates every parameter that has a gradient; the rate is that of `param_groups`."""
        for group in self.adamw.param_groups:
            group["lr"] = ADAMW_SHARE * self.param_groups[0]["lr"]
        self.muon.step()
        self.adamw.step()

    @torch.no_grad()
    def scale_matrices(self, factor: float) -> None:
        """Multiplies the matrices of the layers. An update has one size however large they are, and
        attention between large ones is all or nothing: what is small learns new things sooner."""
        for group in self.muon.param_groups:
            for matrix in group["params"]:
                matrix.mul_(factor)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drops all gradients."""
        self.muon.zero_grad(set_to_none)
        self.adamw.zero_grad(set_to_none)
