"""The records that are scored. Whoever has cases, from the world or from a benchmark's files, turns
them into these; whoever has replies, from a model or from a file, too.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import NamedTuple

from tl.calls.schema import Call, Conversation, Tool

FINISH, ASK = "finish", "ask_to_user"
KINDS = ("tool", "ask", "direct")


@dataclass(frozen=True)
class Case:
    """A query to which the first call is scored.

    golds: the right calls, at least one; each alone is right. kind: what the query needs: "tool" a
    tool; "ask" a question to the user (gold: the asking call); "direct" an answer (gold: the
    finishing call; a plain answer is right as well).
    splits: name of a split -> the part that the case belongs to: {"scenario": "TG"}.
    finish, ask: what the tools that answer and ask are called in this case; noise renames them.
    wildcard: the gold value that stands for any other, where there is one.
    """

    id: str
    query: str
    tools: tuple[Tool, ...]
    golds: tuple[Call, ...]
    kind: str = "tool"
    splits: Mapping[str, str] = field(default_factory=dict)
    finish: str = FINISH
    ask: str = ASK
    wildcard: str | None = None

    def __post_init__(self):
        assert self.kind in KINDS and self.golds, (self.id, self.kind)


@dataclass(frozen=True)
class Prediction:
    """One reply: its first call, if there is one. malformed: no call, but meant as one, or cut off
    before it was complete. calls: all calls of the reply, where more than the first is scored.
    """

    text: str
    call: Call | None = None
    malformed: bool = False
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True)
class Task:
    """A query that is played to its end.

    solution: one right course of calls, to be shown beside a wrong one.
    values: what a right answer has to contain (`episodes.answer_values`); empty: it is not judged.
    kind, splits, finish, ask: as for a Case.
    """

    id: str
    query: str
    tools: tuple[Tool, ...]
    solution: tuple[Call, ...] = ()
    values: tuple[str, ...] = ()
    kind: str = "tool"
    splits: Mapping[str, str] = field(default_factory=dict)
    finish: str = FINISH
    ask: str = ASK


class Question(NamedTuple):
    """A case with what a model is shown of it: the tools, and the messages up to the reply that is
    scored. The conversation has the id of its line in predictions.jsonl.
    """

    conversation: Conversation
    case: Case


class AcceptedQuestion(NamedTuple):
    """A question whose calls are held against accepted values (`bfcl_ast`). answers: per gold call
    {function: {parameter: accepted values}}.
    """

    conversation: Conversation
    category: str
    answers: tuple[dict[str, dict[str, list]], ...]


class Play(NamedTuple):
    """A task with what a model is shown at first. execute: the feedback of a call. reply: what the
    user says to any question; None: nobody answers.
    """

    conversation: Conversation
    task: Task
    execute: Callable[[Call], str]
    reply: str | None = None


class TextQuestion(NamedTuple):
    """A question of general ability, which the model continues as plain text: intro, as many of the
    shots as have room (the last ones go first), question.

    answer: what a reply is held against; which way, says the benchmark. options: continuations, of
    which the likeliest is the reply; none: the reply is generated. longest: tokens of it.
    """

    id: str
    intro: str
    shots: tuple[str, ...]
    question: str
    answer: str
    options: tuple[str, ...] = ()
    longest: int | None = None
    splits: Mapping[str, str] = MappingProxyType({})

    def prompt(self, shots: int | None = None) -> str:
        return self.intro + "".join(self.shots[:shots]) + self.question


class Turn(NamedTuple):
    """One reply in an episode. feedback: what came back, None after the last reply."""

    text: str
    call: Call | None = None
    feedback: str | None = None
    malformed: bool = False


@dataclass(frozen=True)
class Episode:
    """What became of a task. end: "finish", "answer" (text without a call), "turns" (all were
    spent), "length" (of the reply or the context), "format".
    """

    turns: tuple[Turn, ...]
    end: str
    answer: str | None = None


class SingleSet(NamedTuple):
    """A set of cases with their predictions. name: its keys in scores.json: "seen",
    "levels/slight". protocols: other ways to count, by name (`protocols`).
    """

    name: str
    cases: tuple[Case, ...]
    predictions: tuple[Prediction, ...]
    protocols: Mapping[str, Callable[[Case, Prediction], int]] = MappingProxyType({})


class AcceptedSet(NamedTuple):
    """A set of questions whose calls are held against accepted values, with the predictions."""

    name: str
    questions: tuple[AcceptedQuestion, ...]
    predictions: tuple[Prediction, ...]


class TextSet(NamedTuple):
    """Questions of general ability with the replies, and which of these are right.

    fewer_shots: questions that had no room for all examples. guards: what held the programs of a
    reply in check, where programs were run.
    """

    name: str
    questions: tuple[TextQuestion, ...]
    replies: tuple[str, ...]
    right: tuple[bool, ...]
    fewer_shots: int = 0
    guards: Mapping[str, bool] = MappingProxyType({})


class MultiSet(NamedTuple):
    """A set of tasks with their episodes."""

    name: str
    tasks: tuple[Task, ...]
    episodes: tuple[Episode, ...]


Item = Question | AcceptedQuestion | Play | TextQuestion
Sets = dict[str, list[Item]]  # by name, see SingleSet; all items of a set are of one kind
AnySet = SingleSet | AcceptedSet | MultiSet | TextSet


def item_id(item: Item) -> str:
    """The id of its line in predictions.jsonl."""
    return item.id if isinstance(item, TextQuestion) else item.conversation.id


def renamed(item: Item, number: str) -> Item:
    """The item under another id."""
    if isinstance(item, TextQuestion):
        return item._replace(id=number)
    item = item._replace(conversation=replace(item.conversation, id=number))
    if isinstance(item, Question):
        return item._replace(case=replace(item.case, id=number))
    return item._replace(task=replace(item.task, id=number)) if isinstance(item, Play) else item
