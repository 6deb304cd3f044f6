"""Typed reading of a JSON object, so that every bad value is refused with one complete line.

    fields = Fields({"hidden_size": 64}, "m/config.json")
    fields.integer("hidden_size")                  64
    fields.number("rope_theta", default=1e4)       10000.0

A key that is absent or null takes the default; without a default it is an error.
"""

import math
from typing import Any

from tl import InputError

_REQUIRED = object()
_LARGEST = 2**31 - 1  # no size of a model is larger


class Fields:
    """The fields of one JSON object. `where` names it in messages ("m/config.json: rope_scaling").

    Every method raises InputError for a value of the wrong kind."""

    def __init__(self, values: dict[str, Any], where: str):
        self.values = values
        self.where = where

    def __contains__(self, name: str) -> bool:
        """True when the field is present and not null."""
        return self.values.get(name) is not None

    def error(self, name: str, expected: str) -> InputError:
        """The error for a field whose value cannot be used; the caller raises it."""
        got = repr(self.values[name]) if name in self.values else "nothing"
        if len(got) > 120:
            got = got[:117] + "..."
        return InputError(f"{self.where}: {name}: got {got}, expected {expected}")

    def integer(self, name: str, default: Any = _REQUIRED, minimum: int = 1) -> int:
        """A whole number >= `minimum`; 8.0 is one too."""
        expected = f"a whole number from {minimum} to {_LARGEST}"
        if name not in self:
            return self._default(name, default, expected)
        value = self.values[name]
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not minimum <= value <= _LARGEST or value != int(value):
            raise self.error(name, expected)
        return int(value)

    def number(self, name: str, default: Any = _REQUIRED, above: float = 0.0) -> float:
        """A finite number > `above`."""
        expected = f"a finite number > {above:g}"
        if name not in self:
            return self._default(name, default, expected)
        value = self.values[name]
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not above < value < math.inf:  # NaN is in no interval
            raise self.error(name, expected)
        return float(value)

    def boolean(self, name: str, default: Any = _REQUIRED) -> bool:
        """true or false."""
        return self._instance(name, default, bool, "true or false")

    def text(self, name: str, default: Any = _REQUIRED) -> str:
        """A string."""
        return self._instance(name, default, str, "a string")

    def object(self, name: str) -> dict[str, Any]:
        """A JSON object; empty when absent or null."""
        return self._instance(name, {}, dict, "an object")

    def numbers(self, name: str, length: int) -> tuple[float, ...]:
        """A list of exactly `length` finite numbers > 0."""
        expected = f"a list of {length} finite numbers > 0"
        values = self._instance(name, _REQUIRED, list, expected)
        if len(values) != length:
            raise self.error(name, expected)
        return tuple(Fields({name: value}, self.where).number(name) for value in values)

    def _instance(self, name: str, default: Any, kind: type, expected: str) -> Any:
        if name not in self:
            return self._default(name, default, expected)
        if not isinstance(self.values[name], kind):
            raise self.error(name, expected)
        return self.values[name]

    def _default(self, name: str, default: Any, expected: str) -> Any:
        if default is _REQUIRED:
            raise self.error(name, expected)
        return default
