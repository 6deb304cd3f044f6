"""Which objects report an error: read from the members that an object has, and from those beside
them.

The vaguer a sign, the less may stand by it. `isError: true` is a report whatever else there is;
`success: false` needs a message or nothing beside it; a text under `error` is a report only where
the object is *bare*: all its other members are fields of a report (code, status, message, request
id ...) or are unset. `{"printer": "HP", "error": "paper jam"}` is data about a printer. What says
that the call succeeded (`status: completed`, `success: true`) overrules all signs.

An object is given as its members, their keys as `plain_key` writes them.
"""

import re
from typing import Any

Members = dict[str, Any]

# Keys in lower case, without spaces, hyphens and underscores.
ERROR_KEYS = set(
    "error err errormessage errormsg errmsg errordescription errorcode errcode errno errortype "
    "errordetail errordetails exception fault failurereason".split()
)
PLURAL_KEYS = set("errors exceptions errormessages".split())
FLAG_KEYS = set("iserror haserror isfailure".split())
SUCCESS_KEYS = set("success ok succeeded successful issuccess issuccessful".split())
TELLING_KEYS = set("message msg detail details reason note notice information".split())
MESSAGE_KEYS = TELLING_KEYS | set("title text description hint statusmessage statustext".split())
STATUS_CODE_KEYS = set("statuscode httpstatus httpcode httpstatuscode responsecode".split())
WORD_KEYS = set("status state result outcome".split())  # `status: failed`
EXIT_KEYS = set("exitcode returncode exitstatus retcode rc".split())
STATUS_KEYS = WORD_KEYS | STATUS_CODE_KEYS | EXIT_KEYS | {"code", "cod"}
PAYLOAD_KEYS = set(
    "data result results response output body content items payload count total".split()
)
ENVELOPE_KEYS = set("response result results data output body status meta".split())
INCIDENTAL_KEYS = set(
    "type path timestamp time trace traceid stack stacktrace traceback syscall instance links link "
    "requestid retryafter documentationurl documentation moreinfo help jsonrpc extensions kind "
    "apiversion "
    # the call, repeated
    "apiname tool toolname function url method get input arguments args parameters params request "
    "query".split()
)
REPORT_KEYS = (
    ERROR_KEYS | PLURAL_KEYS | FLAG_KEYS | SUCCESS_KEYS | MESSAGE_KEYS | INCIDENTAL_KEYS
    | (STATUS_KEYS - PAYLOAD_KEYS)
)  # fmt: skip

UNSET_TEXTS = set("none null no false n/a".split()) | {""}
NO_ERROR_TEXTS = UNSET_TEXTS | {"ok", "success", "no error", "no errors"}
SUCCESS_WORDS = set("ok success successful succeeded complete completed done finished".split())
FAILURE_WORDS = set("fail failed failure unsuccessful".split())

# `InvalidParameter`, `NOT_FOUND`, `ECONNRESET`; `ValidationException` as the name of a type.
ERROR_CODE = re.compile(
    r"(?=.*(?:invalid|error|exception|fault|denied|not_?found|missing|fail|unauth|forbidden|illegal"
    r"|throttl|exceeded|exhausted|unavailable|time_?out|expired|bad_?request|unknown|unsupported"
    r"|malformed|required|no_?such|(?-i:\AE[A-Z]{4})))[\w.:#/-]{3,150}\Z",
    re.IGNORECASE,
)
ERROR_TYPE = re.compile(r"[\w.:#/-]{0,150}(?:error|exception|fault)\Z", re.IGNORECASE)
FAILING_TEXT = re.compile(
    r"(?<!no )(?<!0 )\b(?:fail|error|invalid|illegal|denied|missing|not found|expired|unauth"
    r"|forbidden|required)",
    re.IGNORECASE,
)


def plain_key(key: Any) -> str:
    return re.sub(r"[\s_-]", "", str(key)).lower()


