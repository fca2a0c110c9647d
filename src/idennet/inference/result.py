"""What reading a picture gives: a `Result` with its faces, as a table, as plain data or drawn."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from idennet.errors import ImageError
from idennet.facs import column, columns
from idennet.inference.face import Face
from idennet.inference.overlay import draw_faces
from idennet.media.frame import Frame
from idennet.media.pictures import read_picture

NO_FACE = "no face found"
NUM_LANDMARKS = 68


def table_columns(aus: Iterable[int]) -> list[str]:
    """Return the columns of every table of results, in order; the same for a data frame and a CSV file.

    * `file`: path, or name of a picture given as an array; `face`: number of the face in it, from 1
    * `problem`: why there are no values: "no face found" or the sentence of an unreadable picture
    * `AU12`: 1 occurs, 0 does not; `AU12_prob`: probability, 0 to 1
    * `unreliable_aus`: those of the Action Units that the weights read unreliably, such as "AU15 AU23"
    * `confidence`: the detector's, 0 to 1; `box_x0` to `box_y1`: pixels; `yaw`, `pitch`, `roll`: degrees
    * `model_version`: the weights
    * `lm_x0`, `lm_y0` to `lm_x67`, `lm_y67`: landmarks in pixels
    """
    names = columns(aus)
    return [
        *("file", "face", "problem"),
        *names,
        *(f"{name}_prob" for name in names),
        "unreliable_aus",
        *("confidence", "box_x0", "box_y0", "box_x1", "box_y1", "yaw", "pitch", "roll", "model_version"),
        *(f"lm_{axis}{point}" for point in range(NUM_LANDMARKS) for axis in "xy"),
    ]


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """What was read from one picture.

    Attributes:
        source: Path of the picture, or a name such as "picture 1" where pixels were given.
        size: (width, height) in pixels after EXIF rotation, or None for an unreadable picture.
        faces: The faces found, possibly none.
        aus: Action Units that the network knows, in its order.
        model_version: Version of the weights.
        notes: What was changed while reading, for example a rotation or a dropped alpha channel.
        error: Why the picture could not be read, in one sentence, or None.
    """

    source: str
    size: tuple[int, int] | None
    faces: tuple[Face, ...]
    aus: tuple[int, ...]
    model_version: str
    notes: tuple[str, ...] = ()
    error: str | None = None
    _frame: Frame | None = None

    @property
    def problem(self) -> str | None:
        """Why there are no Action Units, or None when there are."""
        return self.error or (None if self.faces else NO_FACE)

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
        base = {"file": self.source, "model_version": self.model_version}
        if self.problem:
            return [base | {"problem": self.problem}]
        return [base | {"face": number} | _face_row(face) for number, face in enumerate(self.faces, start=1)]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "file": self.source,
            "size": None if self.size is None else list(self.size),
            "problem": self.problem,
            "notes": list(self.notes),
            "faces": [face.to_dict() for face in self.faces],
        }

    def draw(self) -> Image.Image:
        """Return the picture, in its own size, with boxes, landmarks and Action Units drawn on it.

        A picture from a file is read again, so that results of many pictures stay small.

        Raises:
            ImageError: The picture could not be read.
        """
        if self.error:
            raise ImageError(self.error)
        frame = self._frame if self._frame is not None else read_picture(self.source)
        return draw_faces(frame.pixels, self.faces)


class Results(list[Result]):
    """A list of results that also makes one table."""

    def to_pandas(self, *, identity_embedding: bool = False) -> pd.DataFrame:
        """Return the rows of all results under each other; columns as in `table_columns`.

        Args:
            identity_embedding: Append the columns `id_0` to `id_255`.
        """
        aus = tuple(dict.fromkeys(au for result in self for au in result.aus))
        table = pd.DataFrame(
            [row for result in self for row in result.rows()], columns=pd.Index(table_columns(aus))
        )
        table = table.astype({"face": "Int64"} | dict.fromkeys(columns(aus), "Int8"))
        if identity_embedding:
            table = pd.concat([table, self._embeddings()], axis=1)
        return table

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
    row: dict[str, Any] = {"confidence": round(face.confidence, 4)}
    for au, prob in face.au_probs.items():
        row[column(au)] = int(face.au_occurrences[au])
        row[f"{column(au)}_prob"] = round(prob, 4)
    row["unreliable_aus"] = " ".join(columns(au for au in face.au_probs if au in face.unreliable_aus))
    row |= {f"box_{name}": round(float(value), 2) for name, value in face.box._asdict().items()}
    if face.pose is not None:
        row |= {name: round(value, 2) for name, value in face.pose._asdict().items()}
    for point, (x, y) in enumerate(np.round(face.landmarks.astype(float), 2).tolist()):
        row |= {f"lm_x{point}": x, f"lm_y{point}": y}
    return row
