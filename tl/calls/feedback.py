"""What a tool's feedback says about the call: all right, or one of the paper's six kinds of error.

The kinds are those of paper Figure 3, with the examples of Table 14. A call counts as wrong only
where the feedback *reports* an error; data that merely speaks about errors does not (`"errors": []`,
a log, a page about exceptions). Three steps:

1. `report.read_report` takes the error message out of the feedback, if its structure reports one
   (`{"error": ...}`, `{"success": false, ...}`, `Error: ...`, a traceback).
2. Text without such structure is an error only if it starts as one of the table's rows that are
   `alone`: the wording of Python, of HTTP libraries, of tool runtimes.
3. The first row of the table whose wording is in the message names the kind.

Tool and parameter errors are blamed on the call only where the message names the called tool: tools
raise the same texts about their own internals, and those are failures of the tool.

Where paper and data leave room. `{"error": "..."}` with a message of the tool's own domain (`Ticket
with ID 3 not found.`) is a tool call failure, as `{"error": "Response error."}` is in Table 14 and as
all 49 such calls of the labelled BFCL trajectories are; Table 14's single "Others" (`Recently
completed scan for ... not found`) stands for results that are not there yet. An error report without
a message is "other" as well.
"""

import re
from enum import Enum
from typing import NamedTuple

from tl.calls.report import read_report
from tl.calls.schema import Call


class ErrorType(str, Enum):
    """The kinds of paper Figure 3. The first three are errors of understanding the documentation
    (the paper's DE), the others errors of the call (CE).
    """

    TOOL_HALLUCINATION = "tool_hallucination"
    PARAMETER_HALLUCINATION = "parameter_hallucination"
    PARAMETER_MISSING = "parameter_missing"
    TOOL_INSTABILITY = "tool_instability"
    TOOL_CALL_FAILURE = "tool_call_failure"
    OTHER_ERROR = "other_error"


class Row(NamedTuple):
    """error: the kind. alone: True where the wording at the start of a text without any structure
    is an error by itself. wording: a regular expression; what it calls `tool` must be the called
    tool. source: where the wording is from.
    """

    error: ErrorType
    alone: bool
    wording: str
    source: str


NO_TOOL = ErrorType.TOOL_HALLUCINATION
NO_PARAMETER = ErrorType.PARAMETER_HALLUCINATION
MISSING = ErrorType.PARAMETER_MISSING
INSTABILITY = ErrorType.TOOL_INSTABILITY
FAILURE = ErrorType.TOOL_CALL_FAILURE
OTHER = ErrorType.OTHER_ERROR

Q = r"[\"'`‘’“”]"  # Table 14 is typeset with curly quotes
NAMED = rf"{Q}?(?P<tool>[^\s\"'`‘’“”(),;]+){Q}?"
CALLED = r"(?P<tool>[\w.<>$:/-]+)\(\)"

