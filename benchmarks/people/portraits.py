"""What zeros do on two portraits of a person, one neutral and one smiling."""

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.people.scores import share
from idennet.inference.analyser import Analyser
from idennet.inference.face import Face
from idennet.models.action_units import ActionUnitModel
from idennet.people.population import Population
from idennet.people.zero import identity_zero, neutral_zero, whole_zero

SHOWN_BY_SMILES = (6, 7, 10, 12, 14, 25, 26)
"""Action Units that a smiling face may show."""


def portraits_of(model: ActionUnitModel, folder: Path) -> list[list[Face]]:
    """Return the neutral and the smiling face of each person."""
    paths = sorted(folder.glob("*_neutral.jpg"))
    pairs = [(path, path.with_name(path.name.replace("neutral", "smiling"))) for path in paths]
    analyser = Analyser(model=model)
    return [[result.faces[0] for result in analyser.analyse_all(pair)] for pair in pairs]


def judge_portraits(model: ActionUnitModel, population: Population, folder: Path) -> dict[str, Any]:
    """Return how often smiles are read, and other Action Units, on smiling portraits after each zero."""
    faces = portraits_of(model, folder)
    probs = np.array([[[*face.au_probs.values()] for face in pair] for pair in faces])
    embeddings = np.array([[face.identity_embedding for face in pair] for pair in faces])
    rest = population.rest
    after = {
        "raw": probs,
        "neutral": np.stack([neutral_zero(rest, own[:1]).take_from(own) for own in probs]),
        "whole": np.stack([whole_zero(rest, own).take_from(own) for own in probs]),
        "identity": np.stack([
            identity_zero(population, population.evidence(who), 2).take_from(own)
            for own, who in zip(probs, embeddings, strict=True)
        ]),
    }  # fmt: skip
    aus = population.card.aus
    others = [at for at, au in enumerate(aus) if au not in SHOWN_BY_SMILES]
    return {
        way: {
            "people": len(faces),
            **{f"AU{au} on smiling": share(values[:, 1, aus.index(au)]) for au in (12, 6, 25)},
            "others on smiling, a face": round(float((values[:, 1][:, others] >= 0.5).sum(axis=1).mean()), 3),
            "present on neutral, a face": round(float((values[:, 0] >= 0.5).sum(axis=1).mean()), 3),
        }
        for way, values in after.items()
    }  # fmt: skip
