"""What reading a picture gives: a `Result` with its faces, as a table, as plain data or drawn."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from idennet.errors import ImageError
from idennet.facs import PARTS, SIDED_AUS, column, columns
from idennet.inference.face import Face, Sides, Zeroed
from idennet.inference.overlay import draw_faces
from idennet.media.frame import Frame
from idennet.media.pictures import read_picture
from idennet.media.video import Video
from idennet.models.weights import Evidence

NO_FACE = "no face found"
NUM_LANDMARKS = 68
_LANDMARK_COLUMNS = tuple(f"lm_{axis}{point}" for point in range(NUM_LANDMARKS) for axis in "xy")

SCHEMA = "idennet-results/4"
"""Version of the columns and of `Result.to_dict`; another meaning gets another version."""


def table_columns(aus: Sequence[int], *, graded: bool = False, zeroed: bool = False) -> list[str]:
    """Return the columns of every table of results, in order; the same for a data frame and a CSV file.

    docs/outputs.md says what each means; `SCHEMA` names the version.

    Args:
        aus: Action Units of the network.
        graded: Whether it says how strong they are, on which side, and what is hidden.
        zeroed: Whether they are also given from each person's own zero.
    """
    names = columns(aus)
    return [
        *("file", "frame", "time", "face", "track", "person", "name", "person_certainty"),
        *("problem", "notes", "flags"),
        *names,
        *(f"{name}_present" for name in names),
        *(graded_columns(aus) if graded else ()),
        *(zeroed_columns(aus) if zeroed else ()),
        *("unreliable_aus", "renderings_only_aus"),
        *("confidence", "box_x0", "box_y0", "box_x1", "box_y1", "yaw", "pitch", "roll", "weights"),
        *_LANDMARK_COLUMNS,
    ]


def zeroed_columns(aus: Sequence[int]) -> list[str]:
    """Return the columns that only a person's own zero fills."""
    names = columns(aus)
    return [
        *(f"{name}_zeroed" for name in names),
        *(f"{name}_zeroed_present" for name in names),
        *("zero", "zero_looks", "zero_unsettled_aus"),
    ]


