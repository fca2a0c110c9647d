import io
import json
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from idennet.errors import InputError, StoreError
from idennet.facs import BP4D_AUS, SYNFACS_AUS, column, columns
from idennet.learning.evaluation.catalogue import AUS, PROTOCOLS
from idennet.research.synth.contact_sheet import contact_sheet
from idennet.research.synth.corpora import CORPORA, STUDIO, CorpusConfig, corpus_config
from idennet.research.synth.generate import generate_corpus, subject_name
from idennet.research.synth.renderer import VERSION
from idennet.research.synth.staging import MAX_YAW, sample_scenes
from small_face import FACE_MODEL

TINY = CorpusConfig.model_validate(
    {**STUDIO.model_dump(), "subjects": 2, "frames_per_subject": 2, "sequence_length": 2, "frame_size": 64}
)
SAMPLE = Path(str(resources.files("idennet"))) / "assets" / "sample-corpus"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate_corpus(TINY, tmp_path_factory.mktemp("corpora") / "tiny", FACE_MODEL)


def frames(corpus: Path, subject: str = "0001") -> pd.DataFrame:
    return pd.read_parquet(corpus / "subjects" / f"{subject}.parquet")


@pytest.mark.slow
def test_two_workers_render_what_one_renders(tiny: Path, tmp_path: Path) -> None:
    other = generate_corpus(TINY, tmp_path / "two", FACE_MODEL, workers=2)
    for subject in ("0001", "0002"):
        pd.testing.assert_frame_equal(frames(tiny, subject), frames(other, subject))


def test_subjects_do_not_depend_on_their_number(tiny: Path, tmp_path: Path) -> None:
    one = generate_corpus(TINY.model_copy(update={"subjects": 1}), tmp_path / "one", FACE_MODEL)
    pd.testing.assert_frame_equal(frames(tiny), frames(one))
    assert frames(tiny)["image"][0] != frames(tiny, "0002")["image"][0]


def test_a_run_resumes_with_the_missing_subject_only(tiny: Path) -> None:
    kept, lost = (tiny / "subjects" / f"{subject_name(k)}.parquet" for k in (0, 1))
    before, content = kept.stat().st_mtime_ns, lost.read_bytes()
    lost.unlink()
    lost.with_name(f".{lost.name}.draft").write_bytes(b"torn by a crash")
    generate_corpus(TINY, tiny, FACE_MODEL)
    assert kept.stat().st_mtime_ns == before
    assert lost.read_bytes() == content
    assert sorted(path.name for path in (tiny / "subjects").iterdir()) == [kept.name, lost.name]


def test_another_configuration_is_refused(tiny: Path) -> None:
    with pytest.raises(StoreError, match="another configuration"):
        generate_corpus(TINY.model_copy(update={"seed": 1}), tiny, FACE_MODEL)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"name": "stu', "damaged: it is not JSON"),
        ("[]", "describes no corpus"),
        (json.dumps({"digest": TINY.digest()}), "version 1 of the renderer"),
    ],
)
def test_a_damaged_or_outdated_corpus_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "corpus.json").write_text(content)
    with pytest.raises(StoreError, match=message):
        generate_corpus(TINY, tmp_path, FACE_MODEL)


def test_a_folder_of_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(StoreError, match=r"no corpus\.json"):
        generate_corpus(TINY, tmp_path, FACE_MODEL)


def test_a_missing_face_model_is_told_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no face model"):
        generate_corpus(TINY, tmp_path / "new", tmp_path / "nothing.npz")
    assert not (tmp_path / "new").exists()


def test_table_follows_the_contract(tiny: Path) -> None:
    description = json.loads((tiny / "corpus.json").read_text())
    assert description["format"] == 1
    assert description["name"] == "studio"
    assert description["digest"] == TINY.digest()
    assert description["renderer"] == VERSION
    assert tuple(description["aus"]) == BP4D_AUS
    table = frames(tiny)
    assert table["subject"].tolist() == ["0001", "0001"]
    assert table["frame"].tolist() == [0, 1]
    assert table["sequence"].nunique() == 1
    assert set(table.dtypes[columns(SYNFACS_AUS)].astype(str)) == {"int8"}
    for row in table.itertuples():
        picture = Image.open(io.BytesIO(row.image))
        assert picture.size == (64, 64)
        assert picture.format == "JPEG"
        assert row.landmarks.dtype == np.float32
        assert row.landmarks.shape == (136,)
        eyes = row.landmarks.reshape(68, 2)[36:48].mean(axis=0)
        np.testing.assert_allclose(eyes, (32, 24), atol=4)  # (80, 60) of 160
    for au in SYNFACS_AUS:
        labels, values = table[column(au)], table[f"{column(au)}_intensity"]
        assert labels.isin([0, 1, -1]).all()
        if au in BP4D_AUS:
            assert values.between(0, 1).all()
        else:
            assert (labels == -1).all()
            assert values.isna().all()


