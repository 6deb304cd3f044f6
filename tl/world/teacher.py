"""The scripted teacher: plays a task in the world and writes the trajectory, with its labels.

    user       Book the cheapest flight from Paris to Rome on 2025-05-14.
    assistant  ask_to_user(question = 'Who is the passenger?')            if a slot was left open
    user       Anna Berg.
    assistant  search_flights(...)
    tool       {"flights": [...]}
    assistant  book_flights(...)                                          perhaps a mistake first,
    tool       name 'book_flights' is not defined                         with its real feedback
    assistant  book_flight(flight_id = 'QX482', ...)                      then the right call
    tool       {"booking_id": ...}
    assistant  finish(answer = '...')

Every call is executed; an answer is built from what the calls returned.
"""

import json
import random
from dataclasses import dataclass
from types import GeneratorType
from typing import NamedTuple

from tl.calls.feedback import ErrorType
from tl.calls.schema import Call, Conversation, Message
from tl.world.execute import World
from tl.world.mistakes import Mistake, make_mistake
from tl.world.tasks import Request, Task, make_request
from tl.world.tools import ALWAYS, DIALOGUE, FAMILIES, FAMILY_OF, TOOLS
from tl.world.unseen import tools_of

CANNOT = "I cannot handle the task because none of the available tools supports it."
NOT_ERROR = "not_error"
# A right call whose feedback has one of these words is labelled too: a trap for word matching.
ERROR_WORDS = ("error", "exception", "invalid", "failed", "not found", "not defined",
               "not supported", "unexpected keyword")  # fmt: skip
FEWEST_TOOLS, MOST_TOOLS = 3, 12  # on offer, `ask_to_user` and `finish` among them
SECOND_MISTAKE = 0.15  # of the trajectories with a mistake


class Label(NamedTuple):
    """turn: index of the assistant message where the system message counts as 0, so it is
    `messages[turn - 1]`. category: a kind of error, or "not_error". subtype: how it came about.
    """

    turn: int
    category: str
    is_error: bool
    tool: str
    subtype: str


@dataclass(frozen=True)
class Trajectory:
    """What the teacher wrote. family, kind: of the request (kind: plain, ask, withheld, direct).
    steps: the right calls of the plan in their order, without `ask_to_user` and `finish`.
    """

    conversation: Conversation
    labels: tuple[Label, ...]
    family: str
    kind: str
    task: Task
    request: Request
    steps: tuple["Step", ...]


class Step(NamedTuple):
    """A right call, its feedback, and the mistakes that are made before it."""

    call: Call
    feedback: str
    mistakes: tuple[Mistake, ...] = ()


def teach(
    task: Task, family: str, split: str, rng: random.Random, *,
    name: str, kind: str = "plain", error: ErrorType | None = None,
) -> Trajectory | None:  # fmt: skip
    """One trajectory of a task.

    kind: "plain"; "ask": the request leaves a slot open; "withheld": the tool that the request
    needs first is not on offer; "direct": the request needs no tool.
    error: the kind of mistake that is made on the way. None if it cannot be made with these calls.
    """
    request = make_request(task, split, rng, ask=kind == "ask")
    steps, answer = play(task, request)
    needed = [step.call.name for step in steps]
    withheld = needed[0] if kind == "withheld" else None
    offered = offer(needed, family, withheld, tools_of(split), rng)
    world = World(rng.getrandbits(32), tools=offered)
    if withheld:
        steps, answer = _attempts_without(steps[0].call, error, world), CANNOT
    elif error is not None:
        steps = _with_mistakes(steps, error, world, rng)
        if not any(step.mistakes for step in steps):
            return None
    messages, labels = _write(request, steps, answer)
    tools = tuple(TOOLS[tool] for tool in offered)
    conversation = Conversation(name, tools, messages)
    return Trajectory(conversation, labels, family, kind, task, request, tuple(steps))


