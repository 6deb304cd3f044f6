"""Random conversations that a training file can hold, and JSON values of every kind.

`conversations(...)` draws what all formats share; its flags add what only some formats can write.
"""

from dataclasses import replace

from hypothesis import strategies as st

from tl.calls.schema import Call, Conversation, Message, Tool

TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
REPLIES = TEXTS.filter(str.strip)
WORDS = st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=8)
NUMBERS = st.one_of(
    st.integers(-5, 5),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([1.0, -0.0, 1e-7, 2**53 + 1, 10**30 + 7]),
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
JSON_VALUES = st.recursive(
    SCALARS,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(TEXTS, inside, max_size=3),
    max_leaves=8,
)
ARGUMENTS = st.dictionaries(WORDS, NUMBERS | JSON_VALUES, max_size=3)
TYPES = st.sampled_from(["string", "integer", "number", "boolean", "array", "object"])


@st.composite
def tool_lists(draw, texts=TEXTS) -> tuple[Tool, ...]:
    """Up to three tools with different names; each parameter has a type and a description."""
    tools = []
    for name in draw(st.lists(WORDS, max_size=3, unique=True)):
        schemas = st.fixed_dictionaries({"type": TYPES, "description": texts})
        properties = draw(st.dictionaries(WORDS, schemas, max_size=3))
        required = (
            draw(st.lists(st.sampled_from(sorted(properties)), unique=True)) if properties else []
        )
        parameters = {"type": "object", "properties": properties, "required": required}
        tools.append(Tool(name, draw(texts), parameters))
    return tuple(tools)


@st.composite
def calls(draw, names) -> Call:
    return Call(draw(st.sampled_from(names) | WORDS), draw(ARGUMENTS))


@st.composite
def conversations(
    draw,
    *,
    tools=None,
    plain: st.SearchStrategy[str] | None = REPLIES,
    parallel: bool = False,
    text_with_calls: bool = False,
    systems: bool = False,
    context_only: bool = False,
) -> Conversation:
    """A conversation with 1 to 4 replies.

    tools: strategy for the tools. plain: strategy for replies without a call, None for none.
    parallel: up to 3 calls in a reply. text_with_calls: text, not blank, beside calls. systems: system messages
    at any place where no result is awaited. context_only: replies that are not trained.
    """
    offered = draw(tool_lists() if tools is None else tools)
    names = [tool.name for tool in offered] + ["finish", "ask_to_user"]
    messages = []
    for number in range(replies := draw(st.integers(1, 4))):
        last = number == replies - 1
        if systems and draw(st.booleans()):
            messages.append(Message("system", draw(TEXTS)))
        if not messages or messages[-1].role == "assistant" or draw(st.booleans()):
            messages.append(Message("user", draw(TEXTS)))
        count = draw(st.integers(1, 3)) if parallel else 1
        if plain is not None and draw(st.integers(0, 3)) == 0:
            count = 0
        made = tuple(draw(calls(names)) for _ in range(count))
        beside = st.just("") | REPLIES if text_with_calls else st.just("")
        text = draw(beside if made else plain)
        trained = not context_only or draw(st.booleans())
        messages.append(Message("assistant", text, made, trained))
        results = draw(st.integers(0, count)) if last else count
        if count == 1 and made[0].name in ("finish", "ask_to_user") and not last:
            results = draw(st.integers(0, 1))
        messages += [Message("tool", draw(TEXTS)) for _ in range(results)]
    name = draw(TEXTS.filter(bool))
    return Conversation(name, offered, tuple(messages))


def without_source(conversation: Conversation) -> Conversation:
    return replace(conversation, source="")
