"""The noise of RoTBench: the numbers that are stated, and what it does to our cases."""

import json
import re
from collections import Counter
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.shared import shared
from tl.calls.schema import Call, Tool
from tl.world.heldout import Case, single_cases
from tl.world.noise import LEVELS, noisy

ADDED = re.compile(r'Whenever you use this parameter, please set it as "([a-zA-Z]{1,3})"\.')


@cache
def clean() -> list[Case]:
    return single_cases("seen", 200)


@cache
def at(level: str) -> list[Case]:
    return noisy(clean(), level)


def pairs(level: str) -> list[tuple[Case, Tool, Tool]]:
    """Each tool with what it has become."""
    return [
        (made, old, new)
        for case, made in zip(clean(), at(level), strict=True)
        for old, new in zip(case.tools, made.tools, strict=True)
    ]


def added_to(old: Tool, new: Tool) -> dict:
    return {name: s for name, s in new.properties.items() if ADDED.match(s["description"])}


# --- RoTBench itself


def rotbench(level: str) -> list[list[dict]]:
    """The tools of each item of First_Turn."""
    items = json.loads(shared(f"data/rotbench/Data/First_Turn/{level}.json").read_text())
    systems = [item["conversations"][0]["value"] for item in items]
    return [json.loads(text[text.find("[") : -13]) for text in systems]


@pytest.mark.parametrize(
    "level, half, tools, parameters, added",
    [("slight", 0, 419, 0, 0), ("slight", 1, 0, 877, 0), ("medium", 0, 528, 0, 0),
     ("medium", 1, 0, 1353, 0), ("heavy", 0, 796, 0, 0), ("heavy", 1, 0, None, 250)],
)  # fmt: skip
def test_the_stated_counts_are_those_of_rotbench(level, half, tools, parameters, added):
    counts, items = Counter(), rotbench(level)[105 * half : 105 * half + 105]
    for before, after in zip(rotbench("clean"), items, strict=True):
        for old, new in zip(before, after, strict=True):
            counts["tools"] += old["name"] != new["name"]
            names = [p["parameters"]["properties"] for p in (old, new)]
            extra = [n for n, s in names[1].items() if ADDED.match(s["description"])]
            counts["added"] += len(extra)
            counts["described"] += old["description"] != new["description"]
            kept = [name for name in names[1] if name not in extra]
            counts["parameters"] += sum(a != b for a, b in zip(names[0], kept, strict=False))
    assert (counts["tools"], counts["added"], counts["described"]) == (tools, added, 0)
    assert parameters is None or counts["parameters"] == parameters


# --- ours


def test_shares_are_those_of_rotbench():
    """Within four standard deviations; every second case has noise of the kind that is counted."""
    for level, of_tools, of_parameters in (("slight", 0.47, 0.35), ("medium", 0.59, 0.54)):
        tools, parameters = Counter(), Counter()
        for index, (case, made) in enumerate(zip(clean(), at(level), strict=True)):
            for old, new in zip(case.tools, made.tools, strict=True):
                if index % 2 == 0:
                    tools[old.name != new.name] += 1
                    assert old.properties == new.properties
                else:
                    assert old.name == new.name
                    for a, b in zip(old.properties, new.properties, strict=True):
                        parameters[a != b] += 1
        for counts, share in ((tools, of_tools), (parameters, of_parameters)):
            n = counts.total()
            assert abs(counts[True] / n - share) < 4 * (share * (1 - share) / n) ** 0.5
    noised = {case.id for case in clean()[::2]}  # with noise on their tools
    tools = [(old, new) for made, old, new in pairs("heavy") if made.id in noised]
    others = [(old, new) for made, old, new in pairs("heavy") if made.id not in noised]
    assert abs(sum(old.name != new.name for old, new in tools) / len(tools) - 0.89) < 0.06
    assert abs(sum(bool(added_to(*pair)) for pair in others) / len(others) - 0.28) < 0.08
    long = [(o, n) for o, n in others if len(o.properties) > 1]
    kept = [(list(o.properties), [k for k in n.properties if k in o.properties]) for o, n in long]
    assert abs(sum(a != b for a, b in kept) / len(long) - 0.25) < 0.08


@pytest.mark.parametrize("level", LEVELS)
def test_what_is_described_stays(level):
    for made, old, new in pairs(level):
        assert made.noise == level and new.description == old.description
        extra = added_to(old, new)
        kept = [name for name in new.properties if name not in extra]
        assert [new.properties[n] for n in kept] == list(old.properties.values())
        assert len(extra) <= 1 and list(new.properties)[len(kept) :] == list(extra)
        back = dict(zip(kept, old.properties, strict=True))
        assert [back[n] for n in new.required if n in back] == old.required
        assert new.required[len(old.required) :] == list(extra), "what is added is required"


