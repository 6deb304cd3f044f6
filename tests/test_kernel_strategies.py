"""The strategies of the fused losses produce the cases that they exist for."""

from random import Random

import pytest
import torch
from hypothesis import Phase, find, settings

from tests.strategies.kernels import laid_out, layouts, policy_steps, problems

patient = settings(max_examples=3000, derandomize=True, phases=[Phase.generate])


@pytest.mark.parametrize("case", [
    lambda step: (step[1] > 0.2).any() and (step[2] > 0).any(),
    lambda step: ((step[1] > 0.2) & (step[2] > 0)).any(),  # cut off above
    lambda step: ((step[1] < -0.23) & (step[2] < 0)).any(),  # cut off below
    lambda step: ((step[1] > 0.2) & (step[2] < 0)).any(),  # outside, but not cut off
    lambda step: (step[2] == 0).any(),
])  # fmt: skip
def test_steps_cover(case):
    find(policy_steps(), lambda step: bool(case(step)), settings=patient, random=Random(0))


@pytest.mark.parametrize("case", [
    lambda x: x.hidden == "slice" and x.offset % 2,
    lambda x: x.hidden == "transposed" and x.weight == "transposed",
    lambda x: x.weight == "every third" and x.hidden == "every second",
])  # fmt: skip
def test_layouts_cover(case):
    layout = find(layouts(), lambda x: bool(case(x)), settings=patient, random=Random(0))
    large = settings(patient, max_examples=1000)
    problem = find(
        problems(), lambda p: min(p.hidden.shape) > 1 and p.weight.shape[0] > 8, settings=large
    )
    there = laid_out(problem, layout, torch.float64)
    assert all(torch.equal(a, b) for a, b in zip(there, problem, strict=True))
    assert not (there.hidden.is_contiguous() and there.weight.is_contiguous())
    assert not there.coefficients.is_contiguous()
    assert there.targets.storage_offset() == layout.offset
