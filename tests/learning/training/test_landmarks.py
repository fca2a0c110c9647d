import json

import cv2
import numpy as np
import pandas as pd
import pytest
import torch

from idennet.errors import RecipeError, StoreError
from idennet.faces.card import read_network
from idennet.faces.crop import CROP_SIZE, crop_to_picture, squares_around, transform
from idennet.faces.landmark_net import LandmarkOutput, load_landmark_net
from idennet.faces.landmarks import MIRROR
from idennet.learning.training import landmarks as training
from idennet.learning.training.face_networks import load_face_recipe
from idennet.learning.training.landmark_crops import (
    Crops,
    draw_crops,
    pictures_without_faces,
    read_frames,
    to_crop,
)
from idennet.learning.training.landmarks import landmark_loss, train_landmarks


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Twelve subjects of two frames: grey noise with 68 points on an ellipse and level eyes."""
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "subjects").mkdir()
    (folder / "corpus.json").write_text(json.dumps({"format": 1, "name": "noise", "digest": "0"}))
    rng = np.random.default_rng(0)
    angles = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    points = 80 + 40 * np.stack([np.cos(angles), np.sin(angles)], 1)
    points[36:42], points[42:48] = [60, 60], [100, 60]
    for subject in range(30, 42):  # among them one that is held out
        picture = cv2.GaussianBlur(rng.integers(0, 256, (160, 160), dtype=np.uint8), (0, 0), 3)
        image = cv2.imencode(".jpg", picture)[1].tobytes()
        row = {"subject": f"noise/{subject}", "image": image, "landmarks": points.ravel().astype(np.float32)}
        pd.DataFrame([row | {"yaw": 10.0, "pitch": -5.0}] * 2).to_parquet(
            folder / "subjects" / f"{subject}.parquet"
        )
    return folder


def test_frames_are_read_and_subjects_are_never_split(corpus):
    frames = read_frames([corpus])
    assert len(frames.pictures) == 24
    assert frames.landmarks.shape == (24, 68, 2)
    held_out = frames.held_out()
    assert 0 < held_out.sum() < 24
    assert not set(frames.subjects[held_out]) & set(frames.subjects[~held_out])
    assert (read_frames([corpus, corpus]).held_out() == np.tile(held_out, 2)).all()


def test_empty_and_damaged_corpora_are_refused(tmp_path):
    with pytest.raises(StoreError, match="no subjects"):
        read_frames([tmp_path])
    (tmp_path / "subjects").mkdir()
    row = {"subject": "a", "image": b"no picture", "landmarks": [0.0] * 136, "yaw": 0.0, "pitch": 0.0}
    pd.DataFrame([row]).to_parquet(tmp_path / "subjects" / "a.parquet")
    with pytest.raises(StoreError, match="unreadable picture"):
        read_frames([tmp_path])


def test_pictures_without_faces_are_all_there():
    pictures = pictures_without_faces()
    assert len(pictures) >= 15
    assert all(picture.dtype == np.uint8 and picture.ndim == 2 for picture in pictures)


def test_points_go_into_the_crop_and_back():
    points = np.random.default_rng(1).uniform(0, 160, (68, 2)).astype(np.float32)
    square = squares_around(points[None])[0]
    inside = to_crop(points, square)
    back = transform(inside[None], crop_to_picture(square[None]))[0]
    np.testing.assert_allclose(back, points, atol=1e-3)


def test_batches_hold_faces_and_others_with_targets_that_fit(corpus):
    frames = read_frames([corpus])
    batch = draw_crops(frames, pictures_without_faces(), 200, np.random.default_rng(0))
    assert batch.crops.shape == (200, CROP_SIZE, CROP_SIZE)
    assert batch.faces.mean() == pytest.approx(0.7, abs=0.1)
    assert set(np.unique(np.abs(batch.pose[batch.faces == 1, 0]))) == {10.0}
    turned = batch.pose[:, 0] < 0
    assert turned[batch.faces == 1].mean() == pytest.approx(0.5, abs=0.15), "about half are mirrored"
    points = batch.landmarks[batch.faces == 1]
    right, left = points[:, 36:42].mean(1), points[:, 42:48].mean(1)
    assert (left[:, 0] > right[:, 0]).all(), "the left eye stays on the right side, mirrored or not"
    assert ((points.mean(1) > 0) & (points.mean(1) < CROP_SIZE)).all()
    again = draw_crops(frames, pictures_without_faces(), 200, np.random.default_rng(0))
    assert (again.crops == batch.crops).all()


def test_the_loss_of_right_answers_is_nothing_and_ignores_points_without_a_face():
    rng = np.random.default_rng(0)
    batch = Crops(
        np.zeros((2, CROP_SIZE, CROP_SIZE), np.uint8),
        rng.uniform(0, 63, (2, 68, 2)).astype(np.float32),
        np.array([1, 0], np.float32),
        np.array([[10, 5], [0, 0]], np.float32),
    )
    points = torch.from_numpy(batch.landmarks).clone()
    points[1] += 30
    right = LandmarkOutput(points, torch.tensor([40.0, -40.0]), torch.tensor([[10.0, 5], [90, 90]]))
    assert landmark_loss(right, batch).item() == pytest.approx(0, abs=1e-6)
    jaw, eye = points.clone(), points.clone()
    jaw[0, 3] += 2
    eye[0, 40] += 2
    losses = [landmark_loss(right._replace(landmarks=moved), batch).item() for moved in (jaw, eye)]
    assert losses[1] == pytest.approx(2 * losses[0])
    assert losses[0] == pytest.approx(1.75 / 80)  # smooth L1 of 2 with beta 0.5, over 68 + 12 points


SHORT = ["steps=4", "batch_size=4", "seed=3", "checkpoint_every=2", "optimiser.warm_up=1"]


def test_a_resumed_run_equals_an_uninterrupted_one(corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "FACELESS_CROPS", 2)
    recipe = load_face_recipe("landmarks", SHORT)
    whole = train_landmarks([corpus], recipe, tmp_path / "whole", quiet=True)
    calls = iter(range(3))

    def stop_after_three(*given):
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return draw_crops(*given)

    with monkeypatch.context() as patched:
        patched.setattr(training, "draw_crops", stop_after_three)
        with pytest.raises(KeyboardInterrupt):
            train_landmarks([corpus], recipe, tmp_path / "broken", quiet=True)
    assert not (tmp_path / "broken" / whole.name).exists()
    broken = train_landmarks([corpus], recipe, tmp_path / "broken", quiet=True)
    assert broken.read_bytes() == whole.read_bytes()
    assert load_landmark_net(whole)(torch.zeros((1, 64, 64), dtype=torch.uint8)).landmarks.isfinite().all()


def test_the_card_of_a_training_says_what_it_was(corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "FACELESS_CROPS", 2)
    recipe = load_face_recipe("landmarks", SHORT)
    first = train_landmarks([corpus], recipe, tmp_path / "first", quiet=True)
    card = read_network(first)[1]
    assert (card.network, card.steps, card.seed) == ("LandmarkNet", 4, 3)
    assert (card.recipe, card.recipe_digest) == ("landmarks", recipe.digest())
    assert [(one.name, one.pictures, one.people) for one in card.trained_on] == [("noise", 24, 12)]
    assert card.learned + card.held_out == 24
    assert card.started_from is None
    assert set(card.errors) >= {"points_yaw_0_15", "false_alarms"}
    second = train_landmarks([corpus], recipe, tmp_path / "second", start=first, quiet=True)
    assert read_network(second)[1].started_from == card.sha256
    records = [json.loads(line) for line in (tmp_path / "first" / "metrics.jsonl").read_text().splitlines()]
    assert [record["step"] for record in records if "validation_false_alarms" in record] == [2, 4]


def test_a_folder_holds_one_training(corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "FACELESS_CROPS", 2)
    train_landmarks([corpus], load_face_recipe("landmarks", SHORT), tmp_path, quiet=True)
    with pytest.raises(RecipeError, match="holds another training"):
        train_landmarks([corpus], load_face_recipe("landmarks", [*SHORT, "seed=4"]), tmp_path, quiet=True)


def test_what_is_no_recipe_is_refused():
    with pytest.raises(RecipeError, match="no recipe"):
        load_face_recipe("noses")
    with pytest.raises(RecipeError, match="did you mean steps"):
        load_face_recipe("landmarks", ["step=3"])


def test_mirroring_keeps_the_sides_of_a_rendered_face():
    """Points of a mirrored symmetric face are the face's own."""
    face = np.random.default_rng(0).uniform(0, 63, (68, 2))
    mirrored = face * [-1, 1] + [63, 0]
    symmetric = (face + mirrored[MIRROR]) / 2
    np.testing.assert_allclose((symmetric * [-1, 1] + [63, 0])[MIRROR], symmetric)
