"""The replies of an evaluation on its way, so that a killed one goes on where it was.

predictions.partial.jsonl: what decides the replies, then one row of predictions.jsonl per line, as
they were made. Rows come in whole batches; a line that a crash has cut off is forgotten, and its
batch asked again. A file that was made with anything else (another model, other cases, another
length) is set aside under another name, never mixed in and never lost.
"""

import json
import os
import sys
from collections.abc import Collection, Iterable
from itertools import count
from pathlib import Path
from typing import Any

from tl import InputError
from tl.durable_file import sync, write_atomically

FILE = "predictions.partial.jsonl"

Row = dict[str, Any]


class Journal:
    """rows: what an earlier run with the same `settings` has said, by id; grows with `add`.

    settings: all that decides the replies, as plain JSON values. InputError for a file with the
    right settings whose lines are no rows.
    """

    def __init__(self, folder: Path, settings: dict[str, Any]):
        self.path = folder / FILE
        head = json.dumps({"settings": settings})
        lines = _whole_lines(self.path)
        if lines and lines[0] != head:
            _set_aside(self.path, _settings(lines[0]), settings)
            lines = []
        self.rows: dict[str, Row] = {}
        for number, line in enumerate(lines[1:], 2):
            row = _row(line, f"{self.path}:{number}")
            self.rows[row["id"]] = row
        write_atomically(self.path, "".join(f"{line}\n" for line in [head, *lines[1:]]))

    def has(self, ids: Iterable[str]) -> bool:
        return all(each in self.rows for each in ids)

    def add(self, rows: Collection[Row]) -> None:
        """Safe on disk when it returns."""
        with self.path.open("a", encoding="ascii") as file:
            file.write("".join(json.dumps(row) + "\n" for row in rows))
            file.flush()
            os.fsync(file.fileno())
        self.rows |= {row["id"]: row for row in rows}

    def close(self) -> None:
        """All is said, and written elsewhere."""
        self.path.unlink()
        sync(self.path.parent)


def _whole_lines(path: Path) -> list[str]:
    """The lines that were written to their end."""
    if not path.is_file():
        return []
    *lines, _ = path.read_text(encoding="ascii", errors="replace").split("\n")
    return lines


def _settings(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
        return found["settings"] if isinstance(found["settings"], dict) else {}
    except (ValueError, RecursionError, KeyError, TypeError):
        return {}


def _set_aside(path: Path, was: dict[str, Any], now: dict[str, Any]) -> None:
    """Moves the file away and says why."""
    names = (path.with_name(f"predictions.partial-{number}.jsonl") for number in count(1))
    aside = next(name for name in names if not name.exists())
    path.rename(aside)
    other = [name for name in [*now, *was] if was.get(name) != now.get(name)]
    name = other[0] if other else "settings"
    before = f"{name} was {json.dumps(was.get(name))}, is {json.dumps(now.get(name))}"
    print(f"{path}: holds replies of another evaluation ({before}); set aside as {aside.name}",
          file=sys.stderr)  # fmt: skip


def _row(line: str, place: str) -> Row:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not (isinstance(row, dict) and isinstance(row.get("id"), str)):
        raise InputError(f"{place}: is no reply, expected an object with an id on each line, as an "
                         "evaluation writes them; delete the file to start again")  # fmt: skip
    return row
