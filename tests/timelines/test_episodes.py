from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from idennet.timelines.annotations import tiers_of
from idennet.timelines.episodes import Episode, episode_table, episodes_of
from idennet.timelines.recording import Recording, read_recordings


def episodes(
    results: Path, values: list[float], rate: float = 25.0, rows: list[int] | None = None
) -> list[Episode]:
    """Return the episodes of AU12 of a track with these values."""
    clip = read_recordings(results)[0]
    at = clip.aus.index(12)
    frames = np.arange(200)
    clip = replace(clip, frames=frames, times=frames / rate)
    column = np.zeros((len(values), len(clip.aus)), np.float32)
    column[:, at] = values
    track = replace(clip.tracks[0], rows=np.array(rows or range(len(values))), values=column)
    return episodes_of(clip, track)


def test_onset_apex_and_offset_of_a_planted_smile(results: Path) -> None:
    clip = read_recordings(results)[0]
    (smile,) = episodes_of(clip, clip.tracks[0])
    assert (smile.who, smile.au, smile.clip) == ("person 1", 12, "clips/talk.mp4")
    assert (smile.onset_frame, smile.apex_frame, smile.offset_frame) == (10, 20, 34)
    assert (smile.onset, smile.apex, smile.offset) == pytest.approx((0.4, 0.8, 1.4))
    assert smile.strength == pytest.approx(0.9)
    assert episodes_of(clip, clip.tracks[1]) == []


def test_an_episode_outlasts_a_dip_but_not_a_fall(results: Path) -> None:
    (dip,) = episodes(results, [0.1, 0.6, 0.6, 0.36, 0.6, 0.1])
    assert (dip.onset_frame, dip.offset_frame) == (1, 4)
    two = episodes(results, [0.1, 0.6, 0.6, 0.7, 0.34, 0.6, 0.6, 0.6, 0.1])
    assert [(one.onset_frame, one.offset_frame) for one in two] == [(1, 3), (5, 7)]


def test_an_episode_begins_at_the_threshold_however_it_rises(results: Path) -> None:
    (one,) = episodes(results, [0.36, 0.45, 0.5, 0.6, 0.45, 0.36, 0.1])
    assert (one.onset_frame, one.offset_frame) == (2, 5)
    assert episodes(results, [0.45] * 20) == []


def test_shorter_than_a_tenth_of_a_second_is_no_episode(results: Path) -> None:
    assert episodes(results, [0.1, 0.9, 0.9, 0.1]) == []
    assert len(episodes(results, [0.1, 0.9, 0.9, 0.9, 0.1])) == 1
    assert len(episodes(results, [0.1, 0.9, 0.1], rate=8.0)) == 1


def test_a_face_that_is_gone_for_long_ends_the_episode(results: Path) -> None:
    blink = [*range(10), *range(16, 30)]  # 0.24 s lack
    gone = [*range(10), *range(17, 30)]  # 0.28 s
    assert len(episodes(results, [0.9] * len(blink), rows=blink)) == 1
    (before, after) = episodes(results, [0.9] * len(gone), rows=gone)
    assert (before.offset_frame, after.onset_frame) == (9, 17)


def test_every_frame_at_or_above_the_threshold_lies_in_an_episode_or_was_too_short(results: Path) -> None:
    values = np.random.default_rng(0).random(200)
    found = episodes(results, values.tolist(), rate=5.0)
    inside = np.zeros(200, bool)
    for one in found:
        assert not inside[one.onset_frame : one.offset_frame + 1].any()
        inside[one.onset_frame : one.offset_frame + 1] = True
        assert one.onset <= one.apex < one.offset
        assert one.strength == pytest.approx(values[one.onset_frame : one.offset_frame + 1].max())
    assert inside[values >= 0.5].all()
    assert not inside[values < 0.35].any()


def test_the_table_has_a_row_for_each_episode(results: Path) -> None:
    recordings: list[Recording] = read_recordings(results)
    table = episode_table(recordings)
    assert table[["file", "who", "values", "au", "name"]].to_numpy().tolist() == [
        ["clips/talk.mp4", "person 1", "raw", "AU12", "lip corner puller"]
    ]
    assert table["duration"].tolist() == [1.0]
    assert table["exact_to"].tolist() == [0.04]
    assert list(episode_table([]).columns) == list(table.columns)


def test_times_are_as_exact_as_the_frames_that_were_read(results: Path) -> None:
    """Of every fifth frame nothing is known to less than a fifth of a second."""
    clip = read_recordings(results)[0]
    track = clip.tracks[0]
    kept = np.flatnonzero(track.rows % 5 == 0)
    few = replace(track, rows=track.rows[kept] // 5, values=track.values[kept], present=track.present[kept])
    table = episode_table([replace(clip, frames=clip.frames[::5], times=clip.times[::5], tracks=(few,))])
    assert table[["onset", "offset", "exact_to"]].to_numpy().tolist() == [[0.4, 1.4, 0.2]]


def test_episodes_with_the_own_zero_taken_out_stand_beside_the_raw_ones(results: Path) -> None:
    clip = read_recordings(results)[0]
    track = clip.tracks[0]
    lower = replace(track, zeroed=track.values - 0.25)  # 0.5 is reached from frame 18 to 22 only
    table = episode_table([replace(clip, tracks=(lower,))])
    assert table[["values", "onset_frame", "apex_frame"]].to_numpy().tolist() == [
        ["raw", 10, 20],
        ["zeroed", 13, 20],
    ]
    names = [*tiers_of(replace(clip, tracks=(lower,)))]
    assert names == [f"person 1 AU12 lip corner puller{end}" for end in ("", " (zeroed)")]
    marked = tiers_of(replace(clip, unreliable_aus=frozenset({12})))
    assert list(marked) == ["person 1 ~AU12 lip corner puller"]


def test_a_part_that_is_hidden_for_long_ends_the_episode(results: Path) -> None:
    blink = [0.9] * 10 + [np.nan] * 6 + [0.9] * 10
    assert [(one.onset_frame, one.offset_frame) for one in episodes(results, blink)] == [(0, 25)]
    gone = [0.9] * 10 + [np.nan] * 7 + [0.9] * 10
    assert [(one.onset_frame, one.offset_frame) for one in episodes(results, gone)] == [(0, 9), (17, 26)]
    assert episodes(results, [np.nan] * 20) == []


def test_episodes_do_not_overlap_where_frames_come_faster(results: Path) -> None:
    clip = read_recordings(results)[0]
    times = np.cumsum([0.1] * 150 + [0.02] * 50)
    values = np.zeros((200, len(clip.aus)), np.float32)
    values[150:, clip.aus.index(12)] = [0.9] * 20 + [0.1] + [0.9] * 29
    track = replace(clip.tracks[0], rows=np.arange(200), values=values)
    first, second = episodes_of(replace(clip, frames=np.arange(200), times=times), track)
    assert first.offset == times[170]
    assert second.onset == times[171]
