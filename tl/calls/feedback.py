"""What a tool's feedback says about the call: all right, or one of the paper's six kinds of error.

The kinds are those of paper Figure 3, with the examples of Table 14. A call counts as wrong only
where the feedback *reports* an error; data that merely speaks about errors reports none
(`"errors": []`, a log, a page about exceptions). Three steps:

1. `read_report` takes the error messages out of the feedback, if its structure reports some
   (`{"error": ...}`, `{"success": false, ...}`, `Error: ...`, a traceback).
2. Text without such structure is an error only if it starts as one of the rows of `wordings.TABLE`
   that are errors alone: the wording of Python, of HTTP libraries, of tool runtimes.
3. The first row whose wording is in the message names the kind.

Tool and parameter errors are blamed on the call only where the message names the called tool: tools
raise the same texts about their own internals, and those are failures of the tool. Likewise a bare
quoted word is a KeyError only if it is an identifier with an underscore (`'related_searches'`) or a
value that the call gave (`'da'` for `tgt_lang="da"`); any other is an answer.

Where paper and data leave room. `{"error": "..."}` with a message of the tool's own domain (`Ticket
with ID 3 not found.`) is a tool call failure, as `{"error": "Response error."}` is in Table 14 and
as all such calls of the labelled BFCL trajectories are; Table 14's single "Others" (`Recently
completed scan for ... not found`) stands for results that are not there yet. An error report
without a message is "other" as well.
"""

import re
from functools import cache

from tl.calls.report import read_report
from tl.calls.schema import Call
from tl.calls.wordings import TABLE, ErrorType, Row

__all__ = ["ErrorType", "classify_feedback"]

HEAD = 2_000  # characters of a text or message that are looked at


def classify_feedback(text: str, call: Call) -> ErrorType | None:
    """The kind of error that the feedback `text` reports about `call`, or None: all right."""
    report = read_report(text)
    for message in report.errors:
        for row, pattern in _patterns():
            if _is_met(pattern.search(message[:HEAD]), call):
                return row.error
    for unmarked in report.texts:
        for row, pattern in _patterns():
            if row.alone and _is_met(pattern.match(unmarked[:HEAD]), call):
                return row.error
    return None


@cache
def _patterns() -> list[tuple[Row, re.Pattern]]:
    return [(row, row.pattern()) for row in TABLE]


def _is_met(match: re.Match | None, call: Call) -> bool:
    """Whether a row's wording was found and, where it names a tool or a value of the call, names
    the called one or one that the call gives.
    """
    if match is None:
        return False
    named = match.groupdict()
    tool, given = named.get("tool"), named.get("given")
    if given is not None and given not in _values(call):
        return False
    return tool is None or _is_called(tool.rstrip(".,:"), call.name)


def _values(call: Call) -> set[str]:
    values = [*call.arguments.values(), *call.positional]
    return {str(value) for value in values if isinstance(value, str | int)}


def _is_called(named: str, called: str) -> bool:
    """`GorillaFileSystem.cd` and `cd` are one tool; of `functions.cd`, `functions` is undefined."""
    return (
        named == called
        or named.endswith("." + called)
        or called.endswith("." + named)
        or called.startswith(named + ".")
    )
