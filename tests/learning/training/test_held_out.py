"""Validation subjects may be named instead of drawn, as a protocol's folds need."""

import json
from pathlib import Path

import numpy as np
import pytest
from tiny_training import small_recipe

from idennet.errors import InputError, RecipeError
from idennet.learning.data.store import FaceStore
from idennet.learning.training import train
from idennet.learning.training.corpus import join_stores


def test_named_subjects_validate_and_nobody_else(au_store: FaceStore, identity_store: FaceStore) -> None:
    corpus = join_stores([au_store], [identity_store])
    names = (au_store.subjects[3], identity_store.subjects[0])
    training, validation = corpus.hold_out(names)
    assert {corpus.subjects[index] for index in validation.identities} == set(names)
    assert len(training) + len(validation) == len(corpus)
    assert not np.isin(validation.identities, training.identities).any()
    with pytest.raises(InputError, match="'au/99' to hold out"):
        corpus.hold_out(["au/99"])


@pytest.mark.usefixtures("light_trunk")
def test_a_run_is_of_its_validation_subjects(au_store: FaceStore, tmp_path: Path) -> None:
    recipe = small_recipe(identity_stage=None)

    def run(subject: str) -> None:
        train(recipe, au_stores=[au_store], out=tmp_path, held_out=[subject], quiet=True)

    run(au_store.subjects[1])
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["validation_subjects"] == [au_store.subjects[1]]
    run(au_store.subjects[1])
    with pytest.raises(RecipeError, match="another validation_subjects"):
        run(au_store.subjects[2])
