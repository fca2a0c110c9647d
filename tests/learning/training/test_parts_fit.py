"""Which parts of a face can be seen: a logistic regression beside the shape branch."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from tiny_training import lighten_trunk

from idennet.errors import InputError
from idennet.facs import PARTS
from idennet.learning.data.hidden_parts import HiddenParts
from idennet.learning.data.store import FaceStore
from idennet.learning.data.store_writer import FaceStoreWriter, Part
from idennet.learning.training import parts_fit
from idennet.learning.training.covers import HIDES, cover
from idennet.learning.training.parts_fit import fit_parts
from idennet.learning.training.stages import to_tensor
from idennet.learning.training.start import start_from
from idennet.models.idennet import IdenNet
from idennet.models.weights import WeightsCard, save_weights

EYES, BROWS = PARTS.index("eyes"), PARTS.index("brows")


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
    """Of photographs that are not learnt from nothing is taken over, and no other one's place."""
    rows = np.arange(10, len(photographs))
    somebody = [2, 12, 13]
    looked = pd.DataFrame(
        {
            "subject": "",
            "picture": photographs.frames["sequence"].astype(str).iloc[somebody],
            "part": EYES,
            "visible": np.int8(0),
        }
    )
    fit_parts(network, photographs, rows, au_store, HiddenParts(looked, "hidden.csv"))
    found = np.flatnonzero(seen(network, photographs.read(rows))[:, EYES] < 0) + 10
    assert {12, 13} <= set(found)
    assert len(found) < 6


def test_renderings_teach_what_they_say_is_hidden(
    network: IdenNet, photographs: FaceStore, tmp_path: Path
) -> None:
    """Grey rendered faces whose brows nobody can see, though nothing was drawn over the brows of any."""
    rng = np.random.default_rng(6)
    grey = rng.uniform(80, 100, (48, 1, 1, 1)) + rng.normal(0, 8, (48, 128, 128, 3))
    frames = photographs.frames.assign(subject="drawn/0", eyes_visible=1, brows_visible=0, mouth_visible=-1)
    with FaceStoreWriter(tmp_path / "drawn", source="drawn") as writer:
        writer.write("0", Part(grey.clip(0, 255).astype(np.uint8), frames))
        drawn = writer.finish(["0"])
    fit_parts(network, photographs, np.arange(len(photographs)), drawn)
    said = seen(network, drawn.read(np.arange(len(drawn))))
    assert (said[:, BROWS] < 0).mean() > 0.9
    assert (said[:, EYES] > 0).mean() > 0.9


@pytest.mark.parametrize("shaped", [True, False])
def test_a_training_takes_what_says_of_parts_only_where_it_is_whole(
    network: IdenNet, tmp_path: Path, shaped: bool
) -> None:
    """Fitted together with what the trunk says, FC6's share alone says something else."""
    given = network if shaped else IdenNet(3, graded=True)
    aus = (6, 12, 25)
    card = WeightsCard(version="some-1", aus=aus, template="eyes-44", thresholds=dict.fromkeys(aus, 0.5))
    save_weights(given, tmp_path / "given.safetensors", card)
    taken = start_from(IdenNet(3, graded=True), aus, tmp_path / "given.safetensors")
    assert {"fc6.weight", "fc7.weight", "sides.weight"} <= set(taken)
    assert ("parts.weight" in taken) != shaped


def test_a_part_that_nothing_hides_is_told(network: IdenNet, au_store: FaceStore) -> None:
    with pytest.raises(InputError, match="eyes are hidden on no face, or on all"):
        fit_parts(network, au_store, np.arange(len(au_store)), au_store)  # without landmarks nothing is drawn


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
