"""Training files as conversations. Four formats; each record is told by its keys:

    list of messages    its messages have   beside it              format
    "messages"          role                anything               OpenAI        openai_format.py
    "conversations"     role                "tools", "functions"   OpenAI
    "conversations"     role                neither, system is     authors' raw  authors_format.py
                                            a JSON list
    "conversations"     role                neither, system is     authors' mae
                                            any other text
    either              from                anything               ShareGPT      sharegpt_format.py

A key with null counts as absent. Where "tools" or "functions" is null, a record is OpenAI's unless
its system text lists tools.

Every error reads `file:record: what is wrong, what was expected, what to do`. Records count from 1;
in a .jsonl file that is the line. Messages inside a record count from 0, as in `messages[3]`.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tl import InputError
from tl.calls.schema import Conversation
from tl.data.authors_format import read_mae, read_raw
from tl.data.fields import at, describe
from tl.data.openai_format import read_openai
from tl.data.record_file import read_records
from tl.data.sharegpt_format import read_sharegpt
from tl.data.turns import Content

FORMATS = (
    "OpenAI (messages with role), authors' raw or mae (conversations with role, the first a system "
    "message with the tools), ShareGPT (conversations with from)"
)
MEDIA = ("images", "image", "videos", "video", "audios", "audio")


def read_conversations(
    path: str | Path, skip: Callable[[InputError], None] | None = None
) -> Iterator[Conversation]:
    """The records of a .json or .jsonl file, one by one, in the order of the file.

    skip: called with the error of each record that cannot be used, and reading goes on. Without it
        that error is raised.
    Raises InputError, also with `skip`, where the file as a whole cannot be read: it is missing, no
    JSON, or without a record. A .jsonl file with a broken line only has a bad record there.
    """
    path = Path(path)
    for record in read_records(path):
        place = f"{path}:{record.number}"
        try:
            with at(place):
                if record.defect:
                    raise InputError(record.defect)
                conversation = _conversation(record.value, record.number, place)
        except InputError as error:
            if skip is None:
                raise
            skip(error)
        else:
            yield conversation


def _conversation(record: Any, number: int, source: str) -> Conversation:
    """One record. `source`, its place, is kept for later errors."""
    if not isinstance(record, dict):
        raise InputError(
            f"{describe(record)}, expected an object; a .json file is one list of records, a "
            ".jsonl file has one record per line"
        )
    name = _record_id(record, number)
    with at("record without id" if record.get("id") is None else f"id {name!r}"):
        _refuse_media(record)
        key, read = _format(record)
        return Conversation(name, *read(record, key), source)


def _record_id(record: dict, number: int) -> str:
    """The record's own id; records without one are called by their number. Several records may
    share an id: the authors make theirs from the query.
    """
    name = record.get("id")
    if name is None:
        return f"record {number}"
    if isinstance(name, bool) or not isinstance(name, str | int | float) or name == "":
        raise InputError(f"'id' is {describe(name)}, expected a non-empty string or a number")
    return str(name)


def _format(record: dict) -> tuple[str, Callable[[dict, str], Content]]:
    """The key of the messages and the reader of the format; see the module docstring."""
    present = [key for key in ("messages", "conversations") if key in record]
    keys = [key for key in present if record[key] is not None] or present[:1]
    if len(keys) != 1:
        got = "both 'messages' and 'conversations'" if keys else f"only the keys {list(record)[:8]}"
        raise InputError(f"{got}, expected one list of messages of a known format: {FORMATS}")
    key = keys[0]
    messages = record[key]
    if not isinstance(messages, list) or not messages or not isinstance(messages[0], dict):
        raise InputError(f"{key!r} is {describe(messages)}, expected a list of message objects")
    first = messages[0]
    if first.get("from") is not None:
        return key, read_sharegpt
    if "role" not in first:
        raise InputError(
            f"{key}[0] has the keys {list(first)[:8]}, expected 'role' or 'from', as in a known "
            f"format: {FORMATS}"
        )
    beside = [record[name] for name in ("tools", "functions") if name in record]
    if key == "messages" or any(tools is not None for tools in beside):
        return key, read_openai
    if beside and not _is_tool_text(first.get("content")):
        return key, read_openai
    return key, _authors_reader(first)


def _is_tool_text(content: Any) -> bool:
    """Whether a system text lists tools as the authors' formats do."""
    return isinstance(content, str) and content.lstrip().startswith(("[", "Function:\ndef "))


def _authors_reader(first: dict) -> Callable[[dict, str], Content]:
    content = first.get("content")
    if str(first["role"]).lower() != "system" or not isinstance(content, str):
        raise InputError(
            "conversations[0] is no system message with the tools as text, which the authors' "
            "formats start with; a record in the OpenAI format has 'tools' beside it"
        )
    return read_raw if content.lstrip().startswith("[") else read_mae


def _refuse_media(record: dict) -> None:
    for key in MEDIA:
        if record.get(key):
            raise InputError(f"{key!r} is {describe(record[key])}, expected text only; take it out")
