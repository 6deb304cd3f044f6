"""The loop over many conversations at once.

    loop = Loop(tokenizer, dialect, replies, max_positions=2048)
    episodes = loop.run([Task(conversation, World(tools=names).execute), ...])

Each round the prompts of all live conversations go to one call of `generate`; then every reply is
read, its call executed, and the feedback appended. How a reply ends or continues a conversation:

    finish(answer = ...)     ends it, "finish". With wrong arguments too, as in ToolEyes; the answer
                             is then None
    text without a call      ends it, "answer"
    ask_to_user(question)    the user's reply is the next user message; arguments that do not fit
                             get Python's words, as for any tool
    a call of a tool that    "name 'x' is not defined"; nothing is executed
      is not offered
    any other call           goes to the conversation's executor, its text is the feedback
    a mistake                the format-error words of ToolEyes, as a user message
    nothing                  ends it, "format": there is nothing to answer to
    cut off, without a call  ends it, "length": the model had not finished (max_new_tokens, or the
                             last position of the model)
    no room for a prompt     ends it, "length"; nothing is ever cut out of a prompt
    the last turn is spent   ends it, "turns", or "format" where that turn was a mistake
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import NamedTuple, Protocol

from tl.agent.feedback import (
    FEEDBACK_CHARACTERS,
    FORMAT_ERROR,
    NOBODY_ANSWERS,
    clean,
    shorten,
    undefined,
    words_of,
)
from tl.agent.reply import Reply, decode_reply, read_reply
from tl.calls.parse import CallError
from tl.calls.schema import Call, Conversation, Message
from tl.calls.write import format_value
from tl.data.encode import Encoder
from tl.data.tokenizer import Tokenizer
from tl.dialects import Dialect
from tl.world import World

MAX_TURNS = 9  # ToolEyes: `turn > max_turn` with max_turn 8; mistakes and questions count
FINISH, ASK = "finish", "ask_to_user"

Executor = Callable[[Call], str]  # what it raises becomes feedback
Asker = Callable[[str], str | None]  # a question -> the user's reply, None: nobody answers


class Generated(Protocol):
    """What `tl.generate.generate` returns; ids[i] has the stop id that ended it."""

    ids: list[list[int]]
    finished: list[bool]


Generate = Callable[[list[list[int]]], Generated]  # prompts -> replies, in the same order


class End(str, Enum):
    """Why a conversation ended; see the module docstring."""

    FINISH = "finish"
    ANSWER = "answer"
    TURNS = "turns"
    LENGTH = "length"
    FORMAT = "format"


class Task(NamedTuple):
    """conversation: ends with a user message. execute: called with calls of offered tools only.
    ask: answers `ask_to_user`.
    """

    conversation: Conversation
    execute: Executor
    ask: Asker | None = None


class Turn(NamedTuple):
    """One reply of the model and what came back.

    text: as generated, whole. call: None for text or nothing; a CallError for a mistake.
    feedback: the message that was appended after it, of a tool or of the user; None at the end.
    seconds: from the prompt to the feedback. Generating takes the same for all of a round.
    """

    text: str
    call: Call | CallError | None
    feedback: str | None
    seconds: float


@dataclass(frozen=True)
class Episode:
    """conversation: with all messages, a valid training record. answer: of `finish` or the text of
    the last reply; None where there is none.
    """

    conversation: Conversation
    end: End
    turns: tuple[Turn, ...]
    answer: str | None = None


class Observer:
    """Sees what happens in a loop, as it happens. number: of the task."""

    def on_round(self, numbers: list[int]) -> None:
        """The prompts of these tasks go to `generate`, in this order."""

    def on_reply(self, number: int, reply: Reply) -> None:
        """A reply was read; its call is about to be executed."""

    def on_turn(self, number: int, turn: Turn) -> None:
        """The feedback was appended, or the conversation has ended."""


@dataclass
class _Live:
    """A conversation on its way."""

    number: int
    task: Task
    conversation: Conversation
    prompt: list[int] = field(default_factory=list)  # of the last round
    said: list[int] = field(default_factory=list)  # what it was continued with, the end left out
    turns: list[Turn] = field(default_factory=list)
    episode: Episode | None = None

    @property
    def offered(self) -> set[str]:
        return {tool.name for tool in self.conversation.tools}

    def say(self, *messages: Message) -> None:
        messages = (*self.conversation.messages, *messages)
        self.conversation = replace(self.conversation, messages=messages)

    def close(self, end: End, answer: str | None = None) -> None:
        self.episode = Episode(self.conversation, end, tuple(self.turns), answer)


class Loop:
    """See the module docstring.

    generate: prompts to replies, `functools.partial(tl.generate.generate, model, ...)`.
    max_positions: of the model; a prompt must be shorter, or no token could follow.
    max_turns: replies of the model in one conversation. eos_ids: the tokenizer's by default.
    max_feedback: characters; what is longer is cut, with a mark.
    keeps_ids: each prompt continues the one before and the ids that were generated for it, exactly
        as they were: for training on them. Otherwise every prompt is written anew, with each call
        in the dialect's own spelling.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        dialect: Dialect,
        generate: Generate,
        *,
        max_positions: int,
        max_turns: int = MAX_TURNS,
        eos_ids: Sequence[int] = (),
        max_feedback: int = FEEDBACK_CHARACTERS,
        keeps_ids: bool = False,
    ):
        assert max_turns >= 1, max_turns
        self.tokenizer, self.dialect, self.generate = tokenizer, dialect, generate
        self.max_positions, self.max_turns = max_positions, max_turns
        self.max_feedback, self.keeps_ids = max_feedback, keeps_ids
        self._encoder = Encoder(tokenizer, dialect)
        self.eos_ids = tuple(eos_ids) or (*self._encoder.end_ids, tokenizer.eos_id)

    def run(self, tasks: Sequence[Task], observer: Observer | None = None) -> list[Episode]:
        """One episode per task, in their order. observer: told of each reply, before its call is
        executed, and of each turn.

        InputError for a conversation that cannot be written in the dialect or tokenised.
        """
        observer = observer or Observer()
        live = [_Live(number, task, task.conversation) for number, task in enumerate(tasks)]
        while waiting := [each for each in live if each.episode is None]:
            start = time.perf_counter()
            going = []
            for each in waiting:
                each.prompt = self._prompt(each)
                if len(each.prompt) < self.max_positions:
                    going.append(each)
                else:
                    each.close(End.LENGTH)
            if going:
                observer.on_round([each.number for each in going])
                generated = self.generate([each.prompt for each in going])
                seconds = time.perf_counter() - start
                replies = zip(going, generated.ids, generated.finished, strict=True)
                for each, ids, is_finished in replies:
                    self._take(each, ids, is_finished, seconds, observer)
        return [each.episode for each in live]

    def _prompt(self, live: _Live) -> list[int]:
        if not (self.keeps_ids and live.turns):
            return self._encoder.prompt_ids(live.conversation)
        roles = [message.role for message in live.conversation.messages]
        reply = len(roles) - 1 - roles[::-1].index("assistant")
        return live.prompt + live.said + self._encoder.following_ids(live.conversation, reply)

    def _take(
        self, live: _Live, ids: list[int], is_finished: bool, seconds: float, observer: Observer
    ) -> None:
        """One reply and what comes back enter the conversation, or end it."""
        start = time.perf_counter()
        live.said = ids[:-1] if ids and ids[-1] in self.eos_ids else ids
        text = decode_reply(ids, self.tokenizer, self.eos_ids)
        reply = read_reply(text, self.dialect, live.offered)
        observer.on_reply(live.number, reply)
        end, answer = self._ending(live, reply, is_finished)
        if not reply.is_blank:
            live.say(reply.message)
        feedback = None
        if end is None:
            response = self._respond(live, reply)
            live.say(response)
            feedback = response.content
        seconds += time.perf_counter() - start
        turn = Turn(text, reply.call or reply.error, feedback, seconds)
        live.turns.append(turn)
        if end is None and len(live.turns) == self.max_turns:
            end = End.FORMAT if reply.error else End.TURNS
        if end is not None:
            live.close(end, answer)
        observer.on_turn(live.number, turn)

    def _ending(
        self, live: _Live, reply: Reply, is_finished: bool
    ) -> tuple[End | None, str | None]:
        """How the reply ends the conversation, None if it does not, and the answer."""
        if reply.call is not None:
            if reply.call.name == FINISH and FINISH in live.offered:
                return End.FINISH, _answer(reply.call)
            return None, None
        if not is_finished:
            return End.LENGTH, None
        if reply.is_blank:
            return End.FORMAT, None
        return (None, None) if reply.error else (End.ANSWER, reply.message.content)

    def _respond(self, live: _Live, reply: Reply) -> Message:
        """The feedback of a tool, or what the user says."""
        call = reply.call
        if call is None:
            role, text = "user", FORMAT_ERROR.format(error=reply.error)
        elif call.name == ASK and ASK in live.offered:
            outcome = World(tools=[ASK]).attempt(call)
            if outcome.error is None:
                return Message("user", self._ask(live, call))
            role, text = "tool", outcome.feedback
        else:
            role, text = "tool", self._execute(live, call)
        return Message(role, clean(shorten(text, self.max_feedback)))

    def _execute(self, live: _Live, call: Call) -> str:
        if call.name not in live.offered:
            return undefined(call.name)
        try:
            feedback = live.task.execute(call)
            return feedback if isinstance(feedback, str) else format_value(feedback)
        except Exception as error:
            return words_of(error)

    def _ask(self, live: _Live, call: Call) -> str:
        (value,) = (*call.positional, *call.arguments.values())
        reply = live.task.ask(clean(_text(value))) if live.task.ask else None
        return NOBODY_ANSWERS if reply is None else clean(reply)


def _answer(call: Call) -> str | None:
    """The answer of `finish(answer = ...)` or `finish(...)`."""
    if "answer" in call.arguments:
        return clean(_text(call.arguments["answer"]))
    return clean(_text(call.positional[0])) if call.positional else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else format_value(value)
