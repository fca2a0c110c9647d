from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import idennet
from idennet.errors import ImageError, InputError, ShapeError, WeightsError
from idennet.faces.alignment import align
from idennet.inference.predictor import Predictor
from idennet.inference.result import Result, Results
from idennet.models.weights import WeightsCard, load_weights, save_weights
from planted import planted_face, planted_picture

TOLERANCE = 2e-5


@pytest.fixture
def predictor(random_weights: Path, planted_finder: None) -> Predictor:
    return Predictor(random_weights, batch_size=4)


@pytest.fixture(scope="module")
def crops() -> np.ndarray:
    picture = planted_picture(4)
    return np.stack([align(picture, planted_face(number).landmarks) for number in range(4)])


def values(result: Result) -> list[list[float]]:
    return [list(face.au_probs.values()) for face in result.faces]


def test_probabilities_are_the_mean_of_a_face_and_its_mirror_image(
    predictor: Predictor, crops: np.ndarray, random_weights: Path
) -> None:
    model, _ = load_weights(random_weights)
    with torch.no_grad():
        for crop, probs in zip(crops, predictor.predict_faces(crops), strict=True):
            views = [torch.tensor(view.copy()).permute(2, 0, 1)[None] for view in (crop, crop[:, ::-1])]
            expected = sum(model(view).au_logits.sigmoid()[0].numpy() for view in views) / 2
            np.testing.assert_allclose(probs, expected, atol=TOLERANCE)


def test_the_calibration_of_the_card_is_applied_to_the_mean(
    predictor: Predictor, crops: np.ndarray, random_weights: Path, tmp_path: Path
) -> None:
    model, card = load_weights(random_weights)
    rng = np.random.default_rng(0)
    calibration = {au: (float(rng.uniform(0.5, 2)), float(rng.normal())) for au in card.aus}
    fields = card.model_dump(include=set(WeightsCard.model_fields)) | {"calibration": calibration}
    save_weights(model, tmp_path / "calibrated.safetensors", WeightsCard(**fields))
    calibrated = Predictor(tmp_path / "calibrated.safetensors")
    plain = predictor.predict_faces(crops).astype(np.float64)
    scale, shift = np.array([calibration[au] for au in card.aus]).T
    expected = 1 / (1 + np.exp(-(scale * np.log(plain / (1 - plain)) + shift)))
    got = calibrated.predict_faces(crops)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, expected, atol=TOLERANCE)
    face = calibrated.detect_one(planted_picture(1)).faces[0]
    assert face.au_occurrences == {au: prob >= 0.5 for au, prob in face.au_probs.items()}
    assert face.au_occurrences != predictor.detect_one(planted_picture(1)).faces[0].au_occurrences


def test_a_mirrored_face_has_the_same_probabilities(predictor: Predictor, crops: np.ndarray) -> None:
    mirrored = predictor.predict_faces(crops[:, :, ::-1])
    np.testing.assert_allclose(predictor.predict_faces(crops), mirrored, atol=TOLERANCE)


def test_permuting_faces_permutes_what_is_read(predictor: Predictor, crops: np.ndarray) -> None:
    order = [2, 0, 3, 1]
    plain, permuted = predictor.model.read(crops), predictor.model.read(crops[order])
    np.testing.assert_allclose(plain.probs[order], permuted.probs, atol=TOLERANCE)
    assert plain.embeddings is not None
    assert permuted.embeddings is not None
    np.testing.assert_allclose(plain.embeddings[order], permuted.embeddings, atol=TOLERANCE)
    np.testing.assert_allclose(np.linalg.norm(plain.embeddings, axis=1), 1, atol=1e-5)


def test_no_faces_give_no_rows(predictor: Predictor) -> None:
    assert predictor.predict_faces(np.empty((0, 128, 128, 3), np.uint8)).shape == (0, 22)


@pytest.mark.parametrize(
    "wrong",
    [np.zeros((1, 64, 64, 3), np.uint8), np.zeros((1, 128, 128, 3)), np.zeros((128, 128, 3), np.uint8)],
)
def test_faces_of_another_shape_or_dtype_are_refused(predictor: Predictor, wrong: np.ndarray) -> None:
    with pytest.raises(ShapeError, match=r"give \(N, 128, 128, 3\) uint8"):
        predictor.predict_faces(wrong)