def play(task: Task, request: Request) -> tuple[list[Step], str]:
    """The right calls with their feedback, and the answer: the plan, run on the whole world."""
    plan = task.plan(**request.slots)
    if not isinstance(plan, GeneratorType):
        return [], plan
    world, steps, value = World(), [], None
    while True:
        try:
            call = plan.send(value)
        except StopIteration as stop:
            return steps, stop.value
        outcome = world.attempt(call)
        assert outcome.error is None, f"the plan {task.name} makes a wrong call: {call}, {outcome}"
        steps.append(Step(call, outcome.feedback))
        value = json.loads(outcome.feedback)


def offer(
    needed: list[str],
    family: str,
    withheld: str | None,
    tools: tuple[str, ...],
    rng: random.Random,
) -> tuple[str, ...]:
    """The needed tools and near misses out of `tools`, in random order, then `ask_to_user` and
    `finish`.

    Near misses come from the families of the needed tools, those whose name starts with the same
    word first; a few come from anywhere.
    """
    families = list(dict.fromkeys([family, *(FAMILY_OF[name] for name in needed)]))
    siblings = [n for f in families if f != DIALOGUE for n in FAMILIES[f].functions if n in tools]
    strangers = [n for n in tools if n not in siblings and n not in ALWAYS]
    verbs = {name.split("_")[0] for name in needed}
    rng.shuffle(siblings)
    siblings.sort(key=lambda name: name.split("_")[0] not in verbs)
    chosen = dict.fromkeys(name for name in needed if name != withheld)
    # Two draws, the smaller counts: short lists are the rule, long ones occur.
    size = min(rng.randint(FEWEST_TOOLS, MOST_TOOLS) for _ in range(2)) - len(ALWAYS)
    size = max(size, len(chosen) + 1)  # one near miss at least
    while len(chosen) < size:
        near = [n for n in siblings if n not in chosen and n != withheld]
        pool = near[:1] if near and rng.random() < 0.8 else [rng.choice(strangers)]
        chosen |= dict.fromkeys(pool)
    names = list(chosen)
    rng.shuffle(names)
    return (*names, *ALWAYS)


def _with_mistakes(
    steps: list[Step], error: ErrorType, world: World, rng: random.Random
) -> list[Step]:
    """One step, sometimes two, with a mistake before it."""
    steps, wanted = list(steps), 2 if rng.random() < SECOND_MISTAKE else 1
    for place in rng.sample(range(len(steps)), len(steps)):
        if wanted and (mistake := make_mistake(steps[place].call, error, world, rng)):
            steps[place] = steps[place]._replace(mistakes=(mistake,))
            wanted -= 1
    return steps


def _attempts_without(call: Call, error: ErrorType | None, world: World) -> list[Step]:
    """The missing tool is called all the same, if a mistake is wanted."""
    if error is None:
        return []
    outcome = world.attempt(call)
    return [Step(call, "", (Mistake(call, outcome.feedback, outcome.error, "withheld_tool"),))]


def _write(
    request: Request, steps: list[Step], answer: str
) -> tuple[tuple[Message, ...], tuple[Label, ...]]:
    messages, labels = [Message("user", request.text)], []
    if request.reply is not None:
        messages.append(_assistant(Call("ask_to_user", {"question": request.question})))
        messages.append(Message("user", request.reply))
    for step in steps:
        for call, feedback, error, subtype in step.mistakes:
            messages += [_assistant(call), Message("tool", feedback)]
            labels.append(Label(len(messages) - 1, error.value, True, call.name, subtype))
        if step.feedback:
            messages += [_assistant(step.call), Message("tool", step.feedback)]
            if any(word in step.feedback.lower() for word in ERROR_WORDS):
                turn, tool = len(messages) - 1, step.call.name
                labels.append(Label(turn, NOT_ERROR, False, tool, "error_word_in_data"))
    messages.append(_assistant(Call("finish", {"answer": answer})))
    return tuple(messages), tuple(labels)


def _assistant(call: Call) -> Message:
    return Message("assistant", calls=(call,))
