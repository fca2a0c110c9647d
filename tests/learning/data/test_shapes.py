"""A teacher's points of a store's faces: where they are in the crop, whose they are, what is kept."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from idennet.errors import InputError
from idennet.faces.boxes import Pixels
from idennet.learning.data.landmarker import BLENDSHAPES, READ_BY_BLENDSHAPES, Landmarked
from idennet.learning.data.shapes import ShapeLabels, read_shapes, shapes_of
from idennet.learning.data.store import FaceStore
from idennet.learning.data.store_writer import FaceStoreWriter, Part
from idennet.learning.data.teacher import VALUES

SPOTS = np.array([[20, 30], [64, 64], [100.0, 90]])


def spot_store(path: Path) -> FaceStore:
    """Return a store of black faces with a white spot each, and one without."""
    faces = np.zeros((4, 128, 128, 3), np.uint8)
    for face, (x, y) in zip(faces, SPOTS.astype(int), strict=False):
        face[y - 1 : y + 2, x - 1 : x + 2] = 255
    rows = [("s/0", "s", index, np.full(136, np.nan, np.float32)) for index in range(4)]
    with FaceStoreWriter(path, source="s") as writer:
        writer.write(
            "0", Part(faces, pd.DataFrame(rows, columns=["subject", "sequence", "frame", "landmarks"]))
        )
        return writer.finish(["0"])


class Spotter:
    """Stands in for the landmarker: every point is the middle of what is white; a smile of .25."""

    calls = 0

    def __init__(self, digest: str = "1" * 64) -> None:
        self.digest = digest

    def __call__(self, pixels: Pixels) -> Landmarked | None:
        self.calls += 1
        weight = pixels.sum(axis=2).astype(float)
        if not weight.any():
            return None
        y, x = np.indices(weight.shape)
        middle = np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()
        points = np.tile(middle.astype(np.float32), (478, 1))
        points[[33, 160, 158, 133, 153, 144]] -= 4  # two eyes; the points asked for below are others
        points[[362, 385, 387, 263, 373, 380]] += 4
        return Landmarked(points, np.array([0.25 * name.startswith("mouthSmile") for name in BLENDSHAPES]))


def test_points_are_in_the_pixels_of_the_crop(tmp_path: Path) -> None:
    labels = read_shapes(spot_store(tmp_path / "store"), Spotter())
    assert labels.rows.tolist() == [0, 1, 2]  # in the last face nobody is found
    nose = READ_BY_BLENDSHAPES.index(4)
    np.testing.assert_allclose(labels.points[:, nose], SPOTS, atol=0.1)
    assert labels.values[0, VALUES.index("mouthSmileLeft")] == pytest.approx(0.25)


def test_points_are_read_once_and_belong_to_their_store(tmp_path: Path) -> None:
    store, teacher = spot_store(tmp_path / "store"), Spotter()
    first = shapes_of(store, tmp_path / "kept", teacher)
    assert teacher.calls == 4
    again = shapes_of(store, tmp_path / "kept", teacher)
    assert teacher.calls == 4
    np.testing.assert_array_equal(first.points, again.points)
    shapes_of(store, tmp_path / "kept", other := Spotter("2" * 64))
    assert other.calls == 4  # another teacher may see them elsewhere
    file = next((tmp_path / "kept").glob("*.npz"))
    with pytest.raises(InputError, match="another store"):
        ShapeLabels.open(file, _other(store))
    with pytest.raises(InputError, match="no"):
        ShapeLabels.open(tmp_path / "nothing.npz", store)


def _other(store: FaceStore) -> FaceStore:
    other = store.select(store.subjects)
    other.digest = "0" * 64
    return other
