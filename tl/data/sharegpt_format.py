"""ShareGPT with function calls: {"conversations": [{"from", "value"}], "tools", "system"}."""

from typing import Any

from tl import InputError
from tl.data.turns import Content


def read_sharegpt(record: dict[str, Any], key: str) -> Content:
    raise InputError("ShareGPT")
