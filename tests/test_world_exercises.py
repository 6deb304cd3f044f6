"""Exercises: a model that makes the right calls, in any order that is right, comes to the end."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tl.calls.schema import Call
from tl.calls.write import format_call
from tl.rl.irm import reward_along
from tl.world import exercises
from tl.world.exercises import Plan, make_exercises

EXERCISES = list(make_exercises(120))


def test_they_are_varied():
    lengths = {len(exercise.calls) for exercise in EXERCISES}
    assert lengths >= {1, 2, 3, 4}
    assert any(exercise.any_order > 1 for exercise in EXERCISES)
    assert any(exercise.reply for exercise in EXERCISES)
    assert all(exercise.calls[-1].name == "finish" for exercise in EXERCISES)
    assert len({exercise.opening.id for exercise in EXERCISES}) == 120


@given(st.sampled_from(EXERCISES), st.randoms(use_true_random=False))
def test_any_right_way_leads_to_the_end(exercise, choose):
    """Each right call runs without an error, is worth 1, and is no right call any more."""
    plan, world, total = exercise.plan(), exercise.world(), 0.0
    tools = exercise.opening.tools
    while not plan.is_done:
        call = choose.choice(plan.golds)
        outcome = world.attempt(call)
        assert outcome.error is None, outcome
        total += reward_along(format_call(call), plan, tools)
        if not plan.is_done and not repeats(exercise, call):
            assert call not in plan.golds
    assert total == len(exercise.calls)


def repeats(exercise, call: Call) -> bool:
    return exercise.calls.count(call) > 1


def test_a_wrong_call_leaves_the_plan_where_it_is():
    rng = random.Random(0)
    for exercise in EXERCISES:
        plan = exercise.plan()
        before = plan.golds
        for text in ("finish(answer = 3)", "nonsense(", "unknown_tool()", ""):
            assert reward_along(text, plan, exercise.opening.tools) < 1
        assert plan.golds == before
        other = rng.choice(EXERCISES).calls[0]
        if all(other != gold for gold in before):
            assert reward_along(format_call(other), plan, exercise.opening.tools) < 1


def test_only_free_calls_change_places(monkeypatch):
    calls = [Call("ask_to_user", {"question": "?"}), *(Call("now", {"zone": z}) for z in "abc")]
    monkeypatch.setattr(exercises, "with_defaults", lambda call: iter([call]))  # no world's tools
    plan = Plan(calls, first=1, any_order=2, tools=())
    for golds, made in [((0,), 0), ((1, 2), 2), ((1,), 1), ((3,), 3)]:
        assert plan.golds == tuple(calls[i] for i in golds)
        plan.advance(calls[made])
        with pytest.raises(AssertionError, match="not a right call now"):
            Plan(calls, first=1, any_order=2, tools=()).advance(calls[3])
    assert plan.is_done
