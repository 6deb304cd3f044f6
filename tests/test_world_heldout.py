"""Held-out cases: nothing of them was trained on, their golds are right, and playing them gives the
scripted teacher's own feedback.
"""

import json
from collections import Counter
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.strategies.world import calls
from tl import InputError
from tl.calls.schema import Call, Tool
from tl.world import FAMILIES, TOOLS, World
from tl.world.case_file import case_record, read_cases, render_cases
from tl.world.datasets import make_cases, make_trajectories
from tl.world.golds import alternatives, with_defaults
from tl.world.heldout import NOTHING_TO_ADD, Case, Play, multi_cases, single_cases
from tl.world.teacher import Trajectory
from tl.world.tools import ALWAYS, DIALOGUE, FAMILY_OF, SCENARIOS
from tl.world.unseen import (
    SEEN,
    UNSEEN,
    UNSEEN_FAMILIES,
    UNSEEN_INSIDE_SEEN_FAMILIES,
    needed_tools,
    tasks_of,
)

SEEDS = (0, 1)
SETS = ("single_seen", "single_unseen", "multi")


@cache
def cases(seed: int = 0) -> dict[str, list[Case]]:
    made = make_cases(200, seed)
    return {name: made[name] for name in SETS}


def all_cases() -> list[Case]:
    return [case for name in SETS for case in cases()[name]]


@cache
def training(seed: int = 0) -> list[Trajectory]:
    """What train.json and rl.json are made of."""
    sft = make_trajectories("train", 1217, seed)
    return [*sft, *make_trajectories("train", 1194, seed, "rl")]


def origin(template: str, values: dict) -> tuple[str, str]:
    return template, json.dumps(values, sort_keys=True)


# --- seen and unseen tools


def test_a_fifth_of_the_tools_is_unseen_in_whole_families_and_inside_others():
    offered = set(TOOLS) - set(ALWAYS)
    assert set(SEEN) | set(UNSEEN) == set(TOOLS) and not set(SEEN) & set(UNSEEN)
    assert set(ALWAYS) <= set(SEEN)
    assert len(UNSEEN) >= 14 and 0.18 <= len(UNSEEN) / len(offered) <= 0.22
    for family in UNSEEN_FAMILIES:
        assert set(FAMILIES[family].functions) <= set(UNSEEN)
    for name in UNSEEN_INSIDE_SEEN_FAMILIES:
        assert set(FAMILIES[FAMILY_OF[name]].functions) & set(SEEN)
    assert {FAMILIES[FAMILY_OF[name]].scenario for name in UNSEEN} == set(SCENARIOS)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_training_data_has_an_unseen_tool(seed):
    """Neither offered nor called, not even by mistake."""
    for trajectory in training(seed):
        offered = {tool.name for tool in trajectory.conversation.tools}
        called = {call.name for m in trajectory.conversation.messages for call in m.calls}
        assert not (offered | called) & set(UNSEEN), trajectory.conversation.id


def test_needed_tools_are_those_that_plans_call():
    """What the code of a plan mentions, against what its plays call."""
    called: dict[str, set] = {}
    for trajectory in [*training(), *make_trajectories("unseen", 600)]:
        names = {step.call.name for step in trajectory.steps}
        if trajectory.kind in ("plain", "ask"):
            called.setdefault(trajectory.task.name, set()).update(names)
            assert trajectory.steps[0].call.name == needed_tools(trajectory.task)[0]
    every = [task for family in FAMILIES.values() for task in family.tasks]
    assert {task.name: set(needed_tools(task)) for task in every if needed_tools(task)} == called


def test_every_task_is_seen_or_unseen_and_what_needs_no_tool_is_both():
    for name, family in FAMILIES.items():
        seen, unseen = tasks_of("train")[name], tasks_of("unseen")[name]
        assert tasks_of("test")[name] == seen
        assert set(t.name for t in seen + unseen) == set(t.name for t in family.tasks)
        both = {t.name for t in seen} & {t.name for t in unseen}
        assert both == ({t.name for t in family.tasks} if name == DIALOGUE else set())


# --- what the sets hold


@pytest.mark.parametrize("seed", SEEDS)
def test_no_request_shares_template_and_values_with_training(seed):
    trained = [t.request for t in training(seed)]
    origins = {origin(r.template, r.stated) for r in trained}
    texts = {r.text for r in trained}
    held_out = [t.request for t in make_trajectories("test", 200, seed)]
    pairs = [(r.template, r.stated, r.text) for r in held_out]
    pairs += [(c.template, c.values, c.query) for name in SETS for c in cases(seed)[name]]
    assert len(pairs) == 800 and len(origins) > 1500
    for template, stated, text in pairs:
        assert origin(template, stated) not in origins, text
        assert text not in texts
    known = {r.template for r in trained}
    assert 0.2 < sum(template in known for template, *_ in pairs) / len(pairs) < 0.6


