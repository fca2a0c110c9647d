"""One JSON file holds the counts of a system that was judged; every table is computed from it again."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from idennet.errors import IdenNetError, InputError
from idennet.files import write_text
from idennet.learning.data.provenance import Provenance
from idennet.learning.evaluation.conditions import ConditionResult
from idennet.learning.evaluation.fold_results import FoldResult
from idennet.learning.evaluation.metrics import Counts
from idennet.learning.evaluation.protocols import Fold, Protocol
from idennet.learning.evaluation.results import ProtocolResult

FORMAT = 2
"""Version of the file; a reader accepts only its own."""

_OUTCOMES = ("true_positive", "false_positive", "false_negative", "true_negative")


def write_result(result: ProtocolResult, path: Path) -> None:
    """Write a result: the protocol, and for each fold subjects, thresholds and counts.

    Folders are made as needed; a file that is there is replaced when the new one is complete.
    """
    fields = {
        "format": FORMAT,
        "system": result.system,
        "stores": dict(result.stores),
        "provenance": {corpus: one.model_dump(mode="json") for corpus, one in result.provenance.items()},
        "partial": result.partial,
        "weights": list(result.weights),
        "unreliable_aus": list(result.unreliable_aus),
        "faces": result.faces,
        "left_out": [list(one) for one in result.left_out],
        "remarks": list(result.remarks),
        "protocol": result.protocol.model_dump(mode="json"),
        "folds": [_fold_fields(fold) for fold in result.folds],
        "conditions": [_condition_fields(condition) for condition in result.conditions],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, f"{_text(fields)}\n")


def read_result(path: Path) -> ProtocolResult:
    """Read what `write_result` wrote.

    Raises:
        InputError: There is no such file, or it is no result of this format.
        ProtocolError: Its folds share subjects.
    """
    if not path.is_file():
        raise InputError(f"There is no result {path}; make one with: idennet evaluate")
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        version = fields["format"]
        if version != FORMAT:
            raise InputError(
                f"{path} has result format {version}, this program reads {FORMAT}; evaluate again."
            )
        protocol = Protocol.model_validate(fields["protocol"])
        folds = tuple(_fold_result(protocol, fold) for fold in fields["folds"])
        provenance = {corpus: Provenance.model_validate(one) for corpus, one in fields["provenance"].items()}
        remarks = tuple(fields["remarks"])
        return ProtocolResult(
            protocol,
            fields["system"],
            folds,
            fields["stores"],
            remarks,
            provenance,
            conditions=tuple(map(_condition_result, fields.get("conditions", ()))),
            weights=tuple(fields.get("weights", ())),
            unreliable_aus=tuple(fields.get("unreliable_aus", ())),
            faces=fields.get("faces", 0),
            left_out=tuple((name, reason) for name, reason in fields.get("left_out", ())),
            partial=fields.get("partial", False),
        )
    except IdenNetError:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is no result of a protocol or is damaged; evaluate again.") from error


def _text(value: object, margin: str = "") -> str:
    """Return JSON in which each list without lists is a line."""
    inner = f"{margin} "
    if isinstance(value, dict) and value:
        pairs = (f"{inner}{json.dumps(key)}: {_text(each, inner)}" for key, each in value.items())
        return "{\n" + ",\n".join(pairs) + f"\n{margin}}}"
    if isinstance(value, list) and any(isinstance(each, list | dict) for each in value):
        return "[\n" + ",\n".join(inner + _text(each, inner) for each in value) + f"\n{margin}]"
    return json.dumps(value, ensure_ascii=False)


def _fold_fields(result: FoldResult) -> dict[str, Any]:
    return {
        "name": result.fold.name,
        "train": list(result.fold.train),
        "validation": list(result.fold.validation),
        "test": list(result.fold.test),
        "thresholds": _numbers(result.thresholds),
        **_count_fields(result.counts, result.doubled_wins),
    }


def _fold_result(protocol: Protocol, fields: dict[str, Any]) -> FoldResult:
    fold = Fold(fields["name"], *(tuple(fields[group]) for group in ("train", "validation", "test")))
    counts, wins = _counts(protocol.aus, fields)
    return FoldResult(fold, counts, wins, np.array(fields["thresholds"], dtype=float))


def _condition_fields(result: ConditionResult) -> dict[str, Any]:
    return {
        "name": result.name,
        "aus": list(result.counts.aus),
        "mean_yes": _numbers(result.mean_yes),
        "mean_no": _numbers(result.mean_no),
        **_count_fields(result.counts, result.doubled_wins),
    }


def _condition_result(fields: dict[str, Any]) -> ConditionResult:
    counts, wins = _counts(tuple(fields["aus"]), fields)
    means = (np.array(fields[name], dtype=float) for name in ("mean_yes", "mean_no"))
    return ConditionResult(fields["name"], counts, wins, *means)


def _count_fields(counts: Counts, doubled_wins: NDArray[np.int64]) -> dict[str, Any]:
    return {
        "counted": list(counts.subjects),
        **{outcome: getattr(counts, outcome).tolist() for outcome in _OUTCOMES},
        "doubled_wins": doubled_wins.tolist(),
    }


def _counts(aus: tuple[int, ...], fields: dict[str, Any]) -> tuple[Counts, NDArray[np.int64]]:
    subjects = tuple(fields["counted"])
    shape = (len(aus), len(subjects))

    def table(name: str, *shape: int) -> NDArray[np.int64]:
        return np.array(fields[name], dtype=np.int64).reshape(shape)

    counts = Counts(aus, subjects, **{outcome: table(outcome, *shape) for outcome in _OUTCOMES})
    return counts, table("doubled_wins", *shape, len(subjects))


def _numbers(values: NDArray[np.float64]) -> list[float | None]:
    return [None if np.isnan(value) else value for value in values.tolist()]
