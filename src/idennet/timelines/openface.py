"""Tables of OpenFace 2.2, in and out, for scripts that were written for it.

Columns are named as OpenFace 2.2 names them, without spaces after the commas (older versions have some, and
both are read). A frame without the face has zeros and `success` 0, as there. Each photograph has a table of
its own, with `face` from 0 in place of the columns of time.

What OpenFace means by a column, and what stands in it here:

* `AU12_r`, intensity 0 to 5: that of the weights, else five times the probability.
* `AU12_c`, presence: whether the probability reaches its threshold.
* `AU45`, blink: AU43, eyes closed.
* `pose_Rx`, `pose_Ry`, `pose_Rz`: radians; positive when the face looks down, when the nose points to
  the picture's left, and when the head leans clockwise in it.
* `timestamp`: seconds; `frame` counts from 1.
* `face_id`: the number of the person where people were told apart, and -1, -2, ... for faces that belong to
  none; else the faces of the clip from 0.

Gaze, landmarks of the eyes and in space, and `pose_T*` do not exist here and are left out, as OpenFace leaves
them out when called with `-2Dfp -pose -aus`.
"""

from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from idennet.errors import InputError
from idennet.facs import NAMES, column
from idennet.inference.result import NUM_LANDMARKS

if TYPE_CHECKING:
    from idennet.timelines.recording import Recording, Track

BLINK, CLOSED = 45, 43
"""OpenFace's number for a blink, and that of closed eyes."""

GRADED_AUS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, BLINK)
CODED_AUS = (*GRADED_AUS[:-1], 28, BLINK)
"""Action Units with a column `_r`, and with a column `_c`."""

STRONGEST = 5.0
PRESENT_FROM = 0.2
"""Fifth of an intensity from which an Action Unit counts as begun, where a table has no `_c`: 1, a trace."""

_POSE = ("pose_Rx", "pose_Ry", "pose_Rz")
_POINTS = [f"{axis}_{point}" for axis in "xy" for point in range(NUM_LANDMARKS)]


def is_openface(names: Sequence[str]) -> bool:
    """Say whether these columns are those of a table of OpenFace, of a clip or of a photograph."""
    return {"confidence", "AU12_r"} <= set(names) and ("frame" in names or "face" in names)


def openface_table(clip: "Recording") -> pd.DataFrame:
    """Return a clip as OpenFace would have written it: a row for each track and frame.

    Without a track there is a row for each frame, without success.

    Raises:
        InputError: The recording has no time.
    """
    if clip.times is None:
        raise InputError("These are photographs, of which OpenFace writes a table each.")
    parts = []
    tracks = clip.tracks or (clip.nobody,)
    for face, track in zip(_face_ids(tracks), tracks, strict=True):
        read = _read(clip, track)
        values = np.zeros((len(clip.times), read.shape[1]), np.float32)
        values[track.rows] = read
        table = pd.DataFrame(values, columns=read.columns)
        table.insert(1, "success", (table["confidence"] > 0).astype(int))
        head = {"frame": clip.frames + 1, "face_id": face, "timestamp": clip.times.round(3)}
        parts.append(pd.concat([pd.DataFrame(head), table], axis=1))
    return pd.concat(parts).sort_values(["frame", "face_id"], kind="stable", ignore_index=True)


def _face_ids(tracks: "Sequence[Track]") -> list[int]:
    people = [track.person for track in tracks]
    if not any(people):
        return list(range(len(people)))
    nobody = count(-1, -1)
    return [person or next(nobody) for person in people]


