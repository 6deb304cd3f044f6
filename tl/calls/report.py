"""Reading feedback: which part of it reports an error, and which part is only data.

Feedback is JSON, the repr of a Python value, either of them cut off at the end, or text. In a
structure an error is reported by a member that says so (see `members`), at the top or in an
envelope (`response`, `result`, `data`), never by words somewhere in the data. In text it is
reported by how the first line opens (`OPENINGS`).
"""

import json
import re
from functools import cache
from typing import Any, NamedTuple

from tl.calls.literals import QUOTES, read_string
from tl.calls.members import (
    ENVELOPE_KEYS,
    is_only_message,
    messages,
    plain_key,
    reports_error,
    texts_in,
)
from tl.calls.parse import CallError, scan_value
from tl.calls.wordings import KIND, NOT_LINKED


class Report(NamedTuple):
    """errors: messages that the feedback reports as errors. texts: text without structure, which
    may be the wording of an error or data.
    """

    errors: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()


MAX_ENVELOPES = 4
HEAD = 500  # characters of a line in which its form is looked for

TRACEBACK = "Traceback (most recent call last)"
LOG_LINE = re.compile(r"[\W\dTZ_]{0,80}\b(?:INFO|WARN|WARNING|DEBUG|TRACE)\b")
# `Network error: a documentary` is a title and what it is: an article and no verb. Behind `Error:`
# and the name of an exception stands a message whatever it looks like.
GLOSS = re.compile(
    r"(?!\S{0,100}(?:error|exception):)[^\n:]{1,60}: an? (?!.{0,400}\b(?:is|are|was|were|be"
    r"|been|has|have|must|should|can|cannot|could|did|does|not|no|needs?|required|missing|expired"
    r"|invalid|failed|denied|occurred|exists|already)\b)[^\n:]{1,200}\Z",
    re.IGNORECASE | re.DOTALL,
)

# How a line opens that reports an error whatever it goes on to say: (examples or source, pattern).
# Repetitions are bounded, see `wordings`.
# fmt: off
OPENINGS = (
    ("`Error: x`, `Internal server error (5)`, `Error while calling f`, `HTTP error 500`, MCP, RPC",
        r"(?:an?\s)?"
        r"(?:(?:unexpected|unknown|internal|fatal|server|runtime|api|http|request|network|input"
        r"|validation|authentication|authorization|execution|tool|database|system|parsing|parse"
        r"|syntax|query|mcp|rpc|json|sql|type|value|compilation|connection|googleapi:)\s){0,4}"
        r"(?:error|exception)\b"
        r"(?:\s{0,3}[:!(\[]|\s-\s|\W{0,9}\Z|\scode:?\s\d"
        rf"|\s-?\d{{3,6}}\b{NOT_LINKED}"
        r"|\s(?:has\s|was\s)?(?:occurr?ed|thrown|raised)\b"
        r"|\s(?:executing|calling|invoking|running|processing|fetching|parsing|getting|loading"
        r"|making|creating|reading|opening|connecting|while|when|during|from|in)\b)"),
    ("exception classes of Python, Java, JS: `ValueError: x`, `KeyError('x')`, `a.b.CError:`",
        r"(?:Uncaught |Unhandled |Caused by: |\(in promise\) ){0,3}"
        r"(?-i:(?:[\w.$]{1,200}[.$])?[A-Z]\w{0,80}"
        r"(?:Error|Exception|Timeout|Interrupt|Exit|Iteration|Fault|Denied)(?: \[\w{1,60}\])?"
        r"(?::\s|:?\Z|\())"),
    ("exception classes that live in a module of errors: psycopg2, sqlalchemy, botocore",
        r"(?:[\w.]{1,200}\.)?(?:errors?|exceptions?|exc)\.(?-i:[A-Z])\w{0,80}(?::|\(|\Z)"),
    ("`Tool 'f' failed: x`, `Build failed (1)`, `Payment failed.`",
        r"(?:[^\s:]{1,60}\s){0,4}failed(?::|\s\(|\s(?:with|due|because)\b|\W{0,9}\Z)"),
    ("`Tool execution error`, `Tool f returned an error`, `Exception in thread`",
        rf"(?:the )?{KIND} (?:\S{{1,100}} )?(?:execution |call )?"
        r"(?:returned|raised|threw|encountered) an? (?:\w{1,40} )?(?:error|exception)\b"),
    ("git, Go, apt, npm, Rust, Redis, Postgres, shells",
        r"(?:fatal|panic): {0,3}\S|(?:(?:npm )?ERR!|\(error\)|make(?:\[\d\])?: \*\*\*) "
        r"|(?-i:E): (?-i:[A-Z])|error\[\w{1,10}\]:|thread '[^']{0,80}' panicked at"
        r"|(?-i:ERR|WRONGTYPE|NOAUTH|NOPERM|OOM|MISCONF|READONLY|CROSSSLOT) (?-i:[a-zA-Z])"),
    ("signals, as shells report them",
        r"(?:segmentation fault|bus error|illegal instruction|floating point exception|aborted)"
        r"(?: \(core dumped\)|\W*\Z)"),
    ("tags of agent runtimes, XML services",
        r"(?:<\?xml[^>]{0,200}>\s{0,9})?<(?:\w{1,40}[_:-])?error\b"),
)
# fmt: on


