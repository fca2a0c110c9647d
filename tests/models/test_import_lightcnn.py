"""A caffemodel written here, byte by byte, is read back and answers as the grey network it came from."""

import struct
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from typer.testing import CliRunner

from idennet.cli.main import app
from idennet.errors import WeightsError
from idennet.learning.training.start import start_from
from idennet.models.caffemodel import read_caffemodel
from idennet.models.idennet import IdenNet
from idennet.models.import_lightcnn import GREY_OF_RGB, import_lightcnn
from idennet.models.weights import load_weights

SHAPES = {
    "conv1": (96, 1, 9, 9),
    "conv2": (192, 48, 5, 5),
    "conv3": (256, 96, 5, 5),
    "conv4": (384, 128, 4, 4),
    "fc1": (1, 1, 512, 4800),
    "fc2": (1, 1, 7, 256),
}


def varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def chunk(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def old_blob(values: np.ndarray) -> bytes:
    shape = (1,) * (4 - values.ndim) + values.shape
    dims = b"".join(varint(number << 3) + varint(size) for number, size in enumerate(shape, start=1))
    return dims + chunk(5, values.astype("<f4").tobytes())


def new_blob(values: np.ndarray, *, packed: bool = True, doubles: bool = False) -> bytes:
    if packed:
        dims = chunk(1, b"".join(varint(size) for size in values.shape))
    else:
        dims = b"".join(varint(1 << 3) + varint(size) for size in values.shape)
    data = chunk(8, values.astype("<f8").tobytes()) if doubles else chunk(5, values.astype("<f4").tobytes())
    return chunk(7, dims) + data


def old_layer(name: str, *blobs: np.ndarray) -> bytes:
    kind = varint(5 << 3) + varint(4)
    content = chunk(4, name.encode()) + kind + b"".join(chunk(6, old_blob(blob)) for blob in blobs)
    return chunk(2, content + chunk(3, b"top"))


def tensors_of(seed: int = 0) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(seed)
    out = {}
    for name, shape in SHAPES.items():
        rows = shape[2] if name.startswith("fc") else shape[0]
        scale = 1 / np.sqrt(np.prod(shape) / rows)
        out[name] = (
            rng.normal(0, scale, shape).astype(np.float32),
            rng.normal(0, 0.1, rows).astype(np.float32),
        )
    return out


@pytest.fixture(scope="module")
def caffemodel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("caffe") / "LightenedCNN_A.caffemodel"
    layers = b"".join(old_layer(name, *blobs) for name, blobs in tensors_of().items())
    path.write_bytes(chunk(1, b"DeepFace_set003_net") + layers + old_layer("softmax"))
    return path


@pytest.fixture(scope="module")
def converted(caffemodel: Path) -> Path:
    out = caffemodel.with_name("lightcnn.safetensors")
    import_lightcnn(caffemodel, out)
    return out


def test_both_forms_of_layers_and_blobs_are_read(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    weight, bias = rng.normal(size=(3, 2, 2, 2)), rng.normal(size=300)
    single = chunk(7, chunk(1, varint(2))) + b"".join(
        varint(5 << 3 | 5) + struct.pack("<f", value) for value in (1.5, -2.5)
    )
    new = chunk(1, b"new") + chunk(2, b"Convolution") + chunk(7, new_blob(weight, packed=False))
    new += chunk(7, new_blob(bias, doubles=True)) + chunk(7, single)
    path = tmp_path / "both.caffemodel"
    path.write_bytes(chunk(100, new) + old_layer("old", weight, bias))
    layers = read_caffemodel(path)
    assert [blob.shape for blob in layers["new"]] == [(3, 2, 2, 2), (300,), (2,)]
    assert [blob.shape for blob in layers["old"]] == [(3, 2, 2, 2), (1, 1, 1, 300)]
    np.testing.assert_array_equal(layers["new"][0], weight.astype(np.float32))
    np.testing.assert_array_equal(layers["new"][1], bias.astype(np.float32))
    np.testing.assert_array_equal(layers["new"][2], [1.5, -2.5])
    np.testing.assert_array_equal(layers["old"][1].ravel(), bias.astype(np.float32))


def test_a_colour_face_is_embedded_as_the_grey_network_embeds_its_grey_version(converted: Path) -> None:
    model, _ = load_weights(converted)
    assert isinstance(model, IdenNet)
    faces = torch.rand(2, 3, 128, 128, generator=torch.Generator().manual_seed(3))
    red, green, blue = faces.unbind(1)
    features = (0.299 * red + 0.587 * green + 0.114 * blue)[:, None]
    tensors = {name: [torch.from_numpy(blob) for blob in blobs] for name, blobs in tensors_of().items()}
    for number in range(1, 5):
        features = F.max_pool2d(F.conv2d(features, *tensors[f"conv{number}"]), 2, ceil_mode=True)
        features = torch.maximum(*features.chunk(2, 1))
    weight, bias = tensors["fc1"]
    head = torch.maximum(*F.linear(features.flatten(1), weight[0, 0], bias).chunk(2, 1))
    expected = head / (head.square().sum(1, keepdim=True) + 1e-6).sqrt()
    with torch.no_grad():
        torch.testing.assert_close(model.embed(faces), expected, rtol=1e-4, atol=1e-5)


def test_a_training_takes_trunk_and_identity_from_it(converted: Path) -> None:
    own = IdenNet(12, generator=torch.Generator().manual_seed(5))
    before = own.fc6.weight.clone()
    start_from(own, tuple(range(12)), converted)
    weight, bias = tensors_of()["conv1"]
    for channel, share in enumerate(GREY_OF_RGB):
        np.testing.assert_allclose(own.trunk.conv1.weight[:, channel].detach(), weight[:, 0] * share, 1e-6)
    np.testing.assert_array_equal(own.trunk.conv1.bias.detach(), bias)
    np.testing.assert_array_equal(own.fc5.weight.detach(), tensors_of()["fc1"][0][0, 0])
    assert torch.equal(own.fc6.weight, before)


def test_the_card_says_that_nothing_is_detected(converted: Path) -> None:
    card = load_weights(converted)[1]
    assert card.unreliable_aus == card.aus
    assert card.provenance["file"] == "LightenedCNN_A.caffemodel"


def test_the_command_writes_both_files(caffemodel: Path, tmp_path: Path) -> None:
    out = tmp_path / "start.safetensors"
    result = CliRunner().invoke(app, ["weights", "import-lightcnn", str(caffemodel), "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert load_weights(out)[1].version == "lightened-cnn-a"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "holds no layer"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(64)), "damaged or no caffemodel"),
        (chunk(2, chunk(4, b"conv1"))[:-2], "damaged or no caffemodel"),
        (chunk(2, chunk(4, b"c") + chunk(6, varint(8) + varint(3) + chunk(5, bytes(8)))), "damaged"),
        (b"\x80" * 20, "more than 64 bits"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "broken.caffemodel"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=sentence):
        read_caffemodel(path)


def test_missing_files_and_other_networks_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="There is no"):
        import_lightcnn(tmp_path / "absent.caffemodel", tmp_path / "w.safetensors")
    model_b = tmp_path / "b.caffemodel"
    model_b.write_bytes(old_layer("conv1", np.zeros((96, 1, 5, 5)), np.zeros(96)))
    with pytest.raises(WeightsError, match=r"conv1 .* shape \(96, 3, 5, 5\)"):
        import_lightcnn(model_b, tmp_path / "w.safetensors")
    model_b.write_bytes(old_layer("conv1", np.zeros((96, 3, 9, 9)), np.zeros(96)))
    with pytest.raises(WeightsError, match="one grey channel"):
        import_lightcnn(model_b, tmp_path / "w.safetensors")
    model_b.write_bytes(old_layer("conv2", np.zeros((192, 48, 5, 5)), np.zeros(192)))
    with pytest.raises(WeightsError, match="no layer conv1"):
        import_lightcnn(model_b, tmp_path / "w.safetensors")
