"""A page of faces from a corpus, each with its subject and Action Units."""

import json
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw, ImageFont

from idennet import facs
from idennet.errors import InputError, StoreError

TILE = 160
GAP = 6
LINE = 15
PAPER, INK, PALE = (250, 249, 246), (38, 38, 40), (128, 128, 132)


def contact_sheet(corpus: Path, out: Path, rows: int = 6, columns: int = 8) -> Path:
    """Draw frames of a corpus on one page and return the page's path.

    Each row shows one subject; subjects are spread over the corpus. A subject's frames are cut into as many
    runs as there are columns, and each run shows its frame with the most Action Units. The caption holds the
    Action Units that occur, in FACS notation ("6+12").

    Args:
        corpus: Folder of the corpus.
        out: Picture to write; its suffix decides the format, JPEG or PNG.
        rows: Number of subjects.
        columns: Number of frames of each subject.

    Raises:
        StoreError: The folder holds no corpus, or no subject is rendered yet.
        InputError: Rows or columns are below 1, or the format is unknown.
    """
    if rows < 1 or columns < 1:
        raise InputError(f"A sheet of {rows} x {columns} frames is not possible; give at least 1 x 1.")
    if out.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise InputError(f"{out} is neither PNG nor JPEG; give a name that ends in .png or .jpg.")
    description = corpus / "corpus.json"
    files = sorted(corpus.glob("subjects/*.parquet"))
    if not description.is_file() or not files:
        raise StoreError(f"{corpus} holds no rendered subject; render one with: idennet synth render.")
    rows = min(rows, len(files))
    aus: list[int] = json.loads(description.read_text())["aus"]
    height = TILE + LINE * (2 if aus else 1) + GAP
    page = Image.new("RGB", (columns * (TILE + GAP) + GAP, rows * height + GAP), PAPER)
    for row, file in enumerate(files[k] for k in _spread(len(files), rows)):
        table = pd.read_parquet(file)
        for place, run in enumerate(np.array_split(np.arange(len(table)), min(columns, len(table)))):
            corner = GAP + place * (TILE + GAP), GAP + row * height
            present = (table.iloc[run][facs.columns(aus)] == 1).sum(axis=1)
            _draw(page, corner, table.iloc[run[int(present.to_numpy().argmax())]], aus)
    out.parent.mkdir(parents=True, exist_ok=True)
    page.save(out, quality=84, optimize=True)
    return out


def _spread(count: int, wanted: int) -> list[int]:
    """Return `wanted` positions spread evenly over `count`, the first and the last included."""
    return [round(k) for k in np.linspace(0, count - 1, wanted)]


def _draw(page: Image.Image, corner: tuple[int, int], frame: pd.Series, aus: Sequence[int]) -> None:
    with Image.open(BytesIO(frame["image"])) as picture:
        page.paste(picture.convert("RGB").resize((TILE, TILE), Image.Resampling.LANCZOS), corner)
    left, top = corner[0] + 2, corner[1] + TILE + 2
    pen = ImageDraw.Draw(page)
    pen.text((left, top), f"{frame['subject']} · {frame['sequence']}", PALE, ImageFont.load_default(10))
    if aus:
        absent = "neutral" if len(aus) == len(facs.SYNFACS_AUS) else "none coded"
        present = "+".join(str(au) for au in aus if frame[facs.column(au)] == 1)
        pen.text((left, top + 12), present or absent, INK, ImageFont.load_default(12))
