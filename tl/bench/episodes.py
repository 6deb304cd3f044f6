"""Multi-turn: documentation errors, call errors, valid answers (paper section 5.3).

    DE  share of the calls whose feedback says that the tool does not exist, has no such parameter,
        or lacks one; the feedback must name the called tool
    CE  share of the calls with any other error
    VA  share of the episodes in which the model itself finishes within its nine turns, with an
        answer that is not blank and does not say "I cannot handle the task"

The paper gives no formulas. Its DE and CE have denominators larger than the 382 dialogues (0.12 and
0.17 are no k / 382), so they are shares of calls; VA is k / 382. A call here is one with feedback,
questions to the user included, the finishing call not. A question can only be wrong in its
arguments: what the user replies is no error report. Replies that were meant as calls but are none
are neither DE nor CE; `format_errors` is their share of all replies. An answer in plain text does
not finish; `ends` counts how the episodes ended, so that any other VA can be had from it.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from tl.bench.metrics import pairs, parted, percent
from tl.bench.records import FINISH, Episode, Task, Turn
from tl.calls.feedback import ErrorType, classify_feedback

MAX_TURNS = 9
CANNOT = "i cannot handle the task"
DOCUMENTATION = (
    ErrorType.TOOL_HALLUCINATION,
    ErrorType.PARAMETER_HALLUCINATION,
    ErrorType.PARAMETER_MISSING,
)
ENDS = ("finish", "answer", "turns", "length", "format")
NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")


def score_multi(tasks: Sequence[Task], episodes: Sequence[Episode]) -> dict[str, Any]:
    """All multi-turn numbers of a set; shares in percent.

    {"n": episodes, "va",
     "n_calls", "de", "ce", "errors": {kind of error: number of calls},
     "n_answers": episodes whose answer can be judged, "answer_correct",
     "n_replies", "format_errors", "ends": {end: number of episodes},
     "by_scenario": {"TG": {"n", "va", "n_calls", "de", "ce", "n_answers", "answer_correct"}}}
    """
    played = pairs(tasks, episodes)
    scores = _rates(played)
    errors = Counter(error for task, episode in played for error in errors_of(task, episode))
    scores["errors"] = {error.value: errors[error] for error in ErrorType}
    replies = [turn for episode in episodes for turn in episode.turns]
    scores["n_replies"] = len(replies)
    scores["format_errors"] = percent((turn.malformed for turn in replies), len(replies))
    scores["ends"] = {end: sum(e.end == end for e in episodes) for end in ENDS}
    for split, parts in parted(tasks).items():
        scores[f"by_{split}"] = {
            part: _rates([played[i] for i in places]) for part, places in parts.items()
        }
    return scores


def is_valid(episode: Episode) -> bool:
    """VA, see the module docstring."""
    answer = episode.answer or ""
    within = episode.end == "finish" and len(episode.turns) <= MAX_TURNS
    return within and bool(answer.strip()) and CANNOT not in " ".join(answer.lower().split())


def is_answer_correct(task: Task, episode: Episode) -> bool:
    """The episode is valid and the answer contains every expected value, as whole words; case does
    not count.
    """
    return is_valid(episode) and all(_contains(episode.answer, value) for value in task.values)


def errors_of(task: Task, episode: Episode) -> Iterator[ErrorType | None]:
    """For each call of an episode, what its feedback reports; None: all right."""
    for turn in episode.turns:
        if is_counted(task, turn):
            yield error_of(task, turn)


def is_counted(task: Task, turn: Turn) -> bool:
    """Whether a turn is a call in the sense of DE and CE."""
    return turn.call is not None and turn.feedback is not None and turn.call.name != task.finish


def error_of(task: Task, turn: Turn) -> ErrorType | None:
    """The kind of error of a counted turn, None: all right."""
    error = classify_feedback(turn.feedback, turn.call)
    if turn.call.name == task.ask and error not in DOCUMENTATION:
        return None
    return error


def final_answer(turns: Sequence[Turn], end: str) -> str | None:
    """What the last reply answers: the argument of the finishing call, or the text. Null, an empty
    list and an empty object are no answer.
    """
    if not turns or end not in ("finish", "answer"):
        return None
    text, call = turns[-1].text, turns[-1].call
    if end == "answer":
        return text
    if call is None or call.name != FINISH:
        return None
    values = [call.arguments["answer"]] if "answer" in call.arguments else call.positional[:1]
    said = (v if isinstance(v, str) else json.dumps(v) for v in values if v not in (None, [], {}))
    return next(said, None)


def answer_values(answer: str, feedbacks: Sequence[str]) -> tuple[str, ...]:
    """What any right answer has to contain, taken from the teacher's answer: the values that tools
    returned and that stand in it; without such values, its numbers.
    """
    returned = [text for feedback in feedbacks for text in _leaves(feedback)]
    values = [value for value in returned if _contains(answer, value)]
    return tuple(dict.fromkeys(values or NUMBER.findall(answer)))


def _rates(played: list[tuple[Task, Episode]]) -> dict[str, Any]:
    errors = [error for task, episode in played for error in errors_of(task, episode)]
    judged = [(task, episode) for task, episode in played if task.values]
    found = [error for error in errors if error is not None]
    documentation = sum(error in DOCUMENTATION for error in found)
    return {
        "n": len(played),
        "va": percent((is_valid(episode) for _, episode in played), len(played)),
        "n_calls": len(errors),
        "de": percent(documentation, len(errors)),
        "ce": percent(len(found) - documentation, len(errors)),
        "n_answers": len(judged),
        "answer_correct": percent((is_answer_correct(*pair) for pair in judged), len(judged)),
    }


def _contains(text: str, value: str) -> bool:
    """Whether `value` stands in `text` as whole words."""
    return bool(re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text, re.IGNORECASE))


def _leaves(feedback: str) -> Iterator[str]:
    """The texts and numbers in a feedback that is JSON; nothing from one that is not."""
    try:
        pending = [json.loads(feedback)]
    except (ValueError, RecursionError):
        return
    while pending:
        value = pending.pop(0)
        if isinstance(value, dict):
            pending[:0] = value.values()
        elif isinstance(value, list):
            pending[:0] = value
        elif isinstance(value, str) and value.strip():
            yield value.strip()
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield str(value)
