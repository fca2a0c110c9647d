import errno
import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pyarrow.parquet as pq
import pytest
from planted_clip import clip_results, write_results
from typer.testing import CliRunner

from idennet.cli.main import app
from idennet.inference.result import SCHEMA
from idennet.media.kinds import VIDEO_SUFFIXES
from idennet.timelines.annotations import elan, praat
from idennet.timelines.export import export, file_names
from idennet.timelines.parquet import METADATA_KEY
from idennet.timelines.recording import read_recordings


def test_parquet_has_the_rows_of_the_csv_with_types_units_and_model(results: Path) -> None:
    list(export(results, results))
    file = pq.ParquetFile(results / "aus.parquet")
    about = json.loads(file.schema_arrow.metadata[METADATA_KEY])
    assert about["schema"] == SCHEMA
    assert about["thresholds"]["AU12"] == 0.5
    assert about["weights"]["version"] == "planted-1"
    assert file.schema_arrow.field("lm_x0").metadata == {b"unit": b"pixels of the upright picture"}
    kinds = {
        name: str(file.schema_arrow.field(name).type) for name in ("track", "AU12", "AU12_present", "file")
    }
    assert kinds == {"track": "int32", "AU12": "float", "AU12_present": "int8", "file": "string"}
    table, rows = pd.read_parquet(results / "aus.parquet"), pd.read_csv(results / "aus.csv")
    assert list(table.columns) == list(rows.columns)
    pd.testing.assert_frame_equal(
        table.astype(rows.dtypes.to_dict()), rows, check_dtype=False, check_exact=False, atol=1e-4
    )
    assert table["file"].tolist() == rows["file"].tolist()


def test_elan_has_a_tier_for_each_movement_in_milliseconds(results: Path, tmp_path: Path) -> None:
    video = tmp_path / "talk.mp4"
    video.touch()
    clip = read_recordings(results)[0]
    root = ElementTree.fromstring(elan(clip, video))
    (media,) = root.iter("MEDIA_DESCRIPTOR")
    assert media.attrib == {"MEDIA_URL": video.resolve().as_uri(), "MIME_TYPE": "video/mp4"}
    (tier,) = root.iter("TIER")
    assert tier.attrib["TIER_ID"] == "person 1 AU12 lip corner puller"
    slots = {slot.attrib["TIME_SLOT_ID"]: int(slot.attrib["TIME_VALUE"]) for slot in root.iter("TIME_SLOT")}
    (annotation,) = root.iter("ALIGNABLE_ANNOTATION")
    times = [slots[annotation.attrib[f"TIME_SLOT_REF{end}"]] for end in (1, 2)]
    assert times == [400, 1400]
    assert annotation.findtext("ANNOTATION_VALUE") == "AU12 0.90 apex 0.800 s"
    kinds = {kind.attrib["LINGUISTIC_TYPE_ID"] for kind in root.iter("LINGUISTIC_TYPE")}
    assert kinds == {tier.attrib["LINGUISTIC_TYPE_REF"]}
    assert [*map(str, slots.values())] == [*map(str, sorted(slots.values()))]
    for name in ("gone.mp4", f"{'顔' * 190}.mp4"):  # no file can have the second
        assert not [*ElementTree.fromstring(elan(clip, tmp_path / name)).iter("MEDIA_DESCRIPTOR")]


def test_praat_intervals_fill_the_clip(results: Path) -> None:
    text = praat(read_recordings(results)[0])
    bounds = [float(line.split("=")[1]) for line in text.splitlines() if " xm" in line]
    assert bounds == [0, 2, 0, 0.4, 0.4, 1.4, 1.4, 2]
    assert text.count('text = "AU12') == 1


def test_quotes_in_a_name_are_doubled_for_praat(results: Path) -> None:
    clip = read_recordings(results)[0]
    named = replace(clip, tracks=(replace(clip.tracks[0], name='person 1 (Anna "Nan" Lee)'),))
    assert '        name = "person 1 (Anna ""Nan"" Lee) AU12 lip corner puller"\n' in praat(named)


def test_without_an_episode_documents_have_one_empty_tier(tmp_path: Path) -> None:
    clip = read_recordings(write_results(tmp_path / "r", clip_results()[:5]))[0]
    text = praat(clip)
    assert "tiers? <exists>\nsize = 1\n" in text
    assert "intervals: size = 1\n" in text
    assert 'text = ""' in text
    (tier,) = ElementTree.fromstring(elan(clip, None)).iter("TIER")
    assert list(tier) == []


