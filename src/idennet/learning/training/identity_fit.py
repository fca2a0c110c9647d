"""What tells people apart, beside a shape branch: a linear map, fitted in closed form.

It is of everything that the network sees of a face: the trunk's features, the identity embedding F(x), the
upright points. It says two things of a photograph: what another network, trained to recognise people, says
of it; and F(x) of the *other* pictures of the same person, in which nothing of this picture's expression is.
Of rendered people the second alone is known; without it they would be confused (docs/teaching.md).
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from idennet.learning.data.store import FaceStore
from idennet.learning.training.closed_form import Numbers, others_mean
from idennet.learning.training.stages import to_tensor
from idennet.models.idennet import EMBEDDING_FEATURES, IdenNet
from idennet.models.shape import SHAPE_FEATURES

RIDGE = 2e-4
"""Penalty of the map, for parts whose squared length is 1 on average. It and the next two were chosen by how
well 327 people of LFW left out are told apart, among a few values (docs/results.md)."""

RENDERED = 0.3
"""How much rendered faces count, against as many photographs."""

OWN = 0.6
"""Length of what the person's other pictures say, against that of what another network says."""

_KNOWN = EMBEDDING_FEATURES // 2  # numbers that another network may fill
_SECTIONS = (-EMBEDDING_FEATURES - SHAPE_FEATURES, -SHAPE_FEATURES)  # F(x) begins, the shape begins
_BATCH = 64

Parts = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class TwoViews:
    """What a network with a shape branch sees of N faces, and of their mirror images.

    Attributes:
        parts: (N, 5348) as `IdenNet.identity_parts`.
        mirrored: The same of their mirror images.
        people: (N,) who it is.
    """

    parts: Parts
    mirrored: Parts
    people: NDArray[np.int64]

    @property
    def embeddings(self) -> Numbers:
        """F(x), (N, 256)."""
        return self.parts[:, _SECTIONS[0] : _SECTIONS[1]].astype(np.float64)


@torch.inference_mode()
def two_views(network: IdenNet, store: FaceStore, rows: NDArray[np.int64]) -> TwoViews:
    """Return what a network with a shape branch sees of some faces: 43 kB each; a fit needs thrice that."""
    views: tuple[list[Parts], list[Parts]] = ([], [])
    for part in np.array_split(rows, len(rows) // _BATCH + 1):
        faces = to_tensor(store.read(part), torch.device("cpu"))
        for view, given in zip(views, (faces, faces.flip(-1)), strict=True):
            view.append(network.identity_parts(given).numpy())
    as_seen, in_a_mirror = map(np.concatenate, views)
    return TwoViews(as_seen, in_a_mirror, store.subject_index[rows])


def fit_identity(
    network: IdenNet, photographs: TwoViews, rendered: TwoViews, known: NDArray[np.floating] | None = None
) -> None:
    """Set what a network with a shape branch says of who somebody is; 0 is the middle of the photographs.

    Args:
        network: Changed in place.
        photographs: Of people some of whom have several.
        rendered: Likewise.
        known: What another network says of the photographs, (N, E), NaN where nothing; None: F(x) alone
            teaches, and all of the 256 numbers are its.
    """
    both = np.concatenate([photographs.parts, photographs.mirrored])
    middle, size = both.mean(axis=0, dtype=np.float64), _sizes(both)
    del both
    columns = []
    if known is not None and (told := ~np.isnan(known).any(axis=1)).any():
        says = known[told] - known[told].mean(axis=0)
        says = says @ _directions(says, _KNOWN)
        columns.append(_map((_views(photographs, told, size), says / _length(says), 1.0)))
    own, has_own = _of_others(photographs)
    directions = _directions(own, EMBEDDING_FEATURES - sum(column.shape[1] for column in columns))
    directions *= OWN / _length(own @ directions)
    drawn, is_drawn = _of_others(rendered)
    columns.append(
        _map(
            (_views(photographs, has_own, size), own @ directions, 1.0),
            (_views(rendered, is_drawn, size), drawn @ directions, RENDERED),
        )
    )
    found = np.concatenate(columns, axis=1).T / size
    weight = np.pad(found, ((0, EMBEDDING_FEATURES - len(found)), (0, 0)))
    with torch.no_grad():
        network.shape_identity.weight.copy_(torch.from_numpy(weight))
        network.shape_identity.bias.copy_(torch.from_numpy(-weight @ middle))


def _of_others(seen: TwoViews) -> tuple[Numbers, NDArray[np.bool_]]:
    """Return F(x) of the other pictures, around its mean, of everybody who has some, and of whom that is."""
    mean, others = others_mean(seen.embeddings, seen.people)
    mean = mean[others > 0]
    return mean - mean.mean(axis=0), others > 0


def _sizes(parts: Parts) -> Parts:
    """Return by what each number is divided so that trunk, F(x) and shape vary alike, (5348,)."""
    sections = np.split(parts.var(axis=0), _SECTIONS)
    return np.concatenate([np.full(len(own), np.sqrt(own.sum()), np.float32) for own in sections])


def _length(x: Numbers) -> float:
    """Return the length of rows of x (N, K), the root of the mean square."""
    return float(np.sqrt(np.square(x).sum(axis=1).mean()))


def _directions(x: Numbers, number: int) -> Numbers:
    """Return the principal directions of centred x (N, D), (D, at most `number`)."""
    return np.asarray(np.linalg.svd(x, full_matrices=False)[2][:number].T, np.float64)


def _views(seen: TwoViews, rows: NDArray[np.bool_], size: Parts) -> Parts:
    """Return parts of some faces and of their mirror images, scaled and around their mean."""
    both = np.concatenate([seen.parts[rows], seen.mirrored[rows]])
    both /= size
    both -= both.mean(axis=0, dtype=np.float64).astype(np.float32)
    return both


def _map(*kinds: tuple[Parts, Numbers, float]) -> Numbers:
    """Return the linear map (5348, K) from parts of faces in two views to what is said of them (N, K).

    It minimises the mean squared error of each kind, times its weight, plus `RIDGE` times the squared map.
    """
    number = kinds[0][0].shape[1]
    gram, cross = RIDGE * np.eye(number), np.zeros((number, kinds[0][1].shape[1]))
    for parts, says, weight in kinds:
        gram += weight / len(parts) * (parts.T @ parts)
        cross += weight / len(parts) * (parts.T @ np.tile(says, (2, 1)).astype(np.float32))
    return np.asarray(np.linalg.solve(gram, cross), np.float64)
