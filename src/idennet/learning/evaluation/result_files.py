"""One JSON file holds the counts of a protocol; every table is computed from it again."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from idennet.errors import IdenNetError, InputError
from idennet.learning.data.provenance import Provenance
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
        "remarks": list(result.remarks),
        "protocol": result.protocol.model_dump(mode="json"),
        "folds": [_fold_fields(fold) for fold in result.folds],
    }
    text = json.dumps(fields, indent=1)
    one_line_a_row = re.sub(r"\[[^\[\]{}]*\]", lambda row: " ".join(row[0].split()), text)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.partial")
    unfinished.write_text(one_line_a_row + "\n", encoding="utf-8")
    unfinished.replace(path)


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
        if "schema" in fields:
            raise InputError(f"{path} is the result of a list of pictures; compare results of face stores.")
        version = fields["format"]
        if version != FORMAT:
            raise InputError(
                f"{path} has result format {version}, this program reads {FORMAT}; evaluate again."
            )
        protocol = Protocol.model_validate(fields["protocol"])
        folds = tuple(_fold_result(protocol, fold) for fold in fields["folds"])
        provenance = {corpus: Provenance.model_validate(one) for corpus, one in fields["provenance"].items()}
        remarks = tuple(fields["remarks"])
        return ProtocolResult(protocol, fields["system"], folds, fields["stores"], remarks, provenance)
    except IdenNetError:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is no result of a protocol or is damaged; evaluate again.") from error


def _fold_fields(result: FoldResult) -> dict[str, Any]:
    return {
        "name": result.fold.name,
        "train": result.fold.train,
        "validation": result.fold.validation,
        "test": result.fold.test,
        "counted": result.counts.subjects,
        "thresholds": [None if np.isnan(limit) else limit for limit in result.thresholds.tolist()],
        **{outcome: getattr(result.counts, outcome).tolist() for outcome in _OUTCOMES},
        "doubled_wins": result.doubled_wins.tolist(),
    }


def _fold_result(protocol: Protocol, fields: dict[str, Any]) -> FoldResult:
    fold = Fold(fields["name"], *(tuple(fields[group]) for group in ("train", "validation", "test")))
    subjects = tuple(fields["counted"])
    shape = (len(protocol.aus), len(subjects))

    def table(name: str, *shape: int) -> np.ndarray:
        return np.array(fields[name], dtype=np.int64).reshape(shape)

    counts = Counts(protocol.aus, subjects, **{outcome: table(outcome, *shape) for outcome in _OUTCOMES})
    wins = table("doubled_wins", *shape, len(subjects))
    return FoldResult(fold, counts, wins, np.array(fields["thresholds"], dtype=float))
