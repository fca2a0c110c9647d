"""Stores know what they are: a part, an imitation or rendered people are never taken for a data set."""

import json
import shutil
from pathlib import Path

import pytest
from agreement import shaded_people
from drawn_people import people
from drawn_synfacs import write_corpus

from idennet.errors import StoreError
from idennet.learning.data.prepare import prepare
from idennet.learning.data.provenance import MARKER, Origin, Provenance
from idennet.learning.data.readers.kinds import Kind, open_source
from idennet.learning.data.readers.person_folders import PersonFolders
from idennet.learning.data.readers.records import PublishedSource
from idennet.learning.data.readers.synfacs import SynFacs
from idennet.learning.data.readers.unbc import Unbc
from idennet.learning.data.store import FaceStore
from idennet.research.synth.fake_trees.affwild2 import write_affwild2
from idennet.research.synth.fake_trees.bp4d import write_bp4d, write_bp4d_plus
from idennet.research.synth.fake_trees.celeba import write_celeba
from idennet.research.synth.fake_trees.ckplus import write_ckplus
from idennet.research.synth.fake_trees.disfa import write_disfa
from idennet.research.synth.fake_trees.kinds import FakeKind
from idennet.research.synth.fake_trees.raf_au import write_raf_au
from idennet.research.synth.fake_trees.unbc import write_unbc

WRITERS = {
    FakeKind.BP4D: write_bp4d,
    FakeKind.BP4D_PLUS: write_bp4d_plus,
    FakeKind.DISFA: lambda out, faces: write_disfa(out, faces, "mpeg4"),
    FakeKind.UNBC: write_unbc,
    FakeKind.CELEBA: write_celeba,
    FakeKind.CK_PLUS: write_ckplus,
    FakeKind.AFF_WILD2: write_affwild2,
    FakeKind.RAF_AU: write_raf_au,
}


@pytest.mark.parametrize("kind", WRITERS)
def test_every_fake_tree_marks_itself(kind: FakeKind, tmp_path: Path) -> None:
    WRITERS[kind](tmp_path / "tree", people(1, 4))
    assert "Nothing here comes from" in (tmp_path / "tree" / MARKER).read_text()
    assert set(WRITERS) == set(FakeKind)


def nobody(picture: object) -> None:
    """Find no face: some pictures of the tree have no landmarks."""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("fake") / "tree"
    write_unbc(root, shaded_people(2, 6))
    return root


@pytest.mark.parametrize("where", ["", ".."])
def test_a_fake_tree_is_told_however_it_is_pointed_at(where: str, tree: Path, tmp_path: Path) -> None:
    known = prepare(Unbc(tree / where), tmp_path / "store", locate=nobody).store.provenance
    assert known.origin is Origin.FAKE_TREE
    assert str(known) == "fake tree, 2 of 25 subjects"
    assert not known.is_comparable
    assert FaceStore.open(tmp_path / "store").select(["unbc/042-ll042"]).provenance == known


def test_without_the_mark_the_same_files_are_a_licensed_part(tree: Path, tmp_path: Path) -> None:
    shutil.copytree(tree, tmp_path / "copy", ignore=shutil.ignore_patterns(MARKER))
    known = prepare(Unbc(tmp_path / "copy"), tmp_path / "store", locate=nobody).store.provenance
    assert str(known) == "licensed, 2 of 25 subjects"
    assert not known.is_comparable


def test_rendered_people_and_photographs(tmp_path: Path) -> None:
    rendered = prepare(SynFacs(write_corpus(tmp_path / "c")), tmp_path / "r").store.provenance
    assert str(rendered) == "rendered, 3 subjects"
    assert not rendered.is_comparable
    assert PersonFolders(tmp_path).origin is Origin.PHOTOGRAPHS


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in (Kind.SYNFACS, Kind.CSV)])
def test_licensed_are_those_of_others_except_lfw(kind: Kind, tmp_path: Path) -> None:
    source = open_source(kind, tmp_path)
    theirs = isinstance(source, PublishedSource) and kind is not Kind.LFW
    assert source.origin is (Origin.LICENSED if theirs else Origin.PHOTOGRAPHS)


def provenance(subjects: int, faces: int, origin: Origin = Origin.LICENSED) -> Provenance:
    published = {"published_subjects": 41, "published_faces": 146_847}
    return Provenance(origin=origin, subjects=subjects, faces=faces, **published)


@pytest.mark.parametrize(
    ("subjects", "faces", "phrase", "comparable"),
    [
        (41, 146_800, "licensed, all 41 subjects", True),
        (41, 139_505, "licensed, all 41 subjects", True),  # 95 %
        (41, 139_504, "licensed, 41 of 41 subjects, 139,504 of 146,847 faces", False),
        (40, 146_800, "licensed, 40 of 41 subjects", False),
    ],
)
def test_complete_means_all_subjects_and_nearly_all_faces(
    subjects: int, faces: int, phrase: str, comparable: bool
) -> None:
    known = provenance(subjects, faces)
    assert known.is_comparable is comparable
    assert known.is_complete is comparable
    assert str(known) == phrase
    assert not provenance(subjects, faces, Origin.FAKE_TREE).is_comparable


def test_a_store_that_does_not_say_what_it_is_is_refused(tree: Path, tmp_path: Path) -> None:
    store = prepare(Unbc(tree), tmp_path / "store", locate=nobody).store
    file = store.path / "store.json"
    manifest = json.loads(file.read_text())
    file.write_text(json.dumps({**manifest, "provenance": {"origin": "bought"}}))
    with pytest.raises(StoreError, match="damaged provenance; prepare"):
        FaceStore.open(store.path)
    del manifest["provenance"]
    file.write_text(json.dumps(manifest))
    with pytest.raises(StoreError, match="lacks provenance; prepare"):
        FaceStore.open(store.path)
