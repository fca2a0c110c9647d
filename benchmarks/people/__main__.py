"""People: does each person's own zero help, and are people told apart? With intervals by person.

    python -m benchmarks.people --sequences stores/seq-0 stores/seq-1 stores/seq-2 \
        --photographs stores/lfw-out --teacher lfw_blendshapes.parquet --portraits portraits

Writes `people.json` and `tables.md` to `results/people`. Sequences are stores of rendered people whom nothing
was fitted to; photographs are people of LFW whom neither the network nor the population has seen:

    idennet synth render sample --subjects 30 --frames 36 --sequence 12 --seed 914 --confounders C \
        --out corpora/seq-C && idennet prepare synfacs corpora/seq-C --out stores/seq-C --jitter 0.8
    idennet prepare lfw PEOPLE-LEFT-OUT --out stores/lfw-out

for C in 0, 1 and 2.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.people.clips import judge_clips, judge_folders, pictures_of, sequences_of
from benchmarks.people.photographs import judge_photographs
from benchmarks.people.portraits import judge_portraits, portraits_of
from benchmarks.people.stores import PHOTOGRAPHS, STUDIO, judge_stores
from benchmarks.people.tables import tables
from benchmarks.people.zeros import always_smiling, judge_sequences, settling
from idennet.files import write_text
from idennet.learning.data.store import FaceStore
from idennet.models.action_units import ActionUnitModel
from idennet.people.population import Population
from idennet.research.weights.population import see


def main() -> None:
    """Measure, and write both files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sequences", type=Path, nargs="+", required=True)
    parser.add_argument("--photographs", type=Path, required=True)
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--portraits", type=Path, required=True)
    parser.add_argument("--weights", type=Path, help="default: the bundled ones")
    parser.add_argument("--out", type=Path, default=Path("results/people"))
    asked = parser.parse_args()
    model, population = ActionUnitModel.open(asked.weights), Population.open(asked.weights)
    found: dict[str, Any] = {"weights": model.card.version, "sequences": {}, "always smiling": {}}
    sequences = {path.name: FaceStore.open(path) for path in asked.sequences}
    for name, store in sequences.items():
        seen = see(model, store)
        found["sequences"][name] = judge_sequences(population, seen)
        found["always smiling"][name] = always_smiling(population, seen)
        found.setdefault("settled", {})[name] = settling(population, seen)
    photographs = FaceStore.open(asked.photographs)
    pictured = see(model, photographs)
    found["photographs"] = judge_photographs(
        population, pictured, photographs.frames["sequence"].tolist(), asked.teacher
    )
    found["portraits"] = judge_portraits(model, population, asked.portraits)
    scenes = {"photographs": pictures_of(pictured)}
    embeddings = {"photographs": pictured.embeddings}
    middle = list(sequences)[len(sequences) // 2]
    rendered = see(model, sequences[middle])
    scenes["rendered"] = sequences_of(rendered, sequences[middle].frames["sequence"].tolist())
    embeddings["rendered"] = rendered.embeddings
    studio = [face.identity_embedding for pair in portraits_of(model, asked.portraits) for face in pair]
    scenes["studio"] = {one: [[2 * one], [2 * one + 1]] for one in range(len(studio) // 2)}
    embeddings["studio"] = np.array(studio, float)
    found["clips"] = {kind: judge_clips(population, embeddings[kind], scenes[kind]) for kind in scenes}
    found["folders"] = judge_folders(population, pictured.embeddings, pictured.people, (8, 25, None))
    people = np.arange(len(studio)) // 2
    found["stores: photographs"] = judge_stores(population, pictured.embeddings, pictured.people, PHOTOGRAPHS)
    found["stores: studio"] = judge_stores(population, embeddings["studio"], people, STUDIO)
    found["studio"] = judge_folders(population, embeddings["studio"], people, (2, 5, 10, None))
    asked.out.mkdir(parents=True, exist_ok=True)
    write_text(asked.out / "people.json", json.dumps(found, indent=1) + "\n")
    write_text(asked.out / "tables.md", tables(found, population))


if __name__ == "__main__":
    main()
