"""Scenes, targets, loss and training of the shot network."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from idennet.faces.boxes import NO_BOXES
from idennet.faces.landmark_net import load_landmark_net
from idennet.faces.reading import LandmarkReader
from idennet.faces.shot_net import STRIDE, ShotOutput
from idennet.learning.training import face_shots
from idennet.learning.training.face_labels import labels_of
from idennet.learning.training.face_scenes import (
    LARGEST,
    NOTHING,
    SCENE,
    SMALLEST,
    Scene,
    Sheet,
    Sources,
    draw_scene,
    halvings,
)
from idennet.learning.training.face_shots import CELLS, Training, overlaps, shot_loss, targets

GREY = 100


def disc_sheet() -> Sheet:
    """A white disc of 40 pixels in the middle of its square of 60, in a black picture."""
    picture = np.zeros((120, 120), np.uint8)
    cv2.circle(picture, (60, 60), 20, 255, -1)
    face = np.array([[60, 60, 60]], np.float32)
    return Sheet(halvings(picture), face, np.full((1, 68, 2), 60, np.float32))


@pytest.fixture(scope="module")
def sources() -> Sources:
    sheet = disc_sheet()
    return Sources([sheet], [sheet], [Sheet(halvings(np.full((100, 100), GREY, np.uint8)))])


def test_scenes_follow_from_their_generator_and_keep_to_the_sizes(sources: Sources) -> None:
    for seed in range(30):
        first, second = (draw_scene(sources, np.random.default_rng(seed)) for _ in range(2))
        for one, other in zip(first, second, strict=True):
            np.testing.assert_array_equal(one, other)
        assert first.picture.shape == (SCENE, SCENE)
        assert ((first.faces[:, 2] >= SMALLEST) & (first.faces[:, 2] <= LARGEST)).all()
        assert ((first.faces[:, :2] >= 0) & (first.faces[:, :2] <= SCENE)).all()


def test_the_square_of_a_face_lies_where_its_picture_was_drawn(
    sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However it is scaled, turned, mirrored and cut: the disc is white in the middle, black around."""
    monkeypatch.setattr("idennet.learning.training.face_scenes._photographed", lambda scene, rng: scene)
    monkeypatch.setattr("idennet.learning.training.face_scenes._occluded", lambda sheet, drawn, *rest: drawn)
    checked = 0
    for seed in range(60):
        scene = draw_scene(sources, np.random.default_rng(seed))
        for x, y, side in scene.faces:
            if (
                len(scene.faces) == 1
                and not len(scene.doubtful)
                and side / 2 < min(x, y, SCENE - x, SCENE - y)
            ):
                assert scene.picture[int(y), int(x)] > 250
                ring = 0.48 * side * np.array([[1, 0], [-1, 0], [0, 1], [0, -1]])
                seen = [scene.picture[int(y + dy), int(x + dx)] for dx, dy in ring]
                assert all(value in range(GREY + 2) for value in seen)
                checked += 1
    assert checked > 5


def scene_of(faces: list[tuple[float, float, float]], doubtful: object = NOTHING) -> Scene:
    picture = np.zeros((SCENE, SCENE), np.uint8)
    return Scene(picture, np.array(faces, np.float32).reshape(-1, 3), np.asarray(doubtful, np.float32))


@pytest.mark.parametrize("side", [14.0, 30.0, 100.0])
@pytest.mark.parametrize("at", [(91.0, 60.0), (95.5, 95.5), (99.5, 99.5)])
def test_every_face_has_a_cell_that_answers_for_it(side: float, at: tuple[float, float]) -> None:
    judged, near, boxes = targets([scene_of([(*at, side)])])
    assert near.any()
    assert judged[near].all()
    assert (boxes[near] == torch.tensor([*at, side])).all()
    far = STRIDE * (torch.arange(CELLS) + 0.5) - 0.5 - at[0]
    assert not near[0, :, far.abs() > 0.25 * side + STRIDE].any()


