"""Reduced decoding: the same crop as from the whole picture, only for JPEGs that allow it."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from icc_profiles import profile
from idennet.faces.alignment import TEMPLATE, similarity, to_template, warp
from idennet.learning.data.prepare import prepare_chunk
from idennet.learning.data.readers.records import Chunk, Record
from idennet.learning.data.reduced_jpeg import after_reduction, best_factor, read_reduced
from idennet.media.pictures import decode_picture


def smooth_picture(width: int = 400, height: int = 300) -> np.ndarray:
    noise = np.random.default_rng(0).uniform(0, 255, (height // 50, width // 50, 3)).astype(np.float32)
    picture = cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(picture, 0, 255).astype(np.uint8)


def jpeg(picture: np.ndarray, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=97, subsampling=0, **options)
    return stream.getvalue()


def matrix_for(distance: float, angle: float = 0.2) -> np.ndarray:
    """The similarity of eyes that are `distance` pixels apart."""
    line = distance / 2 * np.array([np.cos(angle), np.sin(angle)])
    return similarity(np.array([200, 140]) + np.array([-line, line]), TEMPLATE.eyes)


@pytest.mark.parametrize(
    ("distance", "factor"), [(30, 1), (159, 1), (161, 2), (319, 2), (321, 4), (641, 8), (3000, 8)]
)
def test_a_reduced_face_stays_twice_as_large_as_its_crop(distance: float, factor: int) -> None:
    assert best_factor(matrix_for(distance)) == factor


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_points_of_the_reduced_picture_land_where_they_did(factor: int) -> None:
    matrix = matrix_for(160)
    points = np.random.default_rng(1).uniform(0, 300, (20, 2))
    reduced_points = (points + 0.5) / factor - 0.5
    np.testing.assert_allclose(
        to_template(reduced_points, after_reduction(matrix, factor)), to_template(points, matrix), atol=1e-9
    )


@pytest.mark.parametrize("factor", [2, 4])
def test_the_crop_is_that_of_the_whole_picture(factor: int) -> None:
    matrix = matrix_for(80 * factor)
    encoded = jpeg(smooth_picture(401, 303))
    reduced = read_reduced(encoded, factor)
    assert reduced.shape == (-(-303 // factor), -(-401 // factor), 3)
    whole = warp(np.array(Image.open(io.BytesIO(encoded))), matrix, TEMPLATE.size).astype(int)
    quick = warp(reduced, after_reduction(matrix, factor), TEMPLATE.size)
    inside = np.s_[30:90, 30:90]
    assert np.abs(quick - whole)[inside].mean() < 1
    shifted = np.abs(np.roll(quick, 1, axis=1) - whole)[inside].mean()
    assert shifted > 2 * np.abs(quick - whole)[inside].mean()


def test_what_the_ordinary_reader_must_handle(tmp_path: Path) -> None:
    picture = smooth_picture()
    rotated = Image.Exif()
    rotated[0x0112] = 6
    assert read_reduced(jpeg(picture), 2) is not None
    assert read_reduced(jpeg(picture, exif=rotated), 2) is None
    assert read_reduced(jpeg(picture)[:2000], 2) is None
    assert read_reduced(jpeg(picture[..., 0]), 2) is None
    assert read_reduced(b"nothing", 2) is None
    assert read_reduced(tmp_path / "missing.jpg", 2) is None
    Image.fromarray(picture).save(tmp_path / "a.png")
    assert read_reduced(tmp_path / "a.png", 2) is None


@pytest.mark.parametrize("name", ["large.jpg", "large.png"])
def test_prepare_gives_nearly_the_same_crop_of_either_file(tmp_path: Path, name: str) -> None:
    picture = smooth_picture(800, 600)
    Image.fromarray(picture).save(tmp_path / name, quality=97, subsampling=0)
    eyes = np.array([[300, 250], [500, 260]], np.float32)
    record = Record("c", "c/a", "s", 0, tmp_path / name, eyes=eyes)
    part = prepare_chunk(Chunk("0", 1, lambda: [record]), None, 0.0)
    whole = warp(picture, similarity(eyes, TEMPLATE.eyes), TEMPLATE.size).astype(int)
    assert np.abs(part.faces[0] - whole).mean() < 1
    assert np.isnan(part.frames["landmarks"][0]).all()
    assert np.array_equal(part.faces[0], whole) == name.endswith("png")


def test_colours_of_a_reduced_picture_are_those_of_the_whole() -> None:
    encoded = jpeg(smooth_picture(), icc_profile=profile("Linear P3", gamma=1.0))
    assert decode_picture(encoded).notes == ("colours converted to sRGB from Linear P3",)
    reduced = read_reduced(encoded, 2).astype(int)
    whole = cv2.resize(decode_picture(encoded).pixels, (200, 150), interpolation=cv2.INTER_AREA)
    assert np.abs(reduced - whole).mean() < 2
    plain = read_reduced(jpeg(smooth_picture()), 2).astype(int)
    assert np.abs(reduced - plain).mean() > 20
