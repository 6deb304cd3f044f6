"""Text and JSON files that came from somewhere else: whatever is wrong with one is an InputError of
one line that names it. Below all rooms: the standard library alone.
"""

import json
from pathlib import Path
from typing import Any

from tl import InputError

AGAIN = "copy the file again"


def read_text(path: str | Path, advice: str = AGAIN) -> str:
    """The text of a UTF-8 file. advice: what the user can do where it is none."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; {advice}") from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: byte {error.start} is not UTF-8, expected a text file; {advice}"
        ) from error


def read_json(path: str | Path, advice: str = AGAIN) -> Any:
    """The one JSON value of a file, with or without a byte order mark."""
    text = read_text(path, advice).removeprefix("\ufeff")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: also an integer of 5,000 digits
        raise InputError(f"{path}: no valid JSON ({one_line(error)}); {advice}") from error


def read_object(path: str | Path, advice: str = AGAIN) -> dict[str, Any]:
    """The one JSON object of a file."""
    value = read_json(path, advice)
    if not isinstance(value, dict):
        raise InputError(
            f"{path}: holds a {type(value).__name__}, expected a JSON object; {advice}"
        )
    return value


def read_optional(path: str | Path) -> dict[str, Any]:
    """The one JSON object of a file, {} where there is no such file."""
    return read_object(path) if Path(path).is_file() else {}


def one_line(error: Exception) -> str:
    """A library's message, fit to be quoted inside of ours."""
    return " ".join(str(error).split())[:300]