def openface_pictures(photographs: "Recording") -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield each photograph with a face, and its table as OpenFace would have written it: a row for each."""
    parts = [
        _read(photographs, track).assign(picture=track.rows, left=track.box[:, 0])
        for track in photographs.tracks
    ]
    faces = pd.concat(parts).sort_values(["picture", "left"], kind="stable", ignore_index=True)
    for picture in faces["picture"].unique():
        table = faces[faces["picture"] == picture].drop(columns=["picture", "left"])
        table.insert(0, "face", range(len(table)))
        yield photographs.files[picture], table


def _read(recording: "Recording", track: "Track") -> pd.DataFrame:
    """Return what was read of a track, a row for each frame in which it was found; NaN where it is hidden."""
    at = {BLINK if au == CLOSED else au: index for index, au in enumerate(recording.aus)}
    strengths = STRONGEST * track.values if track.intensities is None else track.intensities
    yaw, pitch, roll = np.radians(track.pose).T
    points = track.landmarks.swapaxes(1, 2).reshape(-1, 2 * NUM_LANDMARKS)
    graded, coded = ([au for au in aus if au in at] for aus in (GRADED_AUS, CODED_AUS))
    decisions = np.where(np.isnan(track.values), np.nan, track.present)[:, [at[au] for au in coded]]
    blocks = [
        pd.DataFrame(track.confidence.round(2), columns=["confidence"]).fillna(0),
        pd.DataFrame(np.stack([-pitch, -yaw, roll], axis=1).round(3), columns=list(_POSE)).fillna(0),
        pd.DataFrame(points.round(1), columns=_POINTS).fillna(0),
        pd.DataFrame(
            strengths[:, [at[au] for au in graded]].round(2), columns=[f"AU{au:02d}_r" for au in graded]
        ),
        pd.DataFrame(decisions, columns=[f"AU{au:02d}_c" for au in coded]),
    ]
    return pd.concat(blocks, axis=1)


def read_table(file: Path) -> tuple[pd.DataFrame, list[int]]:
    """Return a table of OpenFace, of a clip or of a photograph, with the columns of `idennet detect`.

    Also returns its Action Units.

    Their values are a fifth of the intensity; rows without success keep no face.

    Raises:
        InputError: The file is cut off or holds something else than numbers.
    """
    try:
        given = pd.read_csv(file, skipinitialspace=True, dtype=np.float64)
    except (ValueError, OSError) as error:
        raise InputError(f"{file} cannot be read as a table of OpenFace: {error}.") from error
    given.columns = [name.strip() for name in given.columns]
    names = {au: f"AU{BLINK if au == CLOSED else au:02d}" for au in NAMES}
    aus = [au for au, name in names.items() if f"{name}_r" in given]
    found = given.get("success", pd.Series(1.0, given.index)) > 0
    face = given.get("face_id", given.get("face", pd.Series(0.0, given.index)))
    unknown = pd.Series(np.nan, given.index)
    made: dict[str, object] = {
        "file": file.stem, "frame": given.get("frame", unknown) - 1,
        "time": given.get("timestamp", unknown),
        "face": face.where(found), "person": np.nan, "problem": None, "notes": None, "flags": None,
        "confidence": given.get("confidence", 1.0), "weights": "OpenFace",
    }  # fmt: skip
    for au in aus:
        values = given[f"{names[au]}_r"] / STRONGEST
        decided = given.get(f"{names[au]}_c", values >= PRESENT_FROM)
        made |= {column(au): values, f"{column(au)}_present": decided.astype(float)}
        made[f"{column(au)}_intensity"] = given[f"{names[au]}_r"]
    turned = dict(zip(("pitch", "yaw", "roll"), _POSE, strict=True))
    for name, angle in turned.items():
        sign = 1 if name == "roll" else -1
        made[name] = sign * np.degrees(given[angle]) if angle in given else np.nan
    points = given.reindex(columns=_POINTS)
    for axis, low, high in (("x", "box_x0", "box_x1"), ("y", "box_y0", "box_y1")):
        own = points[[f"{axis}_{point}" for point in range(NUM_LANDMARKS)]]
        made |= {low: own.min(axis=1), high: own.max(axis=1)}
        made |= {f"lm_{axis}{point}": own[f"{axis}_{point}"] for point in range(NUM_LANDMARKS)}
    return pd.DataFrame(made), aus
