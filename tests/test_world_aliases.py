"""Tools under other names: the same tools, in CPython's own words."""

import random
from functools import cache

import pytest

from tl.calls.feedback import ErrorType
from tl.calls.schema import Call
from tl.world import FUNCTIONS, TOOLS, World
from tl.world.aliases import Provider, draw_provider, world_provider
from tl.world.datasets import ALIASED_SHARE, make_trajectories
from tl.world.mistakes import CATEGORIES
from tl.world.registry import examples
from tl.world.teacher import Trajectory
from tl.world.tools import ALWAYS
from tl.world.unseen import SEEN

SEEDS = range(5)


@cache
def provider(seed: int) -> Provider:
    """All tools of the world under other names."""
    return draw_provider(TOOLS, random.Random(seed))


@cache
def trajectories() -> list[Trajectory]:
    return list(make_trajectories("train", 400, 0, None, ALIASED_SHARE))


@pytest.mark.parametrize("seed", SEEDS)
def test_names_are_new_and_differ(seed):
    drawn = provider(seed)
    new = [name for old, name in drawn.names.items() if old not in ALWAYS]
    assert list(drawn.names) == list(TOOLS) and len({*drawn.tools}) == len(TOOLS)
    assert not {*new} & {*TOOLS} and all(name.isidentifier() for name in new)
    assert [drawn.names[name] for name in ALWAYS] == list(ALWAYS)
    for old, parameters in drawn.parameters.items():
        assert len({*parameters.values()}) == len(parameters), old


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_said_about_a_tool_stays(seed):
    drawn = provider(seed)
    for old, new in drawn.names.items():
        before, after = TOOLS[old], drawn.tools[new]
        parameters = drawn.parameters[old]
        assert after.name == new and after.description == before.description
        assert list(after.properties.values()) == list(before.properties.values())
        renamed = [parameters.get(name, name) for name in before.parameter_names]
        assert after.parameter_names == renamed
        assert after.required == [parameters.get(name, name) for name in before.required]
    changed = [old != new for each in drawn.parameters.values() for old, new in each.items()]
    assert 0.3 < sum(changed) / len(changed) < 0.7


@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_calls_have_the_same_results(seed):
    drawn = provider(seed)
    there = World(functions=drawn.functions)
    for function in FUNCTIONS.values():
        for call in examples(function):
            outcome = there.attempt(drawn.rename(call))
            assert outcome == World().attempt(call) and outcome.error is None


@pytest.mark.parametrize("seed", SEEDS)
def test_errors_name_what_the_caller_sees(seed):
    drawn = provider(seed)
    world = World(functions=drawn.functions)
    for old, new in drawn.names.items():
        required = drawn.tools[new].required
        outcome = world.attempt(Call(new, {}))
        if required:
            assert outcome.error is ErrorType.PARAMETER_MISSING
            assert outcome.feedback.startswith(f"{new}() missing {len(required)} required")
            assert all(f"'{name}'" in outcome.feedback for name in required)
        outcome = world.attempt(Call(new, {"no_such": 1}))
        assert outcome.feedback == f"{new}() got an unexpected keyword argument 'no_such'"
        if old not in ALWAYS:
            outcome = world.attempt(Call(old, {}))
            assert outcome.feedback == f"name '{old}' is not defined"


def test_a_tool_that_is_not_on_offer_keeps_its_name():
    names = list(TOOLS)
    drawn = draw_provider(names[:3], random.Random(1))
    call = Call(names[5], {"city": "Oslo"})
    assert drawn.rename(call) == call
    assert world_provider(names).rename(call) == call


def test_a_share_of_the_training_trajectories_has_other_names():
    renamed = [t for t in trajectories() if t.provider.names]
    assert len(renamed) == round(400 * ALIASED_SHARE)
    for trajectory in trajectories():
        offered = [tool.name for tool in trajectory.conversation.tools]
        assert offered == list(trajectory.provider.tools)
        assert {*trajectory.provider.names} <= {*SEEN}
        if not trajectory.provider.names:
            assert {*offered} <= {*SEEN}


def test_every_call_of_a_trajectory_gets_its_feedback_again():
    """In a world of these names; what was lost on its way aside."""
    found = set()
    for trajectory in (t for t in trajectories() if t.provider.names):
        world = World(functions=trajectory.provider.functions)
        labels = {label.turn: label for label in trajectory.labels if label.is_error}
        messages = trajectory.conversation.messages
        for turn, (message, reply) in enumerate(zip(messages, messages[1:], strict=False), 1):
            label = labels.get(turn)
            found.add(label and label.category)
            if reply.role == "tool" and not (label and label.subtype == "connection"):
                assert world.execute(message.calls[0]) == reply.content
    assert found == {None, *CATEGORIES}
