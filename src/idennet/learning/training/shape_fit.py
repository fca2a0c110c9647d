"""How a finished network is given a shape branch: what its points say is fitted, not trained.

From photographs that a teacher labelled: the points of a face to the teacher's logits, and who it is, as one
picture says it (`identity_fit.py`), to what the points of the same person's *other* pictures say, which is
usual for them and is subtracted. Learnt from the very picture, it would take the expression out with the
person. And from photographs and renderings, both changed in light and sharpness: how far a shape is believed.

A perceptron in place of the linear map was learnt with the points before, and told photographs of others
apart worse: 292 numbers of a few thousand faces are not many.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from torch import nn

from idennet.errors import InputError
from idennet.faces.card import read_network
from idennet.faces.weights import with_weights
from idennet.facs import columns, parse
from idennet.learning.data.hidden_parts import HiddenParts
from idennet.learning.data.known_people import KnownPeople
from idennet.learning.data.store import FaceStore
from idennet.learning.data.teacher import LESSONS, Lesson, TeacherLabels
from idennet.learning.training.augment import Augmenter
from idennet.learning.training.closed_form import Numbers, others_mean, ridge
from idennet.learning.training.folder import MANIFEST
from idennet.learning.training.identity_fit import TwoViews, fit_identity, two_views
from idennet.learning.training.parts_fit import fit_parts
from idennet.learning.training.recipe import load_recipe
from idennet.learning.training.shape import ShapeStudent
from idennet.learning.training.stages import to_tensor
from idennet.models.idennet import IdenNet
from idennet.models.shape import SHAPE_FEATURES, ShapeBranch, mirrored_features
from idennet.models.shape_reading import ShapeReading
from idennet.models.weights import (
    WeightsCard,
    check_weights_path,
    load_weights,
    save_weights,
    weights_file,
)

RIDGE = 0.05
"""Penalty of both linear maps, for features of about unit spread and identities of about unit length."""

OTHERS = 2
"""Other pictures of a person, from which their mean says what is usual."""

LEAST_KNOWN = 10
"""Photographs, at least, of which another network says who is shown."""

_BATCH = 64
_FAINTEST = 0.02  # intensity, 0 to 1, below which a logit says no more
_TRUST_FREEDOM = 0.01  # of the regression that tells photographs from renderings, in spreads
_DOUBT = 0.1  # trust in the most photograph-like hundredth of renderings; of photographs likewise
_TAIL = 0.01
_COMPARED = 4000  # faces of either kind, at most
_JUDGED = (
    "test", "test_protocol", "unreliable", "photographs", "records", "name_of_the_build", "validation",
    "shape_fitted_on", "shape_known_people", "shape_hidden_parts",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class ShapeMaterial:
    """From what a network is given a shape branch.

    Attributes:
        branch: Weights of `train_shape`; None: the branch that the network has already.
        photographs: People whose points a teacher knows what they say.
        labels: Which it says. Copies with movements added teach only what photographs look like.
        rendered: Faces that are no photographs; what they say of hidden parts is learnt from.
        held_out: Subjects of `photographs` who are not learnt from.
        known: What another network says of who is on the photographs; None: their own embeddings alone teach.
        hidden: Which parts somebody saw hidden on them; None: all are taken as visible.
    """

    branch: Path | None
    photographs: FaceStore
    labels: TeacherLabels
    rendered: FaceStore
    held_out: Collection[str] = ()
    known: KnownPeople | None = None
    hidden: HiddenParts | None = None

    def rows(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return rows of the photographs that are learnt from, and of their labels.

        Raises:
            InputError: The labels know none of them, nobody has enough, `known` knows too few, `hidden` none,
                or there is nothing to compare with.
        """
        photographs, rendered = self.photographs, self.rendered
        if not len(rendered) or rendered.digest == photographs.digest:
            raise InputError(f"{rendered.path} must have rendered faces, other ones than the photographs.")
        row = self.labels.rows_of(photographs)
        known = np.flatnonzero((row >= 0) & ~photographs.frames["subject"].isin(self.held_out).to_numpy())
        is_read = ~np.isnan(self.labels.values.to_numpy()).any(axis=1) & ~self.labels.moved
        known = known[is_read[row[known]]]
        if not len(known):
            raise InputError(
                f"The teacher's labels know none of the pictures of {photographs.path} that may be learnt "
                "from; give those of these pictures."
            )
        if np.bincount(photographs.subject_index[known]).max() <= OTHERS:
            raise InputError(
                f"Nobody in {photographs.path} has {OTHERS + 1} photographs, by which one could say what is "
                "usual for a person; give others."
            )
        if np.bincount(rendered.subject_index).max() < 2:
            raise InputError(
                f"Nobody in {rendered.path} has two faces, which would say who it is; give others."
            )
        if self.known is not None:
            told = int((~np.isnan(self.known.of(photographs)[known]).any(axis=1)).sum())
            if told < LEAST_KNOWN:
                raise InputError(
                    f"{self.known.name} knows {told} of the pictures of {photographs.path} that may be "
                    f"learnt from; give embeddings of at least {LEAST_KNOWN}."
                )
        if self.hidden is not None and not self.hidden.of(photographs)[1][known].any():
            raise InputError(
                f"{self.hidden.name} names none of the pictures of {photographs.path} that may be learnt "
                "from; give what somebody saw of these."
            )
        return known, row[known]


