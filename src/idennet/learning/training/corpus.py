"""All faces that one training sees: several face stores as one table of indices, split by subject."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from idennet import facs
from idennet.errors import InputError
from idennet.learning.data.known_people import KnownPeople
from idennet.learning.data.movement.drawn import is_moved
from idennet.learning.data.provenance import Origin
from idennet.learning.data.split import split_subjects
from idennet.learning.data.store import FaceStore
from idennet.learning.data.teacher import Taught

_BY_FACE = (
    "store_of", "row_of", "identities", "au_labels", "au_coded", "taught", "believed", "sides", "visible",
    "directions", "landmarks",
)  # fmt: skip


@dataclass(frozen=True)
class Corpus:
    """Faces of several stores, numbered through; row i of every array is one face.

    Attributes:
        stores: Where the pixels are.
        store_of: (N,) position in `stores` of each face's store.
        row_of: (N,) row of each face in its store.
        identities: (N,) index of each face's subject in `subjects`, one numbering for all stores.
        subjects: Names, sorted.
        au_labels: (N, A) in {1, 0, -1}; -1 throughout for faces of identity stores.
        au_coded: (N,) whether the face comes from a store given for its Action Units.
        aus: The Action Units, in order.
        taught: (N, A) float32, a teacher's logits; NaN where it says nothing.
        believed: (N, A) float32, how far it is believed, 0 to 1.
        sides: (N, A, 2) float32, intensity on the subject's left and right, 0 to 1; NaN where unknown.
        visible: (N, 3) int8, whether each of `facs.PARTS` can be seen: 1, 0, or -1 where unknown.
        directions: (N, E) float32, a teacher's embeddings of the person; NaN where it does not know the face.
        landmarks: (N, 68, 2) float32 in pixels of the face; NaN where unknown.
    """

    stores: tuple[FaceStore, ...]
    store_of: NDArray[np.int64]
    row_of: NDArray[np.int64]
    identities: NDArray[np.int64]
    subjects: tuple[str, ...]
    au_labels: NDArray[np.int8]
    au_coded: NDArray[np.bool_]
    aus: tuple[int, ...]
    taught: NDArray[np.float32]
    believed: NDArray[np.float32]
    sides: NDArray[np.float32]
    visible: NDArray[np.int8]
    directions: NDArray[np.float32]
    landmarks: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.row_of)

    @property
    def is_taught(self) -> NDArray[np.bool_]:
        """(N,) whether a teacher says anything of the face."""
        return np.asarray(~np.isnan(self.taught).all(axis=1))

    @property
    def is_moved(self) -> NDArray[np.bool_]:
        """(N,) whether a movement was added to the picture."""
        moved = np.zeros(len(self), bool)
        for position, store in enumerate(self.stores):
            here = self.store_of == position
            names = store.frames["sequence"].astype(str).to_numpy()[self.row_of[here]]
            moved[here] = [is_moved(name) for name in names]
        return moved

    def read(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the faces at `indices` as (n, 128, 128, 3) uint8 RGB."""
        faces = np.empty((len(indices), 128, 128, 3), dtype=np.uint8)
        for position in np.unique(self.store_of[indices]):
            here = np.flatnonzero(self.store_of[indices] == position)
            faces[here] = self.stores[position].read(self.row_of[indices[here]])
        return faces

    def only(self, mask: NDArray[np.bool_]) -> "Corpus":
        """Return the faces for which `mask` (N,) is true; identities keep their numbers."""
        by_face = {name: getattr(self, name)[mask] for name in _BY_FACE}
        return replace(self, **by_face)

    def split(self, fraction: float, seed: int) -> tuple["Corpus", "Corpus"]:
        """Return (training, validation) faces that share no subject.

        Subjects with Action Units and subjects without are split separately, so both sides have both.
        """
        held: list[str] = []
        for part in (self.au_coded, ~self.au_coded):
            names = [self.subjects[index] for index in np.unique(self.identities[part])]
            names = [name for name in names if name not in held]
            if len(names) > 1:
                held += split_subjects(names, fraction, seed)[1]
        return self.hold_out(held)

    def hold_out(self, names: Collection[str]) -> tuple["Corpus", "Corpus"]:
        """Return (training, validation) faces, the latter those of the named subjects.

        Raises:
            InputError: A name is not among the subjects.
        """
        if strangers := sorted(set(names) - set(self.subjects)):
            raise InputError(f"No store has the subject {strangers[0]!r} to hold out.")
        is_held = np.isin(self.identities, [self.subjects.index(name) for name in names])
        return self.only(~is_held), self.only(is_held)

    def sample(self, count: int, seed: int) -> "Corpus":
        """Return at most `count` faces drawn without replacement, in their order."""
        if len(self) <= count:
            return self
        mask = np.zeros(len(self), dtype=bool)
        mask[np.random.default_rng(seed).permutation(len(self))[:count]] = True
        return self.only(mask)


