"""Pictures to results: alone and in streams, in order, on several threads, whatever a picture is like."""

import multiprocessing
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import idennet
from idennet.errors import ImageError, InputError, ShapeError, WeightsError
from idennet.inference.analyser import PICTURES_TOGETHER, Analyser
from idennet.inference.result import Result, Results
from idennet.models.action_units import ActionUnitModel
from planted import PlantedFinder, planted_picture

TOLERANCE = 1e-4

MakeAnalyser = Callable[..., Analyser]


@pytest.fixture(scope="module")
def model(random_weights: Path) -> ActionUnitModel:
    return ActionUnitModel.open(random_weights)


@pytest.fixture(params=[1, 3])
def analyser(request: pytest.FixtureRequest, model: ActionUnitModel) -> Analyser:
    return Analyser(PlantedFinder(), model, workers=request.param)


def values(result: Result) -> np.ndarray:
    return np.array([list(face.au_probs.values()) for face in result.faces])


def test_many_pictures_give_in_order_what_each_gives_alone(analyser: Analyser) -> None:
    counts = [1, 0, 2, 0, 1, 3, 0, 1, 1, 2, 0, 1, 1]
    pictures = [planted_picture(count, seed) for seed, count in enumerate(counts)]
    for sources in (pictures, iter(pictures)):
        together = list(analyser.analyse_all(sources))
        assert [len(result.faces) for result in together] == counts
        assert [result.source for result in together] == [f"picture {n}" for n in range(1, len(counts) + 1)]
        for picture, result in zip(pictures, together, strict=True):
            np.testing.assert_allclose(values(analyser.analyse(picture)), values(result), atol=TOLERANCE)


def test_threads_share_an_analyser(model: ActionUnitModel) -> None:
    analyser = Analyser(PlantedFinder(), model, workers=2)
    pictures = [planted_picture(1, seed) for seed in range(6)]
    expected = [values(result) for result in analyser.analyse_all(pictures)]
    before = torch.get_num_threads()
    with ThreadPoolExecutor(3) as pool:
        for results in pool.map(lambda _: list(analyser.analyse_all(pictures)), range(3)):
            np.testing.assert_allclose([values(result) for result in results], expected, atol=TOLERANCE)
    assert torch.get_num_threads() == before


def test_a_stream_is_read_only_a_little_ahead(model: ActionUnitModel) -> None:
    read = []

    def pictures() -> Iterator[np.ndarray]:
        for number in range(1000):
            read.append(number)
            yield planted_picture(num_faces=number % 2, seed=number)

    workers = 2
    stream = Analyser(PlantedFinder(), model, workers).analyse_all(pictures())
    assert read == []
    for number in range(10):
        next(stream)
        assert len(read) <= number + 1 + (workers + 2) * PICTURES_TOGETHER
    stream.close()


