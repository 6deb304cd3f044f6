"""One conversation in a terminal, each call shown before it runs and its result as it comes."""

import sys
import unicodedata
from contextlib import suppress
from dataclasses import replace

from tl.agent.loop import ASK, End, Episode, Executor, Loop, Observer, Task, Turn
from tl.agent.reply import Reply
from tl.calls.parse import CallError
from tl.calls.schema import Conversation, Message, Tool
from tl.calls.write import format_call

FRESH = "/new"


class Chat(Observer):
    """The conversation so far. Everything is printed to the standard output."""

    def __init__(self, loop: Loop, tools: tuple[Tool, ...], execute: Executor):
        self.loop, self.execute = loop, execute
        self.fresh = Conversation("chat", tools, (), "chat")
        self.conversation = self.fresh
        self.has_asked = False  # in this turn

    def talk(self) -> None:
        """Until the end of the input; /new forgets the conversation."""
        if sys.stdin.isatty():
            with suppress(ImportError):
                import readline  # noqa: F401  lines can be edited
        while (text := read_line("User: ")) is not None:
            if text.strip() == FRESH:
                self.conversation = self.fresh
            elif text.strip():
                self.say(text)

    def say(self, text: str) -> Episode:
        """One message of the user, and all that follows from it."""
        messages = (*self.conversation.messages, Message("user", text))
        asked = replace(self.conversation, messages=messages)
        (episode,) = self.loop.run([Task(asked, self.execute, self.ask)], self)
        self.conversation = episode.conversation
        show(self.closing_words(episode))
        return episode

    def ask(self, question: str) -> str | None:
        self.has_asked = True
        return read_line(f"Assistant asks: {visible(question)}\nUser: ")

    def on_reply(self, number: int, reply: Reply) -> None:
        self.has_asked = False
        if reply.call is not None and reply.call.name != ASK:
            show_step(">", format_call(reply.call))

    def on_turn(self, number: int, turn: Turn) -> None:
        if turn.feedback is None:
            return
        if isinstance(turn.call, CallError):
            show_step("!", turn.text.strip())
            show_step("!", str(turn.call))
        elif not self.has_asked:
            show_step("<", turn.feedback)

    def closing_words(self, episode: Episode) -> str:
        if episode.answer is not None:
            return f"Assistant: {episode.answer}"
        last = episode.turns[-1] if episode.turns else None
        spent = f"stopped after {len(episode.turns)} turns"
        if episode.end is End.FINISH:
            return "(finished without an answer)"
        if episode.end is End.TURNS:
            return f"({spent} without an answer)"
        if episode.end is End.FORMAT:
            return f"({spent}, the last reply was no call)" if last.call else "(an empty reply)"
        if last is None or last.feedback is not None:
            return (
                f"(the conversation fills the {self.loop.max_positions:,} positions of the model; "
                f"{FRESH} starts a fresh one)"
            )
        return f"Assistant: {last.text.strip()}... (cut off: the reply was too long)"


def read_line(prompt: str) -> str | None:
    """A line of the standard input, None at its end. The prompt is for people only, a question is
    not: it has more lines than one.
    """
    question, _, prompt = prompt.rpartition("\n")
    if question:
        print(question, flush=True)
    try:
        text = input(prompt if sys.stdin.isatty() else "")
    except EOFError:
        if sys.stdin.isatty():
            print()
        return None
    return text.encode("utf-8", "replace").decode("utf-8")


def show_step(sign: str, text: str) -> None:
    """All lines are indented, so that none looks like one of the chat."""
    show(f"  {sign} " + text.replace("\n", "\n    "))


def show(text: str) -> None:
    print(visible(text), flush=True)


def visible(text: str) -> str:
    """What a model or a tool writes must not steer the terminal: control characters become a
    box.
    """
    hidden = ("Cc", "Cf", "Cs")
    return "".join(c if c in "\n\t" or unicodedata.category(c) not in hidden else "␦" for c in text)
