from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageColor, ImageDraw

from idennet.facs import SYNFACS_AUS
from idennet.inference import overlay
from idennet.inference.face import Box, Face, HeadPose
from idennet.inference.layout import Rect, place
from idennet.inference.panel import draw_number, panel_for
from idennet.models.weights import Evidence


def face_at(x0: float, y0: float, side: float, seed: int = 0) -> Face:
    rng = np.random.default_rng(seed)
    landmarks = rng.uniform(0.1, 0.9, (68, 2)) * side + (x0, y0)
    probs = dict(zip(SYNFACS_AUS, rng.random(len(SYNFACS_AUS)).tolist(), strict=True))
    occurrences = {au: prob > 0.6 for au, prob in probs.items()}
    box = Box(x0, y0, x0 + side, y0 + side)
    return Face(
        box,
        landmarks.astype(np.float32),
        0.9,
        HeadPose(0, 0, 0),
        probs,
        occurrences,
        dict.fromkeys(probs, 0.6),
        frozenset({23}),
    )


SIZES = [(2400, 1800), (900, 600), (250, 250), (64, 48), (20, 300)]


@pytest.mark.parametrize("size", SIZES)
def test_an_overlay_of_a_frame_has_its_size_and_changes_it(size: tuple[int, int]) -> None:
    pixels = np.full((size[1], size[0], 3), 128, np.uint8)
    face = face_at(size[0] * 0.3, size[1] * 0.3, 0.4 * min(size))
    drawn = overlay.draw_faces(pixels, [face], may_widen=False)
    assert (drawn.mode, drawn.size) == ("RGB", size)
    assert (np.asarray(drawn) != pixels).any(axis=2).mean() > 0.01
    assert (pixels == 128).all()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("part", [0.4, 0.98])
def test_a_photograph_without_room_beside_its_face_is_widened(size: tuple[int, int], part: float) -> None:
    """No text lies on the face, and all of it is inside."""
    side = part * min(size)
    face = face_at((size[0] - side) / 2, (size[1] - side) / 2, side)
    (panel,), (spot,), width = overlay._lay_out([face], size, may_widen=True)
    assert not spot.overlap(Rect(*face.box))
    assert panel.style != "tag" or size[1] < 200
    assert 0 <= spot.x0 < spot.x1 <= width
    assert 0 <= spot.y0 < spot.y1 <= size[1]
    assert (width == size[0]) == (spot.x1 <= size[0])
    pixels = np.full((size[1], size[0], 3), 128, np.uint8)
    assert overlay.draw_faces(pixels, [face], may_widen=True).size == (width, size[1])


def test_several_faces_that_fill_a_photograph_have_their_tags_beside_it() -> None:
    faces = [face_at(80 * x, 2, 80, seed=x) for x in range(3)]
    panels, spots, width = overlay._lay_out(faces, (240, 84), may_widen=True)
    assert [panel.style for panel in panels] == ["tag"] * 3
    assert all(240 <= spot.x0 < spot.x1 <= width for spot in spots)
    assert not any(a.overlap(b) for a, b in combinations(spots, 2))


def test_each_of_several_faces_has_its_number_and_a_panel_that_repeats_it() -> None:
    """The number is a disc in the face's colour at its corner, and no panel lies on it."""
    faces = [face_at(60 + 300 * x, 80, 110, seed=x) for x in range(3)]
    panels, spots, _ = overlay._lay_out(faces, (1000, 600), may_widen=True)
    assert [panel.title for panel in panels] == ["Face 1", "Face 2", "Face 3"]
    discs = overlay._discs(faces, panels[0].font_size)
    assert not any(spot.overlap(disc) for spot in spots for disc in discs)
    drawn = np.asarray(overlay.draw_faces(np.zeros((600, 1000, 3), np.uint8), faces, may_widen=True))
    for face, disc, panel in zip(faces, discs, panels, strict=True):
        assert disc.overlap(Rect(*face.box))
        inside = drawn[int(disc.y0) : int(disc.y1), int(disc.x0) : int(disc.x1)].astype(int)
        colour = ImageColor.getrgb(panel.accent)
        assert (np.abs(inside - colour).max(axis=2) < 8).mean() > 0.3
    assert overlay._discs(faces[:1], 20) == []


def test_numbers_of_a_crowd_fit_their_discs() -> None:
    discs = overlay._discs([face_at(100, 100, 50)] * 100, 20)
    assert {disc.height for disc in discs} == {30}
    assert {disc.width for disc in discs[:99]} == {30}
    layer = Image.new("RGB", (200, 200), "white")
    draw_number(ImageDraw.Draw(layer), 100, "#ffffff", discs[99], 20, 1)
    columns = np.flatnonzero((np.asarray(layer) < 128).all(axis=2).any(axis=0))
    assert discs[99].x0 + 2 < columns[0] < columns[-1] < discs[99].x1 - 2


