"""The critic: what the policy can still expect, read off a hidden state.

    V(s_t) = w . h_t + b              h_t: hidden state after the last token that has been read

w and b start at 0: until the critic has learned something, an advantage is the return itself.
"""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from tl import InputError
from tl.model.decoder import Decoder
from tl.model.hf import load_model, save_model

HEAD_FILE = "value_head.safetensors"


class ValueHead(nn.Module):
    """One number per hidden state, in float32 whatever the decoder computes in."""

    def __init__(self, hidden_size: int):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, hidden_size))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, hidden: Tensor) -> Tensor:
        """hidden[N, E] -> values[N]."""
        with torch.autocast(hidden.device.type, enabled=False):
            return (hidden.float() @ self.weight.t()).squeeze(1) + self.bias


class Critic(nn.Module):
    """A head on a trunk of its own, or, where `trunk` is None, on the policy's hidden states."""

    def __init__(self, trunk: Decoder | None, hidden_size: int):
        super().__init__()
        self.trunk = trunk
        self.head = ValueHead(hidden_size)
        if trunk is not None and not trunk.config.tie_word_embeddings:
            trunk.lm_head.requires_grad_(False)  # nothing is predicted; kept for the files


def load_critic(
    source: Path | None, saved: Path | None, hidden_size: int, device: torch.device
) -> Critic:
    """A critic in float32. Raises InputError.

    source: the directory that its trunk starts from; None: it shares the policy's. saved: a
    directory of `save_critic`, whose head and, if it has one, trunk are taken instead.
    """
    trunk = None if source is None else load_model(saved or source, torch.float32, device)
    critic = Critic(trunk, hidden_size).to(device)
    if saved is not None:
        _load_head(critic.head, saved)
    return critic


def save_critic(critic: Critic, directory: Path) -> None:
    """DIRECTORY/value_head.safetensors, and the trunk beside it as a Hugging Face directory."""
    directory.mkdir(parents=True, exist_ok=True)
    if critic.trunk is not None:
        save_model(critic.trunk, directory, dtype=torch.float32)
    tensors = {name: p.detach().cpu() for name, p in critic.head.named_parameters()}
    save_file(tensors, directory / HEAD_FILE)


@torch.no_grad()
def _load_head(head: ValueHead, directory: Path) -> None:
    path = directory / HEAD_FILE
    if not path.is_file():
        raise InputError(f"{directory}: holds no {HEAD_FILE}, expected a critic that was saved")
    stored = load_file(path)
    for name, parameter in head.named_parameters():
        if name not in stored or stored[name].shape != parameter.shape:
            got = list(stored[name].shape) if name in stored else "absent"
            raise InputError(f"{path}: {name} is {got}, expected {list(parameter.shape)}")
        parameter.copy_(stored[name])
