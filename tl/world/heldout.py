"""Held-out cases: what an evaluation asks, what is right, and how a case is played.

    single_seen     the first call, tools of the training data, other requests
    single_unseen   the first call, and it is one of an unseen tool (`unseen.py`)
    multi           whole tasks: play them with `Play`

Kinds: tool; ask (the request leaves a slot open: `ask_to_user` is right); direct (it needs no tool:
`finish` is right, any other call is over-calling). For ask and direct only the name of the called
tool can be right or wrong: the wording of a question or an answer is free.

    case = multi_cases("seen")[0]
    play = Play(case)
    for step in case.steps:                           # the scripted teacher
        assert play.execute(step.call) == step.feedback
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, NamedTuple

from tl import InputError
from tl.calls.schema import Call, Tool
from tl.world.execute import World
from tl.world.golds import alternatives
from tl.world.tasks import Request, Task, make_request
from tl.world.teacher import offer, play
from tl.world.tools import FAMILIES, SCENARIOS, TOOLS
from tl.world.unseen import UNSEEN, needed_tools, tasks_of, tools_of

CASES = 200
UNSEEN_MULTI = 50  # of the multi-turn cases
KIND_SHARES = {"ask": 0.12, "direct": 0.10}  # the rest are tool
SPLIT_OF = MappingProxyType({"seen": "test", "unseen": "unseen"})
ATTEMPTS = 1000  # at drawing a query that is new
NOTHING_TO_ADD = "I have nothing to add, please use what I said."


class GoldStep(NamedTuple):
    """A call of the scripted teacher and what it hears: feedback, or the user's reply."""

    call: Call
    feedback: str


@dataclass(frozen=True)
class Case:
    """One held-out request.

    scenario: TG RS DU PL AM IR FT. tools: on offer, `ask_to_user` and `finish` last. golds: the
    calls that are right first (`golds.py`). steps: what the scripted teacher does, `finish` last.
    reply: what the user answers to a question, if the request needs one. seed: of the world.
    task, template, values: where the query comes from. noise, renamed: see `noise.py`; tool name in
    the world -> its name here, where they differ.
    """

    id: str
    kind: str
    scenario: str
    family: str
    unseen: bool
    query: str
    tools: tuple[Tool, ...]
    golds: tuple[Call, ...]
    steps: tuple[GoldStep, ...]
    reply: str | None
    seed: int
    task: str
    template: str
    values: Mapping[str, Any]
    noise: str = "clean"
    renamed: Mapping[str, str] = field(default_factory=dict)


def single_cases(tools: str, count: int = CASES, seed: int = 0) -> list[Case]:
    """Cases for the first call. tools: "seen", or "unseen": all right first calls are of tools that
    no training data has.
    """
    return _make_cases(f"single_{tools}", tools, count, seed, is_single=True)


def multi_cases(tools: str, count: int = CASES, seed: int = 0) -> list[Case]:
    """Cases to be played. Every other one with tools needs two calls or more, where its scenario
    has such tasks; tools: as for `single_cases`.
    """
    return _make_cases(f"multi_{tools}", tools, count, seed, is_single=False)


class Play:
    """One case in the world: the executor of a runtime loop. InputError where it has a tool that
    the world has not.

    instability: probability that a call is lost on the network, see `World`; the scripted teacher's
    feedback is that of a stable one.
    """

    def __init__(self, case: Case, instability: float = 0.0):
        assert case.noise == "clean", "the world knows its tools by their own names"
        self._reply = case.reply or NOTHING_TO_ADD
        names = [tool.name for tool in case.tools]
        if foreign := [name for name in names if name not in TOOLS]:
            raise InputError(
                f"case {case.id}: the world has no tool {foreign[0]!r}, expected its own tools; "
                "write the cases again with python -m tl.world --write DIR"
            )
        self._world = World(case.seed, tools=names, instability=instability)

    def execute(self, call: Call) -> str:
        """What the call is answered: feedback, or the user's reply to a well-formed `ask_to_user`.
        Never raises.
        """
        outcome = self._world.attempt(call)
        is_question = call.name == "ask_to_user" and outcome.error is None
        return self._reply if is_question else outcome.feedback


def _make_cases(name: str, tools: str, count: int, seed: int, is_single: bool) -> list[Case]:
    """Different queries; kinds in exact shares; scenarios in turn."""
    rng = random.Random(f"{seed} {name}")
    kinds = [kind for kind, share in KIND_SHARES.items() for _ in range(round(share * count))]
    kinds += ["tool"] * (count - len(kinds))
    cases, queries = [], set()
    for index, kind in enumerate(kinds):
        fewest_calls = 1 if is_single or index % 2 else 2
        choices = _tasks(kind, SPLIT_OF[tools], fewest_calls, is_single)
        families = choices[index % len(choices)]
        for _ in range(ATTEMPTS):
            family = rng.choice(list(families))
            case = _make_case(kind, family, rng.choice(families[family]), tools, rng)
            if case.query not in queries:
                break
        else:
            raise InputError(f"the world has no {count} different {kind} queries, ask for fewer")
        queries.add(case.query)
        cases.append(case)
    rng.shuffle(cases)
    return [replace(case, id=f"{name}_{index:04}") for index, case in enumerate(cases)]


def _tasks(
    kind: str, split: str, fewest_calls: int, is_single: bool
) -> list[dict[str, list[Task]]]:
    """For each scenario that has any: family -> the tasks that suit."""
    by_scenario: dict[str, dict[str, list[Task]]] = {}
    for family, tasks in tasks_of(split).items():
        if fitting := [t for t in tasks if _suits(t, kind, split, is_single)]:
            by_scenario.setdefault(FAMILIES[family].scenario, {})[family] = fitting
    return [_of_length(families, fewest_calls) for families in by_scenario.values()]


def _of_length(families: dict[str, list[Task]], fewest_calls: int) -> dict[str, list[Task]]:
    """The tasks with so many calls or more; all, if there are none."""
    longer = {
        family: fitting
        for family, tasks in families.items()
        if (fitting := [task for task in tasks if len(needed_tools(task)) >= fewest_calls])
    }
    return longer or families


def _suits(task: Task, kind: str, split: str, is_single: bool) -> bool:
    tools = needed_tools(task)
    if kind == "direct" or not tools:
        return kind == "direct" and not tools
    if is_single and split == "unseen" and tools[0] not in UNSEEN:
        return False
    return kind != "ask" or task.question is not None


def _make_case(kind: str, family: str, task: Task, tools: str, rng: random.Random) -> Case:
    split = SPLIT_OF[tools]
    request = make_request(task, split, rng, ask=kind == "ask")
    made, answer = play(task, request)
    calls = [step.call for step in made]
    offered = offer([call.name for call in calls], family, None, tools_of(split), rng)
    steps = _steps(request, made, answer)
    golds = alternatives(calls, 0, task.any_order) if kind == "tool" else (steps[0].call,)
    return Case(
        "", kind, SCENARIOS[FAMILIES[family].scenario], family, tools == "unseen", request.text,
        tuple(TOOLS[name] for name in offered), golds, steps, request.reply,
        rng.getrandbits(32), task.name, request.template, request.stated,
    )  # fmt: skip


def _steps(request: Request, made: list, answer: str) -> tuple[GoldStep, ...]:
    steps = [GoldStep(step.call, step.feedback) for step in made]
    if request.reply is not None:
        question = Call("ask_to_user", {"question": request.question})
        steps.insert(0, GoldStep(question, request.reply))
    finish = Call("finish", {"answer": answer})
    return (*steps, GoldStep(finish, World().execute(finish)))
