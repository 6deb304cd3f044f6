"""Malformed training files: what is wrong with the file as a whole, or with one record of it."""

import json

import pytest

from tests.malformed import END, refusal
from tl import InputError
from tl.data.conversation import read_conversations

GOOD = json.dumps({"messages": [END]})

# name -> (file name, content, what the message says behind the path; ":" and a number: that record)
FILES = {
    "empty": ("a.json", b"", ": holds no record, expected at least one"),
    "blank": ("a.jsonl", b"\n\n", ": holds no record"),
    "only a byte order mark": ("a.jsonl", b"\xef\xbb\xbf", ": holds no record"),
    "empty list": ("a.json", b"[]", ": holds no record"),
    "empty data": ("a.json", b'{"data": []}', ": holds no record"),
    "other suffix": ("a.csv", b"x", ": the name ends in '.csv', expected .json"),
    "list cut": (
        "a.json",
        b"[" + GOOD.encode(),
        f": broken JSON: expected ',' or ']' at column {len(GOOD) + 2}, got the end",
    ),
    "list cut in a record": ("a.json", b"[" + GOOD.encode()[:-3], ": broken JSON: "),
    "list with more": (
        "a.json",
        f"[{GOOD}]\n]".encode(),
        ": more text behind the JSON list, at line 2 column 1, got ']'",
    ),
    "comma at the end": (
        "a.json",
        f"[{GOOD},]".encode(),
        f": broken JSON: Expecting value at column {len(GOOD) + 3}, got ']'",
    ),
    "lines named .json": (
        "a.json",
        f"{GOOD}\n{GOOD}".encode(),
        ": more text behind the JSON value, at line 2 column 1",
    ),
    "an object": (
        "a.json",
        b'{"rows": []}',
        ": an object with the keys ['rows'], expected a list of records",
    ),
    "a number": ("a.json", b"7", ": the number 7, expected a list of records"),
    "not JSON": ("a.json", b"hello", ": broken JSON: Expecting value at column 1, got 'hello'"),
    "latin-1": ("a.json", b'["\xe9"]', ": byte 2 (0xe9) is no UTF-8; save the file as UTF-8"),
    "utf-16": ("a.json", "[]".encode("utf-16"), ": byte 0 (0x"),
    "bomb": ("a.json", b"[" * 100_000, ": JSON nested deeper than 100"),
    "record a string": ("a.json", b'["x"]', ":1: the string 'x', expected an object"),
    "record null": ("a.json", b"[null]", ":1: null, expected an object"),
    "list named .jsonl": (
        "a.jsonl",
        f"[{GOOD}]".encode(),
        ":1: a list of 1, expected an object; a .json file is one list",
    ),
    "second line cut": ("a.jsonl", f"{GOOD}\n{GOOD[:-2]}".encode(), ":2: broken JSON: "),
    "second line latin-1": (
        "a.jsonl",
        GOOD.encode() + b'\n{"a": "\xe9"}',
        f":2: byte {len(GOOD) + 8} (0xe9) is no UTF-8",
    ),
    "blank line": (
        "a.jsonl",
        f"{GOOD}\n\n{GOOD}".encode(),
        ":2: a blank line, expected a JSON object",
    ),
    "line with two records": (
        "a.jsonl",
        f"{GOOD} {GOOD}".encode(),
        ":1: more text behind the JSON value",
    ),
    "byte order mark later": (
        "a.jsonl",
        GOOD.encode() + b"\n\xef\xbb\xbf" + GOOD.encode(),
        ":2: broken JSON: ",
    ),
    "duplicate key": (
        "a.json",
        f'[{GOOD}, {{"id": 1, "id": 2}}]'.encode(),
        ":2: the key 'id' stands twice in one object",
    ),
    "line with Infinity": ("a.jsonl", b'{"reward": -Infinity}', ":1: -Infinity is no JSON value"),
    "line with half a pair": (
        "a.jsonl",
        b'{"id": "\\ude00"}',
        ":1: a string has one half of a surrogate pair",
    ),
    "line a bomb": ("a.jsonl", b'{"a": ' * 100_000, ":1: JSON nested deeper than 100"),
    "id a list": (
        "a.jsonl",
        b'{"id": []}',
        ":1: 'id' is a list of 0, expected a non-empty string or a number",
    ),
    "id empty": (
        "a.jsonl",
        b'{"id": ""}',
        ":1: 'id' is the string '', expected a non-empty string",
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_a_malformed_file_is_named(tmp_path, name):
    file, content, offence = FILES[name]
    path = tmp_path / file
    path.write_bytes(content)
    assert refusal(path).startswith(f"{path}{offence}")


@pytest.mark.parametrize("name", FILES)
def test_skipping_leaves_out_records_but_raises_for_files(tmp_path, name):
    """Only what is wrong with one record, named by its number, can be skipped; what stands behind
    it is read.
    """
    file, content, offence = FILES[name]
    path = tmp_path / file
    last = GOOD.encode()
    goes_on = content + b"\n" + last if file == "a.jsonl" else content[:-1] + b"," + last + b"]"
    skippable = offence[1].isdigit()
    path.write_bytes(goes_on if skippable else content)
    errors = []
    if skippable:
        *_, conversation = read_conversations(path, errors.append)
        assert [str(error).startswith(f"{path}{offence}") for error in errors] == [True]
        assert conversation.messages[0].content == "Rain."
        assert int(conversation.source.removeprefix(f"{path}:")) > int(offence[1])
    else:
        with pytest.raises(InputError):
            list(read_conversations(path, errors.append))
        assert not errors


@pytest.mark.parametrize("name", ["missing.json", "folder.jsonl"])
def test_a_path_that_is_no_file(tmp_path, name):
    (tmp_path / "folder.jsonl").mkdir()
    message = refusal(tmp_path / name)
    assert message.startswith(f"{tmp_path / name}: cannot be read (")
