"""How photographs with a teacher's labels decide from which reading on an Action Unit is present."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from idennet.facs import column
from idennet.learning.data.movement.drawn import CLEAR, added_to
from idennet.learning.data.store import FaceStore
from idennet.learning.data.teacher import TeacherLabels, lesson_weights
from idennet.learning.evaluation.calibration import fit_apart, fit_to_teacher, quietened
from idennet.learning.evaluation.metrics import auc
from idennet.models.action_units import ActionUnitModel

MOST_AT_REST = 0.03
"""Share of faces at rest in which an Action Unit may be present after calibration; less than the 5 % aimed
at, since those who use the weights photograph differently than the press."""
MOST_UNTAUGHT = 0.015
"""The same of Action Units of which photographs teach little or nothing: they meet real skin unprepared. Set
after AU14, AU17 and AU23 had been seen in two of twenty neutral portraits, which so test it no longer."""
TAUGHT_ENOUGH = 0.5
"""How far a teacher must be believed of an Action Unit to calibrate it, and for `MOST_AT_REST`."""
SHOWN = 0.1
"""Share of faces that are taken to show an Action Unit, where movements added to photographs calibrate it."""
TOLD_APART = 0.8
"""AUC of added movements from which they calibrate."""


@dataclass(frozen=True)
class Photographs:
    """Photographs by which probabilities are calibrated.

    Attributes:
        faces: Of people who will not be tested.
        labels: What a teacher says of them.
        unseen: People among them who were not trained on, as the store names them.
    """

    faces: FaceStore
    labels: TeacherLabels
    unseen: frozenset[str]


def calibrate_by_photographs(
    reader: ActionUnitModel, rendered: NDArray[np.float64], photographs: Photographs
) -> tuple[NDArray[np.float64], str]:
    """Return scale and shift of each Action Unit, and in words how photographs decided them.

    Where they cannot, since nobody on them is unseen or rests, `rendered` stays, and the words say so.
    """
    faces, labels = photographs.faces, photographs.labels
    row = labels.rows_of(faces)
    is_unseen = faces.frames["subject"].isin(photographs.unseen).to_numpy()
    known = np.flatnonzero((row >= 0) & ~labels.moved[row])
    probabilities = reader.read(faces.read(known)).probs
    moved = np.flatnonzero((row >= 0) & labels.moved[row] & is_unseen)
    row, unseen = row[known], is_unseen[known]
    weights = lesson_weights(reader.aus)
    # As the photographs are: what is usual for a person must not move what a single picture is called.
    believed = (weights >= TAUGHT_ENOUGH) & unseen.any()
    fitted = fit_to_teacher(probabilities[unseen], labels.logits(reader.aus, relative=False)[row][unseen])
    calibration = np.where(believed[:, None], fitted, rendered)
    by_movement = _by_movements(reader, probabilities[unseen], faces, moved)
    for au, scale_and_shift in by_movement.items():
        calibration[reader.aus.index(au)] = scale_and_shift
    said = []
    by_teacher = [au for au, is_fitted in zip(reader.aus, believed, strict=True) if is_fitted]
    by_teacher = [au for au in by_teacher if au not in by_movement]
    if by_teacher:
        names = ", ".join(map(column, by_teacher))
        said.append(
            f"{names} are calibrated on {unseen.sum()} photographs of {len(photographs.unseen)} people who "
            "were not trained on, by a teacher's probabilities"
        )
    if not unseen.any():
        said.append("nobody on the photographs is unseen, so rendered faces alone calibrate")
    if by_movement:
        said.append(
            f"{', '.join(map(column, by_movement))}, told with an AUC of {TOLD_APART} or more where "
            f"movements were added to photographs of these people, are calibrated on {len(moved)} such "
            f"copies, as if {100 * SHOWN:.0f} % of all faces showed each"
        )
    resting = labels.at_rest()[row]
    if resting.any():
        most = np.where(weights >= TAUGHT_ENOUGH, MOST_AT_REST, MOST_UNTAUGHT)
        calibration = quietened(calibration, probabilities[resting], most)
        said.append(
            f"every Action Unit is present in at most {100 * MOST_AT_REST:g} % of {resting.sum()} "
            f"photographs in which the teacher sees a face at rest, in {100 * MOST_UNTAUGHT:g} % where "
            "photographs teach little or nothing of it"
        )
    else:
        said.append("the teacher sees no face at rest by which an Action Unit could be made quiet")
    return calibration, "; ".join(said) + "."


def _by_movements(
    reader: ActionUnitModel, as_they_were: NDArray[np.floating], faces: FaceStore, moved: NDArray[np.int64]
) -> dict[int, tuple[float, float]]:
    """Return scale and shift of the Action Units that are told well where they were added to photographs.

    Those whose teacher is believed wholly are left to it.

    Args:
        reader: Not calibrated.
        as_they_were: (N, A) probabilities of photographs of unseen people.
        faces: The store.
        moved: Its rows of these people's photographs with movements added; none: nothing is returned.
    """
    if not len(moved):
        return {}
    probabilities = reader.read(faces.read(moved)).probs
    strengths = [added_to(name) for name in faces.frames["sequence"].astype(str).iloc[moved]]
    found = {}
    added = {au for strength in strengths for au in strength}
    for place, au in enumerate(reader.aus):
        if au not in added or lesson_weights([au]).item() == 1:
            continue
        clear = np.array([max(strength.get(au, (0.0,))) >= CLEAR for strength in strengths])
        present, absent = probabilities[clear, place], as_they_were[:, place]
        labels = np.repeat([1, 0], [len(present), len(absent)])
        if auc(np.concatenate([present, absent]), labels) >= TOLD_APART:
            found[au] = fit_apart(present, absent, SHOWN)
    return found
