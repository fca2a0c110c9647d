"""Fake trees of freely available data sets with rendered faces: all is found where it was written."""

from pathlib import Path

import numpy as np
import pytest

from idennet.faces.landmarks import eye_centres
from idennet.learning.data.prepare import prepare
from idennet.learning.data.readers.kinds import Kind, open_source
from idennet.learning.data.readers.records import Record
from idennet.research.synth.fake_trees.kinds import FakeKind
from idennet.research.synth.fake_trees.write import write_fake_tree
from small_face import FACE_MODEL


@pytest.mark.slow
@pytest.mark.parametrize("kind", [FakeKind.CELEBA, FakeKind.CK_PLUS, FakeKind.AFF_WILD2, FakeKind.RAF_AU])
def test_a_rendered_tree_becomes_a_store(tmp_path: Path, kind: FakeKind) -> None:
    said = write_fake_tree(kind, tmp_path / "tree", subjects=2, frames=4, face_model=FACE_MODEL)
    source = open_source(Kind(kind), tmp_path / "tree")
    found = [record for chunk in source.chunks() for record in chunk.read()]
    assert len(found) == len(said)
    shown = [frame for frame in said if frame.picture is not None]
    assert [record.subject.split("/")[1] for record in found if isinstance(record, Record)] == [
        frame.subject for frame in shown
    ]
    known = np.full((68, 2), 40, np.float32) + np.arange(68)[:, None]
    store = prepare(source, tmp_path / "store", locate=lambda picture: known).store
    assert len(store) == len(shown)
    if shown[0].landmarks is not None:
        for record, frame in zip(found, shown, strict=True):
            eyes = record.eyes if record.eyes is not None else eye_centres(record.landmarks)
            np.testing.assert_allclose(eyes, eye_centres(frame.landmarks), atol=1e-3)
        assert 30 < store.faces.mean() < 230
        assert store.faces.std(axis=(1, 2, 3)).min() > 10  # nobody is a flat picture
