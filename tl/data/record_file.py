"""A file of records: `.json`, one list of objects, or `.jsonl`, one object per line.

Records are numbered from 1: in `.jsonl` that is the line, in `.json` the place in the list. A
`.json` file may also be one object whose "data" is the list. Text is UTF-8, with or without a byte
order mark. `.jsonl` lines end with \\n only (a line may contain U+2028 and the like) and are read
one by one, so the file may be larger than memory.
"""

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tl import InputError
from tl.data.fields import describe
from tl.data.strict_json import read_json, read_json_list


class Record(NamedTuple):
    """One record, from 1. `defect` says why it cannot be read; the value is None then."""

    number: int
    value: Any
    defect: str | None = None


def read_records(path: Path) -> Iterator[Record]:
    """The records of a file, bad ones included.

    Raises InputError where the file as a whole cannot be used: missing, unreadable, another kind
    of file, no JSON, without any record.
    """
    readers = {".json": _read_list_file, ".jsonl": _read_line_file}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise InputError(
            f"{path}: the name ends in {path.suffix!r}, expected .json (one list of records) or "
            ".jsonl (one record per line); rename or convert it"
        )
    number = 0
    try:
        for number, record in enumerate(reader(path), 1):  # noqa: B007
            yield record
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or error}), expected a .json or .jsonl file; "
            "correct the path"
        ) from None
    if not number:
        raise InputError(f"{path}: holds no record, expected at least one; check the file")


def _read_line_file(path: Path) -> Iterator[Record]:
    blank = position = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            start, position = position, position + len(line)
            if not line.strip(b" \t\r\n") or line == codecs.BOM_UTF8:
                blank = blank or number
                continue
            if blank:  # only the end of the file may be blank
                yield Record(blank, None, "a blank line, expected a JSON object; take it out")
                blank = 0
            yield _line_record(number, line, start)


def _line_record(number: int, line: bytes, start: int) -> Record:
    try:
        return Record(number, read_json(_decoded(line, start, skip_mark=number == 1)))
    except InputError as error:
        return Record(number, None, str(error))


def _read_list_file(path: Path) -> Iterator[Record]:
    try:
        text = _decoded(path.read_bytes(), 0, skip_mark=True)
        head = text.lstrip(" \t\n\r")[:1]
        if not head:
            return
        if head == "[":
            items = enumerate(read_json_list(text), 1)
            yield from (Record(number, item.value, item.defect) for number, item in items)
        else:
            yield from (Record(n, value) for n, value in enumerate(_data_list(text), 1))
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _data_list(text: str) -> list:
    """The list under "data" of a file that is one object."""
    try:
        value = read_json(text)
    except InputError as error:
        raise InputError(f"{error} (a file with one record per line is named .jsonl)") from None
    if not isinstance(value, dict) or not isinstance(value.get("data"), list):
        raise InputError(
            f"{describe(value)}, expected a list of records, or an object with that list as 'data'"
        )
    return value["data"]


def _decoded(content: bytes, start: int, skip_mark: bool) -> str:
    """UTF-8 to text; `start`: where the bytes stand in the file, for the message."""
    mark = len(codecs.BOM_UTF8) if skip_mark and content.startswith(codecs.BOM_UTF8) else 0
    try:
        return content[mark:].decode("utf-8")
    except UnicodeDecodeError as error:
        place = start + mark + error.start
        byte = content[mark + error.start]
        raise InputError(
            f"byte {place} (0x{byte:02x}) is no UTF-8; save the file as UTF-8"
        ) from None
