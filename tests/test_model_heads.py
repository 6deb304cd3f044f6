"""The critic: zero at first, float32, saved and loaded to the bit."""

import pytest
import torch

from tests.micro import write_model
from tl import InputError
from tl.model.heads import HEAD_FILE, Critic, ValueHead, load_critic, save_critic
from tl.model.hf import load_model

CPU = torch.device("cpu")


def test_it_expects_nothing_at_first_and_learns_from_there():
    head = ValueHead(4)
    hidden = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    values = head(hidden)
    assert values.tolist() == [0, 0, 0]
    values.sum().backward()
    torch.testing.assert_close(head.weight.grad, hidden.sum(0, keepdim=True))
    assert head.bias.grad.tolist() == [3]


def test_values_are_float32_whatever_the_trunk_computes_in():
    head = ValueHead(256)
    torch.nn.init.constant_(head.weight, 1 / 3)
    hidden = torch.full((1, 256), 1.01).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        value = head(hidden)
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(256 * hidden[0, 0].item() / 3, rel=1e-5)


@pytest.mark.parametrize("tied", [False, True])
def test_what_is_saved_is_loaded(tmp_path, tied):
    source = write_model(tmp_path / "model", tie_word_embeddings=tied)
    critic = load_critic(source, None, 16, CPU)
    assert torch.equal(
        critic.trunk.model.embed_tokens.weight, load_model(source).model.embed_tokens.weight
    )
    with torch.no_grad():
        for number, parameter in enumerate(critic.parameters()):
            parameter += 0.01 * number
    save_critic(critic, tmp_path / "critic")
    again = load_critic(source, tmp_path / "critic", 16, CPU)
    for (name, one), (_, two) in zip(
        critic.named_parameters(), again.named_parameters(), strict=True
    ):
        assert torch.equal(one, two), name
    shared = load_critic(None, tmp_path / "critic", 16, CPU)
    assert shared.trunk is None and torch.equal(shared.head.weight, critic.head.weight)


def test_an_output_layer_that_predicts_nothing_is_not_trained(tmp_path):
    trunk = load_model(write_model(tmp_path / "untied", tie_word_embeddings=False))
    assert not Critic(trunk, 16).trunk.lm_head.weight.requires_grad
    tied = load_model(write_model(tmp_path / "tied", tie_word_embeddings=True))
    assert Critic(tied, 16).trunk.lm_head.weight.requires_grad  # it is the embedding


def test_a_directory_without_a_head_is_refused(tmp_path):
    source = write_model(tmp_path / "model")
    with pytest.raises(InputError, match=f"{source}: holds no {HEAD_FILE}"):
        load_critic(None, source, 16, CPU)
    save_critic(Critic(None, 8), tmp_path / "small")
    with pytest.raises(InputError, match=r"weight is \[1, 8\], expected \[1, 16\]"):
        load_critic(None, tmp_path / "small", 16, CPU)