def test_several_faces_without_room_have_names_in_columns_beside_the_photograph() -> None:
    faces = [face_at(5 + 192 * x, 5 + 205 * y, 190) for x in range(4) for y in range(4)]
    faces = [replace(face, au_occurrences={au: au in (6, 12) for au in SYNFACS_AUS}) for face in faces]
    panels, spots, width = overlay._lay_out(faces, (775, 825), may_widen=True)
    assert {panel.style for panel in panels} == {"names"}
    assert 775 < width <= 1.62 * 775
    assert len({spot.x0 for spot in spots}) == 2
    assert all(spot.x0 >= 775 and spot.x1 <= width for spot in spots)
    assert all(spot.y0 >= 0 and spot.y1 <= 825 for spot in spots)
    assert not any(a.overlap(b) for a, b in combinations(spots, 2))


def test_one_of_several_faces_shows_what_occurs_and_nothing_else() -> None:
    face = face_at(0, 0, 100)
    assert [row.occurs for row in panel_for(face, 2, "#ffffff", "names", 30, 12).rows] == [True] * len(
        face.aus
    )
    still = replace(face, au_occurrences=dict.fromkeys(SYNFACS_AUS, False))
    panel = panel_for(still, 2, "#ffffff", "names", 30, 12)
    assert (panel.rows, panel.footer) == ((), "no Action Unit")
    assert panel_for(still, 2, "#ffffff", "tag", 30, 12).title == "2: no Action Unit"
    assert len(panel_for(still, None, "#ffffff", "names", 30, 12).rows) == 4


def test_a_picture_without_faces_is_unchanged() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    np.testing.assert_array_equal(np.asarray(overlay.draw_faces(pixels, [], may_widen=True)), pixels)


def test_a_face_that_reaches_outside_the_picture_can_be_drawn() -> None:
    pixels = np.zeros((100, 120, 3), np.uint8)
    drawn = overlay.draw_faces(pixels, [face_at(-40, -30, 110), face_at(90, 60, 90, seed=1)], may_widen=True)
    assert np.asarray(drawn).any()


def test_the_inner_edges_of_lips_are_not_drawn() -> None:
    face = face_at(20, 20, 120)
    landmarks = face.landmarks.copy()
    landmarks[60:68] += 7
    moved = replace(face, landmarks=landmarks)
    pixels = np.zeros((300, 400, 3), np.uint8)
    drawn, other = (np.asarray(overlay.draw_faces(pixels, [each], may_widen=True)) for each in (face, moved))
    np.testing.assert_array_equal(drawn, other)


@pytest.mark.parametrize(
    ("part", "points"), [("brows", range(17, 27)), ("eyes", range(36, 48)), ("mouth", range(48, 60))]
)
def test_of_a_hidden_part_no_landmark_is_drawn(part: str, points: range) -> None:
    face = face_at(20, 20, 120)
    landmarks = face.landmarks.copy()
    landmarks[list(points)] += 7
    pixels = np.zeros((300, 400, 3), np.uint8)
    for hidden, same in ((frozenset({part}), True), (frozenset(), False)):
        one, other = (
            np.asarray(
                overlay.draw_faces(pixels, [replace(face, hidden=hidden, landmarks=at)], may_widen=True)
            )
            for at in (face.landmarks, landmarks)
        )
        assert (one == other).all() == same


@pytest.mark.parametrize("columns", [1, 2, 3, 4])
def test_panels_meet_neither_faces_nor_each_other(columns: int) -> None:
    faces = [face_at(60 + 300 * x, 80 + 250 * y, 110, seed=x + y) for x in range(columns) for y in range(2)]
    size = (300 * columns + 100, 600)
    panels, spots, width = overlay._lay_out(faces, size, may_widen=True)
    assert width == size[0]
    for spot in spots:
        assert spot.x0 >= 0
        assert spot.y0 >= 0
        assert spot.x1 <= size[0]
        assert spot.y1 <= size[1]
        assert not any(spot.overlap(Rect(*face.box)) for face in faces)
    assert not any(a.overlap(b) for a, b in combinations(spots, 2))
    assert len({panel.style for panel in panels}) == 1


def test_one_face_with_room_gets_plain_names_and_a_crowd_gets_tags() -> None:
    panels, _, _ = overlay._lay_out([face_at(100, 100, 200)], (900, 600), may_widen=True)
    assert panels[0].style == "names"
    crowd = [face_at(10 + 60 * x, 10 + 60 * y, 40) for x in range(8) for y in range(8)]
    panels, spots, _ = overlay._lay_out(crowd, (500, 500), may_widen=True)
    assert panels[0].style == "tag"
    assert len(spots) == 64
    assert [panel.title.split()[0] for panel in panels[:3]] == ["1:", "2:", "3:"]