def test_contact_sheet_has_the_size_of_its_grid(tiny: Path, tmp_path: Path) -> None:
    with Image.open(contact_sheet(tiny, tmp_path / "sheet.png", rows=5, columns=2)) as page:
        assert page.size == (2 * 166 + 6, 2 * 196 + 6)  # only two subjects exist
    with pytest.raises(InputError, match="neither PNG nor JPEG"):
        contact_sheet(tiny, tmp_path / "sheet.gif")
    with pytest.raises(StoreError, match="no rendered subject"):
        contact_sheet(tmp_path, tmp_path / "sheet.png")


def test_corpora_play_the_recorded_data_sets() -> None:
    assert {
        name: config.subjects for name, config in CORPORA.items() if name in ("studio", "spot", "clinic")
    } == {
        "studio": 41,
        "spot": 27,
        "clinic": 25,
    }
    assert corpus_config("spot").aus == (1, 2, 4, 6, 9, 12, 25, 26)
    assert corpus_config("crowd").aus == ()
    assert corpus_config("wild").aus == SYNFACS_AUS
    assert len({config.digest() for config in CORPORA.values()}) == len(CORPORA)
    with pytest.raises(InputError, match="choose one of studio"):
        corpus_config("bp4d")


def test_scenes_of_a_sequence_share_light_and_place_and_move_slowly() -> None:
    scenes = sample_scenes(STUDIO, np.random.default_rng(1), 24)
    assert len({scene.lighting for scene in scenes}) == 1
    assert len({scene.background_rgb for scene in scenes}) == 1
    yaw = np.array([scene.camera.yaw for scene in scenes])
    assert 0 < np.abs(np.diff(yaw)).max() < 4


def test_wild_scenes_are_broad() -> None:
    generator = np.random.default_rng(2)
    wild = corpus_config("wild")
    scenes = [sample_scenes(wild, generator, 1)[0] for _ in range(200)]
    yaw = np.abs([scene.camera.yaw for scene in scenes])
    assert 30 < yaw.max() <= MAX_YAW
    assert (yaw < 25).mean() > 0.75
    assert any(scene.effects.grey for scene in scenes)
    assert any(scene.occluders for scene in scenes)
    assert {scene.background is None for scene in scenes} == {True, False}
    assert any(scene.lighting.key_azimuth < -60 for scene in scenes)


@pytest.fixture(scope="module")
def sample() -> pd.DataFrame:
    return pd.concat([pd.read_parquet(file) for file in sorted(SAMPLE.glob("subjects/*.parquet"))])


def test_sample_corpus_is_small_and_complete(sample: pd.DataFrame) -> None:
    config = corpus_config("sample")
    assert sum(file.stat().st_size for file in SAMPLE.rglob("*") if file.is_file()) <= 6_500_000
    description = json.loads((SAMPLE / "corpus.json").read_text())
    assert description["digest"] == config.digest()
    assert description["renderer"] <= VERSION  # it need not be drawn again for each change of the renderer
    assert sample["subject"].nunique() == config.subjects >= 16
    assert len(sample) == config.subjects * config.frames_per_subject


def test_sample_corpus_shows_every_action_unit_on_several_subjects(sample: pd.DataFrame) -> None:
    for au in SYNFACS_AUS:
        present = sample[sample[column(au)] == 1]
        assert len(present) >= 0.04 * len(sample), au
        assert present["subject"].nunique() >= 8, au
        assert (sample[column(au)] == 0).mean() > 0.4, au
        assert (present[f"{column(au)}_intensity"] > 0).all(), au


def test_sample_corpus_pictures_open_and_hold_their_landmarks(sample: pd.DataFrame) -> None:
    size = corpus_config("sample").frame_size
    for row in sample.iloc[::37].itertuples():
        assert Image.open(io.BytesIO(row.image)).convert("RGB").size == (size, size)
        centre = row.landmarks.reshape(68, 2)[36:48].mean(axis=0)
        np.testing.assert_allclose(centre, (size / 2, 0.375 * size), atol=0.1 * size)


@pytest.mark.parametrize("name", ["studio", "spot", "clinic"])
def test_protocols_score_the_action_units_that_a_counterpart_codes(name: str) -> None:
    """The catalogue of protocols is data and knows no renderer; both must say the same."""
    assert AUS[f"synfacs-{name}"] == CORPORA[name].aus
    protocols = [protocol for protocol in PROTOCOLS.values() if protocol.test == f"synfacs-{name}"]
    assert protocols
    assert all(set(protocol.aus) <= set(CORPORA[name].aus) for protocol in protocols)
