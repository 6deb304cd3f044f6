"""One value, or one refusal, out of the text of a call."""

import pytest

from tl.calls.parse import CallError, parse_call


def value_of(text: str):
    return parse_call(f"f(x = {text})").arguments["x"]


def error_of(text: str) -> CallError:
    with pytest.raises(CallError) as caught:
        parse_call(text)
    return caught.value
