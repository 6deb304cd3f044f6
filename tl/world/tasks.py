"""A task: the ways to say a request, and the calls that solve it.

    @task(
        "[Find|Show me] flights from {origin} to {destination}[ in {cabin}|].",
        origin=CITIES, destination=CITIES, cabin=("business",),
    )
    def find_flights(origin, destination, cabin):
        found = yield call(search_flights, origin=origin, destination=destination, cabin=cabin)
        return f"The first flight is {found['flights'][0]['flight_id']}."

A plan is a generator: it yields calls, gets the value that each call returned, and returns the
answer. A plan that needs no tool returns the answer at once. A slot that the request does not
mention is None, and `call` leaves arguments that are None out.

Three splits. "train" and "test" have the same tasks: of each pool of ten values or more, every
fifth value is kept for the held-out requests; of each task's templates, the last one. So no
held-out request has both the template and the values of a training request. "unseen" are the tasks
that need a tool no training trajectory has (`unseen.py`): held-out values, any template.
"""

import random
import re
from collections.abc import Callable, Generator
from dataclasses import dataclass
from string import Formatter
from typing import Any, NamedTuple

from tl.calls.schema import Call

SPLITS = ("train", "test", "unseen")
SMALLEST_SPLIT_POOL = 10
HELD_OUT_EVERY = 5
CHOICE = re.compile(r"\[([^\[\]]*)\]")

Plan = Generator[Call, Any, str]


@dataclass(frozen=True)
class Question:
    """A request that leaves one slot open, what the teacher then asks, and how the user replies."""

    requests: tuple[str, ...]
    question: str
    replies: tuple[str, ...]


@dataclass(frozen=True)
class Task:
    """requests: templates with `{slots}` and `[one|of|these]`. pools: the values of each slot.

    any_order: so many calls at the start of the plan may come in any order; none waits for the
    feedback of another.
    """

    name: str
    requests: tuple[str, ...]
    pools: dict[str, tuple]
    plan: Callable[..., Plan | str]
    question: Question | None = None
    any_order: int = 1


class Request(NamedTuple):
    """What the user says, and what the plan is given.

    slots: every slot; None for those that neither `text` nor `reply` mentions. template: where
    `text` comes from. stated: the slots that `text` mentions. reply: the answer to the question.
    """

    text: str
    slots: dict[str, Any]
    template: str
    stated: dict[str, Any]
    question: str | None = None
    reply: str | None = None


def task(
    *requests: str, question: Question | None = None, any_order: int = 1, **pools: tuple
) -> Callable:
    """Turns a plan into a Task that is named like it."""

    def decorate(plan: Callable[..., Plan | str]) -> Task:
        return Task(plan.__name__, requests, pools, plan, question, any_order)

    return decorate


def call(tool: Callable, **arguments: Any) -> Call:
    """A call of one of the world's functions, without the arguments that are None."""
    given = {name: value for name, value in arguments.items() if value is not None}
    return Call(tool.__name__, given)


def values_of(pool: tuple, split: str) -> tuple:
    """The part of a pool that belongs to a split; small pools belong to all."""
    if not _is_split(pool):
        return pool
    kept = HELD_OUT_EVERY - 1
    held_out = split != "train"
    return tuple(v for i, v in enumerate(pool) if (i % HELD_OUT_EVERY == kept) == held_out)


def make_request(task: Task, split: str, rng: random.Random, ask: bool = False) -> Request:
    """One request of a task. ask: leave a slot open, so that the teacher has to ask for it."""
    values = _draw(task.pools, split, rng)
    templates = task.question.requests if ask else task.requests
    template = _template(templates, task.pools, split, rng)
    text = _expand(template, rng)
    said, stated = text.format(**values), {slot: values[slot] for slot in sorted(_slots(text))}
    if not ask:
        return Request(said, _mentioned(text, values), template, stated)
    reply = _expand(rng.choice(task.question.replies), rng)
    slots = _mentioned(text + reply, values)
    question = _expand(task.question.question, rng)
    return Request(said, slots, template, stated, question, reply.format(**values))


def _draw(pools: dict[str, tuple], split: str, rng: random.Random) -> dict[str, Any]:
    """A value for each slot; slots that share a pool get different values."""
    values: dict[str, Any] = {}
    for slot, pool in pools.items():
        taken = [values[other] for other in values if pools[other] is pool]
        values[slot] = rng.choice([v for v in values_of(pool, split) if v not in taken])
    return values


def _template(
    templates: tuple[str, ...], pools: dict[str, tuple], split: str, rng: random.Random
) -> str:
    if len(templates) == 1:
        return templates[0]
    if split == "unseen":
        return rng.choice(templates)
    if split == "train":
        return rng.choice(templates[:-1])
    # A training template serves again only where a held-out value makes it another request.
    known = [t for t in templates[:-1] if any(_is_split(pools[slot]) for slot in _slots(t))]
    return rng.choice(known) if known and rng.random() < 0.5 else templates[-1]


def _expand(template: str, rng: random.Random) -> str:
    """Chooses one alternative in each pair of brackets, inner ones first."""
    while CHOICE.search(template):
        template = CHOICE.sub(lambda found: rng.choice(found[1].split("|")), template)
    return template


def _slots(template: str) -> set[str]:
    return {field for _, field, _, _ in Formatter().parse(template) if field}


def _mentioned(text: str, values: dict[str, Any]) -> dict[str, Any]:
    """The values of the slots that a text has; None for the others."""
    slots = _slots(text)
    return {slot: value if slot in slots else None for slot, value in values.items()}


def _is_split(pool: tuple) -> bool:
    return len(pool) >= SMALLEST_SPLIT_POOL
