"""People for fake trees without the renderer: flat pictures with two eyes, labels drawn from a seed."""

import numpy as np
from drawn_synfacs import drawing, landmarks

from idennet.faces.landmarks import eye_centres
from idennet.facs import SYNFACS_AUS
from idennet.learning.data.readers.records import LeftOut, Record, Source
from idennet.research.synth.fake_trees.common import FakeFace, FakeFrame


def people(subjects: int, frames: int, seed: int = 0) -> list[list[FakeFace]]:
    generator = np.random.default_rng(seed)
    return [[_face(40 + 20 * subject, generator) for _ in range(frames)] for subject in range(subjects)]


def _face(shade: int, generator: np.random.Generator) -> FakeFace:
    points = landmarks() + np.arange(136, dtype=np.float32).reshape(68, 2) / 50
    intensities = {au: float(max(0, generator.uniform(-1, 1))) for au in SYNFACS_AUS}
    occurrences = {au: int(value > 0.2) if value not in (0, 0.2) else 0 for au, value in intensities.items()}
    occurrences[28] = -1  # a trace, which the originals do not write down
    return FakeFace(drawing(shade, eye_centres(points)), points, occurrences, intensities)


def all_of(source: Source) -> list[Record | LeftOut]:
    """Return all records; each chunk must have as many as it promises."""
    found = []
    for chunk in source.chunks():
        some = list(chunk.read())
        assert len(some) == chunk.size
        found += some
    return found


def check_against(source: Source, said: list[FakeFrame], tolerance: float = 3.0) -> None:
    """Assert that a reader says of every frame what its tree's writer said."""
    found = all_of(source)
    assert len(found) == len(said) > 0
    for record, frame in zip(found, said, strict=True):
        if frame.picture is None:
            assert isinstance(record, LeftOut)
            assert record.name == f"{source.name}/{frame.subject}/{frame.frame}"
            continue
        assert isinstance(record, Record)
        assert record.corpus == source.name
        assert record.subject == f"{source.name}/{frame.subject}"
        assert (record.sequence, record.frame) == (frame.sequence, frame.frame)
        assert dict(record.au_labels) == dict(frame.labels)
        assert dict(record.au_intensities) == dict(frame.levels)
        pixels = record.load().pixels
        assert pixels.shape == frame.picture.shape
        assert np.abs(pixels.astype(int) - frame.picture).mean() < tolerance
        if record.eyes is not None:
            np.testing.assert_array_equal(record.eyes, eye_centres(frame.landmarks))
        elif frame.landmarks is None:
            assert record.landmarks is None
        else:
            np.testing.assert_allclose(record.landmarks, frame.landmarks, rtol=1e-6)
