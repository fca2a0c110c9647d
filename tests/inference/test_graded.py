"""Intensity, sides and hidden parts: from what a graded network says to faces, tables and pictures."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from idennet.facs import AUS_OF_PART, PARTS, SIDED_AUS, SYNFACS_AUS, columns, letter
from idennet.inference.analyser import Analyser
from idennet.inference.face import Face, HeadPose, Sides
from idennet.inference.panel import panel_for
from idennet.inference.quality import Flag
from idennet.inference.result import Result, Results, graded_columns, table_columns
from idennet.inference.writers import CsvWriter
from idennet.models.action_units import ActionUnitModel, Readings
from planted import PlantedFinder, planted_picture

EYES = AUS_OF_PART["eyes"]

Pair = tuple[float, float]
Triple = tuple[float, float, float]


def says(model: ActionUnitModel, visible: Triple, **sides: Pair) -> None:
    """Let a model say the same of all faces: every Action Unit at .9, and of .4 and .5 unless said here."""

    def read(crops: np.ndarray) -> Readings:
        both = np.tile(np.float32([0.4, 0.5]), (len(crops), len(SYNFACS_AUS), 1))
        for name, strengths in sides.items():
            both[:, SYNFACS_AUS.index(int(name[2:]))] = strengths
        probs = np.full(both.shape[:2], 0.9, np.float32)
        return Readings(probs, None, both, np.tile(np.float32(visible), (len(crops), 1)))

    model.read = read  # type: ignore[method-assign]


def result_of(
    weights: Path,
    visible: Triple = (1, 1, 1),
    faces: int = 1,
    **sides: Pair,
) -> Result:
    model = ActionUnitModel.open(weights)
    says(model, visible, **sides)
    return Analyser(PlantedFinder(), model).analyse(planted_picture(faces))


def face_of(weights: Path, visible: Triple = (1, 1, 1), **sides: Pair) -> Face:
    return result_of(weights, visible, **sides).faces[0]


@pytest.mark.parametrize(
    ("intensity", "expected"),
    [(0, ""), (0.49, ""), (0.5, "A"), (1.49, "A"), (1.5, "B"), (3, "C"), (3.5, "D"), (4.5, "E"), (5, "E")],
)
def test_letters_are_those_of_facs(intensity: float, expected: str) -> None:
    assert letter(intensity) == expected


def test_a_face_is_as_strong_as_its_stronger_side(graded_weights: Path) -> None:
    face = face_of(graded_weights, AU12=(3.2, 2.5), AU25=(1.0, 2.0))
    assert face.au_intensities[12] == pytest.approx(3.2)
    assert face.au_intensities[25] == 2
    assert face.au_sides[12] == pytest.approx((3.2, 2.5))
    assert set(face.au_sides) == set(SIDED_AUS)
    assert face.hidden == frozenset()
    assert face.strength(12) == "3.2 C"
    assert face.strength(1) == "0.5 A"


@pytest.mark.parametrize(
    ("sides", "only"),
    [
        ((3.0, 0.9), "left"),
        ((0.0, 1.0), "right"),
        ((3.0, 1.0), None),
        ((0.9, 0.0), None),
        ((2.0, 2.0), None),
        ((float("nan"), float("nan")), None),
    ],
)
def test_one_sided_is_what_shows_on_one_side_alone(sides: Pair, only: str | None) -> None:
    assert Sides(*sides).only == only


def test_a_wink_and_a_one_sided_smile_read_as_such(graded_weights: Path) -> None:
    face = face_of(graded_weights, AU12=(0.2, 3.4), AU43=(4.8, 0.3), AU6=(2, 1))
    assert face.named(43) == "wink, left only"
    assert face.named(12) == "lip corner puller, right only"
    assert face.named(6) == "cheek raiser"
    panel = panel_for(face, None, "#ffffff", "names", 30, 20)
    rows = {row.label: (row.name, row.strength) for row in panel.rows}
    assert rows["AU43"] == ("wink, left only", "4.8 E")
    assert rows["AU12"] == ("lip corner puller, right only", "3.4 C")
    assert {"L43", "R12", "AU6"} <= {
        row.label for row in panel_for(face, None, "#fff", "numbers", 30, 20).rows
    }
    assert {"L43", "R12", "6"} <= set(
        panel_for(face, None, "#fff", "tag", 30, 20).title.removeprefix("AU ").split(", ")
    )


def test_what_is_absent_has_neither_strength_nor_side_but_where_programs_read(graded_weights: Path) -> None:
    face = face_of(graded_weights, AU12=(0.2, 3.4), AU43=(4.8, 0.3))
    face = replace(face, au_occurrences=face.au_occurrences | {12: False})
    assert (face.strength(12), face.only_side(12), face.named(12)) == ("", None, "lip corner puller")
    assert face.strength(43) == "4.8 E"
    assert (face.strength(99), face.only_side(99)) == ("", None)  # no weights read it
    rows = {
        row.label: (row.name, row.strength) for row in panel_for(face, None, "#fff", "names", 30, 20).rows
    }
    assert rows["AU12"] == ("lip corner puller", "")
    assert face.to_dict()["aus"]["AU12"]["intensity"] == pytest.approx(3.4)


def test_what_is_hidden_is_empty_and_said(graded_weights: Path) -> None:
    result = result_of(graded_weights, (0.49, 0.5, 0.1))
    (face,) = result.faces
    assert face.hidden == {"eyes", "mouth"}
    for au in (*EYES, *AUS_OF_PART["mouth"]):
        assert np.isnan([face.au_probs[au], face.au_intensities[au]]).all()
        assert face.au_occurrences[au] is None
        assert au not in face.ranked_aus
    assert all(np.isnan(face.au_sides[au]).all() for au in EYES)
    assert set(face.aus) == {1, 2, 4, 9}
    eyes, mouth = [note for note in face.notes if "hidden" in note]
    assert eyes == "eyes hidden: AU5, AU6, AU7, AU43 not read"
    assert mouth.startswith("mouth hidden: AU10, AU12, ")
    assert Flag.OCCLUDED in face.flags

    assert panel_for(face, None, "#ffffff", "names", 9, 20).footer == "eyes hidden, mouth hidden"

    told = json.loads(json.dumps(result.to_dict(), allow_nan=False))["faces"][0]
    assert told["hidden"] == ["eyes", "mouth"]
    assert {told["aus"]["AU43"][name] for name in ("probability", "present", "intensity", "left")} == {None}
    assert told["aus"]["AU1"]["present"]

    table = result.to_pandas()
    unread = columns((*EYES, *AUS_OF_PART["mouth"]))
    assert table[unread].isna().all(axis=None)
    assert table[[f"{name}_present" for name in unread]].isna().all(axis=None)
    assert table[[f"{name}_intensity" for name in unread]].isna().all(axis=None)
    assert table.loc[0, ["eyes_hidden", "brows_hidden", "mouth_hidden"]].tolist() == [1, 0, 1]
    assert table.loc[0, "AU1_present"] == 1


def test_tables_of_graded_weights_have_more_columns(graded_weights: Path, tmp_path: Path) -> None:
    result = result_of(graded_weights, (0.1, 1, 1), faces=2, AU12=(3.256, 1))
    none = replace(result, faces=())
    table = Results([result, none]).to_pandas()
    assert list(table.columns) == table_columns(SYNFACS_AUS, graded=True)
    assert set(table_columns(SYNFACS_AUS, graded=True)) - set(table_columns(SYNFACS_AUS)) == {
        *(f"AU{au}_intensity" for au in SYNFACS_AUS),
        *(f"AU{au}_{side}" for au in SIDED_AUS for side in ("left", "right")),
        *(f"{part}_hidden" for part in PARTS),
    }
    assert table.loc[0, ["AU12_intensity", "AU12_left", "AU12_right"]].tolist() == [3.26, 3.26, 1.0]
    assert table.loc[2, graded_columns(SYNFACS_AUS)].isna().all()
    with CsvWriter(tmp_path / "aus.csv", SYNFACS_AUS, graded=True) as writer:
        writer.write(result)
        writer.write(none)
    back = pd.read_csv(tmp_path / "aus.csv")
    pd.testing.assert_frame_equal(
        back[graded_columns(SYNFACS_AUS)], table[graded_columns(SYNFACS_AUS)], check_dtype=False
    )


def test_weights_that_are_not_graded_say_nothing_of_it(random_weights: Path) -> None:
    result = Analyser(PlantedFinder(), ActionUnitModel.open(random_weights)).analyse(planted_picture(1))
    (face,) = result.faces
    assert (face.au_intensities, face.au_sides, face.hidden) == ({}, {}, frozenset())
    assert (face.strength(12), face.named(12), face.only_side(12)) == ("", "lip corner puller", None)
    assert not {"hidden", "intensity", "left"} & {*face.to_dict(), *face.to_dict()["aus"]["AU12"]}
    assert list(result.to_pandas().columns) == table_columns(SYNFACS_AUS)


def test_faces_that_show_nothing_can_be_drawn(graded_weights: Path) -> None:
    result = result_of(graded_weights, (0, 0, 0), faces=3)
    assert np.asarray(result.draw()).any()
    assert {face.aus for face in result.faces} == {(9,)}


def test_the_real_graded_network_fills_everything(graded_weights: Path) -> None:
    model = ActionUnitModel.open(graded_weights)
    faces = Analyser(PlantedFinder(), model).analyse(planted_picture(4)).faces
    read = model.read(np.stack([face.crop for face in faces if face.crop is not None]))
    assert read.sides is not None
    assert read.visible is not None
    for face, sides, visible in zip(faces, read.sides, read.visible, strict=True):
        assert face.hidden == {part for part, seen in zip(PARTS, visible, strict=True) if seen < 0.5}
        unseen = {au for part in face.hidden for au in AUS_OF_PART[part]}
        for au, both in zip(model.aus, sides, strict=True):
            strength = float("nan") if au in unseen else both.max()
            np.testing.assert_allclose(face.au_intensities[au], strength, atol=1e-4)


def test_of_a_turned_head_it_is_not_said_that_one_side_alone_moves(graded_weights: Path) -> None:
    face = face_of(graded_weights, AU43=(4.8, 0.3))
    for yaw, side in ((15.0, "left"), (-25.0, None), (30.0, None)):
        assert replace(face, pose=HeadPose(yaw, 0.0, 0.0)).only_side(43) == side