def test_what_is_doubtful_is_not_judged() -> None:
    judged, near, _ = targets([scene_of([], [(96, 96, 40)])])
    assert not near.any()
    assert not judged[0, 10:14, 10:14].any()
    assert judged.float().mean() > 0.9


def test_overlap_is_that_of_counted_pixels() -> None:
    a, b = torch.tensor([10.0, 10.0, 8.0]), torch.tensor([12.0, 9.0, 6.0])
    grid = np.zeros((20, 20), int)
    grid[6:14, 6:14] += 1
    grid[6:12, 9:15] += 1
    assert overlaps(a, b).item() == pytest.approx((grid == 2).sum() / (grid > 0).sum())
    assert overlaps(a, a + torch.tensor([50.0, 0, 0])).item() == 0


def test_the_loss_is_least_for_the_true_answer() -> None:
    judged, near, boxes = targets([scene_of([(60, 60, 30)])])
    sure = torch.where(near, 12.0, -12.0)
    best = shot_loss(ShotOutput(sure, boxes), judged, near, boxes)
    assert best.item() == pytest.approx(0, abs=1e-3)
    moved = boxes + torch.tensor([3.0, 0, 0])
    for worse in (ShotOutput(sure, moved), ShotOutput(-sure, boxes), ShotOutput(0 * sure, boxes)):
        assert shot_loss(worse, judged, near, boxes) > best + 0.1


def test_training_learns(sources: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After thirty steps the error on scenes that were not learned from has fallen."""
    monkeypatch.setattr(face_shots, "_WARM", 10)
    unseen = [draw_scene(sources, np.random.default_rng(seed)) for seed in range(1000, 1024)]
    pictures = torch.from_numpy(np.stack([scene.picture for scene in unseen]))
    training = Training(sources, tmp_path, 30, batch_size=4)

    @torch.no_grad()
    def error() -> float:
        return shot_loss(training.network(pictures), *targets(unseen)).item()

    before = error()
    for _ in range(30):
        training.advance()
    assert error() < 0.85 * before


def test_an_interrupted_training_continues_as_if_it_had_not_been(
    sources: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(face_shots, "_SAVE_EVERY", 3)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    through = Training(sources, tmp_path / "a", 40, batch_size=2)
    losses = [through.advance() for _ in range(7)]
    interrupted = Training(sources, tmp_path / "b", 40, batch_size=2)
    for _ in range(4):
        interrupted.advance()
    continued = Training(sources, tmp_path / "b", 40, batch_size=2)
    assert continued.step == 3
    assert [continued.advance() for _ in range(4)] == losses[3:]


class Proposer:
    """Proposes given boxes."""

    def __init__(self, *boxes: tuple[float, ...]) -> None:
        self._boxes = np.array(boxes, np.float32).reshape(-1, 5)

    def find(self, pixels: np.ndarray) -> np.ndarray:
        return self._boxes if len(self._boxes) else NO_BOXES


def test_a_label_is_sure_only_where_both_finders_and_the_landmarks_agree() -> None:
    from skimage.data import astronaut

    face, beside, alone = (163, 66, 287, 190, 0.9), (300, 300, 400, 400, 0.9), (20, 300, 120, 400, 0.6)
    reader = LandmarkReader(load_landmark_net())
    labels = labels_of(astronaut(), Proposer(face, beside), Proposer(face, beside, alone), reader)
    assert [label.agreed for label in labels] == [True, False, False]
    assert np.hypot(labels[0].x - 225, labels[0].y - 125) < 15
    assert labels[0].landmarks.reshape(68, 2)[36:48].mean(0) == pytest.approx([225, 104], abs=6)
    assert (labels[2].x, labels[2].y, labels[2].side) == (70, 350, 100)
    lonely = labels_of(astronaut(), Proposer(face), Proposer(), reader)
    assert [label.agreed for label in lonely] == [False]