@pytest.mark.parametrize("name", SETS)
def test_numbers_kinds_and_scenarios(name):
    made = cases()[name]
    assert len(made) == len({case.id for case in made}) == 200
    assert len({case.query for case in made}) >= (200 if name != "multi" else 190)
    kinds = Counter(case.kind for case in made)
    assert kinds == {"tool": 156, "ask": 24, "direct": 20}
    scenarios = Counter(case.scenario for case in made if case.kind == "tool")
    assert set(scenarios) == set(SCENARIOS.values()) and min(scenarios.values()) >= 20
    for case in made:
        assert case.scenario == SCENARIOS[FAMILIES[case.family].scenario]
        assert 3 <= len(case.tools) <= 12
        names = [tool.name for tool in case.tools]
        assert len(set(names)) == len(names) and tuple(names[-2:]) == ALWAYS
        assert [TOOLS[n] for n in names] == list(case.tools)
    assert sum(case.unseen for case in made) == {"single_seen": 0, "single_unseen": 200,
                                                 "multi": 50}[name]  # fmt: skip


def test_seen_cases_have_seen_tools_and_the_golds_of_unseen_ones_are_unseen():
    for case in all_cases():
        if not case.unseen:
            assert {tool.name for tool in case.tools} <= set(SEEN)
        elif case.kind == "tool" and case in cases()["single_unseen"]:
            assert {gold.name for gold in case.golds} <= set(UNSEEN)
    first = {case.golds[0].name for case in cases()["multi"] if case.unseen}
    assert first & set(SEEN) - set(ALWAYS), "played cases may begin with a seen tool"
    offered = {tool.name for case in cases()["single_unseen"] for tool in case.tools}
    assert offered & set(SEEN) - set(ALWAYS), "near misses from training are on offer, too"
    golds = {gold.name for case in cases()["single_unseen"] for gold in case.golds}
    assert golds >= set(UNSEEN) - {"buy_ticket"}, "what is needed second is no first call"


def test_golds_by_kind():
    for case in all_cases():
        first = {"ask": "ask_to_user", "direct": "finish"}.get(case.kind)
        assert {gold.name for gold in case.golds} == {first} if first else case.golds
        assert (case.reply is not None) == (case.kind == "ask")
        assert case.golds[0] == case.steps[0].call
        assert case.steps[-1].call.name == "finish"
        assert all(gold.name in {tool.name for tool in case.tools} for gold in case.golds)
        assert not first or first not in {step.call.name for step in case.steps[1:]}


def test_every_gold_works_and_says_only_what_the_user_said():
    several = 0
    for case in all_cases():
        for gold in case.golds if case.kind == "tool" else ():
            assert World(tools=[t.name for t in case.tools]).attempt(gold).error is None
            properties = TOOLS[gold.name].properties
            for name, value in gold.arguments.items():
                is_default = properties[name].get("default") == value
                assert is_default or all(str(leaf) in case.query for leaf in leaves(value))
        several += len({gold.name + json.dumps(gold.arguments) for gold in case.golds}) > 1
    assert several > 50


def leaves(value) -> list:
    if isinstance(value, dict):
        value = list(value.values())
    return [leaf for item in value for leaf in leaves(item)] if isinstance(value, list) else [value]


def test_an_explicit_default_is_the_same_call():
    call = Call("search_flights", {"origin": "Paris", "destination": "Rome", "date": "2025-05-14"})
    spelled = Call("search_flights", call.arguments | {"cabin": "economy"})
    assert list(with_defaults(call)) == [call, spelled] and list(with_defaults(spelled)) == [spelled]
    hotels = Call("search_hotels", {"city": "Oslo"})
    assert list(with_defaults(hotels)) == [hotels], "no default: it has to be left out"
    route = Call("get_route", {"origin": "Oslo", "destination": "Rome"})
    assert len(list(with_defaults(route))) == 2
    for case in all_cases():
        for gold in case.golds if case.kind == "tool" else ():
            assert len({World().execute(variant) for variant in with_defaults(gold)}) == 1


def test_independent_calls_may_come_in_any_order():
    plan = [Call("get_air_quality", {"city": city}) for city in ("Oslo", "Rome", "Lima")]
    assert alternatives(plan, 0, 1) == (plan[0],)
    assert alternatives(plan, 0, 2) == tuple(plan[:2])
    assert alternatives(plan, 1, 2) == (plan[1],)
    assert alternatives(plan, 1, 3) == tuple(plan[1:])
    assert alternatives(plan, 2, 2) == (plan[2],), "what needs the others comes after them"
    free = [task for family in FAMILIES.values() for task in family.tasks if task.any_order > 1]
    assert len(free) >= 5
    seen = Counter()
    for trajectory in make_trajectories("train", 1217):
        size = trajectory.task.any_order
        if size > 1 and trajectory.kind == "plain":
            seen[trajectory.task.name] += 1
            for step in trajectory.steps[:size]:
                for value in step.call.arguments.values():
                    assert str(value) in trajectory.request.text, "it waits for no feedback"
    assert set(seen) == {t.name for t in free if t in sum(tasks_of("train").values(), ())}


# --- playing


