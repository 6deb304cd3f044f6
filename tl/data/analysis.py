"""What is wrong in a training file: erroneous calls by kind (paper section 3, Figures 1 and 3).

    feedback         kinds of error that the feedback of a call reports; these are what MAE masks
    documentation    calls that the documentation beside them forbids: a tool that is not offered, a
                     parameter that is not documented, a required one that is missing. Most of them
                     are reported by the feedback too; the others are learned, masked errors or not

A trajectory counts for a kind if one of its calls is of that kind.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from tl.calls.compare import named_arguments
from tl.calls.feedback import ErrorType
from tl.calls.schema import Call, Conversation, Tool, feedback_after
from tl.calls.write import format_call
from tl.data.mae import erroneous_calls

FORBIDDEN = ("tool_not_offered", "parameter_undocumented", "parameter_missing")


class Finding(NamedTuple):
    """An erroneous call. place: file:record and message; feedback: "" where none follows."""

    place: str
    call: str
    feedback: str


@dataclass
class Kind:
    """Calls and trajectories of one kind. examples: the first ones."""

    calls: int = 0
    trajectories: int = 0
    examples: list[Finding] = field(default_factory=list)


@dataclass
class Analysis:
    """calls: all that the assistant makes; answered: those with feedback. silent: calls that the
    documentation forbids although their feedback reports no error.
    """

    trajectories: int = 0
    calls: int = 0
    answered: int = 0
    erroneous: Kind = field(default_factory=Kind)
    forbidden: Kind = field(default_factory=Kind)
    silent: Kind = field(default_factory=Kind)
    feedback: dict[str, Kind] = field(default_factory=lambda: {e.value: Kind() for e in ErrorType})
    documentation: dict[str, Kind] = field(default_factory=lambda: {n: Kind() for n in FORBIDDEN})


def analyze(conversations: Iterable[Conversation], examples: int = 2) -> Analysis:
    """examples: erroneous calls that are kept of each kind, the first ones of different records."""
    found = Analysis()
    for conversation in conversations:
        found.trajectories += 1
        seen: dict[int, list[Finding]] = {}  # id of a Kind -> the findings of this trajectory
        kinds: dict[int, Kind] = {}
        for finding, of in _calls(conversation, found):
            for kind in of:
                kind.calls += 1
                kinds[id(kind)] = kind
                seen.setdefault(id(kind), []).append(finding)
        for key, kind in kinds.items():
            kind.trajectories += 1
            kind.examples += seen[key][:1] if len(kind.examples) < examples else []
    return found


def forbidden_by(call: Call, tools: Iterable[Tool]) -> list[str]:
    """The kinds of FORBIDDEN that a call is of."""
    tool = next((tool for tool in tools if tool.name == call.name), None)
    if tool is None:
        return ["tool_not_offered"]
    given = named_arguments(call, tool.parameter_names).keys()
    kinds = []
    if any(name not in tool.properties for name in given):
        kinds.append("parameter_undocumented")
    if any(name not in given for name in tool.required):
        kinds.append("parameter_missing")
    return kinds


def _calls(conversation: Conversation, found: Analysis) -> Iterator[tuple[Finding, list[Kind]]]:
    """Every call that is wrong in some way, with all kinds that it is of; counts the others too."""
    errors = erroneous_calls(conversation)
    for index, message in enumerate(conversation.messages):
        answers = feedback_after(conversation.messages, index)
        found.calls += len(message.calls)
        found.answered += min(len(message.calls), len(answers))
        for number, call in enumerate(message.calls):
            error = errors.get((index, number))
            forbidden = forbidden_by(call, conversation.tools)
            kinds = [found.documentation[name] for name in forbidden]
            kinds += [found.feedback[error.value], found.erroneous] if error else []
            kinds += [found.forbidden] if forbidden else []
            kinds += [found.silent] if forbidden and not error else []
            answer = answers[number].content if number < len(answers) else ""
            place = f"{conversation.source}: messages[{index}]"
            yield Finding(place, format_call(call), answer), kinds
