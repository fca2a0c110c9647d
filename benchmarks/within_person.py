"""How do readings correlate with a teacher within a person? On photographs of people nobody learnt from.

    idennet teach LFW --model face_landmarker.task --out labels.parquet
    python -m benchmarks.within_person stores/lfw-out --labels labels.parquet --weights a.safetensors
        b.safetensors --out results/within-person

For each Action Unit that has a lesson: the correlation of ranks of the logit with ranks of the teacher's
value, both less their mean over the person, over people with four photographs or more. What is constant about
a person neither helps nor harms. Writes `tables.md`, and `runs.jsonl` with the provenance; prints the table.
"""

import argparse
import hashlib
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.runs import gather, make_run, markdown, write_tables
from idennet.facs import column
from idennet.learning.data.store import FaceStore
from idennet.learning.data.teacher import ENOUGH_PICTURES, LESSONS, TeacherLabels
from idennet.learning.training.folder import git_commit
from idennet.models.action_units import ActionUnitModel
from idennet.models.calibration import logits_of

MEANT = (1, 2, 4, 5, 7, 12, 15, 17, 25, 26, 43)
"""Action Units over which the mean is taken: those that candidates for `synfacs-0.8.0` were compared by."""


def main() -> None:
    """Judge what is not judged yet, and write the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photographs", type=Path, help="a store of people with several pictures")
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--weights", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    store, labels = FaceStore.open(asked.photographs), TeacherLabels.open(asked.labels)
    of_labels = hashlib.sha256(asked.labels.read_bytes()).hexdigest()
    for weights in asked.weights:
        reader = ActionUnitModel.open(weights)
        made_of = f"{reader.card.version} {reader.card.sha256[:8]} {store.digest[:8]} {of_labels[:8]}"
        make_run(asked.out, made_of, partial(judge, reader, store, labels, of_labels))
    write_tables(asked.out, table(gather(asked.out)))


def judge(reader: ActionUnitModel, store: FaceStore, labels: TeacherLabels, of_labels: str) -> dict[str, Any]:
    """Return how a network correlates with a teacher within a person, and on what that was measured."""
    row = labels.rows_of(store)
    is_seen = ~labels.values.isna().any(axis=1).to_numpy()
    known = np.flatnonzero((row >= 0) & is_seen[row])
    logits = logits_of(reader.read(store.read(known)).probs)
    people = store.subject_index[known]
    correlation = {
        column(lesson.au): correlation_within(
            logits[:, reader.aus.index(lesson.au)], labels.values_of(lesson)[row[known]], people
        )
        for lesson in LESSONS
        if lesson.au in reader.aus
    }
    enough = np.bincount(people)[people] >= ENOUGH_PICTURES
    return {
        "weights": reader.card.version,
        "weights_sha256": reader.card.sha256,
        "correlation": {name: round(value, 4) for name, value in correlation.items()},
        "people": len(np.unique(people[enough])),
        "photographs": int(enough.sum()),
        "store": {"source": store.source, "digest": store.digest},
        "labels_sha256": of_labels,
        "git_commit": git_commit(Path(__file__).parent),
    }


def correlation_within(
    ours: NDArray[np.floating], theirs: NDArray[np.floating], people: NDArray[np.int64]
) -> float:
    """Return the correlation of ranks less their mean over the person; of people with enough pictures.

    Args:
        ours: (N,) readings.
        theirs: (N,) values; NaN counts nowhere.
        people: (N,) who is shown.
    """
    seen = pd.DataFrame({"ours": ours, "theirs": theirs, "person": people}).dropna()
    ranks = seen[["ours", "theirs"]].rank()
    of_person = ranks.groupby(seen["person"])
    enough = of_person["ours"].transform("count") >= ENOUGH_PICTURES
    apart = (ranks - of_person.transform("mean"))[enough]
    return float(apart["ours"].corr(apart["theirs"]))


def table(runs: list[dict[str, Any]]) -> str:
    """Return a table with a line for each network."""
    rows = pd.DataFrame({run["weights"]: run["correlation"] for run in runs}).T
    rows.insert(0, f"mean of {len(MEANT)}", rows[[column(au) for au in MEANT]].mean(axis=1))
    of = runs[0]
    told = (
        f"Correlation with a teacher within a person: {of['photographs']} photographs, {of['people']} people."
    )
    return f"{told}\n\n{markdown(rows.map('{:.2f}'.format))}\n"


if __name__ == "__main__":
    main()
