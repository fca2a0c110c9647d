"""Folders, patterns and links give every picture once, and say what they pass over."""

import io
import os
from pathlib import Path

import pytest
from PIL import Image

from idennet.errors import ImageError, InputError
from idennet.media.folders import find_pictures
from idennet.media.names import text_of
from idennet.media.pictures import read_picture


def jpeg() -> bytes:
    encoded = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(encoded, "JPEG")
    return encoded.getvalue()


def make(folder: Path, *names: str, content: bytes = b"") -> None:
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def names(folder: Path, *arguments: str) -> list[str]:
    found = find_pictures([str(folder / argument) for argument in arguments])
    return [str(path.relative_to(folder)) for path in found.files]


def test_finding_pictures(tmp_path: Path) -> None:
    make(tmp_path, "b.jpg", "a.PNG", "deep/er/c.webp", "notes.txt", ".hidden.jpg", ".git/d.jpg", "odd.xyz")
    assert names(tmp_path, ".") == ["a.PNG", "b.jpg", "deep/er/c.webp"]
    assert names(tmp_path, "*.jpg", "b.jpg") == ["b.jpg"]
    assert names(tmp_path, "**/*.webp") == ["deep/er/c.webp"]
    assert names(tmp_path, "d*") == ["deep/er/c.webp"]
    assert names(tmp_path, "odd.xyz", "b.jpg") == ["odd.xyz", "b.jpg"]
    for nothing in ("*.gif", "missing.jpg", "*.txt"):
        with pytest.raises(InputError, match="No picture, video or folder matches"):
            names(tmp_path, nothing)
    (tmp_path / "hollow").mkdir()
    with pytest.raises(InputError, match="holds no pictures"):
        names(tmp_path, "hollow")


def test_brackets_in_names_are_no_pattern(tmp_path: Path) -> None:
    make(tmp_path, "me [1].jpg")
    assert find_pictures([tmp_path / "me [1].jpg"]).files == (tmp_path / "me [1].jpg",)


def test_a_file_named_in_two_ways_comes_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "a.jpg")
    monkeypatch.chdir(tmp_path)
    assert find_pictures(["a.jpg", tmp_path / "a.jpg", "."]).files == (Path("a.jpg"),)


def test_whatever_looks_like_a_picture_and_is_not_read_is_named(tmp_path: Path) -> None:
    make(tmp_path, "read.jpg", "a.avif", "b.jp2", "c.mpo", "d.heic", content=jpeg())
    make(tmp_path, "1.nef", "2.arw", "3.dng", "4.CR2", "new.jxl", "clip.MOV", "notes.txt", "table.csv")
    make(tmp_path, "from_the_camera", ".hidden.jpg", ".cache/thumb.jpg", content=jpeg())
    make(tmp_path, "._read.jpg", content=b"\0\5\x16\7")  # what macOS leaves on other disks
    found = find_pictures([tmp_path])
    assert [path.name for path in found.files] == [
        "a.avif",
        "b.jp2",
        "c.mpo",
        "clip.MOV",
        "d.heic",
        "read.jpg",
    ]
    remarks = found.remarks()
    assert [remark.split(":")[0] for remark in remarks] == [
        "1 passed over (.cache)",
        "1 passed over (.hidden.jpg)",
        "4 passed over (1.nef, 2.arw, 3.dng and 1 more)",
        "1 passed over (from_the_camera)",
        "1 passed over (new.jxl)",
    ]
    assert all(remark.endswith(".") for remark in remarks)


def test_a_folder_of_raw_files_says_so(tmp_path: Path) -> None:
    make(tmp_path, "a.nef")
    with pytest.raises(InputError, match=r"holds no pictures .* 1 passed over \(a\.nef\): raw camera files"):
        find_pictures([tmp_path])


@pytest.mark.parametrize("name", ["a.mp4", "a.nef", "a.dng"])
def test_videos_and_raw_files_named_directly_are_explained(tmp_path: Path, name: str) -> None:
    make(tmp_path, name, content=jpeg())
    with pytest.raises(ImageError, match=f"{name} is not read: "):
        read_picture(tmp_path / name)


def test_linked_folders_are_read_once_and_loops_end(tmp_path: Path) -> None:
    make(tmp_path, "elsewhere/p1.jpg", "study/own.jpg")
    (tmp_path / "study/session").symlink_to("../elsewhere")
    (tmp_path / "study/again").symlink_to("../elsewhere")
    (tmp_path / "elsewhere/back").symlink_to("../study")
    (tmp_path / "study/myself").symlink_to("myself")
    (tmp_path / "study/gone.jpg").symlink_to("nowhere.jpg")
    assert names(tmp_path, "study") == ["study/gone.jpg", "study/own.jpg", "study/session/p1.jpg"]
    assert names(tmp_path, ".") == ["elsewhere/p1.jpg", "study/gone.jpg", "study/own.jpg"]
    with pytest.raises(ImageError, match=r"gone\.jpg does not exist"):
        read_picture(tmp_path / "study/gone.jpg")


def test_a_closed_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "a.jpg", "closed/b.jpg")
    scan = os.scandir

    def refuse(path: Path) -> object:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert find_pictures([tmp_path]).remarks() == [
        "1 passed over (closed): the folder cannot be opened: Permission denied."
    ]


def test_a_picture_that_vanishes_gives_a_sentence(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", "b.jpg", content=jpeg())
    first, second = find_pictures([tmp_path]).files
    second.unlink()
    assert read_picture(first).pixels.shape == (8, 8, 3)
    with pytest.raises(ImageError, match=r"b\.jpg does not exist"):
        read_picture(second)


def test_names_that_are_not_utf8_are_read_and_can_be_printed(tmp_path: Path) -> None:
    name = os.fsdecode(b"Andr\xe9.jpg")
    try:
        make(tmp_path, name, "Andr\u00e9.jpg", content=jpeg())
    except (OSError, UnicodeEncodeError):  # macOS and Windows have no such names
        assert text_of("Andr\u00e9.jpg") == "Andr\u00e9.jpg"
        return
    frames = [read_picture(path) for path in find_pictures([tmp_path]).files]
    assert {frame.source for frame in frames} == {f"{tmp_path}/Andr\\xe9.jpg", f"{tmp_path}/Andr\u00e9.jpg"}
    assert {frame.path for frame in frames} == {tmp_path / name, tmp_path / "Andr\u00e9.jpg"}
    (tmp_path / name).write_bytes(b"text")
    with pytest.raises(ImageError) as caught:
        read_picture(tmp_path / name)
    assert str(caught.value).encode("utf-8")


def test_a_name_that_is_too_long_gives_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"cannot be opened: File name too long|does not exist"):
        read_picture(tmp_path / ("a" * 300 + ".jpg"))
