"""Systems that learn nothing more: weights, weights of each fold, and what another tool wrote."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol as Structural

import numpy as np
from numpy.typing import NDArray

from idennet import facs
from idennet.errors import InputError
from idennet.faces import finder as finders
from idennet.inference.analyser import Analyser
from idennet.inference.result import Result
from idennet.learning.data.prepare import NO_FACE, UNREADABLE, Progress
from idennet.learning.data.readers.labelled_pictures import LabelledPictures
from idennet.learning.data.readers.locate import most_central
from idennet.learning.evaluation.faces import Faces
from idennet.learning.evaluation.prediction_files import LARGEST_INTENSITY, PredictionTable
from idennet.learning.evaluation.prediction_rows import NO_ROW, PredictionRows
from idennet.learning.evaluation.protocols import Fold, Protocol
from idennet.learning.evaluation.scores import predictions
from idennet.models.action_units import ActionUnitModel

GIVEN_THRESHOLD = 0.5
"""Probability from which a tool that says no more counts as saying present."""

PRESENT_FROM = 1.0
"""Intensity from which a tool counts as saying present where the protocol has labels of occurrence only."""

NO_PREDICTION = "no prediction"


@dataclass(frozen=True, eq=False)
class Readings:
    """What a system says about N faces, for all its Action Units.

    Attributes:
        scores: (N, A) from 0 to 1; NaN in the rows of faces of which it says nothing, and for Action Units
            of hidden parts.
        present: (N, A), what it calls present.
        thresholds: (A,) score from which it does; NaN where it decides by other means.
        problems: Why it says nothing, by row.
    """

    scores: NDArray[np.floating]
    present: NDArray[np.bool_]
    thresholds: NDArray[np.float64]
    problems: Mapping[int, str] = field(default_factory=dict)


class PretrainedSystem(Structural):
    """A system that learns nothing more."""

    @property
    def name(self) -> str:
        """What tables call it."""

    @property
    def aus(self) -> tuple[int, ...]:
        """Action Units that it predicts."""

    @property
    def unreliable_aus(self) -> tuple[int, ...]:
        """Those of them that it is known to read unreliably."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences that a reader of its scores must know."""

    @property
    def digests(self) -> tuple[str, ...]:
        """SHA-256 of each file of weights."""

    def of_fold(self, fold: Fold) -> "PretrainedSystem":
        """Return the system that is tested in a fold: itself, or one of several."""

    def read(self, faces: Faces, protocol: Protocol) -> Readings:
        """Return what it says about all faces, in the order of `aus`."""


