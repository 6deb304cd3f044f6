"""The files of a benchmark as its authors published them.

Scores can only be held beside published ones if the cases are the same, so each file is checked by
its SHA-256; line ends do not count, as git may turn them. A file may lie under any of several paths
below --data: a clone of the repository and its data folder alone both do.
"""

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tl import InputError


class Upstream(NamedTuple):
    """A published repository at one commit; paths in it stand below `root`."""

    repository: str
    commit: str
    root: str = ""

    def url(self, path: str) -> str:
        return f"https://github.com/{self.repository}/blob/{self.commit}/{self.root}{path}"


def read_text(folder: str | Path, upstream: Upstream, path: str, sha256: str | None) -> str:
    """The text of folder/path, where path may lack its first directories. A .gz is unpacked.

    sha256: of the published file; None: it is not checked. InputError names what is expected.
    """
    found = find(folder, upstream, path)
    data = _content(found, upstream.url(path)).replace(b"\r\n", b"\n")
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
        raise InputError(
            f"{found}: is not the published file (its SHA-256 differs), expected "
            f"{upstream.url(path)}; take the file of that commit"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{found}: is not UTF-8 text (byte {error.start}), expected "
                         f"{upstream.url(path)}") from error  # fmt: skip


def find(folder: str | Path, upstream: Upstream, path: str) -> Path:
    """The file of that path below the folder; InputError where it is missing."""
    places = [Path(folder) / place for place in _places(upstream.root + path)]
    for place in places:
        if place.is_file():
            return place
    raise InputError(
        f"--data {folder}: has no {path}, expected {upstream.url(path)}; give the folder of a "
        "clone of that repository, or its data folder"
    )


def read_json(folder: str | Path, upstream: Upstream, path: str, sha256: str | None) -> Any:
    """The JSON value of a file; see `read_text`."""
    return _parsed(read_text(folder, upstream, path, sha256), f"{folder}: {path}")


def read_rows(folder: str | Path, upstream: Upstream, path: str, sha256: str | None) -> list[Any]:
    """One JSON value per line that is not blank."""
    lines = read_text(folder, upstream, path, sha256).split("\n")
    return [
        _parsed(line, f"{folder}: {path}:{number}")
        for number, line in enumerate(lines, 1)
        if line.strip()
    ]


def numbered(names: Sequence[str]) -> Iterator[str]:
    """The names, told apart: what stands for the second time gets ` #2` behind it."""
    seen: dict[str, int] = {}
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        yield name if seen[name] == 1 else f"{name} #{seen[name]}"


def _content(path: Path, url: str) -> bytes:
    data = path.read_bytes()
    if path.suffix != ".gz":
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be unpacked ({error}), expected {url}") from error


def _parsed(text: str, place: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{place}: is no JSON ({error}), expected the published file") from error


def _places(path: str) -> Iterator[str]:
    """path, and what remains of it without its first directories."""
    parts = path.split("/")
    for start in range(len(parts)):
        yield "/".join(parts[start:])
