"""Episodes: when an Action Unit begins, is strongest, and ends.

The rule: an episode begins with the first frame whose value reaches the Action Unit's threshold, goes on
while values stay above `STAYS` of it, and is at its apex where the value is largest (the first such frame).
It ends with the last frame before the fall, or before the face or what shows the
Action Unit is gone for longer than `GAP` seconds.
Episodes shorter than `SHORTEST` seconds are left out: one frame of a usual video is no movement.
Nothing is known of the time between two frames that were read, so times are exact to `Recording.exact_to`.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from idennet.facs import NAMES, column
from idennet.timelines.recording import Recording, Track

STAYS = 0.7
"""Share of the threshold above which an episode that has begun goes on."""

SHORTEST = 0.1
GAP = 0.25
"""Seconds."""


@dataclass(frozen=True)
class Episode:
    """One movement of a face.

    Attributes:
        clip: Name of the recording.
        who: Name of the track.
        zeroed: Whether this person's zero is taken out of the values.
        au: The Action Unit.
        onset: Time of its first frame, seconds.
        apex: Time of its strongest frame.
        offset: Time at which its last frame ends: a usual frame later, or when the next one begins.
        strength: Value at the apex, 0 to 1.
        mean: Mean value.
        onset_frame: Number of its first frame.
        apex_frame: Number of its strongest frame.
        offset_frame: Number of its last frame.
    """

    clip: str
    who: str
    zeroed: bool
    au: int
    onset: float
    apex: float
    offset: float
    strength: float
    mean: float
    onset_frame: int
    apex_frame: int
    offset_frame: int


def episodes_of(recording: Recording, track: Track, *, zeroed: bool = False) -> list[Episode]:
    """Return the episodes of one track of a clip by onset; none for photographs.

    Args:
        recording: The clip.
        track: Of the clip.
        zeroed: Take the values from which this person's zero is taken out; where there are none, none.
    """
    source = track.zeroed if zeroed else track.values
    if recording.times is None or source is None:
        return []
    step, begins = recording.step, recording.times
    ends = np.minimum(begins + step, np.r_[begins[1:], np.inf])
    found = []
    for index, au in enumerate(recording.aus):
        seen = ~np.isnan(source[:, index])
        rows, values, threshold = track.rows[seen], source[seen, index], float(recording.thresholds[index])
        times, frames = begins[rows], recording.frames[rows]
        torn = np.diff(times) > GAP + step
        for first, last in _runs(values >= threshold, values > STAYS * threshold, torn):
            offset = float(ends[rows[last]])
            if offset - times[first] < SHORTEST - 1e-6:
                continue
            own = values[first : last + 1]
            top = first + int(own.argmax())
            found.append(
                Episode(
                    recording.name, track.name, zeroed, au,
                    float(times[first]), float(times[top]), offset,
                    float(values[top]), float(own.mean()),
                    int(frames[first]), int(frames[top]), int(frames[last]),
                )
            )  # fmt: skip
    return sorted(found, key=lambda episode: (episode.onset, episode.au))


def _runs(high: np.ndarray, stays: np.ndarray, torn: np.ndarray) -> list[tuple[int, int]]:
    """Return first and last index of each run that begins high and stays, without a tear in it (K - 1,)."""
    starts = np.r_[True, ~stays[:-1] | ~stays[1:] | torn] if len(stays) else np.zeros(0, bool)
    edges = [*np.flatnonzero(starts).tolist(), len(stays)]
    runs = []
    for first, end in pairwise(edges):
        if high[first:end].any():
            runs.append((first + int(high[first:end].argmax()), end - 1))
    return runs


def episode_table(recordings: list[Recording]) -> pd.DataFrame:
    """Return all episodes, one row each; docs/outputs.md says what the columns mean."""
    rows = [
        {
            "file": episode.clip, "who": episode.who,
            "values": "zeroed" if episode.zeroed else "raw",
            "au": column(episode.au), "name": NAMES[episode.au],
            "onset": round(episode.onset, 4), "apex": round(episode.apex, 4),
            "offset": round(episode.offset, 4), "duration": round(episode.offset - episode.onset, 4),
            "exact_to": round(recording.exact_to, 4),
            "strength": round(episode.strength, 4), "mean": round(episode.mean, 4),
            "onset_frame": episode.onset_frame, "apex_frame": episode.apex_frame,
            "offset_frame": episode.offset_frame,
        }
        for recording in recordings
        for track in recording.tracks
        for zeroed in (False, True)
        for episode in episodes_of(recording, track, zeroed=zeroed)
    ]  # fmt: skip
    names = (
        "file who values au name onset apex offset duration exact_to strength mean "
        "onset_frame apex_frame offset_frame"
    )
    return pd.DataFrame(rows, columns=pd.Index(names.split()))
