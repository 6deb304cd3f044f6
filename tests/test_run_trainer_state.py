"""What a checkpoint holds beside the model: the optimizer's moments and the random states."""

import random

import numpy as np
import pytest
import torch

from tests import tiny_run
from tl import InputError
from tl.run import parallel, trainer_state
from tl.run.optim import adamw

ALONE = parallel.Group(0, 1, torch.device("cpu"))


def moments(model, optimizer) -> dict:
    return {
        (name, key): value.clone()
        for name, parameter in model.named_parameters()
        for key, value in optimizer.state.get(parameter, {}).items()
    }


@pytest.mark.parametrize("chunk", [1, 30, 2**28], ids=["a file each", "some files", "one file"])
def test_moments_come_back_bit_for_bit_in_their_own_dtype(tmp_path, monkeypatch, chunk):
    monkeypatch.setattr(trainer_state, "CHUNK_ELEMENTS", chunk)
    model = tiny_run.Tiny(True, False).bfloat16()
    optimizer = adamw(model, 0.1)
    for parameter in model.parameters():
        parameter.grad = torch.randn_like(parameter)
    optimizer.step()
    for state in optimizer.state.values():
        state["exp_avg"] = torch.randn(state["exp_avg"].shape)  # fp32 beside bf16 parameters
    untouched = model.norm.bias
    del optimizer.state[untouched]  # never had a gradient
    (tmp_path / "trainer_state").mkdir()
    trainer_state.write(tmp_path, 1, model, optimizer, {}, ALONE)
    fresh = adamw(model, 0.1)
    trainer_state.restore(tmp_path, model, fresh, ALONE)
    expected, restored = moments(model, optimizer), moments(model, fresh)
    assert expected.keys() == restored.keys() and untouched not in fresh.state
    for key, value in expected.items():
        assert value.dtype == restored[key].dtype and torch.equal(value, restored[key])


def test_moments_of_another_model_are_refused(tmp_path):
    model = torch.nn.Linear(2, 2)
    optimizer = adamw(model, 0.1)
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    (tmp_path / "trainer_state").mkdir()
    trainer_state.write(tmp_path, 1, model, optimizer, {}, ALONE)
    for other in (torch.nn.Linear(2, 3), torch.nn.Sequential(torch.nn.Linear(2, 2))):
        with pytest.raises(InputError, match="trainer_state"):
            trainer_state.restore(tmp_path, other, adamw(other, 0.1), ALONE)


def test_random_states_come_back(tmp_path):
    def draw() -> tuple:
        return torch.rand(2).tolist(), random.random(), random.gauss(0, 1), np.random.rand()

    model = torch.nn.Linear(2, 2)
    (tmp_path / "trainer_state").mkdir()
    random.gauss(0, 1)  # leaves half a pair behind, part of the state
    trainer_state.write(tmp_path, 1, model, adamw(model, 0.1), {}, ALONE)
    expected = draw()
    trainer_state.restore(tmp_path, model, adamw(model, 0.1), ALONE)
    assert draw() == expected
