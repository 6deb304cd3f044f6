"""The grammar of a tool call, as a recursive descent over its text. Nothing is ever executed.

    call      = tool "(" [ argument { "," argument } [","] ] ")"        text behind it is ignored
    argument  = name "=" value | string "=" value | value               positional ones come first
    value     = operand { operator operand }                           + - * / // % **, numbers only
    operand   = { "-" | "+" } (number | string {string} | constant | list | tuple | object)
    constant  = True | true | False | false | None | null | NaN | Infinity
    list      = "[" [ value { "," value } [","] ] "]"
    tuple     = "(" ... ")"                                             becomes a list; (v) is v
    object    = "{" [ key ":" value { "," key ":" value } [","] ] "}"   key: a string

Python and JSON spellings may be mixed; space and line breaks may stand between all tokens, inside
the brackets also comments: `# ...` to the end of the line, which models write. `tool` and `name`
are words in the sense of `literals.is_word`. Of the string prefixes, r and u are read; b and f are
refused, as bytes are no JSON value and an f-string would have to be executed. A name or a key that
is given twice is an error: one of its values would be lost.

Sources: the authors' call style (README of Junjie-Ye/TL-Training at 77c875a); the benchmarks' gold
calls add arithmetic of literals (BFCL) and names that are no identifiers (RoTBench, ToolAlpaca).
"""

import re
from typing import Any, NoReturn

from tl.calls.arithmetic import OPERATORS, SIGN_STRENGTH, CalculationError, calculate
from tl.calls.literals import (
    QUOTES,
    CallError,
    end_of_word,
    is_tool_name,
    read_number,
    read_string,
)
from tl.calls.schema import Call
from tl.calls.write import MAX_DEPTH, format_call, format_value

__all__ = ["CallError", "format_call", "format_value", "parse_call", "scan_call", "scan_value"]

COMMENT = re.compile(r"#[^\r\n]*")
CONSTANTS = {
    "True": True,
    "true": True,
    "False": False,
    "false": False,
    "None": None,
    "null": None,
    "NaN": float("nan"),
    "Infinity": float("inf"),
}


def parse_call(text: str) -> Call:
    """The call that `text` starts with; CallError where there is none, never another exception."""
    return scan_call(text)[0]


def scan_call(text: str) -> tuple[Call, int]:
    """The call that `text` starts with, and the place behind its closing parenthesis."""
    try:
        reader = _Reader(text)
        return reader.call(), reader.position
    except RecursionError:  # the caller had left less room than MAX_DEPTH needs
        raise CallError("too_deep", "the call is nested too deeply", 0, len(text)) from None


def scan_value(text: str, start: int = 0) -> tuple[Any, int]:
    """The JSON or Python value that stands at `start`, and the place behind it and its space."""
    try:
        reader = _Reader(text, start)
        return reader.value(), reader.position
    except RecursionError:
        raise CallError("too_deep", "the value is nested too deeply", start, len(text)) from None


