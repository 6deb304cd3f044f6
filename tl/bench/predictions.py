"""predictions.jsonl: what the model said, so that it can be scored again without the model.

    {"id": "single_seen_0000", "text": "search_flights(origin = 'Rome')"}          one reply
    {"id": "multi_seen_0000", "turns": [{"text": "...", "feedback": "..."}, ...], "end": "finish"}

Written in the order of the set; read in any. A feedback is null where none came back. A reply that
was cut off, as it grew too long, has "cut": true. Further keys are allowed and not looked at.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from tl import InputError
from tl.bench.episodes import ENDS

SHOWN = 60  # characters of a wrong value in a message
MADE = "expected the predictions.jsonl of an earlier run"


def render_predictions(rows: Iterable[dict[str, Any]]) -> str:
    """The file: one line per row, in ASCII: any text, also a broken one, comes back as it was."""
    return "".join(json.dumps(row) + "\n" for row in rows)


def read_predictions(
    path: str | Path, ids: Sequence[str], played: Collection[str] = ()
) -> list[dict[str, Any]]:
    """The rows in the order of `ids`. played: the ids whose rows are episodes.

    InputError names the line: no JSON, not an object, a member missing or of the wrong type, an id
    that stands twice or is not in the set; or it names the ids that have no line.
    """
    expected, rows = set(ids), {}
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        place = f"{path}:{number}"
        row = _row(place, line)
        name = row["id"]
        if name not in expected:
            raise InputError(
                f"{place}: the id {_show(name)} is not in the set of {len(expected):,} cases; "
                "predictions must be of the same --data, --seed and --limit"
            )
        if name in rows:
            raise InputError(f"{place}: the id {_show(name)} stands twice, expected one line each")
        _check_members(place, row, name in played)
        rows[name] = row
    if missing := [name for name in ids if name not in rows]:
        raise InputError(
            f"{path}: {len(missing):,} of {len(expected):,} cases have no line, the first is "
            f"{_show(missing[0])}; expected one line for every case"
        )
    return [rows[name] for name in ids]


def _lines(path: str | Path) -> list[str]:
    try:
        return Path(path).read_bytes().decode("utf-8-sig").split("\n")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}), {MADE}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 text (byte {error.start}), {MADE}") from error


def _row(place: str, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except RecursionError:
        raise InputError(f'{place}: is nested too deeply, expected {{"id", "text"}}') from None
    except ValueError as error:
        raise InputError(
            f'{place}: is no JSON ({error}), expected one {{"id", "text"}} per line; a file that '
            "was cut off has to be made again"
        ) from error
    if not isinstance(row, dict):
        raise InputError(f'{place}: is {_kind(row)}, expected an object {{"id", "text"}}')
    _check(place, row, "id", str)
    return row


def _check_members(place: str, row: dict, is_episode: bool) -> None:
    if not is_episode:
        _check(place, row, "text", str)
        if "cut" in row:
            _check(place, row, "cut", bool)
        return
    _check(place, row, "turns", list)
    _check(place, row, "end", str)
    if row["end"] not in ENDS:
        raise InputError(f"{place}: end is {_show(row['end'])}, expected one of {', '.join(ENDS)}")
    for number, turn in enumerate(row["turns"]):
        where = f"{place}: turns[{number}]"
        if not isinstance(turn, dict):
            raise InputError(f'{where} is {_kind(turn)}, expected an object {{"text", "feedback"}}')
        _check(where, turn, "text", str)
        _check(where, turn, "feedback", str | None)


def _check(place: str, row: dict, key: str, kind: type) -> None:
    names = {str: "a text", list: "a list", bool: "true or false"}
    wanted = names.get(kind, "a text or null")
    if key not in row:
        known = ", ".join(sorted(map(str, row))) or "nothing"
        raise InputError(f"{place}: has no {key!r}, got {_show(known)}, expected {wanted} there")
    if not isinstance(row[key], kind):
        raise InputError(f"{place}: {key!r} is {_kind(row[key])}, expected {wanted}")


def _kind(value: Any) -> str:
    kinds = {str: "a text", bool: "true or false", list: "a list", dict: "an object"}
    return "null" if value is None else kinds.get(type(value), "a number")


def _show(text: str) -> str:
    return ascii(text if len(text) <= SHOWN else text[:SHOWN] + "...")
