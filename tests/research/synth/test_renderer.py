"""The renderer's promises: exact points and labels, Action Units that move what they should, repeats."""

from dataclasses import replace

import numpy as np
import pytest
from plain_subject import plain_subject

from idennet.errors import InputError
from idennet.facs import SYNFACS_AUS
from idennet.research.synth.appearance import HairLayer, Mesh
from idennet.research.synth.expression import Expression, blendshape_weights, visible_occurrences
from idennet.research.synth.eyeballs import REACH, gaze_past
from idennet.research.synth.facemodel import FaceModel, load_face_model
from idennet.research.synth.layers import soften_strands
from idennet.research.synth.raster import SurfaceBuffer, rasterise, vertex_normals
from idennet.research.synth.renderer import Frame, Renderer
from idennet.research.synth.scene import Camera, CameraEffects, Lighting, Scene
from small_face import FACE_MODEL

SUBJECTS = (0, 1, 2, 3)


@pytest.fixture(scope="module")
def model() -> FaceModel:
    return load_face_model(FACE_MODEL)


@pytest.fixture(scope="module")
def renderer(model: FaceModel) -> Renderer:
    return Renderer(model, frame_size=96)


def draw(
    renderer: Renderer, intensities: dict[int, float], seed: int = 0, scene: Scene | None = None
) -> Frame:
    subject = plain_subject(renderer.model, seed)
    return renderer.render(subject, Expression(intensities), scene or Scene(), np.random.default_rng(5))


def points(renderer: Renderer, intensities: dict[int, float], seed: int) -> np.ndarray:
    return draw(renderer, intensities, seed).landmarks


def lid_gap(landmarks: np.ndarray) -> float:
    return float((landmarks[[40, 41, 46, 47], 1] - landmarks[[38, 37, 44, 43], 1]).mean())