class _Reader:
    """A text and the place up to which it is read. Each method reads one rule of the grammar."""

    def __init__(self, text: str, position: int = 0):
        self.text = text
        self.position = position
        self.depth = 0

    # Rules of a call

    def call(self) -> Call:
        name = self.tool_name()
        positional, arguments = [], {}
        while not self.take(")"):
            start = self.skip_space()
            key = self.argument_name()
            if key in arguments:
                self.fail("duplicate_argument", f"the argument {key!r} is given twice", start)
            value = self.value()
            if key is not None:
                arguments[key] = value
            elif not arguments:
                positional.append(value)
            else:
                self.fail("positional_after_keyword", "a value without name after a named", start)
            self.separator(")")
        return Call(name, arguments, tuple(positional))

    def tool_name(self) -> str:
        start = self.skip_blanks()  # a comment in front is a heading, the text is prose
        end = self.position = end_of_word(self.text, start)
        name = self.text[start:end]
        if not self.text.startswith("(", self.skip_blanks()):
            self.fail("no_call", "expected a tool name and '('", start, end)
        if not is_tool_name(name):
            self.fail("bad_name", f"{name!r} is no tool name", start, end)
        self.position += 1
        return name

    def argument_name(self) -> str | None:
        """The name in front of `=`, or None (and nothing is read) where a value stands alone."""
        start = self.skip_space()
        if self.peek() in QUOTES:
            name, self.position = read_string(self.text, start)
        else:
            self.position = end_of_word(self.text, start)
            name = self.text[start : self.position]
        if self.take("="):
            if not name:
                self.fail("bad_name", "expected a parameter name in front of '='", start)
            return name
        self.position = start
        return None

    # Rules of a value

    def value(self, weakest: int = 0) -> Any:
        """An expression whose operators bind stronger than `weakest` (precedence climbing)."""
        self.depth += 1
        if self.depth > MAX_DEPTH + 1:  # one more for the sign of the innermost number
            self.fail("too_deep", f"values are nested deeper than {MAX_DEPTH}")
        start = self.skip_space()
        left = self.operand()
        while (symbol := self.operator(weakest)) is not None:
            strength = OPERATORS[symbol][0]
            # `**` binds to the right, and a sign may follow it: 2**-1
            right = self.value(strength - 1 if symbol == "**" else strength)
            left = self.calculate(symbol, left, right, start)
        self.depth -= 1
        return left

    def operator(self, weakest: int) -> str | None:
        """Take the operator that comes next, if there is one that binds stronger than `weakest`."""
        start = self.skip_space()
        for symbol, (strength, _) in OPERATORS.items():
            if self.text.startswith(symbol, start):
                if strength <= weakest:
                    return None
                self.position = start + len(symbol)
                return symbol
        return None

    def operand(self) -> Any:
        start = self.skip_space()
        sign = None
        while self.peek() in ("+", "-"):
            sign = -(sign or 1) if self.peek() == "-" else (sign or 1)
            self.position += 1
            self.skip_space()
        if sign is None:
            return self.atom()
        return self.calculate("*", self.value(SIGN_STRENGTH), sign, start)

    def atom(self) -> Any:
        self.skip_space()
        head = self.peek()
        if not head:
            self.fail("unterminated_call", "the text ends inside the call")
        if head in QUOTES:
            return self.strings()
        if head == "[":
            return self.sequence("[", "]")[0]
        if head == "(":
            values, commas = self.sequence("(", ")")
            return values[0] if len(values) == 1 and not commas else values
        if head == "{":
            return self.object()
        if head in "0123456789.":
            value, self.position = read_number(self.text, self.position)
            return value
        return self.word()

    def strings(self, raw: bool = False) -> str:
        """One string literal, and those that directly follow it: 'a' "b" is 'ab'."""
        value, self.position = read_string(self.text, self.position, raw)
        pieces = [value]
        self.skip_space()
        while self.peek() in QUOTES:
            value, self.position = read_string(self.text, self.position)
            pieces.append(value)
            self.skip_space()
        return "".join(pieces)

    def word(self) -> Any:
        """A constant, or the prefix of a string; another word is an error of its own kind."""
        start = self.position
        word = self.text[start : end_of_word(self.text, start)].partition("#")[0]
        end = self.position = start + len(word)
        if word in CONSTANTS:
            return CONSTANTS[word]
        if self.peek() in QUOTES:
            if word.lower() in ("r", "u"):
                return self.strings(raw=word.lower() == "r")
            if word:
                self.fail("string_prefix", f"a string with {word!r} in front", start, end)
        if word and self.peek() == "(":
            self.fail("nested_call", f"the value is a call of {word!r}", start, end)
        if word:
            self.fail("bare_word", f"{word[:40]!r} has no quotes and is no value", start, end)
        self.fail("bad_value", f"expected a value, found {self.peek()!r}", start, start + 1)

    def sequence(self, opening: str, closing: str) -> tuple[list, int]:
        """Values between brackets, and the number of commas."""
        self.expect(opening)
        values, commas = [], 0
        while not self.take(closing):
            values.append(self.value())
            commas += self.separator(closing)
        return values, commas

    def object(self) -> dict[str, Any]:
        self.expect("{")
        values = {}
        while not self.take("}"):
            start = self.skip_space()
            key = self.value()
            if not isinstance(key, str):
                self.fail("bad_key", "a key of an object is no string", start)
            if key in values:
                self.fail("duplicate_key", f"the key {key[:40]!r} is given twice", start)
            self.expect(":")
            values[key] = self.value()
            self.separator("}")
        return values

    def calculate(self, symbol: str, left: Any, right: Any, start: int) -> int | float:
        try:
            return calculate(symbol, left, right)
        except CalculationError as error:
            self.fail(error.kind, str(error), start)

    # Tokens

    def skip_space(self) -> int:
        """Space and comments."""
        while self.text.startswith("#", self.skip_blanks()):
            self.position = COMMENT.match(self.text, self.position).end()
        return self.position

    def skip_blanks(self) -> int:
        while self.position < len(self.text) and self.text[self.position].isspace():
            self.position += 1
        return self.position

    def peek(self) -> str:
        """The next character, '' at the end."""
        return self.text[self.position : self.position + 1]

    def take(self, symbol: str) -> bool:
        """Skip space and, if it comes next, the symbol."""
        found = self.text.startswith(symbol, self.skip_space())
        self.position += len(symbol) if found else 0
        return found

    def expect(self, symbol: str) -> None:
        if not self.take(symbol):
            self.fail_expected(repr(symbol))

    def separator(self, closing: str) -> bool:
        """Take a comma, unless the closing bracket comes next. Whether it was a comma."""
        if self.take(","):
            return True
        if self.peek() != closing:
            self.fail_expected(f"',' or {closing!r}")
        return False

    def fail_expected(self, wanted: str) -> NoReturn:
        if not self.peek():
            self.fail("unterminated_call", f"the text ends where {wanted} is expected")
        self.fail("expected", f"expected {wanted}, found {self.peek()!r}", self.position)

    def fail(
        self, kind: str, message: str, start: int | None = None, end: int | None = None
    ) -> NoReturn:
        start = self.position if start is None else start
        end = self.position if end is None else end
        raise CallError(kind, message, start, max(start, min(end, len(self.text))))
