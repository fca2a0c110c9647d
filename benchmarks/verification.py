"""How well are people told apart? Every pair of photographs of people whom no network here learnt from.

    idennet prepare lfw LFW --out stores/lfw
    python benchmarks/verification.py stores/lfw --out results/verification

Of a store with one subject a person, those count whom `held_out` keeps for testing and who have two pictures
or more. Each pair is scored by the cosine of its identity embeddings and by the log odds with which
`idennet detect --people` decides, both from the faces as they are and averaged with their mirror image
(`--mirror`). Writes `verification.json`; prints it too.
"""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import idennet
from idennet.files import write_text
from idennet.learning.data.split import held_out
from idennet.learning.data.store import FaceStore
from idennet.learning.evaluation.metrics import auc, verification_auc
from idennet.learning.training.folder import git_commit
from idennet.models.action_units import ActionUnitModel
from idennet.people.population import Floats, Population


def main() -> None:
    """Measure, write the file and print it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photographs", type=Path, help="a store of people with several pictures")
    parser.add_argument("--weights", type=Path, help="default: the bundled ones")
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    found = json.dumps(measure(FaceStore.open(asked.photographs), asked.weights), indent=1) + "\n"
    asked.out.mkdir(parents=True, exist_ok=True)
    write_text(asked.out / "verification.json", found)
    print(found, end="")


def measure(store: FaceStore, weights: Path | None) -> dict[str, object]:
    """Return both AUC, without and with mirror images, and what they were measured on."""
    rows = unseen(store)
    faces, people = store.read(rows), store.subject_index[rows]
    population = Population.open(weights)
    scores = {}
    for name, mirror in (("as they are", False), ("with mirror images", True)):
        embeddings = ActionUnitModel.open(weights, mirror=mirror).read(faces).embeddings
        scores[name] = {
            "cosine": round(verification_auc(embeddings, people), 4),
            "log odds": round(log_odds_auc(population, embeddings, people), 4),
        }
    return {
        "auc": scores,
        "people": len(np.unique(people)),
        "photographs": len(rows),
        "pairs": len(rows) * (len(rows) - 1) // 2,
        "store": {"source": store.source, "digest": store.digest},
        "weights": {"version": population.card.weights, "sha256": population.card.weights_sha256},
        "population_sha256": population.card.sha256,
        "idennet": idennet.__version__,
        "git_commit": git_commit(Path(__file__).parent),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def unseen(store: FaceStore) -> NDArray[np.int64]:
    """Return the rows of people who are kept for testing everywhere and have two pictures or more."""
    counts = np.bincount(store.subject_index)
    kept = [held_out(subject.rpartition("/")[2]) for subject in store.subjects]
    return np.flatnonzero((np.array(kept) & (counts >= 2))[store.subject_index])


def log_odds_auc(population: Population, embeddings: Floats, people: NDArray[np.int64]) -> float:
    """Return the AUC over all pairs of the log odds of "one person" against "two", `same_person` of each."""
    places = (embeddings - population.centre) @ population.directions
    alone = population.log_likelihood(1, places)
    first, second = np.triu_indices(len(places), k=1)
    odds = np.concatenate([
        population.log_likelihood(2, places[row + 1 :] + places[row]) - alone[row + 1 :] - alone[row]
        for row in range(len(places) - 1)
    ])  # fmt: skip
    return auc(odds, (people[first] == people[second]).astype(np.int8))


if __name__ == "__main__":
    main()
