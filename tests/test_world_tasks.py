"""Tasks: every request can be played, and says what its plan is given."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tl.calls.schema import Call
from tl.world import FAMILIES, World
from tl.world.mistakes import CATEGORIES, make_mistake
from tl.world.tasks import SPLITS, Question, Request, call, make_request, task, values_of
from tl.world.teacher import play
from tl.world.tools import DIALOGUE

TASKS = [task for family in FAMILIES.values() for task in family.tasks]
CITIES = tuple(f"City{n}" for n in range(20))


def look(city: str, unit: str = "celsius") -> dict:
    return {"sky": f"{city} {unit}"}


@task(
    "[Look at|See] {city}[ in {unit}|].",
    "Held out: {city}",
    city=CITIES,
    unit=("kelvin",),
    question=Question(("Look[ around|].", "Look there."), "[Where|Where to]?", ("At {city}.",)),
)
def look_at(city, unit):
    found = yield call(look, city=city, unit=unit)
    return found["sky"]


@pytest.mark.parametrize("each", TASKS, ids=lambda each: each.name)
@settings(max_examples=25)
@given(st.randoms(use_true_random=True), st.sampled_from(SPLITS), st.booleans())
def test_every_request_can_be_played(each, rng, split, ask):
    """`play` asserts that no call of a plan goes wrong."""
    request = make_request(each, split, rng, ask=ask and each.question is not None)
    heard = request.text + (request.reply or "")
    assert len(request.text) <= 160, "short"
    assert not re.search(r"[\[\]{}|]|\bNone\b|  ", heard + (request.question or "")), request
    for value in request.slots.values():
        assert value is None or str(value) in heard
    steps, answer = play(each, request)
    assert bool(steps) == (each not in FAMILIES[DIALOGUE].tasks) and len(steps) <= 4
    assert answer and "None" not in answer


@pytest.mark.parametrize("each", TASKS, ids=lambda each: each.name)
def test_tasks_are_well_made(each):
    assert len(each.requests) >= 4, "the last template is held out"
    assert sum("[" in template for template in each.requests) >= 2
    templates = [*each.requests, *(each.question.requests if each.question else ())]
    slots = {slot for t in templates for slot in re.findall(r"{(\w+)}", t)}
    if each.question:
        slots |= {slot for r in each.question.replies for slot in re.findall(r"{(\w+)}", r)}
        assert len(each.question.requests) >= 3
    assert slots == set(each.pools)
    assert all(len(set(pool)) == len(pool) for pool in each.pools.values())


def test_names_are_unique():
    names = [each.name for each in TASKS]
    assert len(set(names)) == len(names) >= 50


def requests(split: str, ask: bool = False) -> list[Request]:
    return [make_request(look_at, split, random.Random(seed), ask) for seed in range(300)]


def test_grammar_gives_all_sentences():
    texts = {re.sub(r"City\d+", "X", request.text) for request in requests("train")}
    assert texts == {"Look at X.", "See X.", "Look at X in kelvin.", "See X in kelvin."}
    assert {"Held out: X"} < {re.sub(r"City\d+", "X", r.text) for r in requests("test")}


def test_a_request_knows_its_template_and_what_it_states():
    for ask in (False, True):
        for request in requests("train", ask):
            templates = look_at.question.requests if ask else look_at.requests
            assert request.template in templates
            assert all(str(value) in request.text for value in request.stated.values())
            assert set(request.stated) == {s for s in ("city", "unit") if "{" + s in request.template
                                           and (s != "unit" or "kelvin" in request.text)}


def test_unseen_tasks_have_held_out_values_and_all_templates():
    made = requests("unseen")
    assert {r.template for r in made} == set(look_at.requests)
    assert {r.slots["city"] for r in made} == set(values_of(CITIES, "test"))


def test_a_slot_that_is_not_mentioned_is_none():
    for request in requests("train"):
        assert request.slots["unit"] == ("kelvin" if "kelvin" in request.text else None)
    with_unit = call(look, city="City1", unit="kelvin")
    assert with_unit == Call("look", {"city": "City1", "unit": "kelvin"})
    assert call(look, city="City1", unit=None) == Call("look", {"city": "City1"})


def test_questions_leave_the_slot_to_the_reply():
    for request in requests("train", ask=True):
        assert request.text in ("Look.", "Look around.")
        assert request.question in ("Where?", "Where to?")
        assert request.reply == f"At {request.slots['city']}."
    # Without a slot the training templates would say the very same thing.
    assert {request.text for request in requests("test", ask=True)} == {"Look there."}


def test_values_belong_to_one_split():
    assert values_of(CITIES, "test") == ("City4", "City9", "City14", "City19")
    assert set(values_of(CITIES, "train")) == set(CITIES) - set(values_of(CITIES, "test"))
    assert values_of(("a", "b"), "test") == values_of(("a", "b"), "train") == ("a", "b")
    for split in SPLITS:
        assert {r.slots["city"] for r in requests(split)} == set(values_of(CITIES, split))


def test_slots_of_one_pool_get_different_values():
    pool = (1, 2, 3)

    @task("{a} {b} {c}", a=pool, b=pool, c=pool)
    def different(a, b, c):
        return ""

    for seed in range(50):
        slots = make_request(different, "train", random.Random(seed)).slots
        assert sorted(slots.values()) == [1, 2, 3]


@settings(max_examples=300)
@given(st.sampled_from(TASKS), st.sampled_from(CATEGORIES), st.randoms(use_true_random=True))
def test_a_mistake_is_what_it_is_said_to_be(each, error, rng):
    steps, _ = play(each, make_request(each, "train", rng))
    world = World()
    for step in steps:
        mistake = make_mistake(step.call, error, world, rng)
        if mistake is None:
            continue
        assert mistake.error is error
        if error.value != "tool_instability":
            assert world.attempt(mistake.call) == (mistake.feedback, error)
            assert mistake.call != step.call
        assert world.attempt(step.call).error is None
