"""The wordings of tool errors: one table, read from the top, the first match wins.

A row is (kind of error, alone, source, wordings). ALONE: a text that starts with one of the
wordings is an error. REPORTED: the row only names the kind of an error that the feedback reports by
its structure. Wordings are regular expressions, case is ignored, `.` is any character. What a
wording calls `tool` must be the called tool, otherwise it is not met.
"""

import re
from enum import Enum
from typing import NamedTuple


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
    """See the module docstring."""

    error: ErrorType
    alone: bool
    source: str
    wordings: tuple[str, ...]

    def pattern(self) -> re.Pattern:
        return re.compile("|".join(self.wordings), re.IGNORECASE | re.DOTALL)


NO_TOOL = ErrorType.TOOL_HALLUCINATION
NO_PARAMETER = ErrorType.PARAMETER_HALLUCINATION
MISSING = ErrorType.PARAMETER_MISSING
INSTABILITY = ErrorType.TOOL_INSTABILITY
FAILURE = ErrorType.TOOL_CALL_FAILURE
OTHER = ErrorType.OTHER_ERROR
ALONE, REPORTED = True, False

Q = r"[\"'`‘’“”]"  # Table 14 is typeset with curly quotes
NAMED = rf"{Q}?(?P<tool>[^\s\"'`‘’“”(),;]+){Q}?"
CALLED = r"(?P<tool>[\w.<>$:/-]+)\(\)"
KIND = r"(?:tool|function|action|api|method)"
UNKNOWN = r"(?:unknown|invalid|unrecognized|undefined|unsupported|no such|non-?existent|no)"

