from pathlib import Path

import numpy as np
import torch

from idennet.learning.data.prepare import prepare
from idennet.learning.data.readers.synfacs import SynFacs
from idennet.learning.evaluation.features import subtraction
from idennet.models.idennet import IdenNet
from idennet.research.demo.demo import sample_corpus


def test_features_are_those_of_the_chosen_faces_and_differ_by_the_identity(tmp_path: Path) -> None:
    (tmp_path / "corpus" / "subjects").mkdir(parents=True)
    for name in ("corpus.json", "subjects/0001.parquet"):
        (tmp_path / "corpus" / name).write_bytes((sample_corpus() / name).read_bytes())
    store = prepare(SynFacs(tmp_path / "corpus"), tmp_path / "store").store
    network = IdenNet(22, generator=torch.Generator().manual_seed(0)).eval()
    found = subtraction(network, store, [3, 0])
    with torch.no_grad():
        expected = network(torch.from_numpy(store.read([3, 0])).permute(0, 3, 1, 2))
    np.testing.assert_allclose(found.before, expected.expression_features.numpy(), atol=1e-5)
    np.testing.assert_allclose(found.before - found.after, expected.identity_embedding.numpy(), atol=1e-5)
    assert list(found.subjects) == [store.frames["subject"][3], store.frames["subject"][0]]
