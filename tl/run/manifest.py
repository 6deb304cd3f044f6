"""`manifest.json`: size and SHA-256 of every file of a checkpoint, so that damage is found.

    {"files": {"model.safetensors": {"sha256": "...", "size": 123}, ...},
     "format": ..., "sequence": 7, "sha256": ...}

`sequence` counts the checkpoints of a run directory in the order of writing. The last entry is
the digest of the others, and there is one way to write the file: a changed byte in it shows too.
"""

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tl import InputError
from tl.durable_file import sync, write_atomically

MANIFEST = "manifest.json"
FORMAT = "tl checkpoint 1"
BLOCK_BYTES = 2**22


def seal(directory: Path, sequence: int) -> None:
    """Makes every file below directory durable and writes the manifest over them."""
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    names = [path.relative_to(directory).as_posix() for path in files]
    records = dict(zip(names, _in_parallel(_record, files), strict=True))
    manifest = {"format": FORMAT, "sequence": sequence, "files": records}
    for folder in {path.parent for path in files}:
        sync(folder)
    write_atomically(directory / MANIFEST, _text(manifest))


def read_manifest(directory: Path) -> dict:
    """The manifest of a checkpoint. Raises InputError where it is absent or damaged."""
    path = directory / MANIFEST
    try:
        text = path.read_bytes().decode("ascii")
        manifest = json.loads(text)
        manifest.pop("sha256", None)
        intact = text == _text(manifest) and manifest["format"] == FORMAT
    except FileNotFoundError:
        inside = sorted(found.parent.name for found in directory.glob(f"checkpoint-*/{MANIFEST}"))
        hint = f"; did you mean {directory / inside[-1]}?" if inside else ""
        raise InputError(f"{directory}: is no checkpoint, it has no {MANIFEST}{hint}") from None
    except (ValueError, TypeError, AttributeError, KeyError):
        intact = False
    if not intact:
        raise InputError(f"{path}: damaged, or written by another version; use another checkpoint")
    return manifest


def verify(directory: Path) -> None:
    """Reads every byte of a checkpoint. Raises InputError naming the first file that is wrong."""
    records = {directory / name: r for name, r in read_manifest(directory)["files"].items()}
    for path, record in records.items():
        if not path.is_file():
            raise InputError(f"{path}: missing, but listed in {MANIFEST}; use another checkpoint")
        size, expected = path.stat().st_size, record["size"]
        if size != expected:
            raise InputError(
                f"{path}: damaged: {size} bytes, expected {expected}; use another checkpoint"
            )
    for path, digest in zip(records, _in_parallel(_sha256, list(records)), strict=True):
        if digest != records[path]["sha256"]:
            raise InputError(
                f"{path}: damaged: its SHA-256 is not that of {MANIFEST}; use another checkpoint"
            )


def _text(manifest: dict) -> str:
    digest = hashlib.sha256(_json(manifest).encode()).hexdigest()
    return _json({**manifest, "sha256": digest}) + "\n"


def _json(value: dict) -> str:
    return json.dumps(value, sort_keys=True, indent=1)


def _record(path: Path) -> dict:
    sync(path)
    return {"size": path.stat().st_size, "sha256": _sha256(path)}


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _in_parallel(function: Callable, paths: list[Path]) -> list:
    """hashlib and fsync release the interpreter lock: several files at a time."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        return list(pool.map(function, paths))
