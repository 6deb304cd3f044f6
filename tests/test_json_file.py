"""Files from elsewhere: read as they are, or refused in one line that names them."""

import json

import pytest

from tl import InputError
from tl.json_file import read_json, read_object, read_optional, read_text

DAMAGED = {
    "cut off": (b'{"a": ', "no valid JSON (Expecting value"),
    "not UTF-8": (b'{"a": "\xff"}', "byte 7 is not UTF-8"),
    "too deep": (b"[" * 100_000, "no valid JSON ("),
    "an integer of 5,000 digits": (b'{"a": ' + b"1" * 5000 + b"}", "no valid JSON (Exceeds"),
    "a list": (b"[1]", "holds a list, expected a JSON object"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_files_are_refused_in_one_line(tmp_path, name):
    content, expected = DAMAGED[name]
    path = tmp_path / "file.json"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_object(path, advice="write it again")
    message = str(caught.value)
    assert message.startswith(f"{path}: ") and message.endswith("; write it again")
    assert expected in message and "\n" not in message


def test_files_that_cannot_be_read_are_refused(tmp_path):
    for path in (tmp_path / "missing.json", tmp_path):
        with pytest.raises(InputError, match="cannot be read: .*; copy the file again"):
            read_object(path)


def test_what_is_whole_is_read(tmp_path):
    path = tmp_path / "file.json"
    value = {"name": "größer", "list": [1, 2.5, None]}
    text = json.dumps(value, ensure_ascii=False)
    path.write_text(text, encoding="utf-8")
    assert read_text(path) == text and read_json(path) == read_object(path) == value
    path.write_text(text, encoding="utf-8-sig")  # with a byte order mark
    assert read_json(path) == read_optional(path) == value
    assert read_optional(tmp_path / "missing.json") == {}
