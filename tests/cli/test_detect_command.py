import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from idennet.cli.main import app
from idennet.inference.predictor import Predictor
from planted import planted_picture

Detect = Callable[..., Result]


@pytest.fixture
def detect(random_weights: Path, planted_finder: None) -> Detect:
    def run(*arguments: str | Path) -> Result:
        command = ["detect", *map(str, arguments), "--weights", str(random_weights)]
        return CliRunner().invoke(app, command, env={"COLUMNS": "140"})

    return run


def save(path: Path, num_faces: int, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(planted_picture(num_faces, seed)).save(path)
    return path


def test_one_picture_is_a_table_with_plain_names(detect: Detect, tmp_path: Path) -> None:
    ran = detect(save(tmp_path / "one.png", 1))
    assert ran.exit_code == 0, ran.output
    assert "Face 1" in ran.stdout
    assert "found with 90% confidence, yaw +1°, pitch -2°, roll +3°" in ran.stdout
    assert "1 picture: 1 face, 0 without a face, 0 unreadable." in ran.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["one.png"]


def test_the_table_shows_what_the_predictor_says(
    detect: Detect, tmp_path: Path, random_weights: Path
) -> None:
    picture = save(tmp_path / "one.png", 1)
    shown = detect(picture).stdout.splitlines()
    face = Predictor(random_weights).detect_one(picture).faces[0]
    assert face.aus
    for au in face.aus:
        line = next(line for line in shown if line.split()[:2] == ["yes", face.marked(au)])
        assert line.rstrip().endswith(f"{face.au_probs[au]:.0%}")
    rows = [line.split()[:2] for line in shown if line.split()[:1] in (["yes"], ["-"])]
    expected = [["yes" if face.au_occurrences[au] else "-", face.marked(au)] for au in face.ranked_aus]
    assert rows == expected[: len(face.aus) + 3]
    assert [line.split() for line in shown if line.startswith("occurs ")] == [
        ["occurs", "Action", "Unit", "probability"]
    ]
    assert "occurs: probability at or above the Action Unit's own threshold" in shown


def test_a_batch_lists_only_what_occurs_unreliable_ones_last(
    detect: Detect, tmp_path: Path, random_weights: Path
) -> None:
    pictures = [save(tmp_path / f"{seed}.png", 1, seed) for seed in range(3)]
    shown = detect(*pictures).stdout.splitlines()
    for picture, line in zip(pictures, shown, strict=False):
        face = Predictor(random_weights).detect_one(picture).faces[0]
        assert line.split()[1::2] == [face.marked(au) for au in face.aus]


def test_no_face_in_the_only_picture_exits_with_1(detect: Detect, tmp_path: Path) -> None:
    ran = detect(save(tmp_path / "none.png", 0), "--out", tmp_path / "out")
    assert ran.exit_code == 1
    assert "none.png: no face found." in ran.stdout
    assert "Is it upright? Turn it, or give YuNet's model file with --detector-model." in ran.stdout
    row = pd.read_csv(tmp_path / "out" / "aus.csv").iloc[0]
    assert row["problem"] == "no face found"
    assert np.isnan(row["AU12"])


def test_an_unreadable_only_picture_exits_with_2_and_one_sentence(detect: Detect, tmp_path: Path) -> None:
    (tmp_path / "torn.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    ran = detect(tmp_path / "torn.jpg", "--out", tmp_path / "out")
    assert ran.exit_code == 2
    assert len(ran.stderr.strip().splitlines()) == 1
    assert "torn.jpg" in ran.stderr
    assert "Traceback" not in ran.output
    assert not (tmp_path / "out" / "aus.csv").exists()


def test_a_batch_counts_and_explains_everything(detect: Detect, tmp_path: Path) -> None:
    photos, out = tmp_path / "photos", tmp_path / "out"
    save(photos / "a" / "same.png", 1)
    save(photos / "b" / "same.png", 2)
    save(photos / "none.png", 0)
    (photos / "torn.png").write_bytes((photos / "none.png").read_bytes()[:100])
    (photos / "notes.txt").write_text("not a picture, not looked at")
    (photos / "a" / "clip.MOV").touch()
    ran = detect(photos, "--out", out)
    assert ran.exit_code == 0, ran.output
    assert "4 pictures: 3 faces, 1 without a face, 1 unreadable." in ran.stdout
    assert "torn.png is damaged" in ran.stdout
    assert "1 passed over (clip.MOV): videos are not read" in ran.stdout
    table = pd.read_csv(out / "aus.csv")
    assert [Path(name).name for name in table["file"]] == ["same.png"] * 3 + ["none.png", "torn.png"]
    assert table["face"].fillna(0).tolist() == [1, 1, 2, 0, 0]
    assert len(json.loads((out / "aus.json").read_text())["pictures"]) == 4
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
    read = {Path(p["file"]).name: p for p in json.loads((tmp_path / "out/aus.json").read_text())["pictures"]}
    assert read["turned.png"]["size"] == [340, 120]
    assert read["animated.png"]["notes"] == ["animated: first of 2 frames used"]
    assert read["deep.png"]["notes"] == ["16-bit scaled to 8-bit"]
    turned, upright = read["turned.png"]["faces"][0]["aus"], read["page.tiff"]["faces"][0]["aus"]
    assert turned == upright


def test_a_second_run_does_not_read_its_own_overlays(detect: Detect, tmp_path: Path) -> None:
    save(tmp_path / "photo.png", 1)
    for _ in range(2):
        ran = detect(tmp_path, "--out", tmp_path, "--quiet")
        assert "1 picture: 1 face" in ran.stdout
    assert "in place of an earlier run's tables." in ran.stdout.replace("\n", " ")
    assert sorted(path.name for path in tmp_path.rglob("*.*") if path.is_file()) == [
        "aus.csv",
        "aus.json",
        "photo.png",
        "photo.png.jpg",
    ]


def test_nothing_but_overlays_is_a_mistake(detect: Detect, tmp_path: Path) -> None:
    save(tmp_path / "photo.png", 1)
    assert detect(tmp_path / "photo.png", "--out", tmp_path / "out").exit_code == 0
    ran = detect(tmp_path / "out", "--out", tmp_path / "out")
    assert ran.exit_code == 2
    assert "from an earlier run; name others." in ran.stderr


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
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["aus.csv", "aus.json"]
    assert ran.stdout.splitlines()[0] == "1 picture: 1 face, 0 without a face, 0 unreadable."


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["{tmp}/none.jpg"], "No picture or folder matches"),
        (["{tmp}/one.png", "--overlay"], "Overlays need a folder; add --out FOLDER."),
        (["{tmp}/one.png", "--out", "{tmp}/one.png"], "one.png is a file; --out needs a folder."),
        (["{tmp}/one.png", "--weights", "{tmp}/one.png"], "one.png is no weights file"),
    ],
)
def test_mistakes_are_one_sentence_and_exit_with_2(
    tmp_path: Path, planted_finder: None, random_weights: Path, arguments: list[str], sentence: str
) -> None:
    save(tmp_path / "one.png", 1)
    command = ["detect", "--weights", str(random_weights), *(a.format(tmp=tmp_path) for a in arguments)]
    ran = CliRunner().invoke(app, command)
    assert ran.exit_code == 2
    assert sentence in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1


def test_interruption_keeps_the_rows_that_were_read(
    detect: Detect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = [save(tmp_path / f"{number}.png", 1) for number in range(3)]
    detect_all = Predictor.detect

    def interrupted(self: Predictor, sources: list[Path]):
        yield from detect_all(self, sources[:2])
        raise KeyboardInterrupt

    monkeypatch.setattr(Predictor, "detect", interrupted)
    ran = detect(*pictures, "--out", tmp_path / "out")
    assert ran.exit_code == 130
    assert "Interrupted after 2 of 3 pictures." in ran.stderr
    assert len(pd.read_csv(tmp_path / "out" / "aus.csv")) == 2
