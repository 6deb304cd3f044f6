"""Requests to be played to their end by a model that learns, with the right calls at each point.

    exercise = next(make_exercises(1))
    world, plan = exercise.world(), exercise.plan()
    while not plan.is_done:
        call = plan.golds[0]                  # what a perfect model would say
        world.execute(call)
        plan.advance(call)

Drawn like the training trajectories, but others. A wrong call leaves the plan where it is: the
right one is still to come.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tl.calls.compare import compare
from tl.calls.schema import Call, Conversation, Tool
from tl.world.datasets import make_trajectories
from tl.world.execute import World
from tl.world.golds import with_defaults
from tl.world.teacher import Trajectory


class Plan:
    """The calls that are left to make.

    calls: in the teacher's order; `any_order` of them from number `first` on wait for no other.
    tools: on offer.
    """

    def __init__(self, calls: Sequence[Call], first: int, any_order: int, tools: Sequence[Tool]):
        self._tools = tools
        self._left = list(enumerate(calls))
        self._free = range(first, first + any_order)

    @property
    def is_done(self) -> bool:
        return not self._left

    @property
    def golds(self) -> tuple[Call, ...]:
        """All calls that are right now, the teacher's own first."""
        return tuple(variant for _, call in self._next() for variant in with_defaults(call))

    def advance(self, call: Call) -> None:
        """One of `golds` has been made."""
        for step in self._next():
            variants = with_defaults(step[1])
            if any(compare(call, variant, self._tools).correct for variant in variants):
                self._left.remove(step)
                return
        raise AssertionError(f"not a right call now: {call}")

    def _next(self) -> list[tuple[int, Call]]:
        place = self._left[0][0]
        free = self._free if place in self._free else (place,)
        return [step for step in self._left if step[0] in free]


@dataclass(frozen=True)
class Exercise:
    """opening: ends with the request. calls: what the teacher does, `finish` last. first and
    any_order: see Plan. reply: the user's answer to a question, if one is needed. seed: of the
    world.
    """

    opening: Conversation
    calls: tuple[Call, ...]
    first: int
    any_order: int
    reply: str | None
    seed: int

    def world(self) -> World:
        """The tools on offer, fresh."""
        return World(self.seed, tools=[tool.name for tool in self.opening.tools])

    def plan(self) -> Plan:
        """All calls are still to be made."""
        return Plan(self.calls, self.first, self.any_order, self.opening.tools)


def make_exercises(count: int, seed: int = 0) -> Iterator[Exercise]:
    """`count` exercises of the training split."""
    made = make_trajectories("train", count, seed, "play")
    return (_exercise(trajectory, seed + index) for index, trajectory in enumerate(made))


def _exercise(trajectory: Trajectory, seed: int) -> Exercise:
    conversation, request = trajectory.conversation, trajectory.request
    question = () if request.reply is None else conversation.messages[1].calls
    steps = tuple(step.call for step in trajectory.steps if step.feedback)
    calls = (*question, *steps, *conversation.messages[-1].calls)
    opening = replace(conversation, messages=conversation.messages[:1])
    any_order = min(trajectory.task.any_order, len(steps))
    return Exercise(opening, calls, len(question), any_order, request.reply, seed)
