"""A file is there whole or not at all."""

import errno
import os
from pathlib import Path

import pytest

from idennet.files import draft_of, draft_path, drafts_of, write_bytes, write_text


def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    write_text(path, "old")

    def tear() -> None:
        with draft_of(path) as draft:
            draft.write_text("ne")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tear()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    write_text(path, "new\n")
    assert path.read_bytes() == b"new\n"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_writer_left_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    draft_path(path).write_bytes(b"torn and longer than the new content")
    write_bytes(path, b"whole")
    assert path.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_file_and_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.json"
    write_text(path, "old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as caught:
        write_text(path, "new")
    assert caught.value.filename == str(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_errors_name_the_file_that_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "run.json", tmp_path / "nowhere" / "run.json"):
        with pytest.raises(OSError) as caught:  # noqa: PT011 - of two kinds
            write_text(path, "new")
        assert caught.value.filename == str(path)
    with pytest.raises(FileNotFoundError) as missing, draft_of(tmp_path / "copy"):
        (tmp_path / "source").read_text()
    assert missing.value.filename == str(tmp_path / "source")


@pytest.mark.parametrize("name", ["n" * 255, "é" * 127, os.fsdecode(b"caf\xe9.csv")])
def test_every_name_that_a_file_may_have(name: str, tmp_path: Path) -> None:
    write_text(tmp_path / name, "whole")
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_files_that_belong_together_wait_for_each_other(tmp_path: Path) -> None:
    paths = [tmp_path / "weights.safetensors", tmp_path / "weights.json"]
    for path in paths:
        write_text(path, "old")
    with pytest.raises(FileNotFoundError) as caught, drafts_of(*paths) as drafts:
        drafts[0].write_text("new")  # and the other is never written
    assert caught.value.filename == str(paths[1])
    assert [path.read_text() for path in paths] == ["old", "old"]
    with drafts_of(*paths) as drafts:
        for draft in drafts:
            draft.write_text("new")
    assert [path.read_text() for path in paths] == ["new", "new"]
    assert sorted(tmp_path.iterdir()) == sorted(paths)