def graded_columns(aus: Sequence[int]) -> list[str]:
    """Return the columns that only graded networks fill: intensities, sides, hidden parts."""
    sided = [column(au) for au in aus if au in SIDED_AUS]
    return [
        *(f"{column(au)}_intensity" for au in aus),
        *(f"{name}_{side}" for name in sided for side in Sides._fields),
        *(f"{part}_hidden" for part in PARTS),
    ]


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """What was read from one picture.

    Attributes:
        source: What to call the picture: its path, or "picture 1" where pixels were given. Always printable.
        size: (width, height) in pixels after EXIF rotation, or None for an unreadable picture.
        faces: The faces found, possibly none.
        aus: Action Units that the network knows, in its order.
        weights: Version of the weights.
        graded: Whether the network says how strong Action Units are, on which side, and what is hidden.
        notes: What was changed while reading, for example a rotation or a dropped alpha channel.
        error: Why the picture could not be read, in one sentence, or None.
        defect: Whether that is the fault of IdenNet, not of the picture.
        path: The file, or None.
        frame: Number of the frame in its video, from 0; None for a photograph.
        time: Seconds since the start of the video; None for a photograph.
    """

    source: str
    size: tuple[int, int] | None
    faces: tuple[Face, ...]
    aus: tuple[int, ...]
    weights: str
    graded: bool = False
    notes: tuple[str, ...] = ()
    error: str | None = None
    defect: bool = False
    path: Path | None = None
    frame: int | None = None
    time: float | None = None
    _frame: Frame | None = None

    @property
    def problem(self) -> str | None:
        """Why there are no Action Units, or None when there are."""
        return self.error or (None if self.faces else NO_FACE)

    def with_note(self, note: str) -> "Result":
        """Return the same result with one more note."""
        return replace(self, notes=(*self.notes, note))

    def __repr__(self) -> str:
        """Return one line: the file, its size and the Action Units of each face."""
        if self.size is None:
            return f"<Result {self.source!r}: {self.problem}>"
        found = "; ".join(" ".join(map(face.marked, face.aus)) or "no Action Unit" for face in self.faces)
        count = f"{len(self.faces)} face{'s' * (len(self.faces) > 1)}: {found}" if self.faces else NO_FACE
        return f"<Result {self.source!r}, {self.size[0]} x {self.size[1]}, {count}>"

    def to_pandas(self, *, identity_embedding: bool = False) -> pd.DataFrame:
        """Return one row a face, or one row with empty values and a `problem` when there is none.

        Args:
            identity_embedding: Append the columns `id_0` to `id_255`.
        """
        return Results([self]).to_pandas(identity_embedding=identity_embedding)

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows of the table as dictionaries, without the keys of values that do not exist."""
        base: dict[str, Any] = {"file": self.source, "weights": self.weights}
        base |= {} if self.time is None else {"frame": self.frame, "time": round(self.time, 4)}
        base |= {"notes": "; ".join(self.notes)} if self.notes else {}
        if self.problem:
            return [base | {"problem": self.problem}]
        return [base | {"face": number} | _face_row(face) for number, face in enumerate(self.faces, start=1)]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "file": self.source,
            **({} if self.time is None else {"frame": self.frame, "time": round(self.time, 4)}),
            "size": None if self.size is None else list(self.size),
            "problem": self.problem,
            "notes": list(self.notes),
            "faces": [face.to_dict() for face in self.faces],
        }

    def draw(self, frame: Frame | None = None) -> Image.Image:
        """Return the picture, with boxes, landmarks and Action Units drawn on it.

        A photograph without room beside its faces gets a strip on the right; frames keep their size.

        Args:
            frame: The picture, if it is at hand; else one from a file is read again, so that results of many
                pictures stay small.

        Raises:
            ImageError: The picture could not be read.
        """
        if self.error:
            raise ImageError(self.error)
        frame = frame or self._frame or self._read_again()
        return draw_faces(frame.pixels, self.faces, may_widen=self.time is None)

    def _read_again(self) -> Frame:
        path = self.path or Path(self.source)
        if self.time is None:
            return read_picture(path)
        frame = next(iter(Video(path, start=self.time)), None)
        if frame is None:
            raise ImageError(f"{self.source} has no frame at second {self.time:.2f}.")
        return frame


class Results(list[Result]):
    """A list of results that also makes one table."""

    def to_pandas(self, *, identity_embedding: bool = False) -> pd.DataFrame:
        """Return the rows of all results under each other; columns as in `table_columns`.

        Args:
            identity_embedding: Append the columns `id_0` to `id_255`.
        """
        aus = tuple(dict.fromkeys(au for result in self for au in result.aus))
        faces = [face for result in self for face in result.faces]
        names = table_columns(
            aus,
            graded=any(result.graded for result in self),
            zeroed=any(face.zeroed is not None for face in faces),
        )
        table = pd.DataFrame([row for result in self for row in result.rows()], columns=pd.Index(names))
        whole = dict.fromkeys({"frame", "face", "track", "person", "zero_looks"} & set(names), "Int64")
        yes_or_no = [
            *(f"{name}{zeroed}_present" for name in columns(aus) for zeroed in ("", "_zeroed")),
            *(f"{part}_hidden" for part in PARTS),
        ]
        table = table.astype(whole | dict.fromkeys([name for name in yes_or_no if name in table], "Int8"))
        if identity_embedding:
            table = pd.concat([table, self._embeddings()], axis=1)
        return table.copy()  # in one piece: whoever adds columns gets no warning

    def _embeddings(self) -> pd.DataFrame:
        vectors = [
            None if face is None else face.identity_embedding
            for result in self
            for face in (result.faces or (None,))
        ]
        width = next((len(vector) for vector in vectors if vector is not None), 0)
        empty = np.full(width, np.nan, np.float32)
        table = np.array([empty if vector is None else vector for vector in vectors], np.float32)
        return pd.DataFrame(
            table.reshape(len(vectors), width), columns=pd.Index([f"id_{i}" for i in range(width)])
        )


def _face_row(face: Face) -> dict[str, Any]:
    row: dict[str, Any] = {} if face.track is None else {"track": face.track}
    row |= face.who
    row |= {"flags": " ".join(face.flags)} if face.flags else {}
    row["confidence"] = round(face.confidence, 4)
    for au in face.ranked_aus:
        row[column(au)] = round(face.au_probs[au], 4)
        row[f"{column(au)}_present"] = int(bool(face.au_occurrences[au]))
    if face.au_intensities:
        strengths = {f"{column(au)}_intensity": strength for au, strength in face.au_intensities.items()}
        for au, sides in face.au_sides.items():
            strengths |= {f"{column(au)}_{side}": strength for side, strength in sides._asdict().items()}
        row |= {name: round(strength, 2) for name, strength in strengths.items() if not isnan(strength)}
        row |= {f"{part}_hidden": int(part in face.hidden) for part in PARTS}
    if face.zeroed is not None:
        row |= _zeroed_cells(face.zeroed)
    row["unreliable_aus"] = " ".join(columns(au for au in face.au_probs if au in face.unreliable_aus))
    row["renderings_only_aus"] = " ".join(
        columns(au for au, grade in face.au_evidence.items() if grade == Evidence.RENDERINGS)
    )
    row |= {f"box_{name}": round(float(value), 2) for name, value in face.box._asdict().items()}
    if face.pose is not None:
        row |= {name: round(value, 2) for name, value in face.pose._asdict().items()}
    points = np.round(face.landmarks.astype(float), 2).ravel().tolist()
    return row | dict(zip(_LANDMARK_COLUMNS, points, strict=True))


def _zeroed_cells(zeroed: Zeroed) -> dict[str, Any]:
    read = {au: prob for au, prob in zeroed.au_probs.items() if not isnan(prob)}
    return {
        **{f"{column(au)}_zeroed": round(prob, 4) for au, prob in read.items()},
        **{f"{column(au)}_zeroed_present": int(bool(zeroed.au_occurrences[au])) for au in read},
        "zero": zeroed.way,
        "zero_looks": zeroed.looks,
        "zero_unsettled_aus": " ".join(columns(au for au in zeroed.au_probs if au in zeroed.unsettled_aus)),
    }
