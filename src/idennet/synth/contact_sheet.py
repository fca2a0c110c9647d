"""A page of faces from a corpus, each with its subject and Action Units."""

import json
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw, ImageFont

from idennet.errors import InputError, StoreError
from idennet.facs import SYNFACS_AUS, column

TILE = 160
GAP = 6
LINE = 15
PAPER, INK, PALE = (250, 249, 246), (38, 38, 40), (128, 128, 132)


def contact_sheet(corpus: Path, out: Path, rows: int = 6, columns: int = 8) -> Path:
    """Draw frames of a corpus on one page and return the page's path.

    Each row shows frames of one subject, spread over its expressions; subjects are spread over the corpus.
    The caption holds the Action Units that occur, in FACS notation ("6+12"), or "neutral".

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
    coded = bool(json.loads(description.read_text())["aus"])
    height = TILE + LINE * (2 if coded else 1) + GAP
    page = Image.new("RGB", (columns * (TILE + GAP) + GAP, rows * height + GAP), PAPER)
    for row, file in enumerate(files[k] for k in _spread(len(files), rows)):
        table = pd.read_parquet(file)
        for place, index in enumerate(_spread(len(table), min(columns, len(table)))):
            corner = GAP + place * (TILE + GAP), GAP + row * height
            _draw(page, corner, table.iloc[index], coded)
    out.parent.mkdir(parents=True, exist_ok=True)
    page.save(out, quality=88, optimize=True)
    return out


def _spread(count: int, wanted: int) -> list[int]:
    """Return `wanted` positions spread evenly over `count`, the first and the last included."""
    return [round(k) for k in np.linspace(0, count - 1, wanted)]


def _draw(page: Image.Image, corner: tuple[int, int], frame: pd.Series, coded: bool) -> None:
    with Image.open(BytesIO(frame["image"])) as picture:
        page.paste(picture.convert("RGB").resize((TILE, TILE), Image.Resampling.LANCZOS), corner)
    left, top = corner[0] + 2, corner[1] + TILE + 2
    pen = ImageDraw.Draw(page)
    pen.text((left, top), f"{frame['subject']} · {frame['sequence']}", PALE, ImageFont.load_default(10))
    if coded:
        present = [str(au) for au in SYNFACS_AUS if frame[column(au)] == 1]
        pen.text((left, top + 12), "+".join(present) or "neutral", INK, ImageFont.load_default(12))
