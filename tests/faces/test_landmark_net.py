import hashlib
import json
from importlib import resources

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from skimage import data

from idennet.errors import ShapeError, WeightsError
from idennet.faces.crop import cut
from idennet.faces.landmark_net import HEAT_REACH, LandmarkNet, load_landmark_net

ASSETS = resources.files("idennet") / "assets"


def copy_weights(folder, content: bytes):
    path = folder / "landmarks.safetensors"
    path.write_bytes(content)
    (folder / "landmarks.json").write_text((ASSETS / "landmarks.json").read_text())
    return path


def test_bundled_weights_are_small():
    assert len((ASSETS / "landmarks.safetensors").read_bytes()) < 2_000_000
    assert sum(parameter.numel() for parameter in load_landmark_net().parameters()) < 1_000_000


def test_output_shapes_and_range():
    network = LandmarkNet().eval()
    out = network(torch.randint(0, 256, (3, 64, 64), dtype=torch.uint8))
    assert out.landmarks.shape == (3, 68, 2)
    assert out.face_logit.shape == (3,)
    assert out.pose.shape == (3, 2)
    reach = 32 * HEAT_REACH
    assert ((out.landmarks - 31.5).abs() <= reach).all()


def test_a_peak_in_the_heat_map_becomes_its_place():
    """Brute force: all weight of one heat map in one cell gives that cell's centre, x from columns."""
    network = LandmarkNet().eval()
    torch.nn.init.zeros_(network.heat.weight)
    torch.nn.init.zeros_(network.heat.bias)
    network.heat.register_forward_hook(lambda *_: torch.full((1, 68, 16, 16), -1e4).index_put_(
        (torch.tensor(0), torch.tensor(5), torch.tensor(2), torch.tensor(11)), torch.tensor(0.0)
    ))  # fmt: skip
    point = network(torch.zeros((1, 64, 64), dtype=torch.uint8)).landmarks[0, 5]
    expected = [31.5 + HEAT_REACH * (11 * 4 + 1.5 - 31.5), 31.5 + HEAT_REACH * (2 * 4 + 1.5 - 31.5)]
    np.testing.assert_allclose(point.detach().numpy(), expected, atol=1e-4)


def test_brightness_and_contrast_hardly_matter():
    """The crop is normalised; only rounding and the floor of the normalisation are left."""
    network = load_landmark_net()
    grey = cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2GRAY)
    crop = torch.from_numpy(cut(grey, np.array([226, 126, 130, 0], np.float32)))[None]
    first, second = network(crop), network((0.5 * crop + 70).to(torch.uint8))
    assert (first.landmarks - second.landmarks).abs().max() < 1.0
    assert first.face_logit.item() == pytest.approx(second.face_logit.item(), abs=1.0)


@pytest.mark.parametrize("crops", [torch.zeros(1, 64, 64), torch.zeros((1, 3, 64, 64), dtype=torch.uint8)])
def test_other_crops_are_refused(crops):
    with pytest.raises(ShapeError, match="64"):
        LandmarkNet()(crops)


def test_altered_weights_are_refused(tmp_path):
    content = bytearray((ASSETS / "landmarks.safetensors").read_bytes())
    assert load_landmark_net(copy_weights(tmp_path, bytes(content)))
    content[-1] ^= 1
    with pytest.raises(WeightsError, match="sha256"):
        load_landmark_net(copy_weights(tmp_path, bytes(content)))


def test_missing_and_foreign_weights_are_refused(tmp_path):
    with pytest.raises(WeightsError, match="missing"):
        load_landmark_net(tmp_path / "none.safetensors")
    path = tmp_path / "other.safetensors"
    save_file({"a": torch.zeros(1)}, path)
    card = json.loads((ASSETS / "landmarks.json").read_text())
    card["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_suffix(".json").write_text(json.dumps(card))
    with pytest.raises(WeightsError, match="another network"):
        load_landmark_net(path)
