"""A SynFACS folder with drawn pictures, written after docs/architecture.md without the renderer."""

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

SIDE = 160
EYES = np.array([[60.0, 60.0], [100.0, 60.0]])


def landmarks(eyes: np.ndarray = EYES) -> np.ndarray:
    """Points (68, 2) with the given eye centres."""
    points = np.tile(eyes.mean(axis=0), (68, 1)).astype(np.float32)
    points[36:42], points[42:48] = eyes
    return points


def drawing(shade: int, eyes: np.ndarray = EYES) -> np.ndarray:
    """A flat picture (160, 160, 3) with a white 5 x 5 square at each eye."""
    picture = np.full((SIDE, SIDE, 3), shade, dtype=np.uint8)
    for x, y in np.round(eyes).astype(int):
        picture[y - 2 : y + 3, x - 2 : x + 3] = 255
    return picture


def png(picture: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    return stream.getvalue()


def subject_table(subject: str, shade: int, frames: int, coded: bool = True) -> pd.DataFrame:
    """Rows of one subject; AU12 occurs in odd frames with an intensity of a tenth of the frame number."""
    rows = []
    for frame in range(frames):
        eyes = EYES + np.array([frame, -frame])
        rows.append(
            {
                "subject": subject,
                "sequence": "smile",
                "frame": frame,
                "image": png(drawing(shade, eyes)),
                "landmarks": landmarks(eyes).ravel(),
                "AU12": frame % 2 if coded else -1,
                "AU12_intensity": np.float32(frame / 10 if coded else np.nan),
                "AU1": -1,
                "AU1_intensity": np.float32(np.nan),
                "age": 0.5,
            }
        )
    return pd.DataFrame(rows).astype({"AU12": np.int8, "AU1": np.int8})


def write_corpus(
    root: Path, name: str = "drawn", subjects: int = 3, frames: int = 4, coded: bool = True
) -> Path:
    (root / "subjects").mkdir(parents=True)
    description = {"format": 1, "name": name, "seed": 0, "frame_size": SIDE, "aus": [1, 12], "digest": "0"}
    (root / "corpus.json").write_text(json.dumps(description))
    for number in range(1, subjects + 1):
        table = subject_table(f"synfacs-{name}/{number:04d}", 10 * number, frames, coded)
        table.to_parquet(root / "subjects" / f"{number:04d}.parquet", index=False)
    return root
