"""Scenes, targets, loss and training of the shot network."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from idennet.errors import StoreError
from idennet.faces.boxes import NO_BOXES
from idennet.faces.landmark_net import load_landmark_net
from idennet.faces.reading import LandmarkReader
from idennet.faces.shot_net import STRIDE, ShotOutput, load_shot_net
from idennet.learning.training import face_shots
from idennet.learning.training.face_labels import labels_of
from idennet.learning.training.face_networks import FaceNetworkRecipe, load_face_recipe
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
from idennet.learning.training.face_shots import CELLS, overlaps, shot_errors, shot_loss, targets, train_shots

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


@pytest.fixture(scope="module")
def many(sources: Sources) -> Sources:
    """The same sheets of sixty subjects, some of whom are held out."""
    kinds = (
        [sheet._replace(subject=f"{kind} {number}") for number in range(60)]
        for kind, (sheet,) in zip("pre", sources, strict=True)
    )
    return Sources(*kinds)


@pytest.fixture
def few_scenes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face_shots, "TEST_SCENES", 4)


def recipe(*changes: str) -> FaceNetworkRecipe:
    return load_face_recipe("shots", ["batch_size=4", "optimiser.warm_up=10", *changes])


def test_subjects_are_never_split(many: Sources) -> None:
    learned, tested = many.of(held_out=False), many.of(held_out=True)
    for kind, ours, theirs in zip(many, learned, tested, strict=True):
        assert len(ours) + len(theirs) == len(kind)
        assert not {sheet.subject for sheet in ours} & {sheet.subject for sheet in theirs}


def test_too_few_subjects_are_refused(sources: Sources) -> None:
    with pytest.raises(StoreError, match="a tenth of each can be held out"):
        sources.of(held_out=False)


def test_errors_count_faces_boxes_and_alarms() -> None:
    class Answer(torch.nn.Module):
        """Says where a face of 30 pixels is in the first scene, whatever it sees."""

        def forward(self, pictures: torch.Tensor) -> ShotOutput:
            _, near, boxes = targets([scene_of([(60, 60, 30)])])
            return ShotOutput(torch.where(near, 12.0, -12.0), boxes)

    scenes = [scene_of([(60, 60, 30)]), scene_of([(150, 150, 30)])]
    errors = shot_errors(Answer(), scenes)  # type: ignore[arg-type]
    assert errors["recall"] == 0.5
    assert errors["false_alarms"] == 0.5
    assert 0.5 <= errors["overlap"] < 0.55


@pytest.mark.usefixtures("few_scenes")
def test_training_learns(many: Sources, tmp_path: Path) -> None:
    """After thirty steps the error on scenes that were not learned from has fallen."""
    unseen = [draw_scene(many, np.random.default_rng(seed)) for seed in range(1000, 1024)]
    pictures = torch.from_numpy(np.stack([scene.picture for scene in unseen]))

    def error(steps: int) -> float:
        changes = f"steps={steps}", "optimiser.average=0.01"
        network = load_shot_net(train_shots(many, (), recipe(*changes), tmp_path / str(steps), quiet=True))
        with torch.no_grad():
            return shot_loss(network(pictures), *targets(unseen)).item()

    assert error(30) < 0.85 * error(1)


@pytest.mark.usefixtures("few_scenes")
def test_an_interrupted_training_continues_as_if_it_had_not_been(
    many: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = recipe("steps=5", "checkpoint_every=2")
    whole = train_shots(many, (), short, tmp_path / "whole", quiet=True)
    calls = iter(range(3 * short.batch_size))

    def stop(*given: Any) -> Scene:
        if given[0].sheets < many.sheets / 2 or next(calls, None) is not None:  # scenes to be tested on pass
            return draw_scene(*given)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(face_shots, "draw_scene", stop)
        with pytest.raises(KeyboardInterrupt):
            train_shots(many, (), short, tmp_path / "broken", quiet=True)
    broken = train_shots(many, (), short, tmp_path / "broken", quiet=True)
    assert broken.read_bytes() == whole.read_bytes()


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