@pytest.mark.parametrize("level", LEVELS)
def test_golds_are_renamed_with_their_tools(level):
    """Undone by the positions of tools and parameters, a gold is the clean gold."""
    for case, made in zip(clean(), at(level), strict=True):
        assert (made.id, made.query, made.kind) == (case.id, case.query, case.kind)
        assert len({tool.name for tool in made.tools}) == len(case.tools)
        olds = {new.name: old for old, new in zip(case.tools, made.tools, strict=True)}
        news = {tool.name: tool for tool in made.tools}
        assert made.renamed == {old.name: new for new, old in olds.items() if new != old.name}
        undone = []
        for gold in made.golds:
            old, new = olds[gold.name], news[gold.name]
            extra = added_to(old, new)
            assert set(new.required) <= set(gold.arguments) <= set(new.properties)
            for name, schema in extra.items():
                assert gold.arguments[name] == ADDED.fullmatch(schema["description"])[1]
            kept = [name for name in new.properties if name not in extra]
            back = dict(zip(kept, old.properties, strict=True))
            arguments = {back[k]: v for k, v in gold.arguments.items() if k not in extra}
            undone.append(Call(old.name, arguments))
        assert tuple(undone) == case.golds


def test_each_level_has_its_own_kind_of_noise():
    kinds = {level: Counter() for level in LEVELS}
    for level in LEVELS:
        for made, old, new in pairs(level):
            if old.name == new.name:
                continue
            others = {tool.name for tool in clean()[at(level).index(made)].tools}
            kinds[level][kind_of(old.name, new.name, others)] += 1
    assert not kinds["clean"]
    assert set(kinds["slight"]) == {"omitted", "substituted", "inserted"}
    assert min(kinds["slight"].values()) > kinds["slight"].total() / 5
    # Ten random letters can look like a long name with a few of its letters substituted.
    assert set(kinds["medium"]) - {"substituted"} == {"reversed", "nonsense"}
    assert kinds["medium"]["substituted"] <= 2
    assert abs(kinds["medium"]["reversed"] / kinds["medium"].total() - 0.5) < 0.15
    assert set(kinds["heavy"]) == {"exchanged"}
    assert set(kinds["union"]) == {"omitted", "substituted", "inserted", "reversed", "nonsense",
                                   "exchanged"}  # fmt: skip


def kind_of(old: str, new: str, others: set[str]) -> str:
    if new in others:
        return "exchanged"
    if new == old[::-1]:
        return "reversed"
    edits = abs(len(new) - len(old)) or sum(a != b for a, b in zip(old, new, strict=True))
    if 3 * edits > max(3, len(old)):
        return "nonsense"
    short, long = sorted((old, new), key=len)
    letters = iter(long)
    if len(old) == len(new):
        return "substituted"
    if not all(letter in letters for letter in short):
        return "nonsense"
    return "omitted" if len(new) < len(old) else "inserted"


def test_union_has_both_kinds_at_once():
    both = 0
    for case, made in zip(clean(), at("union"), strict=True):
        renamed = bool(made.renamed)
        other = any(
            list(old.properties) != list(new.properties)
            for old, new in zip(case.tools, made.tools, strict=True)
        )
        both += renamed and other
    assert both > 150
    assert {"finish", "ask_to_user"} <= {name for case in at("union") for name in case.renamed}


@settings(max_examples=200)
@given(st.sampled_from(LEVELS[1:]), st.integers())
def test_names_stay_different_where_they_are_short(level, seed):
    """Reversed, `ab` would be `ba`; one random letter hits another easily."""
    names = ("ab", "ba", "a", "b", "abc", "cba", "c", "d")
    properties = {name: {"type": "string", "description": name} for name in names}
    schema = {"type": "object", "properties": properties, "required": ["ab", "c"]}
    tools = tuple(Tool(name, f"It is {name}.", schema) for name in names)
    gold = Call("ba", dict(zip(names, range(8), strict=True)))
    crowded = [replace(clean()[0], tools=tools, golds=(gold,))] * 2
    for made in noisy(crowded, level, seed):
        assert len({tool.name for tool in made.tools}) == 8
        for tool in made.tools:
            assert [s["description"] for s in tool.properties.values()][:8] == list(names)
        assert list(made.golds[0].arguments.values())[:8] == list(range(8))


def test_clean_is_the_cases_themselves():
    assert at("clean") == clean()


@settings(max_examples=60)
@given(st.sampled_from(LEVELS[1:]), st.integers(), st.integers(0, 190))
def test_any_seed_gives_well_formed_cases(level, seed, start):
    few = clean()[start : start + 4]
    made = noisy(few, level, seed)
    assert made == noisy(few, level, seed)
    for case in made:
        names = [tool.name for tool in case.tools]
        assert len(set(names)) == len(names) and all(names)
        for tool in case.tools:
            assert all(tool.properties) and set(tool.required) <= set(tool.properties)
        for gold in case.golds:
            tool = case.tools[names.index(gold.name)]
            assert set(tool.required) <= set(gold.arguments) <= set(tool.properties)
