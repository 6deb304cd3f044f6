"""Typed reading of a JSON object, so that every bad value is refused with one complete line.

    fields = Fields({"hidden_size": 64}, "m/config.json")
    fields.integer("hidden_size", minimum=1)      64
    fields.number("rope_theta", default=1e4)      10000.0

A key that is absent or null takes the default; without a default it is an error.
"""

import math
from typing import Any

from tl import InputError

_REQUIRED = object()


class Fields:
    """The fields of one JSON object. `where` names the object in messages ("m/config.json: rope_scaling")."""

    def __init__(self, values: dict[str, Any], where: str):
        self.values = values
        self.where = where

    def __contains__(self, name: str) -> bool:
        """True when the field is present and not null."""
        return self.values.get(name) is not None

    def error(self, name: str, expected: str) -> InputError:
        """The error for a field whose value cannot be used; raise it."""
        got = repr(self.values[name]) if name in self.values else "nothing"
        if len(got) > 120:
            got = got[:117] + "..."
        return InputError(f"{self.where}: {name}: got {got}, expected {expected}")

    def integer(self, name: str, default: Any = _REQUIRED, minimum: int = 1) -> int:
        value = self._get(name, default, f"a whole number >= {minimum}")
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if value is default:
            return value
        if isinstance(value, bool) or not isinstance(value, int) or value < minimum:
            raise self.error(name, f"a whole number >= {minimum}")
        return value

    def number(self, name: str, default: Any = _REQUIRED, above: float = 0.0) -> float:
        """A finite number > `above`."""
        value = self._get(name, default, f"a number > {above:g}")
        if value is default:
            return value
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value) or value <= above:
            raise self.error(name, f"a finite number > {above:g}")
        return float(value)

    def boolean(self, name: str, default: Any = _REQUIRED) -> bool:
        value = self._get(name, default, "true or false")
        if not isinstance(value, bool):
            raise self.error(name, "true or false")
        return value

    def text(self, name: str, default: Any = _REQUIRED) -> str:
        value = self._get(name, default, "a string")
        if value is not default and not isinstance(value, str):
            raise self.error(name, "a string")
        return value

    def numbers(self, name: str, length: int) -> tuple[float, ...]:
        """A list of exactly `length` finite numbers > 0."""
        expected = f"a list of {length} finite numbers > 0"
        values = self._get(name, _REQUIRED, expected)
        if not isinstance(values, list) or len(values) != length:
            raise self.error(name, expected)
        return tuple(Fields({name: value}, self.where).number(name) for value in values)

    def object(self, name: str) -> dict[str, Any]:
        """A JSON object; empty when absent or null."""
        value = self._get(name, {}, "an object")
        if not isinstance(value, dict):
            raise self.error(name, "an object")
        return value

    def _get(self, name: str, default: Any, expected: str) -> Any:
        value = self.values.get(name)
        if value is not None:
            return value
        if default is _REQUIRED:
            raise self.error(name, expected)
        return default
