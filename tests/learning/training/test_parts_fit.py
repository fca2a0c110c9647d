"""Which parts of a face can be seen: a logistic regression beside the shape branch."""

import numpy as np
import pandas as pd
import pytest
import torch
from tiny_training import lighten_trunk

from idennet.facs import PARTS
from idennet.learning.data.hidden_parts import HiddenParts
from idennet.learning.data.store import FaceStore
from idennet.learning.data.store_writer import FaceStoreWriter, Part
from idennet.learning.training import parts_fit
from idennet.learning.training.covers import HIDES, cover
from idennet.learning.training.parts_fit import fit_parts
from idennet.learning.training.stages import to_tensor
from idennet.models.idennet import IdenNet

EYES = PARTS.index("eyes")


@pytest.fixture(scope="module")
def photographs(points: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> FaceStore:
    """Of people paler than what is drawn over them, so that few of them tell what hides a part."""
    rng = np.random.default_rng(5)
    light = rng.uniform(215, 235, (48, 1, 1, 1)) + rng.normal(0, 8, (48, 128, 128, 3))
    landmarks = points.astype(np.float32).ravel()
    frames = pd.DataFrame(
        [(f"folk/{row // 6}", f"picture-{row}", row, landmarks) for row in range(48)],
        columns=["subject", "sequence", "frame", "landmarks"],
    )
    with FaceStoreWriter(tmp_path_factory.mktemp("store") / "folk", source="folk") as writer:
        writer.write("0", Part(light.clip(0, 255).astype(np.uint8), frames))
        return writer.finish(["0"])


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> IdenNet:
    lighten_trunk(monkeypatch)
    return IdenNet(3, graded=True, shaped=True, generator=torch.Generator().manual_seed(0)).eval()


@torch.inference_mode()
def seen(network: IdenNet, faces: np.ndarray) -> np.ndarray:
    """Return logits of each part being visible, (N, 3)."""
    return network(to_tensor(faces, torch.device("cpu"))).part_logits.numpy()


def covered(store: FaceStore, kind: str) -> np.ndarray:
    faces, landmarks = store.read(np.arange(len(store))), store.landmarks
    return np.stack(
        [
            cover(face, points, kind, np.random.default_rng(100 + index))
            for index, (face, points) in enumerate(zip(faces, landmarks, strict=True))
        ]
    )


def test_what_is_drawn_over_a_face_is_known_to_hide_its_part(
    network: IdenNet, photographs: FaceStore, au_store: FaceStore
) -> None:
    others = {name: value.clone() for name, value in network.state_dict().items() if "parts" not in name}
    many = np.tile(np.arange(len(photographs)), 8)  # each is covered anew
    fit_parts(network, photographs, many, au_store)
    plain = seen(network, photographs.read(np.arange(len(photographs))))
    assert (plain > 0).mean() > 0.97
    for kind, part in HIDES.items():
        place = PARTS.index(part)
        with_cover = seen(network, covered(photographs, kind))[:, place]
        told_apart = (plain[:, place, None] > with_cover).mean()
        assert told_apart > 0.8, kind
    for name, value in others.items():
        assert torch.equal(network.state_dict()[name], value), name


def test_what_somebody_saw_counts_more_than_what_is_taken_for_granted(
    network: IdenNet, photographs: FaceStore, au_store: FaceStore
) -> None:
    rows = np.arange(len(photographs))
    somebody = [2, 3]
    looked = pd.DataFrame(
        {
            "picture": photographs.frames["sequence"].astype(str).iloc[somebody],
            "part": EYES,
            "visible": np.int8(0),
        }
    )
    fit_parts(network, photographs, rows, au_store, HiddenParts(looked, "hidden.csv"))
    found = seen(network, photographs.read(rows))[:, EYES] < 0
    assert found[somebody].all()
    assert found.sum() < len(rows) / 2


def test_the_regression_is_the_one_that_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its gradient, worked out by hand, is 0 where it stops; whoever is unclear has no say."""
    monkeypatch.setattr(parts_fit, "PENALTY", 0.01)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 4)).astype(np.float32)
    visible = (x[:, 0] + rng.normal(size=60) > 0).astype(np.int8)
    visible[:10] = -1
    weight = rng.uniform(1, 20, 60).astype(np.float32)
    slope, bias = parts_fit._logistic(x, visible, weight)
    known = visible >= 0
    share = weight[known] / weight[known].sum()
    wrong = share * (1 / (1 + np.exp(-(x[known] @ slope + bias))) - visible[known])
    np.testing.assert_allclose(wrong @ x[known] + 0.01 * slope, 0, atol=1e-4)
    assert abs(wrong.sum()) < 1e-4