def give_shape(network: IdenNet, aus: tuple[int, ...], material: ShapeMaterial) -> IdenNet:
    """Return a network that reads shapes, and whose own branch, if any, is left behind.

    But for which parts of a face can be seen, which is fitted anew, it is else the given one.

    Where a teacher's values stand for an Action Unit, `Lesson.share` of its logit is what the points say, in
    photographs; likewise its intensity on either side. On faces that look rendered the skin alone counts.

    Args:
        network: Trained.
        aus: Its Action Units.
        material: From what.

    Raises:
        InputError: There is no branch, no lesson is about the network's Action Units, or as
            `ShapeMaterial.rows`.
    """
    by_au = {lesson.au: lesson for lesson in LESSONS if lesson.share > 0}
    lessons = {place: by_au[au] for place, au in enumerate(aus) if au in by_au}
    if not lessons:
        raise InputError(f"A shape says nothing of {', '.join(columns(aus))}; give weights that read others.")
    if material.hidden is not None and not network.graded:
        raise InputError(
            f"These weights say nothing of hidden parts, so {material.hidden.name} is of no use."
        )
    rows, label_rows = material.rows()
    shaped = IdenNet(network.num_aus, network.normalize, network.identity, network.graded, shaped=True)
    skin = {name: value for name, value in network.state_dict().items() if not name.startswith("shape")}
    branch = {f"shape.{name}": value for name, value in _branch(network, material).state_dict().items()}
    shaped.load_state_dict({**shaped.state_dict(), **skin, **branch})
    shaped.eval()
    seen = two_views(shaped, material.photographs, rows)
    known = None if material.known is None else material.known.of(material.photographs)[rows]
    drawn = two_views(shaped, material.rendered, _some_people(material.rendered))
    fit_identity(shaped, seen, drawn, known)
    faces = _faces(shaped, seen)
    logits = material.labels.side_logits(aus, relative=False)[label_rows].astype(np.float64)
    _fit(shaped.shape_aus, faces, np.concatenate([logits, logits[..., ::-1]]), lessons)
    if network.graded:
        sides = material.labels.sides(aus, relative=False)[label_rows].astype(np.float64)
        sides = sides.clip(_FAINTEST, 1 - _FAINTEST)
        sides = np.log(sides / (1 - sides))
        both = np.concatenate([sides, sides[..., ::-1]]).reshape(2 * len(sides), -1, 1)
        of_sides = {2 * place + side: lesson for place, lesson in lessons.items() for side in range(2)}
        _fit(shaped.shape_sides, faces, both, of_sides)
        fit_parts(shaped, material.photographs, rows, material.rendered, material.hidden)
    _fit_trust(shaped.shape_trust, network, material)
    return shaped


def _branch(network: IdenNet, material: ShapeMaterial) -> ShapeBranch:
    if material.branch is not None:
        return with_weights(ShapeStudent(), material.branch).branch.plain()
    if not network.shaped:
        raise InputError("These weights have no shape branch yet; give one, by idennet weights shape.")
    return network.shape


