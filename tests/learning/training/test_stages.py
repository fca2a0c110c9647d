"""Stages of a recipe over a corpus."""

import pytest
from tiny_training import small_recipe

from idennet.errors import InputError
from idennet.learning.data.store import FaceStore
from idennet.learning.training.corpus import join_stores
from idennet.learning.training.stages import plan_stages


def test_stage_au_needs_action_units(identity_store: FaceStore) -> None:
    corpus = join_stores([], [identity_store], aus=(12,))
    with pytest.raises(InputError, match="--au"):
        plan_stages(small_recipe(), *corpus.split(0.3, 0))
