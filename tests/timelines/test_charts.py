from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from idennet.inference.overlay import is_overlay
from idennet.timelines.charts import over_time, save_timeline, save_together
from idennet.timelines.recording import read_recordings


def test_values_without_the_own_zero_stand_beside_the_raw_ones(results: Path, tmp_path: Path) -> None:
    clip = read_recordings(results)[0]
    smiling, other = clip.tracks
    still = replace(smiling, zeroed=np.zeros_like(smiling.values))
    with Image.open(save_timeline(clip, tmp_path / "raw.png")) as chart:
        alone = np.asarray(chart.convert("RGB"))
    with Image.open(save_timeline(replace(clip, tracks=(still, other)), tmp_path / "both.png")) as chart:
        both = np.asarray(chart.convert("RGB"))
    assert both.shape[1] > 1.5 * alone.shape[1]

    def strong(pixels: np.ndarray) -> int:
        return int(((pixels[..., 0] < 60) & (pixels[..., 1] > 90)).sum())

    left, right = np.split(both[:, : both.shape[1] * 9 // 10 // 2 * 2], 2, axis=1)
    assert strong(left) > 1000
    assert strong(right) == 0


def test_charts_of_many_people_stay_of_a_size_to_be_shown(results: Path, tmp_path: Path) -> None:
    clip = read_recordings(results)[0]
    busy = replace(
        clip.tracks[0],
        present=np.ones_like(clip.tracks[0].present),
        zeroed=np.zeros_like(clip.tracks[0].values),
    )
    crowd = replace(clip, tracks=tuple(replace(busy, name=f"person {k}", number=k) for k in range(1, 31)))
    for save in (save_timeline, save_together):
        with Image.open(save(crowd, tmp_path / "crowd.png")) as chart:
            assert max(chart.size) <= 3000
            assert min(chart.size) >= 1500


def test_a_chart_is_never_taken_for_a_photograph(results: Path, tmp_path: Path) -> None:
    assert is_overlay(save_timeline(read_recordings(results)[0], tmp_path / "clip.timeline.png"))


def test_frames_of_uneven_length_are_where_and_as_long_as_they_are_shown() -> None:
    times = np.array([0.0, 0.1, 0.2, 2.0])
    values = np.array([[0.1], [0.9], [np.nan], [0.4]], np.float32)
    columns = over_time(values, times, 2.5)[:, 0]
    middles = (np.arange(len(columns)) + 0.5) / len(columns) * 2.5
    shown = np.searchsorted(times, middles, side="right") - 1
    inside = np.abs(middles[:, None] - times).min(axis=1) > 0.01
    np.testing.assert_array_equal(columns[inside], values[shown, 0][inside])


def test_frames_that_share_a_column_show_the_strongest() -> None:
    times = np.arange(100_000) / 25
    values = np.zeros((len(times), 2), np.float32)
    values[40_000, 1] = 0.8
    columns = over_time(values, times, times[-1] + 0.04)
    assert columns[:, 0].max() == 0
    assert np.flatnonzero(columns[:, 1]).tolist() == [int(0.4 * len(columns))]
    assert columns.max() == np.float32(0.8)