def read_report(text: str) -> Report:
    """Split feedback into reported errors and unmarked text; both are empty for plain data."""
    return _read_text(text, depth=0)


def _read_text(text: str, depth: int) -> Report:
    text = text.strip().removeprefix("\ufeff")
    structure = _structure(text)
    if isinstance(structure, str) and depth < MAX_ENVELOPES:
        return _read_text(structure, depth + 1)  # the JSON string of a text
    if isinstance(structure, dict | list):
        return _read_structure(structure, depth)
    return _read_lines(text) if structure is None and text != "null" else Report()


def _structure(text: str) -> Any:
    """The value that the text writes, as JSON or as Python; None for text. Of a value that is cut
    off, the members before the cut.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    if text[:1] == '"':
        return text[1:]  # the JSON string of a text, cut off
    if text[:1] == "{":
        return _leading_members(text)
    if text[:1] == "[":
        try:
            value, end = scan_value(text)
        except CallError:
            return _leading_members(text, text.find("{")) if text[1:].lstrip()[:1] == "{" else None
        return value if not text[end:].strip() else None
    return None


def _leading_members(text: str, start: int = 0) -> dict[str, Any] | None:
    """The members of an object, up to one that cannot be read; its rest is taken as text."""
    members, position = {}, start + 1
    while True:
        position = _skip(text, position)
        if text[position : position + 1] not in QUOTES:
            return members if members or text[position:] in ("", "}") else None
        try:
            key, position = read_string(text, position)
        except CallError:
            return members or None
        position = _skip(text, position)
        if text[position : position + 1] != ":":
            return members or None
        try:
            members[key], position = scan_value(text, position + 1)
        except CallError:
            members[key] = text[position + 1 :].strip().strip("'\"")
            return members
        position = _skip(text, position)
        if text[position : position + 1] != ",":
            return members
        position += 1


def _skip(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position


# Text


def _read_lines(text: str) -> Report:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines or (len(lines) == 1 and GLOSS.match(lines[0])):
        return Report()
    if lines[0].startswith(TRACEBACK):
        return Report(errors=(lines[-1],))
    if _reports(lines[0]) and not any(LOG_LINE.match(line) for line in lines):
        return Report(errors=(text,)) if TRACEBACK not in text else Report(errors=(lines[-1],))
    return Report(texts=(text,))


def _reports(line: str) -> bool:
    """Whether a line opens as a report of an error does, whatever it goes on to say."""
    return any(opening.match(line[:HEAD]) for opening in _openings())


@cache
def _openings() -> list[re.Pattern]:
    return [re.compile(pattern, re.IGNORECASE) for _, pattern in OPENINGS]


# Structure


def _read_structure(value: dict | list, depth: int) -> Report:
    if isinstance(value, list):
        return _read_list(value, depth)
    members = {plain_key(key): item for key, item in value.items()}
    if reports_error(members):
        return Report(errors=("\n".join(messages(members, MAX_ENVELOPES)),))
    if depth < MAX_ENVELOPES:
        for key in ENVELOPE_KEYS & members.keys():
            if isinstance(members[key], dict | list):
                inside = _read_structure(members[key], depth + 1)
                if inside.errors:
                    return Report(errors=inside.errors)
    if is_only_message(members):
        return _merge([_read_text(text, depth + 1) for text in texts_in(members, MAX_ENVELOPES)])
    return Report()


def _read_list(items: list, depth: int) -> Report:
    """A list reports an error if each of its entries does."""
    if not items or depth >= MAX_ENVELOPES or not all(isinstance(item, dict) for item in items):
        return Report()
    reports = [_read_structure(item, depth + 1) for item in items]
    return _merge(reports) if all(report.errors for report in reports) else Report()


def _merge(reports: list[Report]) -> Report:
    errors = tuple(error for report in reports for error in report.errors)
    return Report(errors, tuple(text for report in reports for text in report.texts))
