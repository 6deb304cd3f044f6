"""Marks that tell, in the text a template has rendered, what came from where.

A template is a program that returns one text. To know which parts of it are replies, names of
tools and control tokens, the conversation is given to the template with marks in it: characters
that occur nowhere else. Behind rendering they are taken out again; that the rest is exactly what
the template makes of the conversation without marks is checked.

    text     around each message's text, inside of the spaces at its ends, which templates trim
    name     around the name in each call
    broken   inside of what looks like a control token in somebody's text, so that all control
             tokens that are whole are the template's own
"""

import re
from collections.abc import Iterable
from typing import Any

from tl.calls.schema import Conversation
from tl.dialects.segment import Control, Name, Segment, write

PRIVATE_USE = range(0xE000, 0xF8FF)


class Marks:
    """The marks for one conversation. controls: the texts of the control tokens."""

    def __init__(self, conversation: Conversation, template: str, controls: Iterable[str]):
        used = set(template) | set(str(conversation))
        free = (chr(code) for code in PRIVATE_USE if chr(code) not in used)
        self.text_mark, self.name_mark, self.broken_mark = (next(free) for _ in range(3))
        longest = sorted((c for c in controls if len(c) > 1), key=len, reverse=True)
        self.controls = re.compile("|".join(map(re.escape, longest)) or r"(?!)")
        self._tokens = re.compile(
            f"{self.name_mark}(?P<name>.*?){self.name_mark}|(?P<control>{self.controls.pattern})",
            re.DOTALL,
        )
        self._all = re.compile(f"[{self.text_mark}{self.name_mark}{self.broken_mark}]")

    def text(self, text: str) -> str:
        """A message's text with its marks; blank texts have none."""
        core = text.strip()
        if not core:
            return text
        start = text.index(core)
        before, after = text[:start], text[start + len(core) :]
        return f"{before}{self.text_mark}{self.value(core)}{self.text_mark}{after}"

    def name(self, name: str) -> str:
        return f"{self.name_mark}{self.value(name)}{self.name_mark}"

    def value(self, value: Any) -> Any:
        """A JSON value in whose texts no control token is whole."""
        if isinstance(value, str):
            while self.controls.search(value):
                value = self.controls.sub(
                    lambda found: found[0][0] + self.broken_mark + found[0][1:], value
                )
            return value
        if isinstance(value, list | tuple):
            return [self.value(each) for each in value]
        if isinstance(value, dict):
            return {self.value(key): self.value(each) for key, each in value.items()}
        return value

    def plain(self, text: str) -> str:
        """Without marks."""
        return self._all.sub("", text)

    def segment(self, marked: str, message: int, **fields) -> Segment:
        """The segment that a marked text stands for."""
        pieces, position = [], 0
        for found in self._tokens.finditer(marked):
            pieces.append(self.plain(marked[position : found.start()]))
            kind = Control if found["control"] else Name
            pieces.append(kind(self.plain(found[0])))
            position = found.end()
        return write(message, *pieces, self.plain(marked[position:]), **fields)