def test_equal_seeds_give_equal_pictures_and_other_noise_differs(renderer: Renderer) -> None:
    subject, smile = plain_subject(renderer.model, 1), Expression({12: 0.8})
    first, again, other = (
        renderer.render(subject, smile, Scene(), np.random.default_rng(seed)).image for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(("size", "eyes"), [(160, ((60, 60), (100, 60))), (96, ((35.8, 35.8), (59.8, 35.8)))])
def test_frontal_neutral_eyes_lie_at_the_template(
    model: FaceModel, size: int, eyes: tuple[tuple[float, float], ...]
) -> None:
    landmarks = (
        Renderer(model, size)
        .render(plain_subject(model, 0), Expression(), Scene(), np.random.default_rng(0))
        .landmarks
    )
    found = [landmarks[36:42].mean(axis=0), landmarks[42:48].mean(axis=0)]
    assert np.allclose(found, eyes, atol=0.15)


def test_landmarks_follow_the_pinhole_by_hand(renderer: Renderer) -> None:
    """The nose tip of the mean face, projected with plain arithmetic for a turned head."""
    scene = Scene(camera=Camera(distance=70, yaw=25, zoom=1.1, shift=(0.05, -0.02)))
    landmarks = draw(renderer, {}, 0, scene).landmarks
    base = renderer.model.base[renderer.model.landmarks].astype(float)
    right, left = base[36:42].mean(axis=0), base[42:48].mean(axis=0)
    x, y, z = base[30] - (right + left) / 2
    angle = np.radians(25)
    turned_x, turned_z = np.cos(angle) * x + np.sin(angle) * z, np.cos(angle) * z - np.sin(angle) * x
    scale = 96 / 160
    focal = 40 * scale * 1.1 * 70 / np.linalg.norm(left - right)
    expected_x = 80.5 * scale + 0.05 * 96 + focal * turned_x / (70 - turned_z) - 0.5
    expected_y = 60.5 * scale - 0.02 * 96 - focal * y / (70 - turned_z) - 0.5
    assert np.allclose(landmarks[30], (expected_x, expected_y), atol=0.1)


def test_a_landmark_is_where_the_picture_shows_it(model: FaceModel) -> None:
    """A bright bead worn on the nose tip is found at landmark 30, to a quarter of a pixel."""
    subject = plain_subject(model, 0)
    corners = model.base[model.landmarks]
    lens = corners[36:48].mean(axis=0) + np.array([0, 0, 90])
    bead_centre = corners[30] + 0.006 * (lens - corners[30])  # on the line of sight, before the nose
    around = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    rim = bead_centre + 0.5 * np.column_stack([np.cos(around), np.sin(around), 0 * around])
    vertices = np.vstack([bead_centre, rim]).astype(np.float32)
    triangles = np.array([[0, 1 + i, 1 + (i + 1) % 12] for i in range(12)], np.int32)
    bead = Mesh(vertices, triangles, np.full((13, 3), (0, 9, 0), np.float32), np.ones(13, np.float32), 0.0)
    scene = Scene(effects=CameraEffects(noise=0))
    frames = [
        Renderer(model, 160).render(worn, Expression(), scene, np.random.default_rng(0))
        for worn in (subject, replace(subject, glasses=(bead,)))
    ]
    changed = np.abs(frames[1].image.astype(int) - frames[0].image).max(axis=2) > 60
    rows, columns = np.nonzero(changed)
    found = (columns.mean(), rows.mean())
    assert np.allclose(found, frames[0].landmarks[30], atol=0.25)


@pytest.mark.parametrize("seed", SUBJECTS)
def test_action_units_move_the_right_points(renderer: Renderer, seed: int) -> None:
    """Picture coordinates: y points down."""
    rest = points(renderer, {}, seed)
    smile = points(renderer, {12: 1.0}, seed)
    assert (smile[[48, 54], 1] < rest[[48, 54], 1] - 1).all()
    assert smile[54, 0] - smile[48, 0] > rest[54, 0] - rest[48, 0] + 2
    raised, outer = points(renderer, {1: 1.0}, seed), points(renderer, {2: 1.0}, seed)
    assert (raised[[21, 22], 1] < rest[[21, 22], 1] - 0.7).all()
    assert (outer[[18, 25], 1] < rest[[18, 25], 1] - 0.7).all()
    lowered = points(renderer, {4: 1.0}, seed)
    assert (lowered[[20, 23], 1] > rest[[20, 23], 1] + 0.7).all()
    assert lid_gap(points(renderer, {43: 1.0}, seed)) < 0.15 * lid_gap(rest)
    assert lid_gap(points(renderer, {5: 1.0}, seed)) > 1.15 * lid_gap(rest)
    opened = points(renderer, {26: 1.0}, seed)
    assert opened[66, 1] - opened[62, 1] > rest[66, 1] - rest[62, 1] + 2
    assert points(renderer, {15: 1.0}, seed)[48, 1] > rest[48, 1] + 0.7


@pytest.mark.parametrize("seed", SUBJECTS)
def test_labels_say_what_is_visible(renderer: Renderer, seed: int) -> None:
    assert set(draw(renderer, {}, seed).occurrences.values()) == {0}
    pushed = draw(renderer, {17: 1.0}, seed)
    assert (pushed.occurrences[17], pushed.occurrences[25], pushed.intensities[25]) == (1, 0, 0.0)
    assert draw(renderer, {12: 1.0}, seed).occurrences[25] == 0
    assert draw(renderer, {24: 1.0}, seed).occurrences[25] == 0
    for parting in ({9: 1.0, 10: 1.0}, {10: 1.0}, {26: 1.0}, {27: 1.0}, {12: 1.0, 25: 1.0}):
        assert draw(renderer, parting, seed).occurrences[25] == 1
    trace = draw(renderer, {4: 0.1, 12: 0.2}, seed)
    assert (trace.occurrences[4], trace.occurrences[12]) == (-1, 1)
    assert trace.intensities[4] == 0.1
    assert trace.intensities[12] == 0.2


@pytest.mark.parametrize("seed", SUBJECTS)
def test_closed_lips_and_downcast_eyes_are_not_coded_as_open_or_shut(renderer: Renderer, seed: int) -> None:
    subject = plain_subject(renderer.model, seed)
    scene, noise = Scene(), np.random.default_rng(0)
    for aus in ({}, {12: 1.0}, {6: 1.0, 12: 0.5}, {23: 1.0}, {24: 1.0}, {14: 1.0}, {15: 1.0, 17: 1.0}):
        for slack in (0.0, 1.0):
            frame = renderer.render(subject, Expression(aus, lip_relax=slack), scene, noise)
            assert frame.occurrences[25] == 0, aus
    rest = lid_gap(points(renderer, {}, seed))
    downcast = renderer.render(subject, Expression(gaze=(0.0, -1.0)), scene, noise)
    assert downcast.occurrences[43] == 0
    assert 0.15 * rest < lid_gap(downcast.landmarks) < 0.7 * rest  # lowered, yet a slit of the eye is left
    assert lid_gap(points(renderer, {43: 0.2}, seed)) < 0.3 * rest


@pytest.mark.parametrize("seed", SUBJECTS)
def test_a_straight_smile_lifts_the_corners_less_and_keeps_its_label(renderer: Renderer, seed: int) -> None:
    subject = plain_subject(renderer.model, seed)
    curved, straight = (
        renderer.render(
            subject, Expression({12: 0.8, 25: 0.8}, straightness=s), Scene(), np.random.default_rng(0)
        )
        for s in (0.0, 1.0)
    )

    def lift(frame: Frame) -> float:
        return float(frame.landmarks[[62, 66], 1].mean() - frame.landmarks[[48, 54], 1].mean())

    assert lift(straight) < lift(curved) - 0.5
    assert {au for au, there in straight.occurrences.items() if there == 1} == {12, 25}


def test_eyes_that_look_shut_without_action_unit_43_are_not_coded(renderer: Renderer) -> None:
    heavy = replace(plain_subject(renderer.model, 0), lid_droop=0.3)
    expression = Expression({6: 1.0, 7: 1.0, 12: 1.0}, gaze=(0.0, -1.0))
    frame = renderer.render(heavy, expression, Scene(), np.random.default_rng(0))
    assert lid_gap(frame.landmarks) < 0.2 * lid_gap(points(renderer, {}, 0))
    assert frame.occurrences[43] == -1


def test_shut_eyes_show_a_dark_line_of_lashes(renderer: Renderer) -> None:
    frame = draw(renderer, {43: 1.0}, 0, Scene(effects=CameraEffects(noise=0)))
    grey = frame.image.mean(axis=2)
    for corners in ((36, 39), (42, 45)):
        x, y = frame.landmarks[list(corners)].mean(axis=0).round().astype(int)
        assert grey[y - 3 : y + 6, x].min() < 0.8 * np.median(grey[y - 3 : y + 6, x])


@pytest.mark.parametrize("au", SYNFACS_AUS)
def test_every_action_unit_changes_the_picture(renderer: Renderer, au: int) -> None:
    scene = Scene(effects=CameraEffects(noise=0))
    rest, active = (draw(renderer, aus, 1, scene).image.astype(int) for aus in ({}, {au: 1.0}))
    assert (np.abs(active - rest).max(axis=2) > 5).mean() > 0.003


def test_more_parting_is_a_wider_gap(model: FaceModel) -> None:
    subject = plain_subject(model, 2)
    expressions = [Expression({25: intensity}) for intensity in (0.0, 0.3, 0.6, 1.0)]
    seen = [
        visible_occurrences(e, blendshape_weights(e, model, subject), model, subject) for e in expressions
    ]
    gaps = [labels.lip_gap for labels in seen]
    assert gaps == sorted(gaps)
    assert seen[-1].intensities[25] == pytest.approx(1.0)
    assert seen[0].intensities[25] == 0.0


def test_gaze_moves_the_iris_and_no_label(renderer: Renderer) -> None:
    subject = plain_subject(renderer.model, 0)
    frames = [
        renderer.render(subject, Expression(gaze=gaze), Scene(), np.random.default_rng(0))
        for gaze in ((0.0, 0.0), (0.8, 0.0), (0.0, -0.8))
    ]
    assert all(set(frame.occurrences.values()) == {0} for frame in frames)
    x, y = frames[0].landmarks[42:48].mean(axis=0).round().astype(int)
    eye = (slice(y - 4, y + 5), slice(x - 7, x + 8))
    for frame in frames[1:]:
        assert np.abs(frame.image[eye].astype(int) - frames[0].image[eye]).max() > 40


@pytest.mark.parametrize("turn", [(12.0, -8.0), (-18.0, 12.0)])
def test_eyes_of_a_turned_head_stay_on_the_camera(turn: tuple[float, float]) -> None:
    """The line of sight of the turned head, by hand: yaw and pitch of head and eyes cancel."""
    head, eyes = np.array(turn), gaze_past(Camera(yaw=turn[0], pitch=turn[1]), (0.0, 0.0))
    assert np.allclose(head + np.array(eyes) * REACH, 0)
    past = gaze_past(Camera(yaw=turn[0], pitch=turn[1]), (0.2, -0.1))
    assert np.allclose(head + np.array(past) * REACH, (6.0, -2.4))


def test_eyes_turn_back_no_further_than_is_comfortable() -> None:
    assert np.allclose(gaze_past(Camera(yaw=45.0, pitch=-25.0), (0.0, 0.0)) * REACH, (-18, 12))
    assert gaze_past(Camera(yaw=45.0), (-0.9, 0.0))[0] == -1.0


def test_the_iris_of_a_turned_head_stays_on_the_camera(renderer: Renderer) -> None:
    """The pupil, the darkest of the left eye, lies nearer to the middle of the slit than in a stare ahead."""
    camera = Camera(yaw=18.0)
    scene = Scene(camera, effects=CameraEffects(noise=0))
    offsets = []
    for gaze in ((0.0, 0.0), gaze_past(camera, (0.0, 0.0))):
        frame = renderer.render(
            plain_subject(renderer.model, 0), Expression(gaze=gaze), scene, np.random.default_rng(0)
        )
        corners = frame.landmarks[[42, 45]]
        y = int(frame.landmarks[42:48, 1].mean().round())
        left, right = corners[:, 0].round().astype(int)
        dark = 255.0 - frame.image[y - 1 : y + 2, left + 1 : right].mean(axis=(0, 2))
        weight = np.maximum(dark - np.median(dark), 0)
        offsets.append(float((weight * np.arange(left + 1, right)).sum() / weight.sum()))
    assert offsets[1] < offsets[0] - 0.7


def test_strands_close_gaps_of_a_pixel_and_soften_edges() -> None:
    buffer = SurfaceBuffer.empty(9)
    buffer.triangle[:, :5] = 7
    buffer.depth[:, :5] = 0.5
    buffer.triangle[4, 2], buffer.depth[4, 2] = -1, 0.0
    cover = np.ones((9, 9), np.float32)
    soften_strands(buffer, cover)
    assert (buffer.triangle[4, 2], buffer.depth[4, 2]) == (7, 0.5)
    assert (buffer.triangle[1:-1, 5:] == -1).all()
    assert np.allclose(cover[2:7, 2:7], [1, 1, 0.96, 0, 0])  # the edge lies behind column 4


def test_turning_the_head_does_not_zoom(renderer: Renderer) -> None:
    heights = [
        np.ptp(draw(renderer, {}, 0, Scene(camera=Camera(yaw=yaw, distance=500))).landmarks[[27, 8], 1])
        for yaw in (0.0, 40.0)
    ]
    assert heights[1] == pytest.approx(heights[0], rel=0.02)


def test_the_key_light_comes_from_its_side(renderer: Renderer) -> None:
    for azimuth in (-60.0, 60.0):
        scene = Scene(lighting=Lighting(key_azimuth=azimuth, fill_rgb=(0.0, 0.0, 0.0)))
        frame = draw(renderer, {}, 0, scene)
        cheeks = [frame.image[48:56, columns].mean() for columns in (slice(32, 40), slice(56, 64))]
        assert (cheeks[1] > cheeks[0]) == (azimuth > 0)


def test_layers_and_sensor(renderer: Renderer) -> None:
    """An occluder covers its pixels and hardly moves the exposure; hair behind shows beside the head."""
    quiet = Scene(effects=CameraEffects(noise=0))
    bare = draw(renderer, {}, 0, quiet)
    patch = np.zeros((96, 96, 4), np.float32)
    patch[70:80, 40:60] = (0.0, 0.0, 1.0, 1.0)
    covered = draw(renderer, {}, 0, replace(quiet, occluders=(patch,))).image
    assert (covered[70:80, 40:60, 2] > covered[70:80, 40:60, 0] + 50).all()
    assert np.abs(covered[:69].astype(int) - bare.image[:69]).max() <= 4
    layer = HairLayer(np.full((4, 4, 4), (0.0, 0.0, 0.0, 1.0), np.float32), (-30, 30, -30, 30), 0.0)
    subject = replace(plain_subject(renderer.model, 0), hair_behind=layer)
    haired = renderer.render(subject, Expression(), quiet, np.random.default_rng(0)).image
    assert haired[5, 5].max() < 20
    assert np.abs(haired[40:60, 40:56].astype(int) - bare.image[40:60, 40:56]).max() <= 2
    grey = draw(renderer, {}, 0, replace(quiet, effects=CameraEffects(grey=True, jpeg_quality=80))).image
    assert np.ptp(grey.astype(int), axis=2).max() <= 2


def test_a_missing_face_model_is_told(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IDENNET_FACE_MODEL", raising=False)
    with pytest.raises(InputError, match="IDENNET_FACE_MODEL"):
        load_face_model()
    with pytest.raises(InputError, match="import-face-model"):
        load_face_model(tmp_path / "none.npz")
    np.savez(tmp_path / "other.npz", base=np.zeros((3, 3)))
    with pytest.raises(InputError, match="not a face model"):
        load_face_model(tmp_path / "other.npz")


def test_the_rasteriser_against_brute_force() -> None:
    """Random triangles: the nearest one that contains a pixel's centre, found by testing them all."""
    generator = np.random.default_rng(3)
    screen = generator.uniform(0, 24, (60, 3)).astype(np.float32)
    screen[:, 2] = generator.uniform(0.5, 2, 60)
    triangles = generator.permutation(60).reshape(20, 3).astype(np.int32)
    buffer = SurfaceBuffer.empty(24)
    rasterise(screen, triangles, True, buffer)
    for row in range(24):
        for column in range(24):
            best, depth, margin = -1, 0.0, 1.0
            for t, (a, b, c) in enumerate(screen[triangles].astype(float)):
                system = np.array([[a[0], b[0], c[0]], [a[1], b[1], c[1]], [1, 1, 1]])
                weights = np.linalg.solve(system, [column + 0.5, row + 0.5, 1])
                margin = min(margin, np.abs(weights).min())
                nearness = weights @ [a[2], b[2], c[2]]
                if (weights >= 0).all() and nearness > depth:
                    best, depth = t, nearness
            if margin > 1e-4:  # a pixel's centre on an edge may fall to either side
                assert buffer.triangle[row, column] == best


def test_normals_of_a_tetrahedron_point_outwards() -> None:
    vertices = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], np.float32)
    triangles = np.array([[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]], np.int32)
    normals = np.empty_like(vertices)
    vertex_normals(vertices, triangles, normals)
    assert np.allclose(normals, vertices / np.sqrt(3), atol=1e-5)