# fmt: off
TABLE = (
    # The called tool does not exist.
    Row(NO_TOOL, ALONE, "Python NameError; Table 14 (with a misprint)", (
        rf"name {NAMED} (?:is|if) not defined",)),
    Row(NO_TOOL, ALONE, "ToolEyes' loop: `from <toolbox>.tool import <tool>`", (
        rf"cannot import name {NAMED} from",)),
    Row(NO_TOOL, ALONE, "Python AttributeError: tools of a module", (
        rf"(?:module|type object) {Q}.*{Q} has no attribute {NAMED}",)),
    Row(NO_TOOL, ALONE, "Python AttributeError: tools as methods", (
        rf"{Q}\w+{Q} object has no attribute {NAMED}",)),
    Row(NO_TOOL, ALONE, "tool runtimes (MCP: `Unknown tool: x`)", (
        rf"{UNKNOWN} {KIND}s?(?: name)?(?: called| named)?:? {NAMED}",)),
    Row(NO_TOOL, ALONE, "tool runtimes", (
        rf"(?:the )?{KIND} {NAMED} (?:is |was |does )?"
        r"(?:not found|not exist|not available|not defined|unknown|not registered)",)),
    Row(NO_TOOL, ALONE, "tool runtimes", (
        rf"{KIND} not found: {NAMED}",)),
    Row(NO_TOOL, ALONE, "JavaScript", (
        rf"{NAMED} is not (?:defined|a function)\W*\Z",)),
    Row(NO_TOOL, ALONE, "LangChain", (
        rf"{NAMED} is not a (?:valid|known) (?:tool|function)",)),

    # The called tool has no such parameter.
    Row(NO_PARAMETER, ALONE, "Python TypeError; Table 14", (
        rf"{CALLED} (?:got an unexpected keyword argument|got multiple values for"
        r"|got some positional-only arguments|takes .*\barguments?\b)",)),
    Row(NO_PARAMETER, ALONE, "Python TypeError, builtins", (
        rf".{{1,80}} is an invalid keyword argument for {CALLED}",)),
    Row(NO_PARAMETER, ALONE, "tool runtimes", (
        r"unexpected (?:keyword )?(?:argument|parameter)s?\b.{1,80} (?:for|to) "
        rf"(?:{KIND} )?{NAMED}",
    )),

    # The call lacks a required parameter.
    Row(MISSING, ALONE, "Python TypeError; Table 14", (
        rf"{CALLED} (?:missing (?:\d+ )?required .*(?:argument|parameter)"
        r"|expected at least \d+ argument)",)),
    Row(MISSING, ALONE, "tool runtimes", (
        r"missing (?:required )?(?:argument|parameter)s?\b.{1,80} (?:for|to) "
        rf"(?:{KIND} )?{NAMED}",
    )),

    # The service could not be reached, refused, or broke down.
    Row(INSTABILITY, ALONE, "urllib3, requests; Table 14, mae.py", (
        r"HTTPS?ConnectionPool\(",
        r"Max retries exceeded with url",
        r"\(?['\"]?Connection (?:aborted|refused|reset|timed out|broken|closed)",
        r"(?:HTTP(?: Error| status)? ?)?:?\(?[45]\d\d (?:Client|Server) Error\b",
        r"<Response \[[45]\d\d\]>")),
    Row(INSTABILITY, ALONE, "httpx, curl, Node", (
        r"(?:Client|Server) error '[45]\d\d ", r"curl: \(\d+\)",
        r"The requested URL returned error", r"(?:\w+ )?E(?:CONN\w+|TIMEDOUT|NOTFOUND)\b",
        r"net::ERR_")),
    Row(INSTABILITY, ALONE, "urllib; `HTTP 404` is how report.py writes a status code", (
        r"HTTP(?:/[\d.]+)?(?: Error| status)?(?: code)?:? ?[45]\d\d\b",
        r"status[ _]?code:? [45]\d\d\b")),
    Row(INSTABILITY, ALONE, "HTTP reason phrases, RFC 9110", (
        r"\b400:? Bad Request", r"\b401:? Unauthorized", r"\b403:? Forbidden",
        r"\b404:? Not Found", r"\b405:? Method Not", r"\b408:? Request Time",
        r"\b429:? Too Many", r"\b500:? Internal", r"\b502:? Bad Gate", r"\b503:? Service",
        r"\b504:? Gateway",
        r"(?:Internal Server Error|Bad Gateway|Service Unavailable|Gateway Time-?out"
        r"|Too Many Requests|Forbidden|Unauthorized|Missing Authentication Token)(?:: |\W*\Z)")),
    Row(INSTABILITY, ALONE, "error pages of proxies", (
        r"<(?:!doctype )?html.{0,400}<title>\s*(?:[45]\d\d\b|error\b)",)),
    Row(INSTABILITY, ALONE, "Alpha Vantage; Table 14, mae.py", (
        r"Invalid API call",)),
    Row(INSTABILITY, ALONE, "ToolEyes tools; mae.py", (
        r"(?:api )?(?:connection|network) ?error\s*(?:[:.!,(-]|\Z)",)),
    Row(INSTABILITY, ALONE, "socket, ssl, http.client, urllib", (
        r"\[Errno (?:-\d|32|54|6\d|101|104|11[0-3])\]", r"<urlopen error", r"\[SSL:",
        r"Remote end closed connection", r"Response ended prematurely", r"IncompleteRead",
        r"Temporary failure in name resolution", r"Name or service not known",
        r"Network is unreachable", r"Server disconnected", r"EOF occurred in violation")),
    Row(INSTABILITY, ALONE, "time-outs of requests, socket, asyncio", (
        r"(?:the |your )?(?:\w+ ){0,3}(?:timed out|timeout)\b"
        r"(?: after .*| while .*|\. \(.*|: .*|\W*)\Z",)),
    Row(INSTABILITY, ALONE, "API providers; RoTBench Third_Turn", (
        r"(?:api )?rate limit(?: has been)? (?:exceeded|reached)", r"quota exceeded",
        r"(?:you have |you've )?(?:exceeded|reached) (?:the|your) .{0,60}\b(?:limit|quota)",
        r"access denied", r"you are not subscribed to this api",
        r"please try again(?: later)?\W*\Z")),
    Row(INSTABILITY, REPORTED, "mae.py, requests, API providers", (
        r"ConnectionError", r"ConnectTimeout", r"ReadTimeout", r"TimeoutError",
        r"connection (?:refused|reset|error)", r"network error", r"client error",
        r"server error", r"bad gateway", r"service unavailable", r"temporarily unavailable",
        r"server (?:is )?(?:down|busy|overloaded)", r"rate limit", r"too many requests",
        r"try again later", r"\btimed out", r"\btime-?out\W*\Z",
        r"\b(?:status|code|failed|error):? [45]\d\d\b")),

    # The tool ran on these arguments and failed.
    Row(FAILURE, ALONE, "ToolEyes tools; Table 14, mae.py", (
        r"Response error",)),
    Row(FAILURE, ALONE, "Python TypeError; Table 14, mae.py", (
        rf"{Q}\S+{Q} not supported between instances of",
        r"Object of type \w+ is not JSON serializable",
        r"slice indices must be integers")),
    Row(FAILURE, ALONE, "Python KeyError: the key alone; mae.py's 'related_searches'", (
        r"'[^'\n]{0,100}'\Z",)),
    Row(FAILURE, ALONE, "Python, about the tool's internals", (
        rf"name {Q}.*{Q} is not defined", rf"cannot import name {Q}",
        r"[\w.<>]+\(\) (?:got an? |got multiple|got some|missing .*required|takes )",
        r".{1,80} is an invalid keyword argument for",
        rf"(?:module |type object )?{Q}[\w.]+{Q} (?:object|module )?.*has no attribute")),
    Row(FAILURE, ALONE, "tool runtimes, about another tool", (
        rf"(?:unknown|unrecognized|no such) {KIND}\b", rf"{KIND} not found\b",
        r"\w+ is not (?:defined|a function)\W*\Z", r"unexpected keyword argument",
        r"\S+ is not a (?:valid|known) (?:tool|function)")),
    Row(FAILURE, ALONE, "Python TypeError", (
        rf"{Q}?\w+{Q}? (?:object|objects) (?:is|are|do|does|cannot|must|has|have) ",
        r"can(?:'t|not| only) (?:multiply|concat|convert|unpack|access|interpret|assign|index|be )",
        r"unsupported (?:operand|type|format)", r"bad operand type", r"unhashable type",
        r"must be (?:real number|str|a string)", r"an integer is required", r"argument of type",
        r"object of type", r"\w+\(\) (?:argument|missing|expected)",
        r"expected (?:str|string|bytes)\b")),
    Row(FAILURE, ALONE, "Python LookupError, NameError", (
        r"(?:\w+ )?(?:assignment )?ind(?:ex|ices) (?:out of range|must be)",
        r"pop from (?:an )?empty", r"(?:local|free|cannot access local) variable",
        r"[^\n]{1,80} is not in (?:list|tuple)\Z", r"list\.remove\(x\)")),
    Row(FAILURE, ALONE, "Python ValueError, ArithmeticError, others", (
        r"could not convert", r"invalid literal for", r"cannot create mpf",
        r"(?:not enough|too many) values to unpack", r"time data '", r"unconverted data",
        r"Invalid isoformat", r"substring not found", r"\w+\(\) arg is an empty",
        r"(?:day|month|year|hour|minute|second) .{0,40}(?:is out of range|must be in)",
        r"(?:\w+ ){0,4}division (?:or modulo )?by zero", r"math (?:domain|range) error",
        r"maximum recursion depth", r"No module named", r"invalid syntax",
        r"'\w+' codec can't")),
    Row(FAILURE, ALONE, "json", (
        r"(?:Expecting (?:value|property name|',' delimiter|':' delimiter)|Extra data"
        r"|Unterminated string starting at|Invalid \\escape|Invalid control character at)"
        r".{0,60}\bline \d+ column",)),
    Row(FAILURE, ALONE, "operating system, shell", (
        r"\[Errno \d+\]", r"(?:/bin/)?(?:ba|z|da)?sh: ",
        r"[^\n]{1,200}: (?:No such file or directory|command not found)\Z",
        r"(?:[^\n]{1,200}: )?permission denied(?:: |\W*\Z)")),
    Row(FAILURE, ALONE, "requests", (
        r"Invalid URL '", r"No connection adapters were found")),
    Row(FAILURE, ALONE, "tool runtimes, pydantic, XML services", (
        r"missing (?:required |mandatory )?(?:argument|parameter|field|value|key)s?\b",
        r"field required\W*\Z", r"\d+ validation errors? for", r"(?:<\?xml[^>]*>\s*)?<error\b")),

    # Table 14's "Others": the service has no such result, perhaps not yet.
    Row(OTHER, REPORTED, "Table 14, Others", (
        r"\brecently completed\b.{0,200} not found", r"\bnot (?:yet )?(?:ready|completed)\b",
        r"\bstill (?:running|processing|in progress)\b")),
    Row(OTHER, ALONE, "ToolEyes' loop, about the format of the reply", (
        r"Your output format does not match",)),

    # One line that refuses.
    Row(FAILURE, ALONE, "BFCL backends, ToolEyes tools, tool runtimes", (
        r"Please (?:specify|provide|enter|supply) [^\n]{1,200}\Z",
        r"(?:I'm )?(?:sorry, )?(?:failed to|unable to|could ?n[o']t|can ?not|can't) [^\n]{1,300}\Z",
        r"no (?:available )?[^\n]{1,80} (?:for|with) the (?:given|specified|provided|requested)\b",
        r"invalid [^\n]{1,150}\Z",
        r"insufficient (?:funds|balance|permissions)\b[^\n]{0,200}\Z",
        r"[^\n]{0,120}\bnot (?:authenticated|authorized|logged in)\W*\Z",
        r"(?:your )?(?:session|(?:access )?token) (?:has |is )?expired\W*\Z",
        r"[^\n]{0,120}\b(?:not found|does(?: not|n't) exist)\W*\Z",
        r"[^\n]{0,120}\b(?:is|was) (?:not |in)(?:valid|supported|allowed|recognized)\W*\Z")),

    # A reported error in the tool's own words, and one without any.
    Row(FAILURE, REPORTED, "BFCL backends, tau-bench: the tool's domain", (
        r"\A(?!\W*(?:error|exception|failed|failure)[\W\d]*\Z).*[^\W\d_]{2}",)),
    Row(OTHER, REPORTED, "no message", (r"",)),
)
# fmt: on