def shape_provenance(card: WeightsCard, material: ShapeMaterial) -> dict[str, Any]:
    """Return what the provenance of a card is to say of the branch that its weights were given."""
    taught = {lesson.au for lesson in LESSONS if lesson.share > 0} & set(card.aus)
    taught |= set(map(parse, card.provenance.get("taught", ())))
    provenance: dict[str, Any] = {"taught": columns(sorted(taught))}
    if material.branch is not None:
        provenance["shape_branch"] = read_network(material.branch)[1].model_dump(mode="json")
    provenance["shape_fitted_on"] = {
        name: {"source": store.source, "digest": store.digest, "faces": len(store)}
        for name, store in (("photographs", material.photographs), ("rendered", material.rendered))
    }
    if material.known is not None:
        provenance["shape_known_people"] = sha256(Path(material.known.name).read_bytes()).hexdigest()
    if material.hidden is not None:
        provenance["shape_hidden_parts"] = sha256(Path(material.hidden.name).read_bytes()).hexdigest()
    return provenance


def add_shape(weights: Path, material: ShapeMaterial, out: Path) -> int:
    """Write weights with a shape branch, and return how many people were left out.

    The weights are neither calibrated nor judged.

    Args:
        weights: A `.safetensors` file, or the folder of a run. Validation subjects of the run that is there,
            beside the file or in its folder `run`, are left out.
        material: From what.
        out: `.safetensors` file to write.

    Raises:
        InputError: As `give_shape`, or the weights are not IdenNet's.
        WeightsError: A file holds no weights, or `out` cannot be written.
    """
    check_weights_path(out)
    network, card = load_weights(weights_file(weights))
    if not isinstance(network, IdenNet):
        raise InputError(f"{weights} is no IdenNet, and has no place for a shape branch.")
    for manifest in (weights / MANIFEST, weights.parent / MANIFEST, weights.parent / "run" / MANIFEST):
        if manifest.is_file():
            held_out = json.loads(manifest.read_text(encoding="utf-8"))["validation_subjects"]
            material = replace(material, held_out=[*material.held_out, *held_out])
            break
    shaped = give_shape(network, card.aus, material)
    own = {name: value for name, value in card.provenance.items() if name not in _JUDGED}
    given = WeightsCard(
        version=f"{card.version.removesuffix('-shaped')}-shaped",
        aus=card.aus,
        template=card.template,
        thresholds=dict.fromkeys(card.aus, 0.5),
        provenance=own | shape_provenance(card, material) | {"before_shape": card.sha256},
    )
    save_weights(shaped, out, given, half=False)
    return len(set(material.held_out) & set(material.photographs.subjects))


@dataclass(frozen=True, eq=False)
class _Faces:
    """N photographs, then their mirror images: two readings of each, so that errors of points teach less."""

    features: Numbers  # of the shapes, (2 N, 292)
    mirrored: Numbers  # the same, the points mirrored
    identity: Numbers  # who it is, (2 N, 256)
    people: NDArray[np.int64]  # (N,)


@torch.inference_mode()
def _faces(network: IdenNet, seen: TwoViews) -> _Faces:
    both = torch.from_numpy(np.concatenate([seen.parts, seen.mirrored]))
    features = both[:, -SHAPE_FEATURES:]
    mirrored, identity = mirrored_features(network.shape, features), network.shape_identity(both)
    return _Faces(
        features.double().numpy(), mirrored.double().numpy(), identity.double().numpy(), seen.people
    )