def reports_error(members: Members) -> bool:
    """Whether an object reports an error."""
    if _succeeded(members):
        return False
    bare = _is_bare(members)
    return _is_named(members, bare) or _is_denied(members, bare) or _is_coded(members, bare)


def is_only_message(members: Members) -> bool:
    """Nothing but a message: `{"message": "Not Found"}`, `{"result": "Error: ..."}`. A `false` is
    an answer.
    """
    told = {key for key, value in members.items() if value is False or not _is_unset(value)}
    speaking = TELLING_KEYS | {"result", "output", "response"}
    fields = speaking | STATUS_KEYS | INCIDENTAL_KEYS
    succeeded = _succeeded(members) or _is_zero(members.get("code"))
    return bool(told & speaking) and told <= fields and not succeeded


def messages(members: Members, depth: int) -> list[str]:
    """Everything that an error report says about itself; a status code becomes `HTTP 404`."""
    said = ERROR_KEYS | PLURAL_KEYS | MESSAGE_KEYS | STATUS_KEYS | {"stderr"}
    if _has_flag(members):
        said = said | {"content"}  # MCP: {"isError": true, "content": [{"type": "text", ...}]}
    if _word(members.get("status")) == "fail":
        said = said | {"data"}
    named = [members[key] for key in ("type", "name") if _is_match(ERROR_TYPE, members.get(key))]
    return named + texts_in({key: members[key] for key in members if key in said}, depth)


def texts_in(value: Any, depth: int, key: str = "") -> list[str]:
    """The texts of a value, up to `depth` levels down."""
    if key in STATUS_KEYS | ERROR_KEYS and _is_http_error(value):
        return [f"HTTP {value}"]
    if isinstance(value, str):
        return [value] if key not in ("status", "state", "type") else []
    if depth and isinstance(value, list):
        return [text for item in value for text in texts_in(item, depth - 1)]
    if depth and isinstance(value, dict):
        return [t for k, item in value.items() for t in texts_in(item, depth - 1, plain_key(k))]
    return []


# Signs of an error


def _is_named(members: Members, bare: bool) -> bool:
    """By a member called error."""
    told = any(members.get(key) for key in MESSAGE_KEYS)
    payload = any(not _is_unset(members[key]) for key in PAYLOAD_KEYS & members.keys())
    return (
        _has_flag(members)
        or any(_tells(members[key], bare, told, payload) for key in ERROR_KEYS & members.keys())
        or any(_tells_many(members[key], members, bare) for key in PLURAL_KEYS & members.keys())
    )


def _tells(value: Any, bare: bool, told: bool, payload: bool) -> bool:
    """Whether the value of an error member is an error. A float is a measurement; so is an integer,
    unless it stands without data (`{"error": 17}`). An object with a message of its
    own may stand beside data that is no result (the id of a request, the name of a model).
    """
    if isinstance(value, bool):
        return value and (bare or told)
    if isinstance(value, float):
        return False
    if isinstance(value, str):
        return _word(value) not in NO_ERROR_TEXTS and bare
    if isinstance(value, dict) and TELLING_KEYS & {plain_key(key) for key in value}:
        return not payload
    return bool(value) and bare


def _tells_many(value: Any, members: Members, bare: bool) -> bool:
    """A list of errors is the report of the call only where no result stands beside it, and no
    verdict: `{"valid": false, "errors": ["bad zip"]}`.
    """
    verdict = any(members[key] is False for key in members.keys() - SUCCESS_KEYS - PAYLOAD_KEYS)
    return isinstance(value, list | dict | str) and bool(value) and bare and not verdict


