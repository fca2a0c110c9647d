"""A recipe says how the identity enters, and older recipes keep their digests."""

from pathlib import Path

import pytest
import torch
from tiny_training import small_recipe

from idennet import IdenNet
from idennet.errors import RecipeError
from idennet.learning.data.store import FaceStore
from idennet.learning.training import load_recipe, train
from idennet.models.combination import IdentityUse


@pytest.mark.usefixtures("light_trunk")
@pytest.mark.parametrize("identity", ["none", "concatenation", "affine"])
def test_a_recipe_trains_every_use_of_the_identity(
    au_store: FaceStore, identity_store: FaceStore, tmp_path: Path, identity: IdentityUse
) -> None:
    recipe = small_recipe(model={"identity": identity, "fit_to_faces": True})
    run = train(recipe, au_stores=[au_store], identity_stores=[identity_store], out=tmp_path, quiet=True)
    network, card = run.load()
    assert isinstance(network, IdenNet)
    assert network.identity == card.architecture.identity == identity
    assert load_recipe(tmp_path / "recipe.yaml") == recipe
    if identity == "affine":
        start = IdenNet(2, identity="affine").combine.state_dict()
        learnt = network.combine.state_dict()
        assert start.keys() == learnt.keys()
        assert all(0 < (learnt[name] - start[name]).abs().max() < 0.1 for name in start)
        assert all(torch.isfinite(tensor).all() for tensor in learnt.values())


def test_recipes_without_the_field_keep_their_digests() -> None:
    recipe = load_recipe("demo")
    assert "identity" not in recipe.model_dump()["model"]
    assert load_recipe("demo", ["model.identity=translation"]).digest() == recipe.digest()
    assert load_recipe("demo", ["model.identity=none"]).digest() != recipe.digest()


def test_a_lightcnn_has_no_identity_to_use() -> None:
    with pytest.raises(RecipeError, match=r"remove model\.identity"):
        load_recipe("demo", ["model.kind=lightcnn", "identity_stage=null", "model.identity=affine"])
