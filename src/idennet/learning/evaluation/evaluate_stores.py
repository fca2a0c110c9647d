"""Judge weights, or a predictions file of another tool, on face stores under a protocol."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from idennet import facs
from idennet.errors import ProtocolError
from idennet.learning.data.store import FaceStore
from idennet.learning.data.store_writer import LEFT_OUT
from idennet.learning.evaluation.catalogue import protocol_named, whole_corpus
from idennet.learning.evaluation.evaluate import predictions
from idennet.learning.evaluation.prediction_files import LARGEST_INTENSITY, PredictionTable
from idennet.learning.evaluation.prediction_rows import NO_ROW, PredictionRows
from idennet.learning.evaluation.protocols import Protocol
from idennet.learning.evaluation.ready import Judged, Readings, ReadySystem
from idennet.models.action_units import ActionUnitModel

GIVEN_THRESHOLD = 0.5
"""Probability from which a tool that says no more counts as saying present."""

PRESENT_FROM = 1.0
"""Intensity from which a tool counts as saying present where the protocol has labels of occurrence only."""


class WeightsSystem:
    """Weights with the thresholds of their card; faces are read as `idennet detect` reads them."""

    def __init__(self, reader: ActionUnitModel, stores: Sequence[FaceStore]) -> None:
        """Keep the weights, and look for stores that they learnt from."""
        self.name = reader.card.version
        self.aus = reader.aus
        known = {entry["digest"] for entry in reader.card.provenance.get("stores", [])}
        self.remarks = tuple(
            f"{self.name} learnt from faces of {store.path}: scores of people it knows are no test."
            for store in stores
            if store.digest in known
        )
        self._reader = reader

    def read(self, faces: FaceStore, protocol: Protocol) -> Readings:
        """Return probabilities, and what reaches the thresholds."""
        columns = [self.aus.index(au) for au in protocol.aus]
        scores = predictions(lambda crops: self._reader.read(crops).probs, faces, np.arange(len(faces)))[
            :, columns
        ]
        thresholds = np.array([self._reader.card.thresholds[au] for au in protocol.aus])
        return Readings(scores, scores >= thresholds, thresholds)


@dataclass(frozen=True, eq=False)
class PredictedSystem:
    """What another tool wrote.

    Attributes:
        table: Its predictions.
        stores: All stores that they are about.
    """

    table: PredictionTable
    stores: tuple[FaceStore, ...]

    @property
    def name(self) -> str:
        """Format and name of the file."""
        return f"{self.table.format} ({self.table.path.name})"

    @property
    def aus(self) -> tuple[int, ...]:
        """Action Units with a column."""
        return self.table.aus

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
        return PredictionRows(self.table, self.stores)

    def read(self, faces: FaceStore, protocol: Protocol) -> Readings:
        """Return its scores and decisions; faces without a row, or without a face in it, are NaN."""
        columns = [self.aus.index(au) for au in protocol.aus]
        rows = self._rows.of(faces)
        there = rows != NO_ROW
        scores, decisions = np.full((2, len(faces), len(columns)), np.nan)
        scores[there] = self.table.scores[rows[there]][:, columns]
        decisions[there] = self.table.decisions[rows[there]][:, columns]
        intensity = protocol.at_least.get(protocol.test, PRESENT_FROM) / LARGEST_INTENSITY
        own = np.where([au in self.table.graded for au in protocol.aus], intensity, GIVEN_THRESHOLD)
        decided = np.array([au in self._decided for au in protocol.aus])
        present = np.where(decided, decisions == 1, scores >= own)
        return Readings(scores, present, np.where(decided, np.nan, own))


def protocol_for(name: str | None, stores: Sequence[FaceStore], system: ReadySystem) -> Protocol:
    """Return the protocol of a name; without one, that of everybody in the only store.

    Raises:
        ProtocolError: There is no such protocol; or without a name, there are several stores or corpora, or
            no Action Unit is both labelled and predicted.
    """
    if name is not None:
        return protocol_named(name)
    if len(stores) > 1:
        raise ProtocolError("Several stores need a --protocol that says which of them is tested.")
    corpora = sorted({subject.partition("/")[0] for subject in stores[0].subjects})
    if len(corpora) > 1:
        raise ProtocolError(
            f"{stores[0].path} has subjects of {' and '.join(corpora)}; name a --protocol for one of them."
        )
    aus = tuple(au for au in facs.NAMES if au in stores[0].aus and au in system.aus)
    if not aus:
        raise ProtocolError(f"{stores[0].path} has no labels of any Action Unit that {system.name} predicts.")
    return whole_corpus(corpora[0], aus)


def left_out(store: FaceStore) -> list[tuple[str, str]]:
    """Return picture and reason of what has no face in a store."""
    table = pd.read_csv(store.path / LEFT_OUT, dtype=str)
    return list(zip(table["picture"], table["reason"], strict=True))


def counted_faces(tested: FaceStore, aus: Sequence[int]) -> tuple[int, list[tuple[str, str]]]:
    """Return how many faces enter the scores, and name and reason of those that do not."""
    uncoded = (tested.labels(aus) < 0).all(axis=1)
    names = tested.frames.loc[np.flatnonzero(uncoded), ["subject", "sequence", "frame"]]
    reason = "no label, or left out for want of a prediction"
    return int((~uncoded).sum()), [("/".join(map(str, row)), reason) for row in names.to_numpy()]


def save_predictions(judged: Judged, path: Path) -> None:
    """Write what a system said about the faces, as a plain CSV that `read_predictions` reads.

    Faces that it said nothing about are written as they were counted.
    """
    tables = []
    for faces, readings in judged.readings.values():
        table = faces.frames[["subject", "sequence", "frame"]].reset_index(drop=True)
        for column, name in enumerate(facs.columns(judged.result.aus)):
            table[name] = readings.present[:, column].astype(np.int8)
            table[f"{name}_prob"] = readings.scores[:, column].astype(np.float64)
        tables.append(table)
    pd.concat(tables).to_csv(path, index=False)