@pytest.mark.parametrize("suffix", sorted(VIDEO_SUFFIXES))
def test_elan_is_told_the_type_of_every_kind_of_video(results: Path, tmp_path: Path, suffix: str) -> None:
    video = tmp_path / f"talk{suffix}"
    video.touch()
    (media,) = ElementTree.fromstring(elan(read_recordings(results)[0], video)).iter("MEDIA_DESCRIPTOR")
    assert "/" in media.attrib["MIME_TYPE"]
    assert suffix != ".avi" or media.attrib["MIME_TYPE"] == "video/x-msvideo"


def test_the_command_writes_a_file_of_each_kind_for_each_clip(tmp_path: Path) -> None:
    results = write_results(tmp_path / "r", [*clip_results("a/talk.mp4"), *clip_results("b/talk.mov")])
    ran = CliRunner().invoke(app, ["export", str(results), "--out", str(tmp_path / "out")])
    assert ran.exit_code == 0, ran.stderr
    written = {path.name for path in (tmp_path / "out").iterdir()}
    kinds = ("openface.csv", "eaf", "TextGrid")
    assert written == {"aus.parquet", "episodes.csv"} | {
        f"{name}.{kind}" for name in ("talk", "talk-2") for kind in kinds
    }
    assert file_names(["a/talk.mp4", "b/talk.mov", ".mp4"]) == ["talk", "talk-2", ".mp4"]
    episodes = pd.read_csv(tmp_path / "out" / "episodes.csv")
    assert episodes["file"].tolist() == ["a/talk.mp4", "b/talk.mov"]


@pytest.mark.parametrize("given", ["none", "."])
def test_the_command_refuses_what_is_no_result(tmp_path: Path, given: str) -> None:
    ran = CliRunner().invoke(app, ["export", str(tmp_path / given)])
    assert ran.exit_code == 2
    assert len(ran.stderr.strip().splitlines()) == 1


def test_results_without_a_face_are_parquet_all_the_same(tmp_path: Path) -> None:
    results = write_results(tmp_path / "r", clip_results()[40:42])
    ran = CliRunner().invoke(app, ["export", str(results)])
    assert ran.exit_code == 2
    assert "Written" in ran.stdout
    assert "holds no face" in ran.stderr
    assert len(pd.read_parquet(results / "aus.parquet")) == 2


def test_a_clip_without_a_face_among_others_has_its_files_too(tmp_path: Path) -> None:
    nobody = [replace(one, faces=()) for one in clip_results("nobody.mp4")]
    results = write_results(tmp_path / "r", [*clip_results(), *nobody])
    assert {"nobody.openface.csv", "nobody.eaf", "nobody.TextGrid"} < {
        path.name for path in export(results, results)
    }
    table, other = (pd.read_csv(results / f"{name}.openface.csv") for name in ("nobody", "talk"))
    assert list(table) == list(other)
    assert table["frame"].tolist() == [*range(1, len(nobody) + 1)]
    assert not table.drop(columns=["frame", "timestamp"]).to_numpy().any()
    (tier,) = ElementTree.parse(results / "nobody.eaf").getroot().iter("TIER")
    assert list(tier) == []


def test_a_full_disk_is_no_fault_of_the_table(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pq.ParquetWriter, "write_table", full)
    ran = CliRunner().invoke(app, ["export", str(results)])
    assert ran.exit_code == 2
    told = f"{results / 'aus.parquet'} cannot be used: No space left on device; choose another place.\n"
    assert ran.stderr == told
    assert not list(results.glob("*parquet*"))


def test_long_names_leave_room_for_suffixes() -> None:
    names = file_names([f"{'é' * 120}.mp4", f"{'é' * 120}-b.mp4"])
    assert len(set(names)) == 2
    assert all(len(f"{name}.openface.csv".encode()) <= 255 for name in names)


def test_photographs_of_one_name_can_be_told_apart(tmp_path: Path) -> None:
    photographs = [
        replace(clip_results()[k], source=name, frame=None, time=None)
        for k, name in enumerate(("a/1.jpg", "b/1.jpg", "c/2.jpg"))
    ]
    results = write_results(tmp_path / "r", photographs)
    ran = CliRunner().invoke(app, ["export", str(results)])
    assert ran.exit_code == 0, ran.output
    assert f"Written: {results / 'photographs.files.csv'}" in ran.stdout
    assert (results / "photographs.files.csv").read_text() == (
        "table,file\n1.csv,a/1.jpg\n1-2.csv,b/1.jpg\n2.csv,c/2.jpg\n"
    )
    written = sorted(path.name for path in (results / "photographs.openface").iterdir())
    assert written == ["1-2.csv", "1.csv", "2.csv"]
