"""Durable files: the old content or the new, no rest beside it, and errors that name the file."""

import os

import pytest

from tl.durable_file import sync, write_atomically


def test_the_new_content_replaces_the_old(tmp_path):
    path = tmp_path / "scores.json"
    for text in ("old", "größer\n", ""):
        write_atomically(path, text)
        assert path.read_text(encoding="utf-8") == text
    assert os.listdir(tmp_path) == ["scores.json"]


def test_a_failure_leaves_the_old_content_and_nothing_beside_it(tmp_path, monkeypatch):
    path = tmp_path / "scores.json"
    write_atomically(path, "old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "new \ud800")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, "new")
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["scores.json"]


def test_an_error_names_the_file_and_not_the_temporary_one(tmp_path):
    """A directory in the file's place, and no directory at all."""
    (tmp_path / "scores.json").mkdir()
    for path, kind in [
        (tmp_path / "scores.json", IsADirectoryError),
        (tmp_path / "none" / "scores.json", FileNotFoundError),
    ]:
        with pytest.raises(kind) as caught:
            write_atomically(path, "new")
        assert caught.value.filename == str(path) and ".tmp-" not in str(caught.value)
    assert os.listdir(tmp_path) == ["scores.json"]


def test_files_and_directories_are_synced(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: seen.append(os.fstat(descriptor).st_ino))
    write_atomically(tmp_path / "scores.json", "new")
    sync(tmp_path / "scores.json")
    file, folder = (tmp_path / "scores.json").stat().st_ino, tmp_path.stat().st_ino
    assert seen == [file, folder, file]
