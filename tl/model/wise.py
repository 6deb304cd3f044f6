"""Weights between those from which fine-tuning started and those at which it ended (WiSE-FT:
Wortsman et al., arXiv:2109.01903).

    w <- w_start + share (w_end - w_start)

What was learned along that line is mostly there before its end, and what the model could do before
is mostly there until shortly before it.
"""

from pathlib import Path

import torch

from tl.model.decoder import Decoder
from tl.model.hf import Copy, load_weights


@torch.no_grad()
def interpolate(model: Decoder, start: Path, share: float, copy: Copy) -> None:
    """Moves a model, whole or in shards, towards the weights of the directory `start`; 1: not at
    all. copy: how these are put into its parameters. Raises InputError as `load_weights` does."""
    if share == 1:
        return
    ends = [parameter.detach().clone() for parameter in model.parameters()]
    load_weights(model, start, copy)
    for parameter, end in zip(model.parameters(), ends, strict=True):
        parameter.lerp_(end, share)
