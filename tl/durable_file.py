"""Writing files so that a crash at any moment leaves the old content or the new, never a part.
Below all rooms: the standard library alone.
"""

import os
import secrets
from pathlib import Path


def write_atomically(path: Path, text: str) -> None:
    """Replaces path by text: temporary file beside it, fsync, rename, fsync of the directory. An
    OSError names path.
    """
    temporary = path.with_name(f".{path.name}.tmp-{secrets.token_hex(4)}")
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):  # it names the temporary file, which nobody knows
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    sync(path.parent)


def sync(path: Path) -> None:
    """Puts a file on the disk, or the names in a directory (a rename alone may be lost with the
    power).
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
