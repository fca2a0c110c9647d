"""`idennet.evaluate`: weights, or what another tool wrote, against what is known about faces or pictures."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from idennet import facs
from idennet.errors import InputError
from idennet.learning.data.prepare import Progress
from idennet.learning.evaluation.catalogue import protocol_named
from idennet.learning.evaluation.faces import open_faces
from idennet.learning.evaluation.judge import Judged, everybody_of, judge
from idennet.learning.evaluation.prediction_files import NO_FRAME, read_predictions
from idennet.learning.evaluation.prediction_formats import Format, Missing
from idennet.learning.evaluation.prediction_rows import PICTURE
from idennet.learning.evaluation.pretrained import (
    PredictedSystem,
    PretrainedSystem,
    open_weights,
)
from idennet.learning.evaluation.results import ProtocolResult


def evaluate(
    *data: str | Path,
    weights: Sequence[str | Path] = (),
    predictions: str | Path | None = None,
    format: Format | None = None,
    missing: Missing | None = None,
    protocol: str | None = None,
    partial: bool = False,
    choose_thresholds: bool = False,
    save_predictions: str | Path | None = None,
    finder: str | Path | None = None,
    device: str = "auto",
    progress: Progress | None = None,
) -> ProtocolResult:
    """Judge weights, or predictions of another tool, as `idennet evaluate` does.

    Args:
        data: Folders of face stores, or CSV files that list pictures.
        weights: Weights or folders of runs, one, or one for each fold of the protocol; a folder of such
            folders; nothing: the bundled weights.
        predictions: CSV file or folder of them, instead of weights.
        format: Who wrote it; by default its columns tell.
        missing: What faces without a prediction count as. By default they are refused in a file, and pictures
            in which the weights see no face are left out.
        protocol: A name of docs/protocols.md; by default everybody is tested. People of a list belong to the
            corpus that the protocol tests.
        partial: Accept missing subjects, Action Units and folds.
        choose_thresholds: Choose them on validation subjects, or, without a protocol, on two thirds of the
            people for the other third.
        save_predictions: CSV file for scores and decisions.
        finder: File of the face finder, for lists of pictures.
        device: As for `idennet detect`.
        progress: Told how far pictures are read.

    Raises:
        InputError: Something of this does not fit; `ProtocolError` where protocol and data do not.
    """
    if predictions is not None and weights:
        raise InputError("Give weights or predictions, not both.")
    named = None if protocol is None else protocol_named(protocol)
    faces = tuple(open_faces(Path(one), named.test if named else "") for one in data)
    system: PretrainedSystem
    if predictions is None:
        files = [Path(file) for file in weights]
        place = None if finder is None else Path(finder)
        system = open_weights(files, named, faces, finder=place, device=device, progress=progress)
    else:
        system = PredictedSystem(read_predictions(Path(predictions), format), faces)
    judged = judge(
        system,
        named or everybody_of(faces, system, choose_thresholds=choose_thresholds),
        faces,
        partial=partial or named is None,  # without a protocol everybody is meant
        missing=missing or (Missing.LEAVE_OUT if predictions is None else Missing.REFUSE),
        choose_thresholds=choose_thresholds,
    )
    if save_predictions is not None:
        write_predictions(judged, system.aus, Path(save_predictions))
    return judged.result


def write_predictions(judged: Judged, aus: Sequence[int], path: Path) -> None:
    """Write what a system said about the test faces, as a plain CSV that `read_predictions` reads.

    Faces that it said nothing about are written as they were counted: without Action Units, or empty.
    """
    if len(judged.result.weights) > 1 and judged.result.protocol.crosses:
        raise InputError("Weights of several folds read the same faces; save predictions of one at a time.")
    tables = []
    for answers in judged.read:
        frames = answers.faces.frames
        pictures = PICTURE in frames and (frames["frame"] == NO_FRAME).all()
        table = (
            frames[[PICTURE]].rename(columns={PICTURE: "file"})
            if pictures
            else frames[["subject", "sequence", "frame"]].reset_index(drop=True)
        )
        for column, name in enumerate(facs.columns(aus)):
            hidden = (answers.unread & answers.left_out) | answers.gaps[:, column]
            scores = answers.readings.scores[:, column].astype(np.float64)
            present = pd.Series(answers.readings.present[:, column]).astype("Int8")
            table[name], table[f"{name}_present"] = pd.Series(scores).mask(hidden), present.mask(hidden)
        tables.append(table)
    pd.concat(tables).to_csv(path, index=False)
