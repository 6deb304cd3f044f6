"""Random trajectories: tools with shared name prefixes, calls, right and wrong feedback."""

from hypothesis import strategies as st

from tl.calls.schema import Call, Conversation, Message, Tool

NAMES = [
    "search",
    "search_flights",
    "search_flight_status",
    "search_hotels",
    "get_weather",
    "get_weather_alerts",
    "get",
    "2v_tool",
    "naïve-tool",
]
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=20)
VALUES = st.one_of(TEXTS, st.integers(-1000, 1000), st.booleans(), st.none())


@st.composite
def tool_lists(draw) -> tuple[Tool, ...]:
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=6, unique=True))
    schema = {"type": "object", "properties": {"q": {"type": "string"}}, "required": []}
    return tuple(Tool(name, draw(TEXTS), schema) for name in names)


@st.composite
def feedback_texts(draw, name: str) -> str:
    """A result, data that merely mentions an error, or one of three real errors."""
    return draw(
        st.sampled_from(
            [
                '{"result": 3}',
                '{"errors": []}',
                f"name '{name}' is not defined",
                f"{name}() got an unexpected keyword argument 'q'",
                '{"error": "no such city"}',
            ]
        )
    )


@st.composite
def conversations(draw, max_turns: int = 4) -> Conversation:
    """1 to max_turns assistant messages: calls with feedback (some parallel) and plain replies."""
    tools = draw(tool_lists())
    messages = [Message("user", draw(TEXTS))]
    for _ in range(draw(st.integers(1, max_turns))):
        count = draw(st.sampled_from([0, 1, 1, 1, 2]))
        names = [draw(st.sampled_from([*[t.name for t in tools], "unknown"])) for _ in range(count)]
        calls = tuple(
            Call(name, {"q": draw(VALUES)} if draw(st.booleans()) else {}) for name in names
        )
        content = draw(TEXTS.filter(str.strip)) if not calls or draw(st.booleans()) else ""
        messages.append(Message("assistant", content, calls, trained=draw(st.integers(0, 9)) > 0))
        messages += [Message("tool", draw(feedback_texts(name))) for name in names]
        if not calls:
            messages.append(Message("user", draw(TEXTS)))
    if messages[-1].role == "user":
        messages.pop()
    return Conversation("random", tools, tuple(messages), "random.json:1")
