"""The model that reads aligned faces: mirroring, calibration, batches, threads, exports."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from idennet.errors import InputError, ShapeError, WeightsError
from idennet.models.action_units import BATCH, ActionUnitModel
from idennet.models.calibration import calibrate
from idennet.models.idennet import IdenNet
from idennet.models.lightcnn import LightCNN
from idennet.models.weights import WeightsCard, load_weights, save_weights

TOLERANCE = 2e-5


@pytest.fixture(scope="module")
def crops() -> np.ndarray:
    coarse = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), dtype=np.uint8)
    return coarse.repeat(8, axis=1).repeat(8, axis=2)


@pytest.fixture(scope="module")
def calibrated_weights(random_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("calibrated") / "calibrated.safetensors"
    model, card = load_weights(random_weights)
    rng = np.random.default_rng(0)
    calibration = {au: (float(rng.uniform(0.5, 2)), float(rng.normal())) for au in card.aus}
    fields = card.model_dump(include=set(WeightsCard.model_fields)) | {"calibration": calibration}
    save_weights(model, path, WeightsCard(**fields))
    return path


@pytest.mark.parametrize("mirror", [False, True])
def test_probabilities_are_those_of_the_network_or_the_mean_with_its_mirror_image(
    random_weights: Path, crops: np.ndarray, mirror: bool
) -> None:
    network, _ = load_weights(random_weights)
    read = ActionUnitModel.open(random_weights, mirror=mirror).read(crops)
    with torch.no_grad():
        for crop, probs in zip(crops, read.probs, strict=True):
            views = [crop, crop[:, ::-1]] if mirror else [crop]
            tensors = [torch.tensor(view.copy()).permute(2, 0, 1)[None] for view in views]
            expected = np.mean([network(view).au_logits.sigmoid()[0].numpy() for view in tensors], axis=0)
            np.testing.assert_allclose(probs, expected, atol=TOLERANCE)
    assert read.probs.dtype == np.float32
    assert read.embeddings is not None
    np.testing.assert_allclose(np.linalg.norm(read.embeddings, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("mirror", [False, True])
def test_a_network_with_a_shape_branch_says_who_it_is_as_sure_as_it_is(
    tmp_path: Path, crops: np.ndarray, mirror: bool
) -> None:
    network = IdenNet(2, shaped=True, generator=torch.Generator().manual_seed(0)).eval()
    with torch.no_grad():
        network.shape_identity.weight.normal_(generator=torch.Generator().manual_seed(1))
    card = WeightsCard(version="shaped-1", aus=(6, 12), template="eyes", thresholds={6: 0.5, 12: 0.5})
    save_weights(network, tmp_path / "shaped.safetensors", card, half=False)
    read = ActionUnitModel.open(tmp_path / "shaped.safetensors", mirror=mirror).read(crops).embeddings
    tensors = torch.from_numpy(crops.copy()).permute(0, 3, 1, 2)
    with torch.no_grad():
        views = [network(view).who for view in ([tensors, tensors.flip(-1)] if mirror else [tensors])]
    expected = torch.stack(views).mean(dim=0).numpy()
    # Heat maps that learnt nothing are nearly flat, and their middles move with how sums are rounded.
    np.testing.assert_allclose(read, expected, atol=1e-3 * np.abs(expected).max())
    assert np.ptp(np.linalg.norm(read, axis=1)) > 0.1  # not of unit length


def test_a_mirrored_face_reads_the_same_where_mirror_images_are_read(
    random_weights: Path, crops: np.ndarray
) -> None:
    model = ActionUnitModel.open(random_weights, mirror=True)
    np.testing.assert_allclose(model.read(crops).probs, model.read(crops[:, :, ::-1]).probs, atol=TOLERANCE)


@pytest.mark.parametrize("mirror", [False, True])
def test_the_calibration_of_the_card_comes_last(
    random_weights: Path, calibrated_weights: Path, crops: np.ndarray, mirror: bool
) -> None:
    plain = ActionUnitModel.open(random_weights, mirror=mirror)
    calibrated = ActionUnitModel.open(calibrated_weights, mirror=mirror)
    scale_and_shift = [calibrated.card.calibration[au] for au in calibrated.aus]
    expected = calibrate(plain.read(crops).probs, scale_and_shift)
    np.testing.assert_allclose(calibrated.read(crops).probs, expected, atol=TOLERANCE)


def test_faces_read_alone_and_in_batches_have_the_same_numbers(
    random_weights: Path, crops: np.ndarray
) -> None:
    model = ActionUnitModel.open(random_weights)
    order = np.arange(BATCH + 3) % len(crops)
    together = model.read(crops[order])
    for row, number in enumerate(order[: len(crops)]):
        alone = model.read(crops[number : number + 1])
        np.testing.assert_allclose(together.probs[row], alone.probs[0], atol=1e-4)
        assert together.embeddings is not None
        assert alone.embeddings is not None
        np.testing.assert_allclose(together.embeddings[row], alone.embeddings[0], atol=1e-4)
    np.testing.assert_allclose(together.probs[-1], together.probs[order[-1]], atol=1e-4)


@pytest.mark.parametrize("mirror", [False, True])
def test_a_graded_network_says_how_strong_each_side_is_and_what_can_be_seen(
    tmp_path: Path, crops: np.ndarray, mirror: bool
) -> None:
    network = IdenNet(2, graded=True, generator=torch.Generator().manual_seed(3)).eval()
    card = WeightsCard(version="graded", aus=(12, 43), template="eyes-44", thresholds={12: 0.5, 43: 0.5})
    save_weights(network, tmp_path / "graded.safetensors", card, half=False)
    read = ActionUnitModel.open(tmp_path / "graded.safetensors", mirror=mirror).read(crops)
    with torch.no_grad():
        views = [crops, crops[:, :, ::-1]] if mirror else [crops]
        outputs = [network(torch.tensor(view.copy()).permute(0, 3, 1, 2)) for view in views]
    left_right = [output.side_logits.sigmoid().numpy() for output in outputs]
    if mirror:
        left_right[1] = left_right[1][..., ::-1]
    assert read.sides is not None
    assert read.visible is not None
    assert read.intensities is not None
    np.testing.assert_allclose(read.sides, 5 * np.mean(left_right, axis=0), atol=5 * TOLERANCE)
    np.testing.assert_array_equal(read.intensities, read.sides.max(axis=2))
    parts = np.mean([output.part_logits.sigmoid().numpy() for output in outputs], axis=0)
    np.testing.assert_allclose(read.visible, parts, atol=TOLERANCE)


def test_in_a_mirror_left_and_right_change_places(tmp_path: Path, crops: np.ndarray) -> None:
    network = IdenNet(1, graded=True, generator=torch.Generator().manual_seed(3))
    card = WeightsCard(version="graded", aus=(12,), template="eyes-44", thresholds={12: 0.5})
    save_weights(network, tmp_path / "graded.safetensors", card)
    model = ActionUnitModel.open(tmp_path / "graded.safetensors", mirror=True)
    one, other = model.read(crops).sides, model.read(crops[:, :, ::-1]).sides
    assert one is not None
    assert other is not None
    np.testing.assert_allclose(one, other[..., ::-1], atol=5 * TOLERANCE)


def test_threads_share_a_model(random_weights: Path, crops: np.ndarray) -> None:
    model = ActionUnitModel.open(random_weights)
    expected = [model.read(crops[number : number + 1]).probs for number in range(len(crops))]
    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(lambda number: model.read(crops[number : number + 1]).probs, range(len(crops))))
    np.testing.assert_allclose(np.array(got), np.array(expected), atol=TOLERANCE)


def test_an_export_contains_scaling_mirroring_and_calibration(
    calibrated_weights: Path, crops: np.ndarray
) -> None:
    model = ActionUnitModel.open(calibrated_weights, "cpu", mirror=True)
    faces = torch.from_numpy(crops.transpose(0, 3, 1, 2).copy())
    exported = torch.export.export(model, (faces,)).module()
    np.testing.assert_allclose(exported(faces)[0], model.read(crops).probs, atol=TOLERANCE)


def test_no_faces_give_no_rows(random_weights: Path) -> None:
    read = ActionUnitModel.open(random_weights).read(np.empty((0, 128, 128, 3), np.uint8))
    assert read.probs.shape == (0, 22)
    assert read.embeddings is not None
    assert read.embeddings.shape == (0, 256)


def test_a_network_without_identity_branch_has_no_embeddings(tmp_path: Path, crops: np.ndarray) -> None:
    card = WeightsCard(version="v", aus=(12,), template="t", thresholds={12: 0.5})
    save_weights(LightCNN(1), tmp_path / "light.safetensors", card)
    read = ActionUnitModel.open(tmp_path / "light.safetensors").read(crops[:1])
    assert read.probs.shape == (1, 1)
    assert read.embeddings is None


@pytest.mark.parametrize(
    "wrong",
    [np.zeros((1, 64, 64, 3), np.uint8), np.zeros((1, 128, 128, 3)), np.zeros((128, 128, 3), np.uint8)],
)
def test_faces_of_another_shape_or_dtype_are_refused(random_weights: Path, wrong: np.ndarray) -> None:
    with pytest.raises(ShapeError, match=r"give \(N, 128, 128, 3\) uint8"):
        ActionUnitModel.open(random_weights).read(wrong)


def test_the_folder_of_a_run_stands_for_its_best_weights(random_weights: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="holds no weights"):
        ActionUnitModel.open(tmp_path)
    for stage, version in (("identity", "first"), ("au", "second")):
        network, card = load_weights(random_weights)
        fields = card.model_dump(include=set(WeightsCard.model_fields)) | {"version": version}
        save_weights(network, tmp_path / f"best-{stage}.safetensors", WeightsCard(**fields))
        assert ActionUnitModel.open(tmp_path).card.version == version


def test_missing_weights_and_devices_are_named(random_weights: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="There is no"):
        ActionUnitModel.open(tmp_path / "none.safetensors")
    with pytest.raises(InputError, match="no device 'tpu9'"):
        ActionUnitModel.open(random_weights, "tpu9")


def test_the_bundled_network_is_not_changed_by_who_reads_with_it(crops: np.ndarray) -> None:
    first, second = ActionUnitModel.open(), ActionUnitModel.open()
    with torch.no_grad():
        first.network.fc7.weight.zero_()
    assert second.network.fc7.weight.abs().sum() > 0