def join_stores(
    au_stores: Sequence[FaceStore],
    identity_stores: Sequence[FaceStore],
    aus: Sequence[int] | None = None,
    teacher: Taught | None = None,
    people: KnownPeople | None = None,
) -> Corpus:
    """Return the faces of all stores as one corpus.

    Args:
        au_stores: Stores whose Action Unit labels are used; their subjects are identities as well.
        identity_stores: Stores of which only the subjects are used.
        aus: Action Units to learn; when None, those with a label in any of `au_stores`, in FACS order.
        teacher: What a teacher says of pictures of `identity_stores`.
        people: What another says of who is shown in them.

    Raises:
        InputError: There is no store, one given for its Action Units has none, a wanted one is coded
            nowhere, two stores use one name for subjects that may be different people, or a teacher knows
            none of the pictures.
    """
    stores = (*au_stores, *identity_stores)
    if not stores:
        raise InputError("Training needs faces; give at least one store with --au or --identity.")
    if without := [store for store in au_stores if not store.aus]:
        raise InputError(f"{without[0].path} has no Action Unit labels; give it with --identity instead.")
    _refuse_shared_names(stores)
    coded = {au for store in au_stores for au in store.aus}
    wanted = tuple(au for au in facs.NAMES if au in coded) if aus is None else tuple(aus)
    if missing := [facs.column(au) for au in wanted if au_stores and au not in coded]:
        raise InputError(f"No store has labels for {', '.join(missing)}; take them out of model.aus.")
    subjects = tuple(sorted({name for store in stores for name in store.subjects}))
    position = {name: index for index, name in enumerate(subjects)}
    lengths = [len(store) for store in stores]
    has_aus = np.arange(len(stores)) < len(au_stores)
    labels = [
        store.labels(wanted) if coded_here else np.full((len(store), len(wanted)), facs.MISSING, np.int8)
        for store, coded_here in zip(stores, has_aus, strict=True)
    ]
    taught = [np.full((length, len(wanted)), np.nan, np.float32) for length in lengths]
    believed = [np.zeros((length, len(wanted)), np.float32) for length in lengths]
    sides = [_sides(store, wanted) for store in stores]
    if teacher is not None:
        for number, store in enumerate(identity_stores, start=len(au_stores)):
            taught[number], believed[number], sides[number] = teacher.of(store, wanted)
        _refuse_strangers(f"The teacher's labels {teacher.name}", taught, identity_stores)
    width = 1 if people is None else people.directions.shape[1]
    directions = [np.full((length, width), np.nan, np.float32) for length in lengths]
    if people is not None:
        for number, store in enumerate(identity_stores, start=len(au_stores)):
            directions[number] = people.of(store)
        _refuse_strangers(f"The embeddings {people.name}", directions, identity_stores)
    return Corpus(
        stores=stores,
        store_of=np.repeat(np.arange(len(stores)), lengths),
        row_of=np.concatenate([np.arange(length) for length in lengths]),
        identities=np.concatenate(
            [np.array([position[name] for name in store.subjects])[store.subject_index] for store in stores]
        ),
        subjects=subjects,
        au_labels=np.concatenate(labels),
        au_coded=np.repeat(has_aus, lengths),
        aus=wanted,
        taught=np.concatenate(taught),
        believed=np.concatenate(believed),
        sides=np.concatenate(sides),
        visible=np.concatenate([store.visible() for store in stores]),
        directions=np.concatenate(directions),
        landmarks=np.concatenate([store.landmarks for store in stores]),
    )


def _sides(store: FaceStore, aus: Sequence[int]) -> NDArray[np.float32]:
    """Return intensities by side (N, A, 2), 0 to 1, NaN where unknown.

    Of Action Units for which a store has no sides, both are the whole face's.
    """
    strongest = 1 if store.provenance.origin is Origin.RENDERED else 5
    whole = np.repeat(store.intensities(aus)[..., None], 2, axis=2)
    own = store.sides(aus)
    has_sides = ~np.isnan(own).all(axis=(0, 2), keepdims=True)
    return np.asarray(np.where(has_sides, own, whole) / strongest, np.float32)


def _refuse_strangers(what: str, known: Sequence[NDArray[np.float32]], stores: Sequence[FaceStore]) -> None:
    if stores and all(np.isnan(part).all() for part in known):
        raise InputError(
            f"{what} know none of the pictures of {', '.join(str(store.path) for store in stores)}; give "
            "those of these pictures."
        )


def _refuse_shared_names(stores: Sequence[FaceStore]) -> None:
    """Names say who is who only within one store (and selections of it)."""
    for one, other in combinations(stores, 2):
        shared = set(one.subjects) & set(other.subjects)
        if shared and one.digest != other.digest:
            raise InputError(
                f"{one.path} and {other.path} are different stores that both name a subject {min(shared)}, "
                "which may be two people; prepare one of them again from a source of another name, or leave "
                "it out."
            )