TABLE = [
    # The called tool does not exist
    Row(NO_TOOL, True, rf"name {NAMED} (?:is|if) not defined", "Python NameError; Table 14"),
    Row(NO_TOOL, True, rf"cannot import name {NAMED} from", "ToolEyes loop: `from x import tool`"),
    Row(NO_TOOL, True, rf"(?:module|type object) {Q}.*{Q} has no attribute {NAMED}", "Python"),
    Row(NO_TOOL, True, rf"{Q}\w+{Q} object has no attribute {NAMED}", "Python: tools as methods"),
    Row(
        NO_TOOL,
        True,
        r"(?:unknown|invalid|unrecognized|undefined|unsupported|no such|non-?existent|no)"
        rf" (?:tool|function|action|api|method)s?(?: name)?(?: called| named)?:? {NAMED}",
        "tool runtimes (MCP `Unknown tool: x`)",
    ),
    Row(
        NO_TOOL,
        True,
        rf"(?:the )?(?:tool|function|action|api|method) {NAMED} (?:is |was |does )?"
        r"(?:not found|not exist|not available|not defined|unknown|not registered)",
        "tool runtimes",
    ),
    Row(NO_TOOL, True, rf"{NAMED} is not a (?:valid|known) (?:tool|function)", "LangChain"),
    # The called tool has no such parameter
    Row(NO_PARAMETER, True, rf"{CALLED} got an unexpected keyword argument", "Python; Table 14"),
    Row(NO_PARAMETER, True, rf"{CALLED} got multiple values for", "Python TypeError"),
    Row(NO_PARAMETER, True, rf"{CALLED} got some positional-only arguments", "Python TypeError"),
    Row(NO_PARAMETER, True, rf"{CALLED} takes .*\barguments?\b", "Python: too many arguments"),
    Row(NO_PARAMETER, True, rf".* is an invalid keyword argument for {CALLED}", "Python builtins"),
    # The call lacks a required parameter
    Row(MISSING, True, rf"{CALLED} missing (?:\d+ )?required .*argument", "Python; Table 14"),
    Row(MISSING, True, rf"{CALLED} expected at least \d+ argument", "Python builtins"),
    # The service could not be reached, refused or broke down
    Row(INSTABILITY, True, r"HTTPS?ConnectionPool\(", "urllib3; Table 14"),
    Row(INSTABILITY, True, r"\w*Max retries exceeded with url", "urllib3; Table 14"),
    Row(INSTABILITY, True, r"(?:HTTP(?: Error| status)? ?)?:?\(?[45]\d\d (?:Client|Server) Error\b",
        "requests; Table 14"),
    Row(INSTABILITY, True, r"HTTP(?:/[\d.]+)?(?: Error| status)?(?: code)?:? ?[45]\d\d\b",
        "urllib, and report.py for a status code"),
    Row(INSTABILITY, True, r"\b(?:400:? Bad Request|401:? Unauthorized|403:? Forbidden|404:? Not "
        r"Found|405:? Method Not|408:? Request Time|429:? Too Many|500:? Internal|502:? Bad Gate|"
        r"503:? Service|504:? Gateway)", "HTTP, RFC 9110"),
    Row(INSTABILITY, True, r"(?:Internal Server Error|Bad Gateway|Service Unavailable|"
        r"Gateway Time-?out|Too Many Requests|Forbidden|Unauthorized|"
        r"Missing Authentication Token)\W*\Z", "HTTP, RFC 9110; API gateways"),
    Row(INSTABILITY, True, r"<(?:!doctype )?html.{0,400}<title>\s*(?:[45]\d\d\b|error\b)",
        "error pages of proxies"),
    Row(INSTABILITY, True, r"Invalid API call", "Alpha Vantage; Table 14, mae.py"),
    Row(INSTABILITY, True, r"(?:api )?(?:connection|network) ?error\s*(?:[:.!,(-]|\Z)",
        "ToolEyes; mae.py"),
    Row(INSTABILITY, True, r"\(?['\"]?Connection (?:aborted|refused|reset|timed out|broken|closed)",
        "urllib3"),
    Row(INSTABILITY, True, r"\[Errno (?:-\d|32|54|6\d|101|104|11[0-3])\]|<urlopen error",
        "socket, urllib"),
    Row(INSTABILITY, True, r"Remote end closed connection|Response ended prematurely|"
        r"Temporary failure in name resolution|Name or service not known|Network is unreachable|"
        r"Server disconnected|\[SSL:|EOF occurred in violation|IncompleteRead", "http.client, ssl"),
    Row(INSTABILITY, True, r"(?:the |your )?(?:\w+ ){0,3}(?:timed out|timeout)\b(?: after .*| while "
        r".*|\. \(.*|: .*|\W*)\Z", "requests, socket, asyncio"),
    Row(INSTABILITY, True, r"(?:api )?rate limit(?: has been)? (?:exceeded|reached)|(?:you have |"
        r"you've )?(?:exceeded|reached) (?:the|your) .*\b(?:limit|quota)|quota exceeded|access denied|"
        r"you are not subscribed to this api",
        "API providers; RoTBench Third_Turn"),
    Row(INSTABILITY, True, r"please try again(?: later)?\W*\Z", "RoTBench Third_Turn"),
    Row(INSTABILITY, False, r"ConnectionError|ConnectTimeout|ReadTimeout|TimeoutError|\btimed out"
        r"|\btime-?out\W*\Z|connection (?:refused|reset|error)|try again later|too many requests|rate limit|"
        r"temporarily unavailable|service unavailable|server error|bad gateway|client error|"
        r"server (?:is )?(?:down|busy|overloaded)|network error", "mae.py; requests"),
    # The tool ran on these arguments and failed
    Row(FAILURE, True, r"Response error", "ToolEyes; Table 14, mae.py"),
    Row(FAILURE, True, rf"{Q}\S+{Q} not supported between instances of", "Python; Table 14"),
    Row(FAILURE, True, r"Object of type \w+ is not JSON serializable", "json; Table 14, mae.py"),
    Row(FAILURE, True, r"slice indices must be integers", "Python; mae.py"),
    Row(FAILURE, True, r"'[^'\n]{0,100}'\Z", "Python KeyError: the key alone (mae.py's pattern)"),
    Row(FAILURE, True, r"(?:unknown|unrecognized|no such) (?:tool|function|action|api|method)\b|"
        r"\S+ is not a (?:valid|known) (?:tool|function)", "tool runtimes, about another tool"),
    Row(FAILURE, True, rf"name {Q}.*{Q} is not defined|cannot import name {Q}|[\w.<>]+\(\) "
        r"(?:got an? |got multiple|got some|missing .*required|takes )|"
        r".* is an invalid keyword argument for", "Python, about the tool's internals"),
    Row(FAILURE, True, rf"(?:module |type object )?{Q}[\w.]+{Q} (?:object|module )?.*has no attribute",
        "Python"),
    Row(FAILURE, True, rf"{Q}?\w+{Q}? (?:object|objects) (?:is|are|do|does|cannot|must|has|have) ",
        "Python TypeError"),
    Row(FAILURE, True, r"unsupported (?:operand|type|format)|can(?:'t|not| only) (?:multiply|concat"
        r"|convert|unpack|access|interpret|assign|index|be )|can only concatenate|bad operand type|"
        r"unhashable type|must be (?:real number|str|a string)|an integer is required|argument of "
        r"type|object of type", "Python TypeError"),
    Row(FAILURE, True, r"(?:\w+ )?(?:assignment )?ind(?:ex|ices) (?:out of range|must be)|pop from "
        r"(?:an )?empty|(?:local|free|cannot access local) variable", "Python"),
    Row(FAILURE, True, r"could not convert|invalid literal for|cannot create mpf|(?:not enough|too "
        r"many) values to unpack|expected (?:str|string|bytes)\b|time data '|unconverted data|"
        r"Invalid isoformat|(?:day|month|year|hour|minute|second) .*(?:is out of range|must be in)|"
        r"substring not found|\w+\(\) arg is an empty|.* is not in (?:list|tuple)\Z|"
        r"list\.remove\(x\)|\w+\(\) (?:argument|missing|expected)", "Python ValueError, TypeError"),
    Row(FAILURE, True, r"(?:\w+ )*division (?:or modulo )?by zero|math (?:domain|range) error|"
        r"maximum recursion depth|No module named|invalid syntax|'\w+' codec can't", "Python"),
    Row(FAILURE, True, r"(?:Expecting (?:value|property name|',' delimiter|':' delimiter)|Extra "
        r"data|Unterminated string starting at|Invalid \\escape|Invalid control character at).*"
        r"\bline \d+ column", "json"),
    Row(FAILURE, True, r"\[Errno \d+\]|(?:/bin/)?(?:ba|z|da)?sh: |[^\n]*: No such file or directory"
        r"\Z|[^\n]*: command not found\Z|[^\n]*Permission denied\Z", "os, shell"),
    Row(FAILURE, True, r"(?:Invalid URL '|No connection adapters were found|Missing dependencies)",
        "requests"),
    Row(OTHER, False, r"\brecently completed\b.* not found|\bnot (?:yet )?(?:ready|completed)\b|"
        r"\bstill (?:running|processing|in progress)\b", "Table 14, Others"),
    Row(OTHER, True, r"Your output format does not match", "ToolEyes loop"),
    Row(FAILURE, True, r"missing (?:required |mandatory )?(?:argument|parameter|field|value|key)s?\b|"
        r"\d+ validation errors? for|(?:<\?xml[^>]*>\s*)?<error\b", "tool runtimes, pydantic, XML"),
    Row(FAILURE, True, r"Please (?:specify|provide|enter|supply) [^\n]{1,200}\Z", "ToolEyes tools"),
    Row(FAILURE, True, r"(?:I'm )?(?:sorry, )?(?:failed to|unable to|could ?n[o']t|can ?not|can't) "
        r"[^\n]{1,300}\Z", "tool runtimes"),
    Row(FAILURE, True, r"(?:no (?:available )?[^\n]{1,80} (?:for|with) the (?:given|specified|"
        r"provided|requested)\b|invalid [^\n]{1,150}\Z)", "BFCL backends"),
    Row(FAILURE, True, r"[^\n]{0,120}\b(?:not found|does(?: not|n't) exist|(?:is|was) (?:not |in)"
        r"(?:valid|supported|allowed|recognized))\W*\Z", "BFCL backends, ToolEyes tools"),
    Row(FAILURE, False, r"\A(?!\W*(?:error|exception|failed|failure)[\W\d]*\Z).*[^\W\d_]{2}",
        "a message of the tool's domain; see above"),
    Row(OTHER, False, r"", "an error without a message"),
]
WORDINGS = [re.compile(row.wording, re.IGNORECASE | re.DOTALL) for row in TABLE]
HEAD = 2_000  # characters of a text or message that are looked at


def classify_feedback(text: str, call: Call) -> ErrorType | None:
    """The kind of error that the feedback `text` reports about `call`, or None: all right."""
    report = read_report(text)
    for line in report.errors:
        for row, wording in zip(TABLE, WORDINGS, strict=True):
            if _is_met(wording.search(line[:HEAD]), call):
                return row.error
    for line in report.texts:
        for row, wording in zip(TABLE, WORDINGS, strict=True):
            if row.alone and _is_met(wording.match(line[:HEAD]), call):
                return row.error
    return None


def _is_met(match: re.Match | None, call: Call) -> bool:
    """Whether a row's wording was found and, where it names a tool, names the called one."""
    if match is None:
        return False
    named = match.groupdict().get("tool")
    return named is None or _is_called(named.rstrip(".,:"), call.name)


def _is_called(named: str, called: str) -> bool:
    """`GorillaFileSystem.cd` and `cd` are one tool; `functions` is what `functions.cd` starts with."""
    return (
        named == called
        or named.endswith("." + called)
        or called.endswith("." + named)
        or called.startswith(named + ".")
    )
