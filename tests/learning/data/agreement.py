"""Compares what a reader says of each frame with what the writer of its fake tree said."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from drawn_people import all_of, people
from drawn_synfacs import drawing

from idennet.faces.landmarks import eye_centres
from idennet.learning.data.readers.records import LeftOut, Record, Source
from idennet.research.synth.fake_trees.common import FakeFace, FakeFrame

Labels = Callable[[FakeFrame], Mapping[int, int]]


def shaded_people(subjects: int, frames: int) -> list[list[FakeFace]]:
    """Return people whose every frame has another shade of grey, so that exchanged frames are seen."""
    return [
        [
            replace(face, image=drawing(30 + 30 * subject + 10 * frame, eye_centres(face.landmarks)))
            for frame, face in enumerate(faces)
        ]
        for subject, faces in enumerate(people(subjects, frames))
    ]


def by_name(items: Sequence[Record | LeftOut]) -> dict[str, Record | LeftOut]:
    """Return records by subject, sequence and frame."""
    return {
        item.name if isinstance(item, LeftOut) else f"{item.subject}/{item.sequence}/{item.frame}": item
        for item in items
    }


def assert_agreement(
    source: Source, said: Sequence[FakeFrame], labels: Labels, *, points: bool = True
) -> dict[str, Record | LeftOut]:
    """Assert that all frames agree in name, labels, intensities, points and picture; return them."""
    found = by_name(all_of(source))
    names = [
        "/".join((source.name, *dict.fromkeys((frame.subject, frame.sequence)), str(frame.frame)))
        if isinstance(found.get(f"{source.name}/{frame.subject}/{frame.frame}"), LeftOut)
        else f"{source.name}/{frame.subject}/{frame.sequence}/{frame.frame}"
        for frame in said
    ]
    assert sorted(found) == sorted(names)
    for name, frame in zip(names, said, strict=True):
        record = found[name]
        if isinstance(record, LeftOut):
            assert frame.picture is None
            continue
        assert dict(record.au_labels) == dict(labels(frame))
        assert dict(record.au_intensities) == dict(frame.levels)
        pixels = record.load().pixels
        assert pixels.shape == frame.picture.shape
        assert np.abs(pixels.astype(int) - frame.picture).mean() < 3
        if frame.landmarks is None or not points:
            assert record.landmarks is None
        else:
            np.testing.assert_allclose(record.landmarks, frame.landmarks, atol=1e-3)
    return found
