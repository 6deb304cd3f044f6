"""What the tools know: cities, people and days, and numbers that are fixed for each key.

A tool's answer is a pure function of its arguments. `number` and `choice` stand where a typed-in
table would: the price of a given flight on a given day is always the same, on every machine.
"""

import zlib
from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")

CITIES = tuple(
    "Paris Rome Madrid Lisbon Berlin Vienna Prague Warsaw Athens Dublin London Oslo Helsinki "
    "Stockholm Copenhagen Brussels Zurich Geneva Milan Naples Venice Florence Porto Seville "
    "Valencia Munich Hamburg Cologne Krakow Budapest Istanbul Cairo Nairobi Lagos Tokyo Osaka "
    "Kyoto Seoul Beijing Shanghai Delhi Mumbai Bangkok Singapore Sydney Melbourne Auckland "
    "Toronto Montreal Vancouver Chicago Boston Seattle Denver Dallas Miami Austin Lima Bogota "
    "Santiago".split()
)
FIRST_NAMES = tuple(
    "Anna Omar Lucia Pavel Mina Jonas Clara Hugo Ines Tariq Nora Felix Sofia Amir Greta Leon "
    "Maya Oscar Elena Victor Ruth Simon Yara Bruno Alma Karim Edith Marco Lena Theo".split()
)
LAST_NAMES = tuple(
    "Berg Diaz Moreau Novak Sato Keller Rossi Lund Costa Haddad Weber Silva Nowak Jansen Okafor "
    "Petrov Duarte Meyer Olsen Farah Conti Vega Blanc Horvat Mendes Larsen Park Reyes Stone "
    "Walsh".split()
)
# 60 different people: 30 first names, each with two of the 30 last names.
PEOPLE = tuple(
    f"{first} {LAST_NAMES[(7 * number + shift) % len(LAST_NAMES)]}"
    for shift in (0, 11)
    for number, first in enumerate(FIRST_NAMES)
)
DAYS = tuple(
    f"2025-{month:02}-{day:02}" for month in range(1, 13) for day in (3, 6, 9, 14, 17, 20, 26)
)


def number(key: str, low: int, high: int) -> int:
    """A number in [low, high], always the same for the same key."""
    return low + zlib.crc32(key.encode()) % (high - low + 1)


def choice(key: str, options: Sequence[Item]) -> Item:
    """One of the options, always the same for the same key."""
    return options[number(key, 0, len(options) - 1)]


def identifiers(prefix: str, digits: int, count: int) -> tuple[str, ...]:
    """Different identifiers such as BK4821, for requests that name one."""
    numbers = (number(f"{prefix} {i}", 0, 10**digits - 1) for i in range(count))
    return tuple(dict.fromkeys(f"{prefix}{n:0{digits}}" for n in numbers))


def unknown(kind: str, value: object) -> dict[str, str]:
    """The error that a tool returns for a name it does not know."""
    return {"error": f"Unknown {kind}: {value!r}."}
