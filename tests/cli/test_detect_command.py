import json
import os
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from rich.console import Console
from typer.testing import CliRunner, Result

from idennet.cli.counts import VideoCounts, ZeroedCounts
from idennet.cli.main import app
from idennet.cli.screen import print_video
from idennet.inference.analyser import Analyser
from idennet.inference.face import Face, Zeroed
from idennet.inference.result import Result as Reading
from idennet.models.action_units import ActionUnitModel
from planted import PlantedFinder, planted_picture

Detect = Callable[..., Result]


def save(path: Path, num_faces: int, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(planted_picture(num_faces, seed)).save(path)
    return path


def faces(weights: Path, picture: Path) -> tuple[Face, ...]:
    return Analyser(PlantedFinder(), ActionUnitModel.open(weights)).analyse(picture).faces


def test_the_share_of_a_video_is_that_of_the_faces_that_show_the_part(
    random_weights: Path, tmp_path: Path
) -> None:
    (face,) = faces(random_weights, save(tmp_path / "one.png", 1))
    au = next(iter(face.au_probs))
    told = (True, False, None, None)
    counts = VideoCounts("clip.mp4")
    for occurs in told:
        shown = replace(face, au_occurrences={**dict.fromkeys(face.au_probs, False), au: occurs})
        counts.add(Reading("clip.mp4", (640, 480), (shown,), tuple(face.au_probs), "test", time=0.0))
    console = Console(file=StringIO(), width=200)
    print_video(console, counts, quiet=False)
    assert f"AU{au} 50%" in console.file.getvalue()


def test_a_video_tells_what_each_person_s_zero_changes(random_weights: Path, tmp_path: Path) -> None:
    (face,) = faces(random_weights, save(tmp_path / "one.png", 1))
    au, other = list(face.au_probs)[:2]
    counts = VideoCounts("clip.mp4")
    quiet = dict.fromkeys(face.au_probs, False)
    for zeroed_occurs in (True, True, False, False, False, False, None):
        raw = {**quiet, au: None if zeroed_occurs is None else True}
        zeroed = Zeroed("whole", 4, face.au_probs, {**quiet, au: zeroed_occurs, other: True}, frozenset())
        shown = replace(
            face, au_occurrences=raw, unreliable_aus=frozenset({au}), person=2, name="Anna", zeroed=zeroed
        )
        counts.add(Reading("clip.mp4", (640, 480), (shown,), tuple(face.au_probs), "test", time=0.0))
    console = Console(file=StringIO(), width=200)
    print_video(console, counts, quiet=False)
    told = console.file.getvalue().splitlines()[1]
    assert told == f"  person 2 (Anna), own zero: AU{other} 0% to 100%  ~AU{au} 100% to 33%"


@pytest.mark.parametrize(("frames", "told"), [(20, "AU12 5% to 0%"), (21, "the same")])
def test_shares_that_a_zero_hardly_changes_are_not_told(frames: int, told: str) -> None:
    counts = ZeroedCounts(
        frames, Counter({6: frames, 12: 1}), Counter({6: frames}), Counter({6: frames, 12: frames})
    )
    assert counts.line(()) == told


def test_no_shares_are_told_of_a_person_of_a_few_frames_and_of_no_action_unit(
    random_weights: Path, tmp_path: Path
) -> None:
    (face,) = faces(random_weights, save(tmp_path / "one.png", 1))
    au, *_ = face.au_probs
    counts, quiet = VideoCounts("clip.mp4"), dict.fromkeys(face.au_probs, False)
    for number, occurs, frames in ((1, False, 5), (2, True, 4)):
        told = {**quiet, au: occurs}
        shown = replace(face, au_occurrences=told, person=number)
        shown = replace(shown, zeroed=Zeroed("whole", 4, face.au_probs, told, frozenset()))
        for _ in range(frames):
            counts.add(Reading("clip.mp4", (640, 480), (shown,), tuple(face.au_probs), "test", time=0.0))
    console = Console(file=StringIO(), width=200)
    print_video(console, counts, quiet=False)
    assert console.file.getvalue().splitlines()[1:] == [
        "  person 1, own zero: the same",
        "  person 2: 4 frames",
    ]


def test_a_picture_too_long_for_an_overlay_is_read_without(detect: Detect, tmp_path: Path) -> None:
    long = np.zeros((120, 66_000, 3), np.uint8)
    long[0, 0, 0] = 1
    Image.fromarray(long).save(tmp_path / "long.png")
    ran = detect(tmp_path / "long.png", save(tmp_path / "one.png", 1), "--out", tmp_path / "out")
    assert ran.exit_code == 0, ran.output
    table = pd.read_csv(tmp_path / "out" / "aus.csv")
    assert list(table["face"]) == [1, 1]
    assert "no overlay can be written: JPEG files have at most 65,500 pixels a side" in table["notes"][0]
    assert [path.name for path in (tmp_path / "out" / "overlays").iterdir()] == ["one.png.jpg"]


def test_one_picture_is_a_table_with_plain_names(detect: Detect, tmp_path: Path) -> None:
    ran = detect(save(tmp_path / "one.png", 1))
    assert ran.exit_code == 0, ran.output
    assert "Face 1" in ran.stdout
    assert "found with 90% confidence, yaw +1°, pitch -2°, roll +3°" in ran.stdout
    assert "1 picture: 1 face, 0 without a face, 0 unreadable." in ran.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["one.png"]


def test_what_a_reading_rests_on_is_told(detect: Detect, tmp_path: Path, random_weights: Path) -> None:
    """In the table by bars with a legend, in lines by naming what no photograph tested."""
    pictures = [save(tmp_path / f"{seed}.png", 2, seed) for seed in range(3)]
    table = detect(pictures[0]).stdout
    assert "bars: ━━━ tested on photographs, ╍╍╍ taught by photographs, ┅┅┅ renderings only" in table
    lines = detect(*pictures).stdout
    occurring = {au for picture in pictures for face in faces(random_weights, picture) for au in face.aus}
    told = {
        (1, 2): "taught by photographs, but not tested on any",
        (24, 43): "learnt from renderings only, and not tested on photographs",
    }
    assert occurring & {1, 2, 24, 43}
    for aus, sentence in told.items():
        names = " ".join(f"AU{au}" for au in aus if au in occurring)
        assert (f"{sentence}: {names}\n" in lines) == bool(names)


def test_the_table_shows_what_the_analyser_says(detect: Detect, tmp_path: Path, random_weights: Path) -> None:
    picture = save(tmp_path / "one.png", 1)
    shown = detect(picture).stdout.splitlines()
    face = faces(random_weights, picture)[0]
    assert face.aus
    for au in face.aus:
        line = next(line for line in shown if line.split()[:2] == ["yes", face.marked(au)])
        assert line.rstrip().endswith(f"{face.au_probs[au]:.0%}")
    rows = [line.split()[:2] for line in shown if line.split()[:1] in (["yes"], ["-"])]
    expected = [["yes" if face.au_occurrences[au] else "-", face.marked(au)] for au in face.ranked_aus]
    assert rows == expected[: len(face.aus) + 3]
    assert [line.split() for line in shown if line.startswith("present ")] == [
        ["present", "Action", "Unit", "probability"]
    ]
    assert "present: the probability reaches the Action Unit's own threshold" in shown


def test_a_batch_lists_only_what_occurs_unreliable_ones_last(
    detect: Detect, tmp_path: Path, random_weights: Path
) -> None:
    pictures = [save(tmp_path / f"{seed}.png", 1, seed) for seed in range(3)]
    shown = detect(*pictures).stdout.splitlines()
    for picture, line in zip(pictures, shown, strict=False):
        face = faces(random_weights, picture)[0]
        assert line.split()[1::2] == [face.marked(au) for au in face.aus]


def test_no_face_in_the_only_picture_exits_with_1(detect: Detect, tmp_path: Path) -> None:
    ran = detect(save(tmp_path / "none.png", 0), "--out", tmp_path / "out")
    assert ran.exit_code == 1
    assert "none.png: no face found." in ran.stdout
    hint = "Is it upright? Turn it, or give the file of another face finder with --finder."
    assert hint in ran.stdout
    row = pd.read_csv(tmp_path / "out" / "aus.csv").iloc[0]
    assert row["problem"] == "no face found"
    assert np.isnan(row["AU12"])


def test_notes_are_shown_where_no_face_was_found(detect: Detect, tmp_path: Path) -> None:
    blank = Image.fromarray(planted_picture(0))
    blank.save(tmp_path / "pages.tif", save_all=True, append_images=[Image.fromarray(planted_picture(1))])
    ran = detect(tmp_path / "pages.tif")
    assert ran.exit_code == 1
    assert "pages.tif: no face found (several pages: first of 2 pages used)." in ran.stdout


def test_an_unreadable_only_picture_exits_with_2_and_one_sentence(detect: Detect, tmp_path: Path) -> None:
    (tmp_path / "torn.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    ran = detect(tmp_path / "torn.jpg", "--out", tmp_path / "out")
    assert ran.exit_code == 2
    assert len(ran.stderr.strip().splitlines()) == 1
    assert "torn.jpg" in ran.stderr
    assert "Traceback" not in ran.output
    assert "torn.jpg" in pd.read_csv(tmp_path / "out" / "aus.csv")["problem"][0]


def test_a_batch_counts_and_explains_everything(detect: Detect, tmp_path: Path) -> None:
    photos, out = tmp_path / "photos", tmp_path / "out"
    save(photos / "a" / "same.png", 1)
    save(photos / "b" / "same.png", 2)
    save(photos / "none.png", 0)
    (photos / "torn.png").write_bytes((photos / "none.png").read_bytes()[:100])
    (photos / "notes.txt").write_text("not a picture, not looked at")
    (photos / "a" / "shot.CR2").touch()
    ran = detect(photos, "--out", out)
    assert ran.exit_code == 0, ran.output
    assert "4 pictures: 3 faces, 1 without a face, 1 unreadable." in ran.stdout
    assert "torn.png is damaged" in ran.stdout
    assert "1 passed over (shot.CR2): raw camera files are not read" in ran.stdout
    table = pd.read_csv(out / "aus.csv")
    assert [Path(name).name for name in table["file"]] == ["same.png"] * 3 + ["none.png", "torn.png"]
    assert table["face"].fillna(0).tolist() == [1, 1, 2, 0, 0]
    assert "Is it upright?" in ran.stdout
    assert len((out / "aus.jsonl").read_text().splitlines()) == 4
    overlays = sorted(path.relative_to(out).as_posix() for path in out.rglob("*.jpg"))
    assert overlays == ["overlays/a/same.png.jpg", "overlays/b/same.png.jpg"]
    with Image.open(out / overlays[0]) as drawn, Image.open(photos / "a" / "same.png") as original:
        assert drawn.size == original.size
        difference = np.abs(np.asarray(drawn, np.int16) - np.asarray(original, np.int16))
    assert (difference > 60).any()


def test_every_usual_kind_of_picture_is_read(detect: Detect, tmp_path: Path) -> None:
    pixels = planted_picture(1)
    image = Image.fromarray(pixels)
    kinds = tmp_path / "kinds"
    kinds.mkdir()
    grey = np.full((120, 340), 1, np.uint8)  # red value 1 at the first pixel: one face
    Image.fromarray(grey).save(kinds / "grey.png")
    deep = grey.astype(np.uint16) * 257
    deep[-1, -1] = 65535
    Image.fromarray(deep).save(kinds / "deep.png")
    alpha = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
    Image.fromarray(alpha).save(kinds / "alpha.png")
    image.save(kinds / "animated.png", save_all=True, append_images=[Image.fromarray(planted_picture(0))])
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by a quarter
    image.transpose(Image.Transpose.ROTATE_90).save(kinds / "turned.png", exif=exif)
    image.save(kinds / "page.tiff")
    huge = Image.new("1", (20_000, 20_000))
    huge.save(kinds / "huge.png")
    (kinds / "cut.tiff").write_bytes((kinds / "page.tiff").read_bytes()[:3000])
    (kinds / "empty.jpg").touch()
    ran = detect(kinds, "--out", tmp_path / "out", "--quiet")
    assert ran.exit_code == 0, ran.output
    assert "9 pictures: 6 faces, 0 without a face, 3 unreadable." in ran.stdout
    assert "400" in ran.stdout or "20000 x 20000" in ran.stdout
    lines = map(json.loads, (tmp_path / "out/aus.jsonl").read_text().splitlines())
    read = {Path(picture["file"]).name: picture for picture in lines}
    assert read["turned.png"]["size"] == [340, 120]
    assert read["animated.png"]["notes"] == ["animated: first of 2 frames used"]
    assert read["deep.png"]["notes"] == ["16-bit scaled to 8-bit"]
    turned, upright = read["turned.png"]["faces"][0]["aus"], read["page.tiff"]["faces"][0]["aus"]
    assert turned == upright


def test_overlays_are_passed_over_wherever_they_lie_and_read_where_one_is_named(
    detect: Detect, tmp_path: Path
) -> None:
    save(tmp_path / "photo.png", 1)
    for folder in ("sunday", "monday", "tuesday", "tuesday"):
        ran = detect(tmp_path, "--out", tmp_path / folder)
        assert ran.exit_code == 0, ran.output
        assert len(pd.read_csv(tmp_path / folder / "aus.csv")) == 1
    assert "3 passed over (photo.png.jpg, " in ran.stdout
    assert "these are overlays or charts of an earlier run." in ran.stdout
    ran = detect(tmp_path / "monday", "--out", tmp_path / "out")
    assert ran.exit_code == 2
    assert "All pictures there are overlays or charts of an earlier run; name others." in ran.stderr
    named = next((tmp_path / "monday" / "overlays").iterdir())
    assert "1 picture: " in detect(named).stdout


def test_overlays_have_names_of_their_own(detect: Detect, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    names = ["p.png", "p.png.jpg", "p.jpg", "p.jpeg", "p.v2.jpg", "p.v2", "p", "b" * 251 + ".png"]
    names += ["b" * 250 + "c.png"]
    for name in names:
        with (photos / name).open("wb") as file:
            Image.fromarray(planted_picture(1)).save(file, "PNG")
    listed = [str(photos / name) for name in names]
    ran = detect(*listed, "--out", tmp_path / "out", "--quiet")
    assert ran.exit_code == 0, ran.output
    drawn = [path.name for path in (tmp_path / "out" / "overlays").iterdir()]
    assert len(drawn) == len(names)
    assert {"p.jpg", "p.jpeg", "p.png.jpg", "p.png.jpg.jpg"} < set(drawn)
    assert len(pd.read_csv(tmp_path / "out" / "aus.csv")) == len(names)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux takes any bytes as a name")
def test_a_name_that_is_not_utf_8_travels_through_tables_and_overlays(detect: Detect, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    content = save(tmp_path / "one.png", 1).read_bytes()
    for name in (b"a.png", b"m_Andr\xe9.png", b"z.png"):
        (tmp_path / "photos" / os.fsdecode(name)).write_bytes(content)
    for _ in range(2):  # read, then found to be done
        ran = detect(tmp_path / "photos", "--out", tmp_path / "out")
        assert ran.exit_code == 0, ran.output
        table = pd.read_csv(tmp_path / "out" / "aus.csv")
        assert [Path(name).name for name in table["file"]] == ["a.png", "m_Andr\\xe9.png", "z.png"]
    assert "3 pictures read by an earlier run, nothing left to read" in ran.stdout
    assert len(list((tmp_path / "out" / "overlays").iterdir())) == 3


def test_overlays_of_pictures_above_the_working_folder_stay_in_the_output_folder(
    detect: Detect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "above.png", 1)
    save(tmp_path / "a" / "b" / "here.png", 1)
    monkeypatch.chdir(tmp_path / "a" / "b")
    assert detect("here.png", "../../above.png", "--out", "out", "--quiet").exit_code == 0
    overlays = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.jpg"))
    assert overlays == ["a/b/out/overlays/a/b/here.png.jpg", "a/b/out/overlays/above.png.jpg"]


def test_no_overlay_writes_tables_only_and_quiet_prints_the_summary_only(
    detect: Detect, tmp_path: Path
) -> None:
    ran = detect(save(tmp_path / "one.png", 1), "--out", tmp_path / "out", "--no-overlay", "--quiet")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["aus.csv", "aus.json", "aus.jsonl"]
    assert ran.stdout.splitlines()[0] == "1 picture: 1 face, 0 without a face, 0 unreadable."


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["{tmp}/none.jpg"], "No picture, video or folder matches"),
        (["{tmp}/one.png", "--overlay"], "Overlays need a folder; add --out FOLDER."),
        (["{tmp}/one.png", "--out", "{tmp}/one.png"], "one.png: Not a directory; choose another place."),
        (["{tmp}", "--out", "{tmp}/a/.."], "give --out another one, such as"),
        (["{tmp}/one.png", "--weights", "{tmp}/one.png"], "one.png is no weights file"),
    ],
)
def test_mistakes_are_one_sentence_and_exit_with_2(
    tmp_path: Path, planted_finder: None, random_weights: Path, arguments: list[str], sentence: str
) -> None:
    save(tmp_path / "one.png", 1)
    (tmp_path / "a").mkdir()
    command = ["detect", "--weights", str(random_weights), *(a.format(tmp=tmp_path) for a in arguments)]
    ran = CliRunner().invoke(app, command)
    assert ran.exit_code == 2
    assert sentence in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1


def test_a_picture_alone_is_read_and_shown_again(detect: Detect, tmp_path: Path) -> None:
    for _ in range(2):
        ran = detect(save(tmp_path / "one.png", 1), "--out", tmp_path / "out")
        assert "Face 1" in ran.stdout
        assert len(pd.read_csv(tmp_path / "out" / "aus.csv")) == 1


def test_an_overlay_that_cannot_be_written_is_a_note(detect: Detect, tmp_path: Path) -> None:
    pictures = [save(tmp_path / f"{number}.png", 1) for number in range(2)]
    (tmp_path / "out" / "overlays" / "0.png.jpg").mkdir(parents=True)
    assert detect(*pictures, "--out", tmp_path / "out").exit_code == 0
    notes = pd.read_csv(tmp_path / "out" / "aus.csv")["notes"]
    assert notes[0] == "the overlay could not be written: Is a directory"
    assert notes.isna()[1]
