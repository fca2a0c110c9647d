"""What a person did in a recording, in numbers: how often, how long, how strongly, and what went together."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idennet.facs import NAMES, column
from idennet.timelines.episodes import episodes_of
from idennet.timelines.recording import Recording, Track


def summary_of(recording: Recording, track: Track) -> pd.DataFrame:
    """Return one row an Action Unit; docs/outputs.md says what the columns mean."""
    episodes = episodes_of(recording, track)
    rows = []
    for index, au in enumerate(recording.aus):
        own = [episode for episode in episodes if episode.au == au]
        lengths = [episode.offset - episode.onset for episode in own]
        values = pd.Series(track.values[:, index]).dropna()  # without frames in which it is hidden
        zeroed = pd.Series([] if track.zeroed is None else track.zeroed[:, index], dtype=float)
        rows.append(
            {
                "au": column(au),
                "name": NAMES[au],
                "unreliable": int(au in recording.unreliable_aus),
                "evidence": recording.evidence.get(au),
                "frames": len(values),
                "share_present": track.present[:, index].sum() / len(values) if len(values) else np.nan,
                "mean": values.mean(),
                "zeroed_mean": zeroed.mean(),
                "largest": values.max(),
                "episodes": len(own),
                "mean_duration": np.mean(lengths) if lengths else np.nan,
                "exact_to": recording.exact_to,
            }
        )
    return pd.DataFrame(rows)


def summary_table(recordings: list[Recording]) -> pd.DataFrame:
    """Return the summaries of all recordings and tracks under each other."""
    parts = []
    for recording in recordings:
        for track in recording.tracks:
            part = summary_of(recording, track).round(4)
            part.insert(0, "file", recording.name)
            part.insert(1, "who", track.name)
            parts.append(part)
    return pd.concat(parts, ignore_index=True)


def going_together(track: Track) -> NDArray[np.float64]:
    """Return (A, A): of the frames that show the row's Action Unit, the share that show the column's.

    Frames in which the column's is hidden do not count. NaN where none is left, as where the row's is never
    present.
    """
    present = track.present.astype(np.float64)
    with np.errstate(invalid="ignore"):
        return (present.T @ present) / (present.T @ ~np.isnan(track.values))