class WeightsSystem:
    """Weights with the thresholds of their card; faces are read as `idennet detect` reads them.

    Of several faces in a picture the one nearest its middle counts, in sizes of the face, as for
    `idennet prepare`.

    Args:
        model: The weights.
        data: What they are judged on; stores that they learnt from are reported.
        finder: Finds faces in pictures; by default the one that needs no file.
        progress: Told how far pictures are read.
    """

    def __init__(
        self,
        model: ActionUnitModel,
        data: Sequence[Faces] = (),
        finder: finders.Finder | None = None,
        progress: Progress | None = None,
    ) -> None:
        card = model.card
        self.name = card.version
        self.aus = model.aus
        self.unreliable_aus = tuple(card.unreliable_aus)
        self.digests = (card.sha256,)
        known = {entry["digest"] for entry in card.provenance.get("stores", [])}
        self.remarks = tuple(
            f"{self.name} learnt from faces of {faces.path}: scores of people it knows are no test."
            for faces in data
            if faces.digest in known
        )
        self._model, self._finder = model, finder
        self._progress = progress

    @property
    def trained_for(self) -> tuple[str, str] | None:
        """Protocol and fold that the run was told to train for; None without."""
        known = self._model.card.provenance
        return (known["protocol"], known["fold"]) if {"protocol", "fold"} <= known.keys() else None

    def of_fold(self, fold: Fold) -> "WeightsSystem":
        """Return itself."""
        return self

    def read(self, faces: Faces, protocol: Protocol) -> Readings:
        """Return probabilities, and what reaches the thresholds."""
        problems: dict[int, str] = {}
        if isinstance(faces, LabelledPictures):
            scores = self._read_pictures(faces, problems)
        else:
            scores = predictions(self._probs, faces, np.arange(len(faces)))
        thresholds = np.array([self._model.card.thresholds[au] for au in self.aus])
        return Readings(scores, scores >= thresholds, thresholds, problems)

    def _probs(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        readings = self._model.read(crops)
        return np.where(self._model.unseen(readings), np.float32(np.nan), readings.probs)

    def _read_pictures(self, pictures: LabelledPictures, problems: dict[int, str]) -> NDArray[np.floating]:
        scores = np.full((len(pictures), len(self.aus)), np.nan, dtype=np.float32)
        for row, result in enumerate(Analyser(self._finder, self._model).analyse_all(pictures.images)):
            if result.problem:
                problems[row] = f"{UNREADABLE}: {result.error}" if result.error else NO_FACE
            else:
                scores[row] = self._main_face(result)
            if self._progress:
                self._progress(row + 1, len(pictures))
        return scores

    def _main_face(self, result: Result) -> list[float]:
        width, height = result.size or (0, 0)
        face = result.faces[most_central([face.box for face in result.faces], width, height)]
        return [face.au_probs[au] for au in self.aus]


class WeightsOfFolds:
    """One training a fold, each tested on the people whom it has not seen.

    Args:
        of: The weights of each fold, by its name.
        protocol: Name of the protocol.

    Raises:
        InputError: They predict different Action Units.
    """

    def __init__(self, of: Mapping[str, WeightsSystem], protocol: str) -> None:
        some = next(iter(of.values()))
        if different := next((one for one in of.values() if one.aus != some.aus), None):
            raise InputError(
                f"{some.name} and {different.name} predict different Action Units; give runs of one recipe."
            )
        self.name = f"{some.name} and {len(of) - 1} more" if len(of) > 1 else some.name
        self.aus = some.aus
        self.unreliable_aus = tuple(sorted({au for one in of.values() for au in one.unreliable_aus}))
        self.digests = tuple(digest for one in of.values() for digest in one.digests)
        self.remarks = (f"Each fold of {protocol} is read by weights that were trained for it.",)
        self._of, self._protocol = dict(of), protocol

    @property
    def folds(self) -> tuple[str, ...]:
        """Names of the folds that have weights."""
        return tuple(self._of)

    def of_fold(self, fold: Fold) -> WeightsSystem:
        """Return the weights of a fold.

        Raises:
            InputError: There are none.
        """
        if fold.name not in self._of:
            raise InputError(
                f"There are no weights of fold {fold.name} of {self._protocol}; give one run a fold, or "
                "judge the folds that are there with --partial."
            )
        return self._of[fold.name]

    def read(self, faces: Faces, protocol: Protocol) -> Readings:
        """Refuse: which weights read a face is a matter of its fold."""
        raise NotImplementedError("ask the system of a fold")


@dataclass(frozen=True, eq=False)
class PredictedSystem:
    """What another tool wrote.

    Attributes:
        table: Its predictions.
        data: All faces that they are about.
    """

    table: PredictionTable
    data: tuple[Faces, ...]

    @property
    def name(self) -> str:
        """Format and name of the file."""
        return f"{self.table.format} ({self.table.path.name})"

    @property
    def aus(self) -> tuple[int, ...]:
        """Action Units with a column."""
        return self.table.aus

    @property
    def unreliable_aus(self) -> tuple[int, ...]:
        """None: the file does not say."""
        return ()

    @property
    def digests(self) -> tuple[str, ...]:
        """None: there are no weights."""
        return ()

    @property
    def remarks(self) -> tuple[str, ...]:
        """How scores and thresholds come about."""
        undecided = [au for au in self.aus if au not in self._decided]
        graded = [au for au in undecided if au in self.table.graded]
        probable = [au for au in undecided if au not in self.table.graded]
        sentences = []
        if self._decided:
            names = " ".join(facs.columns(self._decided))
            sentences.append(f"Present as the tool itself decided: {names}.")
        if probable:
            names = " ".join(facs.columns(probable))
            sentences.append(f"Present from probability {GIVEN_THRESHOLD:g} on: {names}.")
        if graded:
            names = " ".join(facs.columns(graded))
            sentences.append(f"Present from the intensity on from which the protocol says so: {names}.")
        return tuple(sentences)

    @cached_property
    def _decided(self) -> tuple[int, ...]:
        """Action Units that the tool itself calls present or absent."""
        return tuple(np.array(self.aus)[np.isfinite(self.table.decisions).any(axis=0)].tolist())

    @cached_property
    def _rows(self) -> PredictionRows:
        return PredictionRows(self.table, self.data)

    def of_fold(self, fold: Fold) -> "PredictedSystem":
        """Return itself."""
        return self

    def read(self, faces: Faces, protocol: Protocol) -> Readings:
        """Return its scores and decisions; faces without a row, or without a face in it, are NaN."""
        rows = self._rows.of(faces)
        there = rows != NO_ROW
        scores, decisions = np.full((2, len(faces), len(self.aus)), np.nan)
        scores[there], decisions[there] = self.table.scores[rows[there]], self.table.decisions[rows[there]]
        intensity = protocol.at_least.get(protocol.test, PRESENT_FROM) / LARGEST_INTENSITY
        own = np.where([au in self.table.graded for au in self.aus], intensity, GIVEN_THRESHOLD)
        decided = np.array([au in self._decided for au in self.aus])
        present = np.where(decided, decisions == 1, scores >= own)
        unread = np.flatnonzero(np.isnan(scores).all(axis=1))
        problems = {int(row): NO_FACE if there[row] else NO_PREDICTION for row in unread}
        return Readings(scores, present, np.where(decided, np.nan, own), problems)


def open_weights(
    files: Sequence[Path],
    protocol: Protocol | None,
    data: Sequence[Faces],
    *,
    finder: Path | None,
    device: str,
    progress: Progress | None,
) -> WeightsSystem | WeightsOfFolds:
    """Return the system of some weights: one for all faces, or one a fold.

    Args:
        files: Weights or folders of runs, or folders of such folders; none: the bundled weights. Runs that
            were trained for folds of the protocol are tested on theirs alone.
        protocol: Whose folds the runs were trained for, if there are several.
        data: What they are judged on.
        finder: File of the face finder for pictures.
        device: As for `idennet detect`.
        progress: Told how far pictures are read.

    Raises:
        InputError: Runs are not those of the protocol's folds.
        WeightsError: Weights are missing or damaged.
    """
    needed = any(isinstance(faces, LabelledPictures) for faces in data)
    found_by = finders.open_finder(finder) if needed else None

    def opened(file: Path | None) -> WeightsSystem:
        return WeightsSystem(ActionUnitModel.open(file, device), data, found_by, progress)

    given = [one for file in files for one in _runs_in(file)]
    if len(given) <= 1:
        one = opened(given[0] if given else None)
        if protocol is None or one.trained_for is None or one.trained_for[0] != protocol.name:
            return one
    if protocol is None:
        raise InputError("Several runs need the --protocol whose folds they were trained for.")
    of: dict[str, WeightsSystem] = {}
    for file in given:
        system = opened(file)
        trained = system.trained_for
        if trained is None or trained[0] != protocol.name:
            whose = "no fold" if trained is None else f"fold {trained[1]} of {trained[0]}"
            raise InputError(
                f"{file} was trained for {whose}; make runs with: idennet train --protocol {protocol.name} "
                "--fold"
            )
        if trained[1] in of:
            raise InputError(f"{file} is a second run of fold {trained[1]}; give one a fold.")
        of[trained[1]] = system
    return WeightsOfFolds(of, protocol.name)


def _runs_in(file: Path) -> list[Path]:
    """Return the runs in a folder of folders; else the file or folder itself."""
    if not file.is_dir() or any(file.glob("*.safetensors")):
        return [file]
    return sorted({weights.parent for weights in file.glob("*/*.safetensors")}) or [file]