def _is_denied(members: Members, bare: bool) -> bool:
    """By a member that says that the call did not succeed."""
    status = {_word(members.get(key)) for key in WORD_KEYS}
    spoken = {key for key in MESSAGE_KEYS | ERROR_KEYS if members.get(key)}
    denials = [members[key] for key in SUCCESS_KEYS & members.keys()]
    refused = any(_is_http_error(members[key]) for key in STATUS_CODE_KEYS & members.keys())
    failed = "error" in status or any(v is False or _word(v) == "false" for v in denials)
    exited = any(members[key] not in (0, "0", None) for key in EXIT_KEYS & members.keys())
    answered = "url" not in members and _is_bare(members, {"body"})  # not the check of a link
    return (
        (failed and bool(bare or spoken))
        or (refused and bool(answered or spoken))
        or (bool(status & FAILURE_WORDS) and bool(bare or spoken & ERROR_KEYS))
        or ("fail" in status and _is_bare(members, {"data"}))  # JSend: data tells what is wrong
        or (any(_is_zero(value) for value in denials) and bare and bool(spoken))
        or (exited and bool(_word(members.get("stderr"))))
    )


def _is_coded(members: Members, bare: bool) -> bool:
    """By a code beside a message: of HTTP, of a service, the name of an exception."""
    told = any(members.get(key) for key in TELLING_KEYS)
    titled = told or any(members.get(key) for key in MESSAGE_KEYS)
    code = members.get("code")
    named = _is_match(ERROR_TYPE, members.get("type")) or _is_match(ERROR_TYPE, members.get("name"))
    coded = _is_http_error(code) or _is_match(ERROR_CODE, code) or _is_failing_code(members)
    coded = coded or (isinstance(code, str) and {"details", "hint"} <= members.keys())  # PostgREST
    if not _is_bare(members, {"name"} if named else set()):
        return False
    return (titled and any(_is_http_error(members.get(key)) for key in ("status", "cod"))) or (
        told and (named or coded or "documentationurl" in members)  # GitHub: only errors have it
    )


def _is_failing_code(members: Members) -> bool:
    """`{"code": -1, "msg": ...}`, `{"code": 1, "message": "fail"}`; 0 is success."""
    code = members.get("code")
    if not isinstance(code, int) or isinstance(code, bool) or code == 0:
        return False
    texts = [members[k] for k in ("message", "msg") if isinstance(members.get(k), str)]
    succeeded = any(_word(text) in SUCCESS_WORDS for text in texts)
    return bool(texts) and not succeeded and (code < 0 or any(map(FAILING_TEXT.search, texts)))


# Values


def _is_bare(members: Members, allowed: set[str] = frozenset()) -> bool:
    """Whether an object has no data of its own beside the fields of a report."""
    return all(
        key in REPORT_KEYS
        or key in allowed
        or _is_unset(value)
        or (key in WORD_KEYS and _word(value) in FAILURE_WORDS | {"error"})
        for key, value in members.items()
    )


def _is_unset(value: Any) -> bool:
    """Nothing, false, zero, or an object of unset members (`{"user": null}`)."""
    if isinstance(value, str):
        return _word(value) in UNSET_TEXTS
    if isinstance(value, dict):
        return all(item is None for item in value.values())
    return not value


def _succeeded(members: Members) -> bool:
    return (
        any(_word(members.get(key)) in SUCCESS_WORDS for key in WORD_KEYS)
        or any(
            members[key] is True or _word(members[key]) == "true"
            for key in SUCCESS_KEYS & members.keys()
        )
        or any(members[key] == [] for key in PLURAL_KEYS & members.keys())  # none were found
    )


def _has_flag(members: Members) -> bool:
    flags = [members[key] for key in FLAG_KEYS & members.keys()]
    return any(value is True or _word(value) == "true" for value in flags)


def _word(value: Any) -> str:
    return value.strip().strip(".").lower() if isinstance(value, str) else ""


def _is_match(pattern: re.Pattern, value: Any) -> bool:
    return isinstance(value, str) and pattern.match(value[:200]) is not None


def _is_zero(value: Any) -> bool:
    return value == 0 and not isinstance(value, bool | float) or value == "0"


def _is_http_error(value: Any) -> bool:
    """A status of 400 to 599, as a number or its digits."""
    if isinstance(value, str) and re.fullmatch(r"[45]\d\d", value.strip()):
        return True
    return isinstance(value, int) and not isinstance(value, bool) and 400 <= value <= 599
