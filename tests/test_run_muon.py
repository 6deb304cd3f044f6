"""The optimizer of pre-training against its definition."""

import torch
from torch import nn

from tl.run.muon import ADAMW_SHARE, MuonWithAdamW

RATE, DECAY, BETAS, EPSILON = 0.01, 0.1, (0.9, 0.95), 1e-8


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed_tokens = nn.Embedding(7, 6)
        self.layers = nn.ModuleList([nn.Linear(6, 10), nn.LayerNorm(10)])


def stepped(steps=1):
    """(parameters before, their gradients, parameters after) of `steps` steps."""
    torch.manual_seed(0)
    model = Net()
    optimizer = MuonWithAdamW(model, RATE, DECAY, BETAS, EPSILON)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    for parameter in model.parameters():
        parameter.grad = torch.randn_like(parameter)
    gradients = {name: p.grad.clone() for name, p in model.named_parameters()}
    for _ in range(steps):
        optimizer.step()
    return before, gradients, {name: p.detach() for name, p in model.named_parameters()}


def test_a_matrix_of_the_layers_moves_along_its_orthogonal_factor():
    before, gradients, after = stepped()
    name = "layers.0.weight"
    moved = (before[name] * (1 - RATE * DECAY) - after[name]) / (RATE * 0.2 * 10**0.5)
    u, _, vt = torch.linalg.svd(gradients[name].double(), full_matrices=False)
    # Newton-Schulz leaves singular values between about 0.7 and 1.2 (in bfloat16)
    stretched = u.T @ moved.double() @ vt.T
    assert (stretched.diagonal() - 1).abs().max() < 0.4
    assert (stretched - stretched.diagonal().diag()).abs().max() < 0.05


def test_everything_else_takes_a_step_of_adamw_without_decay():
    before, gradients, after = stepped()
    for name in ("embed_tokens.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias"):
        expected = before[name] - ADAMW_SHARE * RATE * gradients[name].sign()  # its first step
        torch.testing.assert_close(after[name], expected, rtol=0, atol=1e-6)


def test_one_table_holds_the_moments_of_all():
    model = Net()
    optimizer = MuonWithAdamW(model, RATE, DECAY, BETAS, EPSILON)
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    kinds = {name: set(optimizer.state[p]) for name, p in model.named_parameters()}
    assert kinds.pop("layers.0.weight") == {"momentum_buffer"}
    assert all(kind == {"step", "exp_avg", "exp_avg_sq"} for kind in kinds.values())


def test_the_rate_of_the_groups_is_the_rate_of_both():
    model = Net()
    optimizer = MuonWithAdamW(model, RATE, DECAY, BETAS, EPSILON)
    before = [p.detach().clone() for p in model.parameters()]
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    optimizer.step()
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    optimizer.zero_grad()
    assert all(p.grad is None for p in model.parameters())


def test_matrices_of_the_layers_alone_are_scaled():
    model = Net()
    optimizer = MuonWithAdamW(model, RATE, DECAY, BETAS, EPSILON)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    optimizer.scale_matrices(0.25)
    for name, parameter in model.named_parameters():
        factor = 0.25 if name == "layers.0.weight" else 1.0
        assert torch.equal(parameter, factor * before[name]), name