def test_a_picture_that_cannot_be_read_raises_alone_and_explains_itself_among_others(
    analyser: Analyser, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0 no more")
    with pytest.raises(ImageError, match=r"broken\.jpg"):
        analyser.analyse(broken)
    first, second, third = analyser.analyse_all([broken, planted_picture(1), None])
    assert first.error is not None
    assert "broken.jpg" in first.error
    assert (first.faces, first.size, first.defect, first.path) == ((), None, False, broken)
    assert second.error is None
    assert third.error is not None
    assert "picture 3 is None" in third.error
    with pytest.raises(ImageError, match=r"broken\.jpg"):
        first.draw()


class FailingFinder(PlantedFinder):
    """Fails on pictures with seven planted faces."""

    def find(self, picture: np.ndarray) -> list:
        found = super().find(picture)
        if len(found) == 7:
            raise ZeroDivisionError("by chance")
        return found


def test_a_defect_costs_one_picture_and_is_named(model: ActionUnitModel) -> None:
    analyser = Analyser(FailingFinder(), model, workers=2)
    pictures = [planted_picture(count) for count in (1, 7, 1)]
    first, second, third = analyser.analyse_all(pictures)
    assert len(first.faces) == len(third.faces) == 1
    assert second.defect
    assert second.error == (
        "picture 2 could not be read because of a defect of IdenNet (ZeroDivisionError: by chance); please "
        "report it."
    )
    with pytest.raises(ZeroDivisionError):
        analyser.analyse(pictures[1])


def test_what_is_done_with_pixels_is_done_by_the_workers_and_kept(model: ActionUnitModel) -> None:
    seen = {}

    def finish(result: Result, frame) -> Result:
        seen[result.source] = (threading.current_thread(), frame.pixels[0, 0, 0], len(result.faces))
        return result.with_note("seen")

    pictures = [planted_picture(count) for count in (1, 0, 2, 1)]
    results = list(Analyser(PlantedFinder(), model, workers=2).analyse_all(pictures, finish))
    assert [result.notes for result in results] == [("seen",)] * 4
    assert threading.main_thread() not in [thread for thread, *_ in seen.values()]
    assert all(planted == faces for _, planted, faces in seen.values())


def test_what_cannot_be_done_with_pixels_costs_one_picture(model: ActionUnitModel) -> None:
    def finish(result: Result, frame) -> Result:
        if len(result.faces) == 2:
            raise OSError("encoder error")
        return result

    pictures = [planted_picture(count) for count in (1, 2, 1)]
    first, second, third = Analyser(PlantedFinder(), model, workers=2).analyse_all(pictures, finish)
    assert (first.error, third.error) == (None, None)
    assert second.defect
    assert "OSError: encoder error" in second.error


def test_an_action_unit_is_present_from_its_own_threshold_on(analyser: Analyser) -> None:
    face = analyser.analyse(planted_picture(1)).faces[0]
    assert face.aus
    assert len(face.aus) < len(face.au_probs)
    assert face.au_occurrences == {au: prob >= 0.5 for au, prob in face.au_probs.items()}
    reliable = [face.au_probs[au] for au in face.aus if au not in face.unreliable_aus]
    assert reliable == sorted(reliable, reverse=True)
    assert face.unreliable_aus == {23, 24}


def test_weights_for_another_alignment_are_refused(random_weights: Path, tmp_path: Path) -> None:
    sidecar = random_weights.with_suffix(".json").read_text()
    (tmp_path / "w.safetensors").write_bytes(random_weights.read_bytes())
    (tmp_path / "w.json").write_text(sidecar.replace("eyes-44-84-44", "eyes-40-88-50"))
    with pytest.raises(WeightsError, match="aligned as eyes-40-88-50"):
        Analyser(PlantedFinder(), ActionUnitModel.open(tmp_path / "w.safetensors"))


def test_no_workers_are_refused(model: ActionUnitModel) -> None:
    with pytest.raises(InputError, match="0 workers; at least 1"):
        Analyser(PlantedFinder(), model, workers=0)


def test_detect_returns_what_the_source_asks_for(random_weights: Path, tmp_path: Path) -> None:
    path = tmp_path / "one.png"
    Image.fromarray(planted_picture(1)).save(path)
    finder = PlantedFinder()
    for source in (path, str(path), planted_picture(1), Image.open(path)):
        result = idennet.detect(source, weights=random_weights, finder=finder)
        assert isinstance(result, Result)
        assert len(result.faces) == 1
    several = idennet.detect([path, planted_picture(2)], weights=random_weights, finder=finder)
    assert isinstance(several, Results)
    assert [result.source for result in several] == [str(path), "picture 2"]
    for sources in ((p for p in [path]), {path: 1}, np.array([path], dtype=object).tolist().__iter__()):
        stream = idennet.detect(sources, weights=random_weights, finder=finder)
        assert not isinstance(stream, list)
        assert [len(result.faces) for result in stream] == [1]


def test_detect_reads_weights_again_when_their_file_has_changed(random_weights: Path, tmp_path: Path) -> None:
    weights = tmp_path / "best-au.safetensors"
    sidecar = random_weights.with_suffix(".json").read_text()
    for version in ("random-1", "random-2"):
        weights.write_bytes(random_weights.read_bytes())
        weights.with_suffix(".json").write_text(sidecar.replace("random-1", version))
        result = idennet.detect(planted_picture(0), weights=tmp_path, finder=PlantedFinder())
        assert result.weights == version


def test_what_is_no_picture_is_refused(random_weights: Path) -> None:
    with pytest.raises(InputError, match="not int"):
        idennet.detect(5, weights=random_weights, finder=PlantedFinder())  # type: ignore[call-overload]
    with pytest.raises(ShapeError, match="array of 2 pictures"):
        idennet.detect(np.zeros((2, 9, 9, 3), np.uint8), weights=random_weights, finder=PlantedFinder())


def _smile(weights: Path) -> float:
    return idennet.detect(planted_picture(1), weights=weights, finder=PlantedFinder()).faces[0].au_probs[12]


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system has no fork")
def test_processes_that_were_forked_after_reading_read_as_well(random_weights: Path) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)  # so that the parent has threads that its children lack
    try:
        expected = _smile(random_weights)
        with multiprocessing.get_context("fork").Pool(2) as pool:
            got = pool.map_async(_smile, [random_weights] * 2).get(timeout=120)
    finally:
        torch.set_num_threads(before)
    assert got == pytest.approx([expected] * 2, abs=TOLERANCE)