def _fit(reading: ShapeReading, faces: _Faces, targets: Numbers, lessons: Mapping[int, Lesson]) -> None:
    """Set the outputs of a reading that lessons are about.

    Args:
        reading: Changed in place.
        faces: Photographs.
        targets: What the teacher says of them and of their mirror images, (2 N, K, views).
        lessons: Of some of the K outputs.
    """
    places, views = list(lessons), reading.views
    targets = targets[:, places].reshape(len(targets), -1)
    again = np.concatenate([targets, np.roll(targets, len(targets) // 2, axis=0)])  # a mirrored mirror image
    weight, bias = ridge(np.concatenate([faces.features, faces.mirrored]), again, RIDGE)
    said = (faces.features @ weight.T + bias).reshape(len(targets), -1, views).max(axis=2)
    # Others of the same view alone: no picture tells of its own mirror image.
    halves = [others_mean(half, faces.people)[0] for half in np.split(said, 2)]
    people = np.tile(faces.people, 2)
    enough = np.bincount(faces.people)[people] > OTHERS
    own, people = np.concatenate(halves)[enough], people[enough]
    people_alike = 1 / np.bincount(people)[people]  # whoever was photographed more often
    own -= np.average(own, axis=0, weights=people_alike)
    usual_weight, usual_bias = ridge(faces.identity[enough], own, RIDGE, people_alike)
    subtracted = np.array([lesson.usual for lesson in lessons.values()])
    usual_weight[~subtracted], usual_bias[~subtracted] = 0, 0
    every_view = (np.array(places)[:, None] * views + np.arange(views)).ravel()
    with torch.no_grad():
        for parameter, where, values in (
            (reading.said.weight, every_view, weight),
            (reading.said.bias, every_view, bias),
            (reading.usual.weight, places, usual_weight),
            (reading.usual.bias, places, usual_bias),
            (reading.share, places, np.array([lesson.share for lesson in lessons.values()])),
        ):
            parameter[where] = torch.from_numpy(values).float()


def _some_people(store: FaceStore) -> NDArray[np.int64]:
    """Return the rows of about `_COMPARED` faces, all of a person or none."""
    order = np.random.default_rng(0).permutation(len(store.subjects))
    faces = np.bincount(store.subject_index)
    chosen = order[np.cumsum(faces[order]) <= max(_COMPARED, faces[order[0]])]
    return np.flatnonzero(np.isin(store.subject_index, chosen))


def _fit_trust(trust: nn.Linear, network: IdenNet, material: ShapeMaterial) -> None:
    """Let FC6 and identity tell photographs from renderings, each as it is and changed.

    Where the two can be told apart, trust rises from `_DOUBT` at the renderings that look most like
    photographs to 1 - `_DOUBT` at the photographs that look least so, a hundredth of each aside.
    """
    held_out = material.photographs.frames["subject"].isin(material.held_out).to_numpy()
    rendered = _described(network, material.rendered, np.arange(len(material.rendered)))
    photographed = _described(network, material.photographs, np.flatnonzero(~held_out))
    both = np.concatenate([rendered, photographed])
    mean, spread = both.mean(axis=0), both.std(axis=0) + 1e-6
    truth = np.repeat([0, 1], [len(rendered), len(photographed)])
    told = LogisticRegression(C=_TRUST_FREEDOM, class_weight="balanced", max_iter=1000)
    told.fit((both - mean) / spread, truth)
    weight = told.coef_[0] / spread
    bias = told.intercept_[0] - weight @ mean
    low, high = (
        np.quantile(rendered @ weight + bias, 1 - _TAIL),
        np.quantile(photographed @ weight + bias, _TAIL),
    )
    if high > low:
        steep = 2 * np.log((1 - _DOUBT) / _DOUBT) / (high - low)
        weight, bias = steep * weight, steep * (bias - (high + low) / 2)
    with torch.no_grad():
        trust.weight.copy_(torch.from_numpy(weight)[None].float())
        trust.bias.fill_(float(bias))


@torch.inference_mode()
def _described(network: IdenNet, store: FaceStore, rows: NDArray[np.int64]) -> Numbers:
    """Return FC6 and identity (2 N, 512) of some faces as they are and changed in light and sharpness."""
    some = np.sort(np.random.default_rng(0).permutation(rows)[:_COMPARED])
    augmenter, parts = Augmenter(load_recipe("taught").augmentation.model_copy(update={"cover": 0.0})), []
    for step, part in enumerate(np.array_split(some, len(some) // _BATCH + 1)):
        faces = store.read(part)
        for given in (faces, augmenter(faces, step)):
            output = network(to_tensor(given, torch.device("cpu")))
            assert output.identity_embedding is not None, "IdenNet has an identity branch"
            parts.append(torch.cat([output.expression_features, output.identity_embedding], dim=1))
    return torch.cat(parts).double().numpy()
