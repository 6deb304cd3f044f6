r"""RoTBench's own scoring, in all its particulars: the protocol `official`.

Source: Code/Evaluation/evaluate.py of Junjie-Ye/RoTBench at 637e43a. What it does:

1.  A ReAct reply is cut at the first "Action:" and the first "Action Input:"; behind the latter
    JSON has to follow to the very end. A NexusRaven reply is rewritten into a Python dict.
2.  An input that cannot be read, or that is EMPTY, is wrong in everything. So a right call without
    arguments scores nothing, and the gold calls themselves reach 92.38 (95.24 at level heavy).
3.  Any gold call may agree. TS: the same name; `finish` also stands for the last tool on offer,
    however noise has renamed it. PI: the same set of parameters. CF: equal values (as Python
    compares them), where a gold value "None" stands for any other, and the values of the two last
    tools, which ask and finish, for any other as well.
4.  Comparing with one gold removes its "None" parameters from the call for all later golds.

Where the script stops with an exception (a JSON list with the right tool, a Python set), there is
no verdict to agree with; here such a reply is wrong.
"""

import json
import re
from ast import literal_eval
from collections.abc import Sequence
from typing import Any, NamedTuple
from warnings import catch_warnings, simplefilter

from tl.calls.schema import Tool

ANY = "None"  # a gold value that stands for every other
LEVELS = ("ts", "pi", "cf")
LITERAL_ERRORS = (ValueError, SyntaxError, TypeError, MemoryError, RecursionError)


class Said(NamedTuple):
    """A call as the script holds it: the name, and an input that need not be a dict."""

    name: str
    given: Any


NOTHING = Said("", 0)


def level_reached(said: Said, golds: Sequence[Said], tools: Sequence[Tool]) -> int:
    """0: nothing is right, 1: TS, 2: TS and PI, 3: all. The golds' inputs are dicts."""
    if not said.given or not isinstance(said.given, dict):
        return 0
    name, given, reached = said.name, dict(said.given), 0
    free = {"finish", "ask_to_user", *(tool.name for tool in tools[-2:])}
    for gold in golds:
        if name == "finish" and gold.name == tools[-1].name:
            name = gold.name
        if name != gold.name:
            continue
        reached = max(reached, 1)
        if given.keys() != gold.given.keys():
            continue
        reached = 2
        asked = {key: value for key, value in gold.given.items() if value != ANY}
        given = {key: given[key] for key in given if key in asked}
        if given == asked or gold.name in free:
            return 3
    return reached


def read_react(text: str) -> Said:
    """Thought / Action / Action Input; the name keeps its spaces, one line break is removed."""
    name = text[text.find("Action:") + 8 : text.find("Action Input:")]
    if not name:
        return NOTHING
    try:
        given = json.loads(text[text.find("Action Input:") + 14 :])
    except (ValueError, RecursionError):
        given = 0
    return Said(name.removesuffix("\n"), 0 if isinstance(given, str) else given)


def read_raven(text: str, version: int, tools: Sequence[Tool]) -> Said:
    """The call of a NexusRaven reply; version 1: "Initial Answer: ", 2: "Call: "."""
    call = _raven_call_1(text) if version == 1 else _raven_call_2(text)
    opening = call.find("(")
    name, arguments = call[:opening], call[opening:]
    if version == 1 and "=" not in arguments:
        given = _by_place(arguments, next((tool for tool in tools if tool.name == name), None))
    else:
        given = _as_dict(arguments)
    return Said(name, {key: given[key] for key in given if given[key] != ""} if given else 0)


def _raven_call_1(text: str) -> str:
    return text[text.find("Initial Answer: ") + 16 : text.find("\nReflection: ")]


def _raven_call_2(text: str) -> str:
    """The first of several calls, and of calls in calls the innermost."""
    call = text[6 : text.find("\nThought:") - 1].partition(";")[0]
    if call.count("(") == 1:
        return call
    end = call.find(")")
    if end < 0:
        return ""
    before = call.rfind("=", 0, max(0, call.rfind("(", 0, end)))
    return call[before + 1 if before >= 0 else 1 : end + 1]


def _as_dict(arguments: str) -> dict | None:
    """(a='x', b=1) as the dict that {'a':'x', 'b':1} spells; None where it spells none."""
    try:
        with catch_warnings():
            simplefilter("ignore")  # of unknown escapes
            given = literal_eval(_names_quoted(arguments.translate({40: "{", 41: "}", 61: "':"})))
    except (*LITERAL_ERRORS, IndexError):
        return None
    return given if isinstance(given, dict) else None


def _names_quoted(text: str) -> str:
    """A quote behind each `{` and, outside of strings, behind each `, `. The walk ends where the
    text ended before it grew, so what long texts gain stays without quotes.
    """
    characters, quotes = list(text), 0
    for place in range(len(text)):
        quotes += characters[place] == "'"
        if characters[place] == "{" and characters[place + 1] != "}":
            characters.insert(place + 1, "'")
        behind_comma = place > 0 and characters[place - 1 : place + 1] == [",", " "]
        if quotes % 2 == 0 and behind_comma and characters[place + 1] != "'":
            characters.insert(place + 1, "'")
    return "".join(characters)


def _by_place(arguments: str, tool: Tool | None) -> dict | None:
    """(x, y) as the first parameters of the tool, all values as texts."""
    match = re.search(r"\((.*)\)", arguments)
    values = match[1].split(", ") if match else []
    names = list(tool.properties) if tool else []
    return dict(zip(names, values, strict=False)) if len(values) <= len(names) else None
