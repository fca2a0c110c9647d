"""Training of the shape branch: a teacher says where the points of photographed and rendered faces are."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from idennet.errors import StoreError
from idennet.faces.card import Material
from idennet.faces.weights import with_weights
from idennet.learning.data.shapes import ShapeLabels
from idennet.learning.data.split import split_subjects
from idennet.learning.data.store import FaceStore
from idennet.learning.data.teacher import VALUES
from idennet.learning.training.augment import Augmenter
from idennet.learning.training.face_networks import FaceNetworkRecipe, Study, train_face_network
from idennet.learning.training.recipe import load_recipe
from idennet.models.shape import (
    EYE_CORNERS,
    SHAPE_FEATURES,
    SHAPE_MIRROR,
    Shape,
    ShapeBranch,
    mirrored,
    upright,
)
from idennet.models.trunk import FACE_SHAPE

_LEAST_SPREAD = 1e-3  # of a coordinate, in eye distances
_HELD_OUT = 0.06  # share of the people
_STRONGEST = 4.0  # spreads from the mean, beyond which a teacher's value counts no further
RIGHT_AND_LEFT = [
    VALUES.index(name.replace("Left", "*").replace("Right", "Left").replace("*", "Right")) for name in VALUES
]
"""What each of the teacher's values becomes in a mirror."""


class ShapeStudent(nn.Module):
    """The branch as it is trained, and what it says of a teacher's values, in units of their spread.

    Args:
        points: (N, 146, 2) from which the branch learns what is usual; None: that comes with its weights.
        values: (N, V) of `VALUES`, likewise.
    """

    def __init__(self, points: Tensor | None = None, values: Tensor | None = None) -> None:
        super().__init__()
        self.branch = ShapeBranch(normalised=True)
        self.values = nn.Linear(SHAPE_FEATURES, len(VALUES))
        self.mean: Tensor
        self.spread: Tensor
        self.register_buffer("mean", torch.zeros(len(VALUES)))
        self.register_buffer("spread", torch.ones(len(VALUES)))
        if points is not None and values is not None:
            seen = upright(points)
            spread, usual = torch.std_mean(torch.cat([seen, mirrored(seen)]), dim=0)
            self.branch.usual.copy_(usual)
            self.branch.spread.copy_(spread + _LEAST_SPREAD)
            both = torch.cat([values, values[:, RIGHT_AND_LEFT]])  # in a mirror each side is the other
            spread, mean = torch.std_mean(both, dim=0)
            self.mean.copy_(mean)
            self.spread.copy_(spread + 1e-6)

    def forward(self, faces: Tensor) -> tuple[Shape, Tensor]:
        """Return shapes and values (N, V) of uint8 faces (N, 128, 128, 3)."""
        shape = self.branch(faces.permute(0, 3, 1, 2).float() / 255)
        return shape, self.values(shape.features)


class Shapes(NamedTuple):
    """A batch of faces (N, 128, 128, 3), changed; their points, and values in units of their spread."""

    faces: Tensor
    points: Tensor
    values: Tensor


@dataclass(frozen=True, eq=False)
class TaughtShapes:
    """Faces of some people of several stores with a teacher's points.

    Attributes:
        sources: Stores and their labels.
        chosen: (M, 2) store and row of its labels, of each face.
        mean: (V,) of `VALUES`.
        spread: (V,) of `VALUES`.
    """

    sources: Sequence[tuple[FaceStore, ShapeLabels]]
    chosen: NDArray[np.int64]
    mean: NDArray[np.float32]
    spread: NDArray[np.float32]

    def read(
        self, places: NDArray[np.int64]
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]:
        """Return faces, points and values (in units of their spread) of some of the chosen."""
        faces = np.empty((len(places), *FACE_SHAPE[1:], FACE_SHAPE[0]), np.uint8)
        points, values = [], []
        for place, (source, row) in enumerate(self.chosen[places]):
            store, labels = self.sources[source]
            faces[place] = store.read(labels.rows[row : row + 1])[0]
            points.append(labels.points[row])
            values.append(labels.values[row])
        relative = (np.stack(values) - self.mean) / self.spread
        return faces, np.stack(points), relative.clip(-_STRONGEST, _STRONGEST).astype(np.float32)


def check_people(stores: Sequence[FaceStore]) -> None:
    """Raise `StoreError` where the stores have one person together: some are learnt from, others measure."""
    if len({person for store in stores for person in store.subjects}) < 2:
        names = ", ".join(str(store.path) for store in stores)
        raise StoreError(f"{names}: here is one person only; give stores of at least two people.")


def shape_loss(student: tuple[Shape, Tensor], batch: Shapes) -> Tensor:
    """Return the mean loss of a batch: points in pixels, and the values that they lead to."""
    shape, values = student
    points = F.smooth_l1_loss(shape.points, batch.points, beta=0.5)
    return points + F.smooth_l1_loss(values, batch.values)


