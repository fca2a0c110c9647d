"""Frames come as they are shown, at their own times; what is wrong with a file is one sentence."""

import itertools
import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from clips import write_clip, write_sound
from idennet.errors import ImageError, InputError
from idennet.media import video
from idennet.media.video import MAX_FRAME_PIXELS, Place, Video, seconds_of, span_of

RATE = 25


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    return list(np.random.default_rng(0).integers(0, 256, (40, 48, 64, 3), dtype=np.uint8))


@pytest.fixture(scope="module")
def clip(pictures: list[np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips") / "clip.mkv", pictures)


@pytest.fixture(scope="module")
def film(pictures: list[np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """H.264 with B-frames and a key frame every ten, its index first."""
    options = {"movflags": "faststart"}
    path = tmp_path_factory.mktemp("clips") / "film.mp4"
    return write_clip(path, pictures * 5, codec="libx264", options=options)


def places(video: Video) -> list[tuple[int, float]]:
    return [(frame.index, round(frame.time or 0.0, 3)) for frame in video]


def test_lossless_frames_come_back_in_order(clip: Path, pictures: list[np.ndarray]) -> None:
    frames = list(Video(clip))
    assert [frame.index for frame in frames] == list(range(40))
    np.testing.assert_allclose([frame.time for frame in frames], np.arange(40) / RATE, atol=1e-3)
    for frame, picture in zip(frames, pictures, strict=True):
        np.testing.assert_array_equal(frame.pixels, picture)
    assert Video(clip).expected_frames() == 40


def test_times_are_those_of_the_file(pictures: list[np.ndarray], tmp_path: Path) -> None:
    times = [0.0, 0.04, 0.5, 0.51, 2.0]
    clip = write_clip(tmp_path / "phone.mkv", pictures[:5], times)
    assert places(Video(clip)) == list(enumerate(times))


@pytest.mark.parametrize("suffix", ["ts", "mkv"])
def test_time_begins_where_the_file_does(pictures: list[np.ndarray], tmp_path: Path, suffix: str) -> None:
    codec = "libx264" if suffix == "ts" else "ffv1"
    clip = write_clip(tmp_path / f"late.{suffix}", pictures[:5], [5 + k / RATE for k in range(5)], codec)
    np.testing.assert_allclose([frame.time for frame in Video(clip)], np.arange(5) / RATE, atol=2e-3)


@pytest.mark.parametrize(
    ("start", "every"), [*itertools.product([0.0, 0.3, 1.0, 3.999, 7.84], [1, 7]), (7.96, 1)]
)
def test_a_part_is_what_the_whole_has_there(film: Path, start: float, every: int) -> None:
    whole = places(Video(film))
    assert len(whole) == 200
    expected = [place for place in whole if start - 1e-6 <= place[1] < start + 1 and place[0] % every == 0]
    assert places(Video(film, every, start, start + 1)) == expected
    pixels = {frame.index: frame.pixels for frame in Video(film)}
    for frame in Video(film, every, start, start + 1):
        np.testing.assert_array_equal(frame.pixels, pixels[frame.index])


@pytest.mark.parametrize(
    ("every", "start", "end", "sentence"),
    [
        (1, 9, None, "is 8.0 s long; nothing lies after 9 s."),
        (7, 7.96, 8.5, "no frame whose number is a multiple of 7 from 7.96 s on and before 8.5 s; it is 8.0"),
    ],
)
def test_a_part_without_a_frame_is_said(
    film: Path, every: int, start: float, end: float | None, sentence: str
) -> None:
    with pytest.raises(ImageError, match=sentence):
        places(Video(film, every, start, end))


@pytest.mark.parametrize("last", [0, 1, 57, 198, 199])
def test_reading_goes_on_after_any_frame(film: Path, last: int) -> None:
    whole = places(Video(film))
    assert places(Video(film, after=Place(*whole[last]))) == whole[last + 1 :]


@pytest.mark.parametrize("rotation", [90, 180, -90])
def test_frames_are_turned_upright(tmp_path: Path, rotation: int) -> None:
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:24, :32] = 255
    clip = write_clip(tmp_path / "turned.mp4", [picture] * 3, codec="libx264", rotation=rotation)
    expected = np.rot90(picture, rotation // 90)
    for frame in Video(clip):
        assert frame.pixels.shape == expected.shape
        assert np.abs(frame.pixels.astype(int) - expected).mean() < 4


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"", r"is empty \(0 bytes\)"), (b"no video at all" * 99, "is no video, or its beginning or index")],
)
def test_what_is_no_video_is_said_in_a_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    file = tmp_path / "odd.mp4"
    file.write_bytes(content)
    with pytest.raises(ImageError, match=f"odd.mp4 {sentence}"):
        list(Video(file))


def test_missing_files_folders_and_sound_alone(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="does not exist"):
        list(Video(tmp_path / "none.mp4"))
    with pytest.raises(ImageError, match="is a folder"):
        list(Video(tmp_path))
    with pytest.raises(ImageError, match="holds only sound"):
        list(Video(write_sound(tmp_path / "song.mp4")))


def test_a_cut_file_gives_its_frames_and_says_where_it_ends(film: Path, tmp_path: Path) -> None:
    whole = list(Video(film))
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(film.read_bytes()[: film.stat().st_size // 2])
    frames = []
    with pytest.raises(ImageError, match=r"could be read for \d\.\d seconds of the 8.0 that it announces"):
        frames.extend(Video(cut))  # fills up to the error
    assert 50 < len(frames) < 150
    for frame, original in zip(frames[:-3], whole, strict=False):
        np.testing.assert_array_equal(frame.pixels, original.pixels)
    last = frames[-1]
    assert last.time is not None
    with pytest.raises(ImageError, match="could be read for"):
        assert list(Video(cut, after=Place(last.index, last.time))) == []


def test_damage_in_the_middle_costs_only_what_it_hits(film: Path, tmp_path: Path) -> None:
    data = bytearray(film.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = bytes(3000)
    (tmp_path / "damaged.mp4").write_bytes(data)
    frames = list(Video(tmp_path / "damaged.mp4"))
    assert len(frames) > 150
    assert frames[-1].time == pytest.approx(7.96)


def test_a_part_that_breaks_off_is_not_read_twice(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = video._decoded

    def torn(stream: video.Stream) -> Iterator[video._Shown]:
        for shown in decoded(stream):
            if shown.time >= 5:
                raise av.FFmpegError(5, "Input/output error")
            yield shown

    monkeypatch.setattr(video, "_decoded", torn)
    frames = []
    with pytest.raises(ImageError, match=r"could be read for 5.0 seconds: input/output error"):
        frames.extend(Video(film, start=4))
    assert [frame.index for frame in frames] == list(range(100, 125))


def test_frames_that_are_too_large_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    side = int(MAX_FRAME_PIXELS**0.5) + 200
    clip = write_clip(tmp_path / "huge.mkv", [np.zeros((side, side, 3), np.uint8)], codec="mjpeg")
    with pytest.raises(ImageError, match=r"has frames of 6,200 x 6,200 pixels; at most 36 million are read"):
        list(Video(clip))


def test_frames_that_become_too_large_with_square_pixels_are_refused(tmp_path: Path) -> None:
    picture = np.zeros((64, 64, 3), np.uint8)
    wide = write_clip(tmp_path / "wide.mp4", [picture] * 2, codec="libx264", aspect=Fraction(2))
    assert [frame.pixels.shape for frame in Video(wide)] == [(64, 128, 3)] * 2
    bomb, told = tmp_path / "bomb.mp4", b"pasp" + struct.pack(">II", 2, 1)
    assert told in wide.read_bytes()
    bomb.write_bytes(wide.read_bytes().replace(told, b"pasp" + struct.pack(">II", 10_000, 1)))
    with pytest.raises(ImageError, match=r"has frames of 640,000 x 64 pixels; at most 36 million are read"):
        list(Video(bomb))


def test_files_without_any_time_count_frames(pictures: list[np.ndarray], tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "raw.m4v", pictures[:10], codec="mpeg4")
    found = places(Video(clip))
    assert [index for index, _ in found] == list(range(10))
    assert all(later > earlier for (_, earlier), (_, later) in itertools.pairwise(found))


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("1:30", 90), ("0:01:30.5", 90.5), (" 2 ", 2)])
def test_times_are_written_in_several_ways(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "1:2:3:4", "-3", "nan", "inf"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is no time"):
        seconds_of(text)


def test_impossible_parts_are_refused() -> None:
    with pytest.raises(InputError, match="Every 0th frame"):
        Video(Path("a.mp4"), every=0)
    with pytest.raises(InputError, match="must come after"):
        Video(Path("a.mp4"), start=5, end=5)


def test_ranges_are_two_times() -> None:
    assert span_of("2-5") == (2, 5)
    assert span_of("0:02-1:00:05") == (2, 3605)
    assert span_of("whole") is None
    with pytest.raises(InputError, match="ends before it starts"):
        span_of("5-2")