@pytest.mark.parametrize("batch_size", [1, 2, 32])
def test_a_batch_gives_what_single_pictures_give(
    random_weights: Path, planted_finder: None, batch_size: int
) -> None:
    pictures = [planted_picture(count, seed) for seed, count in enumerate([1, 0, 2, 0])]
    predictor = Predictor(random_weights, batch_size=batch_size)
    together = list(predictor.detect(pictures))
    assert [len(result.faces) for result in together] == [1, 0, 2, 0]
    for picture, result in zip(pictures, together, strict=True):
        alone = predictor.detect_one(picture)
        np.testing.assert_allclose(np.array(values(alone)), np.array(values(result)), atol=TOLERANCE)


def test_occurrence_follows_the_threshold_of_each_action_unit(predictor: Predictor) -> None:
    face = predictor.detect_one(planted_picture(1)).faces[0]
    assert face.aus
    assert len(face.aus) < len(face.au_probs)
    assert face.au_occurrences == {au: prob >= 0.5 for au, prob in face.au_probs.items()}
    reliable = [face.au_probs[au] for au in face.aus if au not in face.unreliable_aus]
    assert reliable == sorted(reliable, reverse=True)
    assert face.unreliable_aus == {23, 24}


def test_a_stream_is_read_only_as_far_as_needed(predictor: Predictor) -> None:
    read = []

    def pictures():
        for number in range(100):
            read.append(number)
            yield planted_picture(num_faces=2, seed=number)

    stream = predictor.detect(pictures())
    assert read == []
    next(stream)
    assert read == [0, 1]  # two pictures fill a batch of four faces
    next(stream)
    assert read == [0, 1]
    next(stream)
    assert read == [0, 1, 2, 3]


def test_faceless_pictures_do_not_pile_up(predictor: Predictor) -> None:
    read = []

    def pictures():
        for number in range(100):
            read.append(number)
            yield planted_picture(num_faces=0)

    assert next(predictor.detect(pictures())).faces == ()
    assert len(read) == 4


def test_detect_returns_what_the_source_asks_for(
    random_weights: Path, planted_finder: None, tmp_path: Path
) -> None:
    path = tmp_path / "one.png"
    Image.fromarray(planted_picture(1)).save(path)
    for source in (path, str(path), planted_picture(1), Image.open(path)):
        result = idennet.detect(source, weights=random_weights)
        assert isinstance(result, Result)
        assert len(result.faces) == 1
    several = idennet.detect([path, planted_picture(2)], weights=random_weights)
    assert isinstance(several, Results)
    assert [result.source for result in several] == [str(path), "picture 2"]
    stream = idennet.detect((p for p in [path]), weights=random_weights)
    assert not isinstance(stream, list)
    assert [len(result.faces) for result in stream] == [1]


def test_an_unreadable_picture_raises_alone_and_explains_itself_in_a_list(
    predictor: Predictor, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0 no more")
    with pytest.raises(ImageError, match=r"broken\.jpg"):
        predictor.detect_one(broken)
    first, second = predictor.detect([broken, planted_picture(1)])
    assert first.error is not None
    assert "broken.jpg" in first.error
    assert first.faces == ()
    assert first.size is None
    assert second.error is None
    with pytest.raises(ImageError, match=r"broken\.jpg"):
        first.draw()


def test_what_is_no_picture_is_refused(random_weights: Path, planted_finder: None) -> None:
    with pytest.raises(InputError, match="not int"):
        idennet.detect(5, weights=random_weights)  # type: ignore[call-overload]
    with pytest.raises(ShapeError, match="array of 2 pictures"):
        idennet.detect(np.zeros((2, 9, 9, 3), np.uint8), weights=random_weights)


def test_mistakes_are_named(random_weights: Path, planted_finder: None, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="batch size is 0"):
        Predictor(random_weights, batch_size=0)
    with pytest.raises(InputError, match="no device 'tpu9'"):
        Predictor(random_weights, device="tpu9")
    with pytest.raises(WeightsError, match="There is no"):
        Predictor(tmp_path / "none.safetensors")


def test_weights_for_another_alignment_are_refused(random_weights: Path, tmp_path: Path) -> None:
    sidecar = random_weights.with_suffix(".json").read_text()
    (tmp_path / "w.safetensors").write_bytes(random_weights.read_bytes())
    (tmp_path / "w.json").write_text(sidecar.replace("eyes-44-84-44", "eyes-40-88-50"))
    with pytest.raises(WeightsError, match="aligned as eyes-40-88-50"):
        Predictor(tmp_path / "w.safetensors")
