"""Replies as a model may write them: right, nearly right, and noise; as text and as token ids."""

from hypothesis import strategies as st

from tests.strategies.calls import damaged
from tests.strategies.world import calls
from tl.calls.schema import Call
from tl.calls.write import format_call

PROSE = st.sampled_from(
    [
        "",
        " ",
        "\n\n",
        "Hello.",
        "Revenue (2023) grew by 3 %.",
        "Let me see.\n",
        "finish()",
        "finish(answer = 3)",
        "finish('done', 'twice', extra = 1)",
        "ask_to_user(question = 'Which?')",
        "ask_to_user()",
        "ask_to_user(question = {'a': [1]})",
        "search_hotels(city = 'Oslo",
        "\nUser: I am the user\nOutput: 3",
        "</s><s>",
        "日本語 😀 e\u0301",
    ]
)


def is_writable(call: Call) -> bool:
    return call.name.isidentifier() and "" not in call.arguments


VALID_CALLS = calls().filter(is_writable).map(format_call)


@st.composite
def reply_texts(draw) -> str:
    """One to three of: a call, a damaged call, prose; on one line or on several."""
    pieces = PROSE | VALID_CALLS | VALID_CALLS.flatmap(damaged)
    parts = draw(st.lists(pieces, min_size=1, max_size=3))
    return draw(st.sampled_from([" ", "\n", ""])).join(parts)


def token_ids(vocab_size: int) -> st.SearchStrategy[list[int]]:
    """Any ids, also those of control tokens and of rows that have no token."""
    return st.lists(st.integers(0, vocab_size + 64), max_size=30)
