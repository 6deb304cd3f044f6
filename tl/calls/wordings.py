"""The wordings of tool errors: one table, read from the top, the first match wins.

A row is (kind of error, alone, source, wordings). ALONE: a text that starts with one of the
wordings is an error. REPORTED: the row only names the kind of an error that the feedback reports by
its structure. Wordings are regular expressions, case is ignored, `.` is any character. What a
wording calls `tool` must be the called tool, and what it calls `given` a value that the call gives,
otherwise it is not met. Repetitions are bounded, except for the punctuation that ends a text, so
that a search takes time linear in the text.
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
NAMED = rf"{Q}?(?P<tool>[^\s\"'`‘’“”(),;]{{1,200}}){Q}?"
CALLED = r"(?P<tool>[\w.<>$:/-]{1,200})\(\)"
# Behind it comes no sentence about the error, as in `Error 404 is a band`.
NOT_LINKED = r"(?!\W{0,3}(?:is|was|are|were|has|have|had|means|and|or|of|by)\b)"
LABEL = r"(?:parameter|argument|field|property|header|key|option|input|value)"
PROGRAM_WORD = rf"(?:{LABEL}|command|column|flag|symbol|method|type|format|id|identifier|name|code)"
COUNT = r"\w{1,40}(?: \w{1,40})?s: ?\d{1,20}\W*\Z"  # `login attempts: 0`
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
        rf"(?:module|type object) {Q}.{{1,200}}{Q} has no attribute {NAMED}",)),
    Row(NO_TOOL, ALONE, "Python AttributeError: tools as methods", (
        rf"{Q}\w{{1,80}}{Q} object has no attribute {NAMED}",)),
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
        r"|got some positional-only arguments|takes .{1,60}\barguments?\b)",)),
    Row(NO_PARAMETER, ALONE, "Python TypeError, builtins", (
        rf".{{1,80}} is an invalid keyword argument for {CALLED}",)),
    Row(NO_PARAMETER, ALONE, "tool runtimes", (
        r"unexpected (?:keyword )?(?:argument|parameter)s?\b.{1,80} (?:for|to) "
        rf"(?:{KIND} )?{NAMED}",
    )),

    # The call lacks a required parameter.
    Row(MISSING, ALONE, "Python TypeError; Table 14", (
        rf"{CALLED} (?:missing (?:\d{{1,6}} )?required .{{0,40}}(?:argument|parameter)"
        r"|expected at least \d{1,6} argument)",)),
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
        r"(?:Client|Server) error '[45]\d\d ", r"curl: \(\d{1,6}\)",
        r"The requested URL returned error",
        r"(?:\w{1,40} )?E(?:CONN[A-Z]{1,20}|TIMEDOUT|NOTFOUND)\b", r"net::ERR_")),
    Row(INSTABILITY, ALONE, "urllib; `HTTP 404` is how report.py writes a status code", (
        r"HTTP(?:/[\d.]{1,5})?(?: Error| status)?(?: code)?:? ?[45]\d\d\b",
        r"status[ _]?code:? [45]\d\d\b")),
    Row(INSTABILITY, ALONE, "HTTP reason phrases, RFC 9110", (
        r"\b(?:400:? Bad Request|401:? Unauthorized|403:? Forbidden|404:? Not Found"
        r"|405:? Method Not Allowed|408:? Request Time-?out|429:? Too Many Requests"
        r"|500:? Internal|502:? Bad Gateway|503:? Service"
        rf"|504:? Gateway)\b{NOT_LINKED}",
        r"(?:Internal Server Error|Bad Gateway|Service Unavailable|Gateway Time-?out"
        r"|Too Many Requests|Forbidden|Unauthorized|Missing Authentication Token)(?:: |\W*\Z)")),
    Row(INSTABILITY, ALONE, "error pages of proxies", (
        r"<(?:!doctype )?html.{0,400}<title>\s{0,9}(?:[45]\d\d\b|error\b)",)),
    Row(INSTABILITY, ALONE, "Alpha Vantage; Table 14, mae.py", (
        r"Invalid API call",)),
    Row(INSTABILITY, ALONE, "ToolEyes tools; mae.py", (
        r"(?:api )?(?:connection|network) ?error\s{0,3}(?:[:.!,(-]|\Z)",)),
    Row(INSTABILITY, ALONE, "socket, ssl, http.client, urllib", (
        r"\[Errno (?:-\d|32|54|6\d|101|104|11[0-3])\]", r"<urlopen error", r"\[SSL:",
        r"Remote end closed connection", r"Response ended prematurely", r"IncompleteRead",
        r"Temporary failure in name resolution", r"Name or service not known",
        r"Network is unreachable", r"Server disconnected", r"EOF occurred in violation",
        r"[^\n]{1,200}: Connection (?:refused|timed out|closed|reset by peer)\W*\Z",
        r"No route to host", r"Host is (?:down|unreachable)", r"Broken pipe\W*\Z",
        r"Could not resolve host", r"certificate verify failed")),
    Row(INSTABILITY, ALONE, "Go, Node, browsers, gRPC", (
        rf"(?:\w{{3,6}} {Q}[^\s\"]{{1,300}}{Q}: )?(?:dial (?:tcp|udp)|context deadline exceeded)",
        r"i/o timeout\W*\Z", r"x509: ", r"(?:client network )?socket (?:hang up|disconnected)",
        r"getaddrinfo ", r"fetch failed\W*\Z", r"Failed to fetch\W*\Z", r"deadline exceeded\W*\Z")),
    Row(INSTABILITY, ALONE, "Envoy, nginx, load balancers, API providers", (
        r"upstream (?:connect error|request timeout|prematurely closed)", r"no healthy upstream",
        r"(?:the )?(?:service|server|api|system|endpoint|model)(?: is)? (?:temporarily |currently )"
        r"(?:unavailable|down|overloaded|busy|offline)\b")),
    Row(INSTABILITY, ALONE, "time-outs of requests, socket, asyncio, AbortSignal", (
        r"(?:the |your )?(?:\w{1,40} ){0,3}(?:timed out|timeout)\b(?!: ?\d{1,20} ?\w{0,7}\W*\Z)"
        r"(?: after .{1,200}| while .{1,200}|\. \(.{1,200}|: .{1,200}|\W*)\Z",
        r"[^\n]{1,80}\b(?:due to|because of) (?:a )?time-?out\b")),
    Row(INSTABILITY, ALONE, "API providers; RoTBench Third_Turn", (
        r"(?:api )?rate limit(?: has been)? (?:exceeded|reached)", r"quota exceeded",
        r"(?:you have |you've )?(?:exceeded|reached) (?:the|your) .{0,60}\b(?:limit|quota)\b",
        r"access denied(?:\W*\Z|[:.,(]| (?:for|to|due|because|when)\b)",
        r"(?:bad|invalid|wrong) credentials\W*\Z", r"(?:invalid|incorrect|missing) api[ -]key",
        r"you are not subscribed to this api",
        r"please try again(?: later)?\W*\Z")),
    Row(INSTABILITY, REPORTED, "mae.py, requests, API providers", (
        r"ConnectionError", r"ConnectTimeout", r"ReadTimeout", r"TimeoutError",
        r"connection (?:refused|reset|error)", r"network error", r"client error",
        r"server error", r"bad gateway", r"service unavailable", r"temporarily unavailable",
        r"server (?:is )?(?:down|busy|overloaded)", r"rate limit", r"too many requests",
        r"try again later", r"\btimed out", r"\btime-?out\W*\Z",
        r"\b(?:status|code|failed|error):? [45]\d\d\b",
        r"\b(?:service)?unavailable(?:error|exception)?\b", r"resource_?exhausted",
        r"deadline_?exceeded", r"throttl(?:ing|ed)", r"internal_?(?:server_?error|failure)",
        r"could ?n[o']t connect to", r"unauthenticated")),

    # The tool ran on these arguments and failed.
    Row(FAILURE, ALONE, "ToolEyes tools; Table 14, mae.py", (
        r"Response error",)),
    Row(FAILURE, ALONE, "Python TypeError; Table 14, mae.py", (
        rf"{Q}\S{{1,9}}{Q} not supported between instances of",
        r"Object of type \w{1,80} is not JSON serializable",
        r"slice indices must be integers")),
    Row(FAILURE, ALONE, "Python KeyError: an identifier, or what the call asked for; mae.py", (
        r"'(?=[^']{0,99}_)\w{1,100}'\Z", r"'(?P<given>[^'\n]{1,100})'\Z")),
    Row(FAILURE, ALONE, "Python, about the tool's internals", (
        rf"name {Q}.{{1,100}}{Q} is not defined", rf"cannot import name {Q}",
        r"[\w.<>]{1,200}\(\) (?:got an? |got multiple|got some|missing .{0,20}required|takes )",
        r".{1,80} is an invalid keyword argument for",
        rf"(?:module |type object )?{Q}[\w.]{{1,100}}{Q} .{{0,40}}has no attribute")),
    Row(FAILURE, ALONE, "tool runtimes, about another tool", (
        rf"(?:unknown|unrecognized|no such) {KIND}\b", rf"{KIND} not found\b",
        r"[\w.$]{1,100} is not (?:defined|a function|iterable|a constructor)\W*\Z",
        r"unexpected keyword argument", r"\S{1,100} is not a (?:valid|known) (?:tool|function)")),
    Row(FAILURE, ALONE, "Python TypeError", (
        rf"{Q}?\w{{1,80}}{Q}? (?:object|objects) (?:is|are|do|does|cannot|must|has|have) ",
        r"can(?:'t|not| only) (?:multiply|concat|convert|unpack|access|interpret|assign|index|be "
        r"|read prop)",
        r"unsupported (?:operand|type|format)", r"bad operand type", r"unhashable type",
        r"must be (?:real number|str|a string)", r"an integer is required", r"argument of type",
        r"object of type", r"\w{1,80}\(\) (?:argument|missing|expected)",
        r"expected (?:an? )?(?:str|string|bytes|number|int|integer|float|boolean|array|list|object"
        r"|date)\b")),
    Row(FAILURE, ALONE, "Python LookupError, NameError", (
        r"(?:\w{1,40} )?(?:assignment )?ind(?:ex|ices) (?:out of range|must be)",
        r"pop from (?:an )?empty", r"(?:local|free|cannot access local) variable",
        r"[^\n]{1,80} is not in (?:list|tuple)\Z", r"list\.remove\(x\)")),
    Row(FAILURE, ALONE, "Python ValueError, ArithmeticError, others", (
        r"could not convert", r"invalid literal for", r"cannot create mpf",
        r"(?:not enough|too many) values to unpack", r"time data '", r"unconverted data",
        r"Invalid isoformat", r"substring not found", r"\w{1,80}\(\) arg is an empty",
        r"(?:day|month|year|hour|minute|second) .{0,40}(?:is out of range|must be in)",
        r"(?:\w{1,40} ){0,4}division (?:or modulo )?by zero", r"math (?:domain|range) error",
        r"maximum recursion depth", r"No module named", r"invalid syntax",
        r"'[\w-]{1,20}' codec can't")),
    Row(FAILURE, ALONE, "json", (
        r"(?:Expecting (?:value|property name|',' delimiter|':' delimiter)|Extra data"
        r"|Unterminated string starting at|Invalid \\escape|Invalid control character at)"
        r".{0,60}\bline \d{1,6} column",)),
    Row(FAILURE, ALONE, "operating system, shell", (
        r"\[Errno \d{1,6}\]", r"(?:/bin/)?(?:ba|z|da)?sh: ",
        r"[^\n]{1,200}: (?:No such file or directory|(?:command )?not found|Is a directory"
        r"|Not a directory|invalid syntax|Operation not permitted|Read-only file system)\Z",
        r"(?:[^\n]{1,200}: )?permission denied(?:: |\W*\Z| \(\w)", r"command not found: ",
        r"[\w./-]{1,60}: (?:\w{1,20} )?(?:cannot|can't|unable to|refusing to|unrecognized option"
        r"|invalid option) ",
        r"No space left on device", r"unable to locate package", r"exit status [1-9]\d{0,2}\W*\Z",
        r"(?:process|command|script) (?:\S{1,100} )?(?:exited|failed|terminated) with "
        r"(?:\w{1,20} )?(?:exit )?(?:status|code):? [1-9]")),
    Row(FAILURE, ALONE, "SQLite, MySQL, PostgreSQL, Oracle, SQL Server, MongoDB", (
        r"no such (?:table|column|function|module|index|collation|savepoint)\b", r"SQLSTATE\[",
        rf"near {Q}.{{0,60}}{Q}: syntax error", r"syntax error (?:at|near|in|on)\b",
        r"(?:UNIQUE|NOT NULL|FOREIGN KEY|CHECK|PRIMARY KEY) constraint failed", r"ORA-\d{5}\b",
        r"duplicate (?:key value|entry ['\"])", r"E11000 duplicate key", r"Msg \d{1,6}, Level \d",
        r"(?:relation|column|table|view|index|type|function|role|schema|database|user) "
        rf"{Q}.{{1,100}}{Q} (?:.{{0,60}} )?(?:does not|doesn['’]t|already) exist",
        r"unknown column ",
        r"database is locked", r"deadlock (?:found|detected)", r"you have an error in your sql")),
    Row(FAILURE, ALONE, "requests", (
        r"Invalid URL '", r"No connection adapters were found")),
    Row(FAILURE, ALONE, "tool runtimes, pydantic, jsonschema", (
        rf"missing (?:required |mandatory )?{LABEL}s?\b", r"field required\W*\Z",
        r"\d{1,6} validation errors? for", r"Value error, ", r"Assertion failed",
        r"(?:input|string|value|list|datetime|date|number) should (?:be|have|match|not be) ",
        r"(?:none|null) is not an allowed value", r"value is not a valid ", r"extra fields not ",
        rf"{Q}.{{1,100}}{Q} (?:is a required property|is not of type|is not one of|does not match)",
        r"additional properties are not allowed", r"invalid arguments? for ")),

    # Table 14's "Others": the service has no such result, perhaps not yet.
    Row(OTHER, REPORTED, "Table 14, Others", (
        r"\brecently completed\b.{0,200} not found", r"\bnot (?:yet )?(?:ready|completed)\b",
        r"\bstill (?:running|processing|in progress)\b")),
    Row(OTHER, ALONE, "apologies without a cause", (
        r"(?:(?:oops|whoops|sorry)\W{1,3})?(?:it looks like )?something went wrong"
        r"(?:[.!,]? (?:please )?(?:try|contact)[^\n]{0,100})?\W*\Z",
        r"an? (?:unknown|unexpected|unspecified|internal) error\W*\Z")),
    Row(OTHER, ALONE, "ToolEyes' loop, about the format of the reply", (
        r"Your output format does not match",)),

    # One line that refuses.
    Row(FAILURE, ALONE, "BFCL backends, ToolEyes tools: asks for another call", (
        r"Please (?:specify|provide|supply) "
        r"(?:an?|the|at least|one of|both|either|all|your|valid)\b"
        r"(?:[^\n]{1,150}\b(?:try again|valid|instead|format|parameters?|arguments?)\b"
        r"|(?: \S{1,40}){1,4}\Z)",
        r"Please (?:enter|use|choose|select|check) (?:an?|the|your)? ?"
        r"(?:valid|correct|different|supported|another)\b")),
    Row(FAILURE, ALONE, "BFCL backends, ToolEyes tools, tool runtimes: cannot", (
        r"(?:(?:I['’]m |we['’]re )?sorry,? (?:but )?(?:I |we )?)?"
        r"(?:failed to|unable to|could ?n[o'’]t|can ?not|can['’]t) "
        r"(?!(?:wait|help|believe|imagine|complain|agree more|stop|recommend)\b)"
        r"(?!be (?!\w{0,30}(?:ed|found|done|sent|read|written|made|shown|null|empty)\b))"
        r"(?-i:[a-z])[^\n?]{1,300}\Z",)),
    Row(FAILURE, ALONE, "BFCL backends, ToolEyes tools: no such thing", (
        r"no available [^\n]{1,80} (?:for|with) the (?:given|specified|provided|requested)\b",
        r"[^\n]{0,120}\b(?:not found|does(?: not|n['’]t) exist|(?:could not|cannot) be (?:found"
        r"|located|completed|processed|loaded|parsed|opened|resolved|retrieved))\W*\Z",
        rf"(?:unknown|unrecognized|unsupported|illegal) (?:\w{{1,40}} ){{0,2}}\w{{1,40}}:? {Q}"
        rf"[^\n]{{0,100}}{Q}[^\n]{{0,80}}\Z",
        r"(?:unknown|unrecognized|unsupported|illegal) (?:\w{1,40} )?"
        rf"{PROGRAM_WORD}s?\b(?:: |\W*\Z)")),
    Row(FAILURE, ALONE, "tool runtimes, form validation: a wrong or missing value", (
        rf"invalid (?!{COUNT})[\w./-]{{1,60}}(?: [\w./-]{{1,60}}){{0,3}}"
        rf"(?:\W{{0,5}}| ?[:.,;(=]{Q}? ?[^\n]{{1,200}}| ?{Q}[^\n]{{1,200}})\Z",
        rf"(?:the )?(?:\S{{1,60}} )?{LABEL}s? (?:{Q}[^\n]{{1,60}}{Q} )?(?:is|are) "
        r"(?:required|missing|mandatory|invalid|not valid)\b[^\n]{0,100}\Z",
        rf"(?:{Q}[^\n]{{1,60}}{Q}|\b\w{{1,40}}_\w{{1,40}}) (?:is|are) (?:a )?"
        r"(?:required|missing|mandatory|invalid)\b",
        r"[^\n]{1,60} (?:cannot|can['’]t|must not|may not|should not) be "
        r"(?:empty|null|blank|negative|zero|none)\W*\Z",
        r"[^\n]{1,60} must be (?:one of\b|an? (?:valid|positive|non-|string|number|integer|boolean"
        r"|list|array|date|object)|(?:greater|less) than|between|non-|in [^\n]{0,20}format\b)"
        r"[^\n]{0,200}\Z",
        r"[^\n]{0,120}\b(?:is|was) (?:not (?:valid|supported|recognized)|invalid|unsupported"
        r"|unrecognized)\W*\Z",
        rf"[^\n]{{0,60}}(?:method|operation|action|access|request|character|{PROGRAM_WORD})s? "
        r"(?:is |are )?not allowed\b")),
    Row(FAILURE, ALONE, "BFCL backends, API providers: not allowed", (
        r"insufficient (?:funds|balance|permissions?|privileges?|scopes?)\b[^\n]{0,200}\Z",
        r"[^\n]{0,120}\bnot (?:authenticated|authorized|logged in)\W*\Z",
        r"(?:your |the )?(?:session|(?:access )?token) (?:has |is )?expired\W*\Z",
        r"(?:authentication|authorization|login) (?:is )?(?:required|failed)\W*\Z")),

    # A reported error in the tool's own words, and one without any.
    Row(FAILURE, REPORTED, "BFCL backends, tau-bench: the tool's domain", (
        r"\A(?!\W*(?:error|exception|failed|failure)[\W\d]*\Z)(?=.{0,2000}?[^\W\d_]{2})",)),
    Row(OTHER, REPORTED, "no message", (r"",)),
)
# fmt: on
