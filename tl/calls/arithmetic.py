"""Arithmetic of number literals, as gold calls contain it: `1/6`, `500*500`, `2**10` (BFCL).

Only numbers; every intermediate result is bounded, so that no call can ask for a large computation.
"""

import operator
from typing import Any

from tl.calls.literals import LARGEST_INT, MAX_DIGITS

# operator -> (binding strength, function), as in Python; the longer spelling stands first.
OPERATORS = {
    "**": (4, operator.pow),
    "//": (2, operator.floordiv),
    "*": (2, operator.mul),
    "/": (2, operator.truediv),
    "%": (2, operator.mod),
    "+": (1, operator.add),
    "-": (1, operator.sub),
}
SIGN_STRENGTH = 3  # -2**2 is -(2**2)
MAX_BITS = LARGEST_INT.bit_length()


class CalculationError(ValueError):
    """kind: `bad_arithmetic` or `too_large`, the kinds of CallError."""

    def __init__(self, kind: str, message: str):
        super().__init__(message)
        self.kind = kind


def calculate(symbol: str, left: Any, right: Any) -> int | float:
    """One operation on two numbers; CalculationError where no literal could write the result."""
    if not (_is_number(left) and _is_number(right)):
        raise CalculationError("bad_arithmetic", "only numbers can be calculated with")
    if symbol == "**" and _power_is_large(left, right):
        raise CalculationError("too_large", f"a power of more than {MAX_DIGITS} digits")
    try:
        result = OPERATORS[symbol][1](left, right)
    except ArithmeticError as error:
        raise CalculationError("bad_arithmetic", f"the calculation fails: {error}") from None
    if isinstance(result, complex):
        raise CalculationError("bad_arithmetic", "the result is a complex number")
    if isinstance(result, int) and abs(result) >= LARGEST_INT:
        raise CalculationError("too_large", f"an integer of more than {MAX_DIGITS} digits")
    return result


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _power_is_large(base: int | float, exponent: int | float) -> bool:
    """Whether an integer power would have more than MAX_BITS bits; known before it is computed."""
    if isinstance(base, float) or isinstance(exponent, float) or abs(base) < 2:
        return False
    return abs(exponent) * (base.bit_length() - 1) > MAX_BITS
