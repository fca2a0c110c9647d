"""Writing a fake tree of any kind."""

from importlib.util import find_spec
from pathlib import Path

from idennet.errors import InputError, MissingExtraError
from idennet.research.synth.corpora import CLINIC, CROWD, SPOT, STUDIO, WILD, CorpusConfig
from idennet.research.synth.fake_trees import celeba, disfa, unbc
from idennet.research.synth.fake_trees.common import FakeFrame, check_free, rendered_faces
from idennet.research.synth.fake_trees.kinds import FakeKind

_ZOOM = (0.77, 0.8)  # leaves air above the hair


def _playing(corpus: CorpusConfig, side: int) -> CorpusConfig:
    """Return the corpus that lends light and people, with frames of `side` pixels that show whole heads."""
    views = corpus.views.model_copy(update={"zoom": _ZOOM})
    return corpus.model_copy(update={"frame_size": side, "views": views})


_PLAYED_BY = {
    FakeKind.BP4D: _playing(STUDIO, 640),
    FakeKind.BP4D_PLUS: _playing(STUDIO, 640),
    FakeKind.DISFA: _playing(SPOT, 512),
    FakeKind.UNBC: _playing(CLINIC, 240),
    FakeKind.CELEBA: _playing(CROWD, 240),
    FakeKind.CK_PLUS: _playing(STUDIO, 480),
    FakeKind.AFF_WILD2: _playing(WILD, 200),
    FakeKind.RAF_AU: _playing(WILD, 200),
}
_MOST_SUBJECTS = {
    FakeKind.BP4D: 2 * 999,
    FakeKind.BP4D_PLUS: 2 * 999,
    FakeKind.DISFA: len(disfa.SUBJECTS),
    FakeKind.UNBC: len(unbc.SUBJECTS),
    FakeKind.CELEBA: celeba.IDENTITIES,
    FakeKind.CK_PLUS: 199,
}
"""How many names there are."""

_PACKAGES = {
    FakeKind.BP4D: "h5py",
    FakeKind.BP4D_PLUS: "h5py",
    FakeKind.DISFA: "av",
}
"""What the writer imports."""


def check_possible(kind: FakeKind, out: Path, subjects: int, frames: int) -> None:
    """Check what can be known before anything is rendered; arguments as for `write_fake_tree`.

    Raises:
        InputError: A number is not allowed.
        StoreError: The folder is not empty.
        MissingExtraError: A package that the data set's files need is not installed.
    """
    if subjects < 1 or frames < 4:
        raise InputError(f"A fake tree needs a subject and 4 frames of it, not {subjects} and {frames}.")
    if subjects > (most := _MOST_SUBJECTS.get(kind, subjects)):
        raise InputError(f"A fake tree of {kind} has at most {most} subjects, not {subjects}.")
    if (package := _PACKAGES.get(kind)) and not find_spec(package):
        raise MissingExtraError(f"A fake tree of {kind}", "research")
    check_free(out)


def write_fake_tree(
    kind: FakeKind, out: Path, subjects: int, frames: int, seed: int = 0, face_model: Path | None = None
) -> list[FakeFrame]:
    """Render people, write a folder that looks like a licensed data set, and return what it says.

    The same arguments give the same files on one machine.

    Args:
        kind: The data set.
        out: Folder, new or empty.
        subjects: Number of subjects.
        frames: Labelled frames of each subject, at least 4.
        seed: Another seed gives other people.
        face_model: NPZ of the face model; by default the one that `IDENNET_FACE_MODEL` names.

    Raises:
        InputError: There is no face model, or a number is not allowed.
        StoreError: The folder is not empty.
        MissingExtraError: A package that the data set's files need is not installed.
    """
    check_possible(kind, out, subjects, frames)
    people = rendered_faces(_PLAYED_BY[kind], subjects, frames, seed, face_model)
    match kind:
        case FakeKind.BP4D:
            from idennet.research.synth.fake_trees.bp4d import write_bp4d

            return write_bp4d(out, people)
        case FakeKind.BP4D_PLUS:
            from idennet.research.synth.fake_trees.bp4d import write_bp4d_plus

            return write_bp4d_plus(out, people)
        case FakeKind.DISFA:
            from idennet.research.synth.fake_trees.disfa import write_disfa

            return write_disfa(out, people)
        case FakeKind.UNBC:
            from idennet.research.synth.fake_trees.unbc import write_unbc

            return write_unbc(out, people)
        case FakeKind.CELEBA:
            from idennet.research.synth.fake_trees.celeba import write_celeba

            return write_celeba(out, people, seed)
        case FakeKind.CK_PLUS:
            from idennet.research.synth.fake_trees.ckplus import write_ckplus

            return write_ckplus(out, people, seed)
        case FakeKind.AFF_WILD2:
            from idennet.research.synth.fake_trees.affwild2 import write_affwild2

            return write_affwild2(out, people, seed)
        case FakeKind.RAF_AU:
            from idennet.research.synth.fake_trees.raf_au import write_raf_au

            return write_raf_au(out, people, seed)
