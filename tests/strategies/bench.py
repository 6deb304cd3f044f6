"""Cases and predictions for the metrics: right, nearly right, other tools, no call."""

from hypothesis import strategies as st

from tl.bench.records import ASK, FINISH, Case, Prediction
from tl.calls.parse import format_call
from tl.calls.schema import Call, Tool

NAMES = ("get_weather", "get_weather_at", "get_time", "find_route", "weather")
PARAMETERS = ("city", "day", "unit")
VALUES = st.sampled_from(["Rome", "rome", "Rome, Italy", "4", 4, 5, "", ["Rome"], {"a": 1}])
HOSTILE = ("<script>alert(1)</script>", "</style><b onclick=x()>", "\u202egnp.exe", "\x00\x1b[31m",
           '"><img src=http://evil.example/x>', "]]>&amp;<!--", "\ud800", "a" * 5000)  # fmt: skip

DIALOGUE = (
    Tool(ASK, "Ask.", {"properties": {"question": {"type": "string"}}, "required": ["question"]}),
    Tool(FINISH, "Answer.", {"properties": {"answer": {"type": "string"}}, "required": ["answer"]}),
)


@st.composite
def tools(draw) -> tuple[Tool, ...]:
    """Two to five tools with common prefixes, then the two of the dialogue."""
    made = []
    for name in draw(st.lists(st.sampled_from(NAMES), min_size=2, max_size=5, unique=True)):
        names = draw(st.lists(st.sampled_from(PARAMETERS), unique=True))
        properties = {name: {"type": "string"} for name in names}
        made.append(Tool(name, "", {"properties": properties, "required": names[:1]}))
    return (*made, *DIALOGUE)


@st.composite
def cases(draw, name: str = "case", kinds=("tool", "tool", "ask", "direct")) -> Case:
    offered = draw(tools())
    kind = draw(st.sampled_from(kinds))
    if kind == "ask":
        golds = [Call(ASK, {"question": "Which?"})]
    elif kind == "direct":
        golds = [Call(FINISH, {"answer": "Hello."})]
    else:
        golds = draw(st.lists(gold_calls(offered), min_size=1, max_size=3))
    splits = {"scenario": draw(st.sampled_from(["TG", "RS"]))}
    return Case(name, draw(st.sampled_from(["Weather?", *HOSTILE])), offered, tuple(golds), kind,
                splits)  # fmt: skip


@st.composite
def gold_calls(draw, offered) -> Call:
    tool = draw(st.sampled_from(offered[: -len(DIALOGUE)]))
    names = draw(st.lists(st.sampled_from(tool.parameter_names), unique=True)) if (
        tool.parameter_names) else []  # fmt: skip
    return Call(tool.name, {name: draw(VALUES) for name in names})


@st.composite
def predictions(draw, case: Case) -> Prediction:
    """A gold call as it is or with one change, another tool, or no call at all."""
    change = draw(st.sampled_from(
        ["none", "drop", "add", "value", "name", "position", "ask", "finish", "text", "blank",
         "malformed"]))  # fmt: skip
    if change in ("text", "blank", "malformed"):
        text = {"text": draw(st.sampled_from(["Hello.", *HOSTILE])), "blank": " "}
        return Prediction(text.get(change, "get_weather(city"), malformed=change == "malformed")
    call = _changed(draw, draw(st.sampled_from(case.golds)), change)
    return Prediction(format_call(call), call)


def _changed(draw, gold: Call, change: str) -> Call:
    arguments = dict(gold.arguments)
    if change == "drop" and arguments:
        del arguments[draw(st.sampled_from(sorted(arguments)))]
    elif change == "add":
        name = draw(st.sampled_from([*PARAMETERS, "made_up", HOSTILE[0]]))
        arguments.setdefault(name, draw(VALUES))
    elif change == "value" and arguments:
        arguments[draw(st.sampled_from(sorted(arguments)))] = draw(VALUES)
    elif change == "position":
        return Call(gold.name, {}, tuple(arguments.values()))
    elif change == "ask":
        return Call(ASK, {"question": "Which?"})
    elif change == "finish":
        return Call(FINISH, {"answer": draw(st.sampled_from(["Done.", HOSTILE[0]]))})
    name = draw(st.sampled_from([*NAMES, "get_wether"])) if change == "name" else gold.name
    return Call(name, arguments)


@st.composite
def scored(draw, **options) -> tuple[list[Case], list[Prediction]]:
    """A set of cases and what was said to each."""
    size = draw(st.integers(1, 6))
    made = [draw(cases(f"case {index}", **options)) for index in range(size)]
    return made, [draw(predictions(case)) for case in made]
