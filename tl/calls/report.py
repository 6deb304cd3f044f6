"""Reading feedback: which part of it reports an error, and which part is only data.

Feedback is JSON, the repr of a Python value, either of them cut off at the end, or text. In a
structure an error is reported by a member that says so (`error`, `success: false`, a 4xx or 5xx
status code), at the top or in an envelope (`response`, `result`, `data`), never by words somewhere
in the data.
"""

import json
import re
from typing import Any, NamedTuple

from tl.calls.literals import QUOTES, read_string
from tl.calls.parse import CallError, scan_value


class Report(NamedTuple):
    """errors: messages that the feedback reports as errors. texts: text without structure, which
    may be the wording of an error or data.
    """

    errors: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()


# Keys are compared in lower case, without spaces, hyphens and underscores.
ERROR_KEYS = set(
    "error err errormessage errormsg errordescription errorcode errno errortype exception fault "
    "failurereason".split()
)
PLURAL_KEYS = set("errors exceptions errormessages".split())
FLAG_KEYS = set("iserror haserror isfailure".split())
SUCCESS_KEYS = set("success ok succeeded successful issuccess issuccessful".split())
MESSAGE_KEYS = set(
    "message msg detail details reason title text note notice information description hint "
    "statusmessage statustext".split()
)
TELLING_KEYS = set("message msg detail details reason note notice information".split())
STATUS_CODE_KEYS = set("statuscode httpstatus httpcode httpstatuscode responsecode".split())
STATUS_KEYS = set("status code cod state result".split()) | STATUS_CODE_KEYS
PAYLOAD_KEYS = set(
    "data result results response output body content items payload count total".split()
)
ENVELOPE_KEYS = set("response result results data output body status meta".split())
INCIDENTAL_KEYS = set(
    "type path timestamp requestid traceid instance links link documentationurl documentation help "
    "url method get parameters params request query lastupdated name stacktrace traceback jsonrpc "
    "id version time date".split()
)
LOG_KEYS = set("level loglevel severity".split())  # a record of a log, whatever it says

NO_ERROR_TEXTS = set("none null no ok false success n/a".split()) | {"", "no error", "no errors"}
STATUS_FAILURES = {"fail", "failed", "failure", "unsuccessful"}
MAX_ENVELOPES = 4

# `Error: ...`, `ValueError: ...`, `KeyError('x')`, `Error while calling f: ...`, `HTTP error 500`
REPORTED_LINE = re.compile(
    r"""
      (?:an?\s)?
      (?:(?:unexpected|unknown|internal|fatal|server|runtime|api|http|request|network|validation
         |authentication|authorization|execution|tool|database|system|parsing)\s)*
      (?:error|exception)\b\s*
      (?: [:!(\[] | -\s | \d{3}\b | \.?\s*$ | code:?\s\d
        | (?:has\s)?occurr?ed\b
        | (?:executing|calling|invoking|running|processing|fetching|parsing|getting|loading|making
            |while|when|during|from|in)\b )
    | (?-i: (?:[\w.]+\.)? [A-Z]\w*(?:Error|Exception|Timeout|Interrupt|Exit|Iteration) )
      (?: :\s | :?$ | \( )
    | (?:\w+\s){0,3} failed (?: : | \s\( | \s(?:with|due|because)\b | \W*$ )
    """,
    re.VERBOSE | re.IGNORECASE,
)
LOG_LINE = re.compile(r"\W*(?:\d[\d\s:.,TZ/+-]*\W*)?(?:INFO|WARN|WARNING|DEBUG|TRACE)\b")
TRACEBACK = "Traceback (most recent call last)"


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
            position = _skip(text, position)
            if text[position : position + 1] != ":":
                return members or None
            members[key] = text[position + 1 :].strip().strip("'\"")
            members[key], position = scan_value(text, position + 1)
        except CallError:
            return members or None
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
    if not lines:
        return Report()
    if lines[0].startswith(TRACEBACK):
        return Report(errors=(lines[-1],))
    if REPORTED_LINE.match(lines[0]) and not any(LOG_LINE.match(line) for line in lines):
        return Report(errors=(text,)) if TRACEBACK not in text else Report(errors=(lines[-1],))
    return Report(texts=(text,))


# Structure


def _read_structure(value: dict | list, depth: int) -> Report:
    if isinstance(value, list):
        return _read_list(value, depth)
    members = {_plain(key): item for key, item in value.items()}
    if _reports_error(members):
        return Report(errors=("\n".join(_messages(members)),))
    if depth < MAX_ENVELOPES:
        for key in ENVELOPE_KEYS & members.keys():
            if isinstance(members[key], dict | list):
                inside = _read_structure(members[key], depth + 1)
                if inside.errors:
                    return Report(errors=inside.errors)
    if _is_only_message(members):
        return _merge([_read_text(text, depth + 1) for text in _texts(members, MAX_ENVELOPES)])
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


