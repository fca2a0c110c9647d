"""What weights are worth: calibrated on half of the test subjects, judged on the other half."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from idennet.faces.alignment import TEMPLATE
from idennet.facs import AUS_OF_PART, PARTS, column
from idennet.learning.data.split import split_subjects
from idennet.learning.data.store import FaceStore
from idennet.learning.evaluation.calibration import Reliability, fit_calibration, reliability
from idennet.learning.evaluation.intensity import correlation, icc
from idennet.learning.evaluation.scores import score
from idennet.learning.evaluation.thresholds import PRESENT, is_reliable
from idennet.models.action_units import STRONGEST, ActionUnitModel
from idennet.models.calibration import calibrate
from idennet.models.weights import WeightsCard, load_weights
from idennet.research.weights.photographs import Photographs, calibrate_by_photographs


@dataclass(frozen=True)
class Judgement:
    """The card of weights, and how reliable their probabilities are before and after calibration."""

    card: WeightsCard
    before: Reliability
    after: Reliability


def judge(
    weights: Path,
    test: FaceStore,
    *,
    name: str,
    provenance: dict[str, Any],
    photographs: Photographs | None = None,
) -> Judgement:
    """Calibrate weights on half of the test subjects, and judge on the other half.

    Each Action Unit is called present from a calibrated probability of .5 on. With photographs, Action Units
    whose teacher is believed enough are calibrated on those of unseen people, not on rendered ones, and all
    are made quiet in faces at rest.

    Args:
        weights: A weights file; judged as `idennet detect` uses it. A calibration in its card is replaced.
        test: Rendered subjects that were not trained on, at least four.
        name: First part of the version that the weights get; the second are digits of their sha256.
        provenance: What to record beside the scores.
        photographs: To calibrate by, if there are any.
    """
    network, uncalibrated = load_weights(weights)
    reader = ActionUnitModel(network, uncalibrated.model_copy(update={"calibration": {}}))
    readings = reader.read(test.read(np.arange(len(test))))
    probabilities, labels = readings.probs, test.labels(reader.aus)
    subjects = test.frames["subject"].to_numpy(str)
    fitting, judging = split_subjects(subjects, 0.5)
    fits, judges = np.isin(subjects, fitting), np.isin(subjects, judging)
    calibration = fit_calibration(probabilities[fits], labels[fits])
    protocol = (
        f"{len(judging)} rendered subjects ({judges.sum()} frames) that were not trained on; calibrated on "
        f"{len(fitting)} others, present from .5 on; F1-frame pooled over subjects; one seed."
    )
    if photographs is not None:
        calibration, how = calibrate_by_photographs(reader, calibration, photographs)
        protocol += f" {how}"
    calibrated = calibrate(probabilities[judges], calibration)
    before = reliability(probabilities[judges], labels[judges], reader.aus)
    after = reliability(calibrated, labels[judges], reader.aus)
    table = score(calibrated, labels[judges], subjects[judges], reader.aus, PRESENT).table()
    for column_name, curves in (("ece_before", before), ("ece_after", after)):
        table[column_name] = [*curves.errors, np.nanmean(curves.errors)]
    if readings.intensities is not None:
        known, read = STRONGEST * test.intensities(reader.aus)[judges], readings.intensities[judges]
        seen = _not_hidden(test, reader.aus)[judges]
        for column_name, measure in (("icc", icc), ("r", correlation)):
            values = [measure(read[rows, au], known[rows, au]) for au, rows in enumerate(seen.T)]
            table[column_name] = np.array([*values, np.nanmean(values)])
    scores = {
        str(au): {str(measure): float(value) for measure, value in row.dropna().items()}
        for au, row in table.iterrows()
    }
    unreliable = [au for au in reader.aus if not is_reliable(scores[column(au)])]
    card = WeightsCard(
        version=f"{name}-{reader.card.sha256[:8]}",
        aus=reader.aus,
        template=TEMPLATE.name,
        thresholds=dict.fromkeys(reader.aus, PRESENT),
        calibration={
            au: (float(scale), float(shift))
            for au, (scale, shift) in zip(reader.aus, calibration, strict=True)
        },
        unreliable_aus=tuple(unreliable),
        provenance=provenance | {"licence": "MIT", "test_protocol": protocol, "test": scores},
    )
    return Judgement(card, before, after)


def _not_hidden(test: FaceStore, aus: Sequence[int]) -> NDArray[np.bool_]:
    """Return where an Action Unit's part of the face is not hidden, (N, A)."""
    hidden = test.visible() == 0
    seen = np.ones((len(test), len(aus)), bool)
    for part, is_hidden in zip(PARTS, hidden.T, strict=True):
        seen[np.ix_(is_hidden, np.isin(aus, AUS_OF_PART[part]))] = False
    return seen