def test_what_occurs_comes_first_and_unreliable_is_marked() -> None:
    face = face_at(0, 0, 100)
    panel = panel_for(face, None, "#ffffff", "names", 9, 12)
    occurs = [row.occurs for row in panel.rows]
    assert occurs == sorted(occurs, reverse=True)
    numbers = [row.label.lstrip("~") for row in panel.rows if row.occurs]
    assert numbers == [f"AU{au}" for au in face.aus][: len(numbers)]
    everything = replace(face, au_occurrences={au: au == 23 for au in SYNFACS_AUS})
    first = panel_for(everything, None, "#ffffff", "names", 9, 12).rows[0]
    assert (first.label, first.name, first.occurs) == ("~AU23", "lip tightener", True)


def test_text_stays_inside_its_panel() -> None:
    """Paints each panel on an empty layer and looks outside the place it was given."""
    for style in ("names", "numbers", "tag"):
        panel = panel_for(face_at(0, 0, 100), 3, "#5eead4", style, 5, 11)
        spot = Rect(20, 20, 20 + panel.width, 20 + panel.height)
        layer = Image.new("RGBA", (1200, 1200))
        panel.draw(ImageDraw.Draw(layer), spot, 3)
        left, top, right, bottom = layer.getbbox() or (0, 0, 0, 0)
        assert (left, top) == (60, 60)
        assert right <= 3 * spot.x1 + 2
        assert bottom <= 3 * spot.y1 + 2


@settings(max_examples=60, deadline=None)
@given(
    width=st.floats(5, 300), height=st.floats(5, 300), x=st.floats(0, 350), y=st.floats(0, 250),
    others=st.lists(st.tuples(st.floats(0, 380), st.floats(0, 280)), max_size=4),
)  # fmt: skip
def test_a_place_is_free_and_inside(
    width: float, height: float, x: float, y: float, others: list[tuple[float, float]]
) -> None:
    face = Rect(x, y, x + 50, y + 50)
    taken = [face, *(Rect(left, top, left + 40, top + 40) for left, top in others)]
    spot = place(width, height, face, taken, (400, 300), gap=4)
    if spot is None:
        assert width > 100 or height > 100 or others
        return
    assert min(spot.x0, spot.y0) >= 4
    assert spot.x1 <= 396 + 1e-9
    assert spot.y1 <= 296 + 1e-9
    assert not any(spot.overlap(other) for other in taken)


@pytest.mark.parametrize("most", [3, 5, 22])
def test_what_finds_no_room_is_counted(most: int) -> None:
    face = face_at(0, 0, 100)
    hidden = max(len(face.aus) - most, 0)
    assert panel_for(face, 2, "#ffffff", "numbers", most, 12).footer == (f"+{hidden} more" if hidden else "")
    numbers = ", ".join(str(au) for au in face.aus[:most]) + f" +{hidden}" * (hidden > 0)
    assert panel_for(face, 2, "#ffffff", "tag", most, 12).title.replace("~", "") == f"2: AU {numbers}"


def test_unreliable_action_units_come_last_among_those_that_occur() -> None:
    probs = {1: 0.7, 2: 0.9, 4: 0.8, 6: 0.3, 9: 0.5, 12: 0.4}
    occurrences = {au: prob >= 0.6 for au, prob in probs.items()}
    thresholds = dict.fromkeys(probs, 0.6)
    face = Face(
        Box(0, 0, 9, 9), np.zeros((68, 2)), 1, None, probs, occurrences, thresholds, frozenset({2, 9})
    )
    assert face.aus == (4, 1, 2)
    assert face.ranked_aus == (4, 1, 2, 9, 12, 6)
    assert panel_for(face, None, "#ffffff", "tag", 9, 12).title == "AU 4, 1, ~2"


def test_bars_are_filled_as_far_as_photographs_bear_the_reading_out() -> None:
    """The middle of a bar is the accent where photographs tested the reading, dark for renderings only."""
    face = replace(face_at(0, 0, 100), au_probs={12: 1.0}, au_occurrences={12: True})
    middles = []
    for grade in Evidence:
        panel = panel_for(replace(face, au_evidence={12: grade}), None, "#ffffff", "numbers", 9, 40)
        layer = Image.new("RGBA", (round(panel.width), round(panel.height)))
        panel.draw(ImageDraw.Draw(layer), Rect(0, 0, panel.width, panel.height), 1)
        column = np.asarray(layer)[:, layer.width // 2, :3].mean(axis=1)
        bar = np.flatnonzero(column == 255)
        middles.append(column[(bar[0] + bar[-1]) // 2])
    tested, taught, renderings = middles
    assert tested == 255 > taught > renderings