@torch.inference_mode()
def shape_errors(network: nn.Module, taught: TaughtShapes) -> dict[str, float]:
    """Return errors on faces as they are: of points over the eyes' distance, and agreement with the values.

    `value_X` is the correlation with the teacher's value X, `values` the mean of them; what cannot be told,
    as where nobody held out moves, is missing.
    """
    distances, said, meant = [], [], []
    for places in np.array_split(np.arange(len(taught.chosen)), max(len(taught.chosen) // 64, 1)):
        faces, points, values = taught.read(places)
        shape, read = network(torch.from_numpy(faces))
        corners = np.stack([points[:, list(pair)].mean(1) for pair in EYE_CORNERS])
        apart = np.linalg.norm(corners[1] - corners[0], axis=1)
        distances.append(np.linalg.norm(shape.points.numpy() - points, axis=2).mean(1) / apart)
        said.append(read.numpy())
        meant.append(values)
    ours, theirs = np.concatenate(said), np.concatenate(meant)
    alike = {
        f"value_{name}": float(np.corrcoef(one, other)[0, 1])
        for name, one, other in zip(VALUES, ours.T, theirs.T, strict=True)
        if len(one) > 1 and min(np.ptp(one), np.ptp(other)) > 0
    }
    errors = {"points": float(np.concatenate(distances).mean())}
    if alike:
        errors["values"] = float(np.mean([*alike.values()]))
    return {name: round(value, 4) for name, value in (errors | alike).items()}


def train_shape(
    sources: Sequence[tuple[FaceStore, ShapeLabels]],
    recipe: FaceNetworkRecipe,
    out: Path,
    *,
    start: Path | None = None,
    quiet: bool = False,
) -> Path:
    """Train the shape branch, and return the weights file of a `ShapeStudent`; see `train_face_network`.

    Faces are changed as recipe `taught` changes them, but nothing covers them.

    Args:
        sources: Stores with a teacher's points; some people of each are held out.
        recipe: How to train.
        out: Folder of the training.
        start: Weights to start from instead of random ones.
        quiet: Show nothing.

    Raises:
        StoreError: There are no faces to learn from, or none of other people to measure with.
    """
    points = torch.from_numpy(np.concatenate([labels.points for _, labels in sources]))
    values = torch.from_numpy(np.concatenate([labels.values for _, labels in sources]))
    parts = _split(sources)
    if not all(map(len, parts)):
        raise StoreError("The teacher finds no face of enough people in these stores; give others.")
    first = ShapeStudent(points, values) if start is None else with_weights(ShapeStudent(), start)
    mean, spread = first.mean.numpy(), first.spread.numpy()
    learned, held_out = (TaughtShapes(sources, part, mean, spread) for part in parts)
    augmenter = Augmenter(load_recipe("taught").augmentation, recipe.seed)

    def draw(step: int) -> Shapes:
        rng = np.random.default_rng([recipe.seed, step])
        faces, points, values = learned.read(rng.integers(len(learned.chosen), size=recipe.batch_size))
        matrices = augmenter.matrices(step, len(faces), FACE_SHAPE[1:])
        points = np.einsum("nij,nkj->nki", matrices[..., :2], points) + matrices[:, None, :, 2]
        flipped = matrices[:, 0, 0] < 0
        points[flipped] = points[flipped][:, list(SHAPE_MIRROR)]
        values[flipped] = values[flipped][:, RIGHT_AND_LEFT]
        changed = augmenter(faces, step)
        return Shapes(*map(torch.from_numpy, (changed, points.astype(np.float32), values)))

    study = Study[ShapeStudent, Shapes](
        draw=draw,
        loss=lambda network, batch: shape_loss(network(batch.faces), batch),
        errors=lambda network: shape_errors(network, held_out),
        trained_on=tuple(_material(store, labels) for store, labels in sources),
        learned=len(learned.chosen),
        held_out=len(held_out.chosen),
    )
    build = partial(ShapeStudent, points, values)
    return train_face_network(build, recipe, study, out, start=start, quiet=quiet)


def _split(
    sources: Sequence[tuple[FaceStore, ShapeLabels]],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return store and row of each face of people to learn from, and of others: one split for all stores."""
    _, others = split_subjects({person for store, _ in sources for person in store.subjects}, _HELD_OUT)
    parts: tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]] = ([], [])
    for number, (store, labels) in enumerate(sources):
        is_other = store.frames["subject"].isin(others).to_numpy()[labels.rows]
        for part, rows in zip(parts, (np.flatnonzero(~is_other), np.flatnonzero(is_other)), strict=True):
            part.append(np.column_stack([np.full(len(rows), number), rows]))
    return np.concatenate(parts[0]), np.concatenate(parts[1])


def _material(store: FaceStore, labels: ShapeLabels) -> Material:
    return Material(
        name=f"{store.path.name}, points of teacher {labels.teacher[:12]}",
        fingerprint=store.digest[:12],
        pictures=len(store),
        people=len(store.subjects),
    )
