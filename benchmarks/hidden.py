"""Which hidden parts of faces are noticed? Photographs that somebody looked at, and rendered faces.

    python benchmarks/hidden.py stores/lfw results/hidden-parts/judged.csv --rendered stores/test
        --out results/hidden-parts

Of each part: of how many hidden ones it is said, of how many visible ones wrongly, and the AUC. Parts that
somebody found unclear do not count, but it is told how many are called hidden. Writes `VERSION.json`, named
after the weights; prints it too.
"""

import argparse
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import idennet
from idennet.facs import PARTS
from idennet.files import write_text
from idennet.learning.data.hidden_parts import HiddenParts
from idennet.learning.data.store import FaceStore
from idennet.learning.evaluation.metrics import auc
from idennet.learning.training.folder import git_commit
from idennet.models.action_units import SEEN_FROM, ActionUnitModel


def main() -> None:
    """Measure, write the file and print it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photographs", type=Path, help="a store of the photographs that somebody looked at")
    parser.add_argument("judged", type=Path, help="what they saw (CSV: image, part, hidden)")
    parser.add_argument("--rendered", type=Path, required=True, help="a store of rendered faces")
    parser.add_argument("--weights", type=Path, help="default: the bundled ones")
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    model = ActionUnitModel.open(asked.weights)
    photographs, rendered = FaceStore.open(asked.photographs), FaceStore.open(asked.rendered)
    visible, looked = HiddenParts.open(asked.judged).of(photographs)
    rows = np.flatnonzero(looked.all(axis=1))
    if not len(rows):
        raise SystemExit(f"{asked.judged} judges no picture of {asked.photographs}; give a store of these.")
    result = {
        "photographs": measure(model, photographs, rows, visible[rows]),
        "rendered": measure(model, rendered, np.arange(len(rendered)), rendered.visible()),
        "judged": hashlib.sha256(asked.judged.read_bytes()).hexdigest(),
        "stores": {store.source: store.digest for store in (photographs, rendered)},
        "weights": {"version": model.card.version, "sha256": model.card.sha256},
        "idennet": idennet.__version__,
        "git_commit": git_commit(Path(__file__).parent),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    text = json.dumps(result, indent=1) + "\n"
    asked.out.mkdir(parents=True, exist_ok=True)
    write_text(asked.out / f"{model.card.version}.json", text)
    print(text, end="")


def measure(
    model: ActionUnitModel, store: FaceStore, rows: NDArray[np.int64], visible: NDArray[np.int8]
) -> dict[str, dict[str, float]]:
    """Return counts of hidden and visible parts and of what is called hidden, of some faces of a store.

    Args:
        model: Of graded weights.
        store: Faces.
        rows: Of the faces that count.
        visible: What is known of these, (N, 3).
    """
    said = model.read(store.read(rows)).visible
    if said is None:
        raise SystemExit(f"{model.card.version} does not say which parts can be seen; judge graded weights.")
    found = {}
    for part, truth, prob in zip(PARTS, visible.T, said.T, strict=True):
        hidden, seen, called = truth == 0, truth == 1, prob < SEEN_FROM
        found[part] = {
            "hidden": int(hidden.sum()),
            "found": int((hidden & called).sum()),
            "visible": int(seen.sum()),
            "wrong": int((seen & called).sum()),
            "unclear": int((truth == -1).sum()),
            "unclear called hidden": int(((truth == -1) & called).sum()),
            "auc": round(auc(prob[hidden | seen], truth[hidden | seen]), 4),
        }
    return found


if __name__ == "__main__":
    main()