def _plain(key: Any) -> str:
    return re.sub(r"[\s_-]", "", str(key)).lower()


def _reports_error(members: dict[str, Any]) -> bool:
    """Whether an object reports an error: the vaguer the sign, the less data may stand by it."""
    known = ERROR_KEYS | PLURAL_KEYS | FLAG_KEYS | SUCCESS_KEYS | MESSAGE_KEYS | STATUS_KEYS
    bare = not (members.keys() - known - PAYLOAD_KEYS - INCIDENTAL_KEYS)  # no data of its own
    told = any(members.get(key) for key in MESSAGE_KEYS)
    if LOG_KEYS & members.keys() and not bare:
        return False
    status = _word(members.get("status"))
    named = (
        any(_tells(members[key], bare) for key in ERROR_KEYS & members.keys())
        or any(_tells_many(members, key, bare) for key in PLURAL_KEYS & members.keys())
        or any(_is_true(members[key]) for key in FLAG_KEYS & members.keys())
    )
    denied = (
        status == "error"
        or any(_is_false(members[key]) for key in SUCCESS_KEYS & members.keys())
        or any(_is_http_error(members[key]) for key in STATUS_CODE_KEYS & members.keys())
    )
    coded = _word(members.get("type")) == "error" or any(
        _is_http_error(members.get(key)) for key in ("status", "code", "cod")
    )
    return (
        named
        or (denied and (bare or told))
        or (status in STATUS_FAILURES and bare)
        or (coded and bare and told)
    )


def _tells(value: Any, bare: bool) -> bool:
    """Whether the value of an error member is an error. A float is a measurement; so is an integer,
    unless it stands without data (`{"error": 17}`) or is a status.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, float):
        return False
    if isinstance(value, int):
        return value != 0 and (bare or _is_http_error(value))
    if isinstance(value, str):
        told = _word(value) not in NO_ERROR_TEXTS
        return told and (any(c.isalpha() for c in value) or _is_http_error(value) or bare)
    return bool(value)


def _tells_many(members: dict[str, Any], key: str, bare: bool) -> bool:
    """A list of errors is the report of the call only where no result stands beside it."""
    value = members[key]
    if not isinstance(value, list | dict | str) or not value:
        return False
    payload = any(members[k] for k in PAYLOAD_KEYS & members.keys())
    return bare and not payload


def _is_only_message(members: dict[str, Any]) -> bool:
    """Nothing but a message: `{"message": "Not Found"}`, `{"result": "Error: ..."}`."""
    told = {key for key, value in members.items() if value not in (None, "", False)}
    speaking = TELLING_KEYS | {"result", "output", "response"}
    succeeded = _word(members.get("status")) in NO_ERROR_TEXTS - {""}
    return bool(told & speaking) and told <= speaking | STATUS_KEYS and not succeeded


def _messages(members: dict[str, Any]) -> list[str]:
    """Everything that an error report says about itself; a status code becomes `HTTP 404`."""
    said = ERROR_KEYS | PLURAL_KEYS | MESSAGE_KEYS | STATUS_KEYS
    if any(_is_true(members[key]) for key in FLAG_KEYS & members.keys()):
        said = said | {"content"}  # MCP: {"isError": true, "content": [{"type": "text", ...}]}
    return _texts({k: v for k, v in members.items() if k in said}, MAX_ENVELOPES)


def _texts(value: Any, depth: int, key: str = "") -> list[str]:
    if key in STATUS_KEYS | ERROR_KEYS and _is_http_error(value):
        return [f"HTTP {value}"]
    if isinstance(value, str):
        return [value] if key not in ("status", "state", "type") else []
    if depth and isinstance(value, list):
        return [text for item in value for text in _texts(item, depth - 1)]
    if depth and isinstance(value, dict):
        return [text for k, item in value.items() for text in _texts(item, depth - 1, _plain(k))]
    return []


def _word(value: Any) -> str:
    return value.strip().strip(".").lower() if isinstance(value, str) else ""


def _is_true(value: Any) -> bool:
    return value is True or _word(value) == "true"


def _is_false(value: Any) -> bool:
    return value is False or _word(value) == "false"


def _is_http_error(value: Any) -> bool:
    """A status of 400 to 599, as a number or its digits."""
    if isinstance(value, str) and re.fullmatch(r"[45]\d\d", value.strip()):
        return True
    return isinstance(value, int) and not isinstance(value, bool) and 400 <= value <= 599
