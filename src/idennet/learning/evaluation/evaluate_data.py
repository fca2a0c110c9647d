"""Judge weights on a CSV of pictures, which are read as `idennet detect` reads them.

Nothing is lost: pictures without a face and unreadable ones are listed with the scores.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import idennet
from idennet import facs
from idennet.errors import InputError, NoFaceError
from idennet.files import write_text
from idennet.inference.analyser import Analyser
from idennet.inference.result import Result
from idennet.learning.data.prepare import NO_FACE, UNREADABLE
from idennet.learning.data.readers.labelled_pictures import LabelledPictures, read_labelled_pictures
from idennet.learning.data.readers.locate import most_central
from idennet.learning.evaluation.conditions import Condition, compare
from idennet.learning.evaluation.scored import Scored, score_with_intervals

Progress = Callable[[int, int], None]
"""Told after each picture: pictures done, pictures in all."""

SCHEMA = "idennet-evaluation/1"


@dataclass(frozen=True)
class PictureScores:
    """What probabilities say about labelled pictures, or faces.

    Attributes:
        action_units: Scores of the Action Units that are labelled and predicted; None when there are none.
        not_predicted: Action Units that are labelled, but not predicted.
        conditions: What each condition does to all predicted Action Units.
    """

    action_units: Scored | None
    not_predicted: tuple[int, ...]
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True)
class DataEvaluation:
    """What weights read in somebody's data, against what is known about it.

    Attributes:
        data: What was judged: name of the file, and its sha256.
        faces: Faces that were judged, one a picture.
        left_out: Picture and reason of those that could not be judged.
        scores: The scores.
    """

    data: tuple[str, str]
    faces: int
    left_out: tuple[tuple[str, str], ...]
    scores: PictureScores

    @property
    def reasons(self) -> dict[str, int]:
        """How many pictures were left out, for each reason."""
        return dict(Counter(reason.split(":")[0] for _, reason in self.left_out))


def evaluate_data(analyser: Analyser, data: Path, progress: Progress | None = None) -> DataEvaluation:
    """Return what weights read in the pictures of a CSV, at the thresholds of their card.

    Of several faces in a picture the one nearest its middle counts, in sizes of the face, as for
    `idennet prepare`.

    Args:
        analyser: The weights, and the finder of faces.
        data: CSV file as `read_labelled_pictures` takes it.
        progress: Told how far it is.

    Raises:
        InputError: There is no such file, the CSV is wrong, or nothing in the data can be judged.
        NoFaceError: No picture shows a face.
    """
    if not data.is_file():
        raise InputError(
            f"There is no {data}; give the folder of a face store, or a CSV that lists pictures."
        )
    pictures = read_labelled_pictures(data)
    probabilities = np.full((len(pictures.names), len(analyser.model.aus)), np.nan, dtype=np.float32)
    left_out = []
    for number, result in enumerate(analyser.analyse_all(pictures.images)):
        if result.problem:
            reason = f"{UNREADABLE}: {result.error}" if result.error else NO_FACE
            left_out.append((pictures.names[number], reason))
        else:
            probabilities[number] = _main_face(result, analyser.model.aus)
        if progress:
            progress(number + 1, len(pictures.names))
    faces = len(pictures.names) - len(left_out)
    if not faces:
        raise NoFaceError(
            f"None of the {len(pictures.names)} pictures of {data} shows a face that can be read."
        )
    scores = score_pictures(
        pictures, probabilities, analyser.model.aus, _thresholds(analyser, analyser.model.aus)
    )
    return DataEvaluation((data.name, pictures.sha256), faces, tuple(left_out), scores)


def score_pictures(
    pictures: LabelledPictures,
    probabilities: NDArray[np.floating],
    aus: Sequence[int],
    thresholds: Sequence[float],
) -> PictureScores:
    """Return the scores of probabilities that are already there, whoever read them.

    Args:
        pictures: N labelled pictures.
        probabilities: (N, A), 0 to 1; a row of NaN for a picture without a face, which counts nowhere.
        aus: The A Action Units.
        thresholds: Probability from which each fires, (A,).

    Raises:
        InputError: Nothing that is labelled is predicted.
    """
    read = ~np.isnan(probabilities).any(axis=1)
    probabilities, subjects = probabilities[read], pictures.subjects[read]
    labels = dict(zip(pictures.aus, pictures.au_labels[read].T, strict=True))
    known = [au for au in aus if au in labels]
    if not known and not pictures.conditions:
        raise InputError(
            f"{pictures.path} has labels of {', '.join(facs.columns(labels))} only, but predicted are "
            f"{', '.join(facs.columns(aus))}; add one of these, or a condition such as smiling."
        )
    columns = [list(aus).index(au) for au in known]
    action_units = None
    if known:
        coded = np.stack([labels[au] for au in known], axis=1)
        limits = [thresholds[column] for column in columns]
        action_units = score_with_intervals(probabilities[:, columns], coded, subjects, known, limits)
    return PictureScores(
        action_units,
        tuple(au for au in labels if au not in aus),
        tuple(
            compare(name, answers[read], probabilities, subjects, aus, thresholds)
            for name, answers in pictures.conditions.items()
        ),
    )


def write_evaluation(evaluation: DataEvaluation, analyser: Analyser, path: Path) -> None:
    """Write one JSON file with counts by subject, AUCs with intervals, and what they were computed from."""
    scores = evaluation.scores
    fields = {
        "schema": SCHEMA,
        "idennet": idennet.__version__,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "data": dict(zip(("name", "sha256"), evaluation.data, strict=True)),
        "weights": {"version": analyser.model.card.version, "sha256": analyser.model.card.sha256},
        "faces": evaluation.faces,
        "pictures_left_out": evaluation.reasons,
        "left_out": [{"picture": picture, "reason": reason} for picture, reason in evaluation.left_out],
        "unreliable_aus": facs.columns(analyser.model.card.unreliable_aus),
        "not_predicted": facs.columns(scores.not_predicted),
        "action_units": None if scores.action_units is None else _scored_fields(scores.action_units),
        "conditions": {
            condition.name: {
                **_scored_fields(condition.scored),
                "mean_yes": _numbers(condition.mean_yes),
                "mean_no": _numbers(condition.mean_no),
            }
            for condition in scores.conditions
        },
    }
    text = json.dumps(fields, indent=1, ensure_ascii=False)
    rows = re.sub(
        r'\[\n[^\[\]{}"]*\]', lambda row: " ".join(row[0].split()), text
    )  # a list of numbers is a line
    write_text(path, rows + "\n")


def _main_face(result: Result, aus: Sequence[int]) -> list[float]:
    width, height = result.size or (0, 0)
    face = result.faces[most_central([face.box for face in result.faces], width, height)]
    return [face.au_probs[au] for au in aus]


def _thresholds(analyser: Analyser, aus: Sequence[int]) -> list[float]:
    return [analyser.model.card.thresholds[au] for au in aus]


def _scored_fields(scored: Scored) -> dict[str, Any]:
    ends = {"auc_low": _numbers(scored.auc.low[:-1]), "auc_high": _numbers(scored.auc.high[:-1])}
    return scored.evaluation.to_dict() | ends


def _numbers(values: NDArray[np.floating]) -> list[float | None]:
    return [None if np.isnan(value) else round(float(value), 6) for value in values]
