"""The real network, trained from nothing on rendered faces, reads unseen people and tells them apart."""

from importlib import resources
from pathlib import Path

import numpy as np

from idennet.learning.data.prepare import prepare
from idennet.learning.data.readers.synfacs import SynFacs
from idennet.learning.training import load_recipe, train
from idennet.learning.training.progress import read_metrics


def test_the_network_learns_to_read_people_whom_it_has_not_seen(tmp_path: Path) -> None:
    corpus = Path(str(resources.files("idennet") / "assets" / "sample-corpus"))
    store = prepare(SynFacs(corpus), tmp_path / "store").store
    recipe = load_recipe(
        "demo",
        [
            *("identity_stage=null", "model.aus=[25, 26, 27, 43]", "augmentation={}"),
            *("au_stage.steps=24", "au_stage.validate_every=24", "au_stage.optimiser.learning_rate=0.0005"),
        ],
    )
    run = train(recipe, au_stores=[store], out=tmp_path / "run", quiet=True)
    assert run.best["mean_auc"] > 0.8  # .5 is chance; faces of four people of twenty, none learnt from
    assert run.best["verification_auc"] > 0.75
    for name, share in (("au_loss", 0.7), ("identity_loss", 0.8)):
        losses = [record[name] for record in read_metrics(run.folder) if name in record]
        assert np.mean(losses[-6:]) < share * np.mean(losses[:6])
