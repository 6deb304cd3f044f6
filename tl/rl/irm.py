"""IRM: the reward of a tool call by the kind of its error (paper section 4.3).

    R(t) = -2       t cannot be parsed, or calls a tool that is not on offer
           -1.5     calls another tool than gold
           R_p(t)   = -0.8 [hallucinated parameter] - 0.5 [redundant one] - 0.5 [missing one]
           -0.25    a value differs
           +1       agrees in everything

What agrees with what is defined once, in `tl.calls.compare`.
"""

from collections.abc import Sequence
from typing import Protocol

from tl.calls.compare import CallDiff, compare
from tl.calls.parse import CallError, parse_call, scan_call
from tl.calls.schema import Call, Tool

UNPARSEABLE = -2.0
TOOL_HALLUCINATION = -2.0
WRONG_TOOL = -1.5
PARAMETER_HALLUCINATION = -0.8
PARAMETER_REDUNDANT = -0.5
PARAMETER_MISSING = -0.5
WRONG_CONTENT = -0.25
CORRECT = 1.0


def reward(text: str, gold: Call | Sequence[Call], tools: Sequence[Tool]) -> float:
    """R of a reply.

    The reply is one call and nothing else but space around it: what stands behind a call, further
    calls too, would be executed or shown to the user, so it is never right.

    Args:
        text: what the model said.
        gold: the right call, or all calls that are right; the one that it comes closest to counts.
        tools: those on offer.

    Raises:
        ValueError: no gold call.
    """
    golds = [gold] if isinstance(gold, Call) else gold
    if not golds:
        raise ValueError("reward: expected at least one gold call, got none")
    text = text.strip()
    try:
        call, end = scan_call(text)
    except CallError:
        return UNPARSEABLE
    if end < len(text):
        return UNPARSEABLE
    return max(reward_of(compare(call, each, tools)) for each in golds)


class Plan(Protocol):
    """What is right in an episode of several calls. golds: now. advance: one of them was made."""

    golds: Sequence[Call]

    def advance(self, call: Call) -> None: ...


def reward_along(text: str, plan: Plan, tools: Sequence[Tool]) -> float:
    """R of the next reply of an episode, whose sum over the episode is the paper's sum over t_s.

    Each right call is worth +1 once: what has been made is not right again.
    """
    value = reward(text, plan.golds, tools)
    if value == CORRECT:
        plan.advance(parse_call(text.strip()))
    return value


def reward_of(diff: CallDiff) -> float:
    """R of a parsed call. A gold call may name a tool that is not on offer; agreeing is right."""
    if diff.correct:
        return CORRECT
    if not diff.tool_offered:
        return TOOL_HALLUCINATION
    if not diff.tool_match:
        return WRONG_TOOL
    if not diff.names_match:
        return (
            PARAMETER_HALLUCINATION * bool(diff.hallucinated)
            + PARAMETER_REDUNDANT * bool(diff.redundant)
            + PARAMETER_MISSING * bool(diff.missing)
        )
    return WRONG_CONTENT