def test_the_scripted_teacher_hears_its_own_feedback():
    lengths = Counter()
    for case in all_cases():
        play = Play(case)
        for step in case.steps:
            assert play.execute(step.call) == step.feedback, case.id
        lengths[len(case.steps)] += 1
        assert len(case.steps) <= 9
    multi = Counter(len(case.steps) for case in cases()["multi"])
    assert sum(count for length, count in multi.items() if length >= 3) >= 100, multi


def test_the_user_answers_questions():
    asked = next(case for case in cases()["multi"] if case.kind == "ask")
    told = next(case for case in cases()["multi"] if case.kind == "tool")
    question = Call("ask_to_user", {"question": "What do you mean?"})
    assert Play(asked).execute(question) == asked.reply
    assert Play(told).execute(question) == NOTHING_TO_ADD
    broken = Play(asked).execute(Call("ask_to_user", {}))
    assert broken == "ask_to_user() missing 1 required positional argument: 'question'"


def test_only_offered_tools_are_there_and_the_network_can_fail():
    case = cases()["multi"][0]
    absent = next(name for name in TOOLS if name not in {tool.name for tool in case.tools})
    assert Play(case).execute(Call(absent)) == f"name '{absent}' is not defined"
    played = next(case for case in cases()["multi"] if case.kind == "tool")
    first = played.steps[0].call
    lossy = Play(played, instability=1.0)
    assert "Max retries exceeded" in lossy.execute(first)
    assert lossy.execute(first) == played.steps[0].feedback
    again = Play(played, instability=1.0)
    assert Play(played, instability=1.0).execute(first) == again.execute(first), "seeded"


def test_a_case_with_a_tool_of_ones_own_cannot_be_played():
    case = replace(cases()["multi"][0], tools=(Tool("my_tool"),))
    with pytest.raises(InputError, match=f"case {case.id}: the world has no tool 'my_tool'"):
        Play(case)


@settings(max_examples=100)
@given(st.data(), calls())
def test_no_call_of_a_model_breaks_a_play(data, call):
    case = data.draw(st.sampled_from(cases()["multi"]))
    play = Play(case, instability=0.5)
    assert isinstance(play.execute(call), str)
    Play(case).execute(call)
    assert [Play(case).execute(step.call) for step in case.steps] == [
        step.feedback for step in case.steps
    ]


# --- seeds and files


def test_cases_follow_from_the_seed():
    assert single_cases("seen", 40, 5) == single_cases("seen", 40, 5)
    first = {case.query for case in single_cases("seen", 200, 5)}
    assert len(first & {case.query for case in single_cases("seen", 200, 6)}) < 60
    assert multi_cases("unseen", 0) == []
    with pytest.raises(InputError, match="different ask queries, ask for fewer"):
        single_cases("seen", 20_000)


def test_files_are_read_back(tmp_path):
    for name, made in cases().items():
        path = tmp_path / f"{name}.json"
        path.write_text(render_cases(made), encoding="utf-8")
        assert read_cases(path) == made
    assert json.loads(render_cases([])) == []
    assert set(case_record(made[0])) == set(Case.__dataclass_fields__)


OTHERS = ["", "{", "{}", "[1]", '[{"id": 1}]', "{}}", '{"a": 1}', "[[]]", "null", "[" * 100_000]


@pytest.mark.parametrize("text", OTHERS)
def test_other_files_are_refused_in_one_line(tmp_path, text):
    path = tmp_path / "cases.json"
    path.write_text(text)
    for wrong in (path, tmp_path / "missing.json", tmp_path):
        with pytest.raises(InputError) as caught:
            read_cases(wrong)
        assert str(wrong) in str(caught.value) and "\n" not in str(caught.value)


CALL = {"name": "now", "arguments": {}}
EDITS = [
    *({name: 3} for name in ("id", "kind", "scenario", "query", "reply", "golds", "renamed")),
    *({name: None} for name in ("id", "scenario", "query", "seed", "tools", "golds", "renamed")),
    *({name: []} for name in ("id", "kind", "scenario", "tools", "golds", "steps", "renamed")),
    {"kind": "other"},
    {"renamed": {"finish": 3}},
    {"tools": [{}]},
    {"golds": [{"name": 3, "arguments": {}}]},
    {"golds": [CALL | {"arguments": []}]},
    {"golds": ["now()"]},
    {"steps": [CALL | {"feedback": ""}]},
    {"steps": [CALL]},
    {"steps": [{"name": "finish", "arguments": {"answer": 4}, "feedback": ""}]},
]


@pytest.mark.parametrize("edit", EDITS, ids=str)
def test_an_edited_record_is_refused_with_its_number(tmp_path, edit):
    path = tmp_path / "multi.json"
    records = [case_record(case) for case in cases()["multi"][:3]]
    path.write_text(json.dumps([*records[:2], records[2] | edit]))
    with pytest.raises(InputError, match="expected .*write it again with") as caught:
        read_cases(path)
    assert str(caught.value).startswith(f"{path}:3: ") and "\n" not in str(caught.value)
