"""What `idennet export` writes: one table for all recordings, and files of other programs for each clip."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from idennet.files import write_text
from idennet.timelines.annotations import elan, praat
from idennet.timelines.episodes import episode_table
from idennet.timelines.openface import openface_pictures, openface_table
from idennet.timelines.parquet import write_parquet
from idennet.timelines.recording import Recording, read_recordings

EPISODES_NAME = "episodes.csv"
PICTURES_NAME = "photographs.openface"
"""Folder of the tables of photographs."""

PICTURES_LIST_NAME = "photographs.files.csv"
"""Which of these tables is whose: those of `a/1.jpg` and `b/1.jpg` are `1.csv` and `1-2.csv`."""

_LONGEST_STEM = 200  # bytes; file systems allow 255, and suffixes take a part


def export(source: Path, out: Path) -> Iterator[Path]:
    """Write what other programs read, and yield each file or folder.

    Args:
        source: A folder of `idennet detect --out`, or a CSV file of OpenFace.
        out: Folder to write to; made when it does not exist.

    Raises:
        InputError: `source` is neither, or holds no face; its rows are written as Parquet all the same.
    """
    out.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        yield write_parquet(source, out)
    recordings = read_recordings(source)
    clips = [recording for recording in recordings if recording.times is not None]
    if clips:
        write_text(out / EPISODES_NAME, episode_table(clips).to_csv(index=False, lineterminator="\n"))
        yield out / EPISODES_NAME
    for clip, name in zip(clips, file_names([clip.name for clip in clips]), strict=True):
        files = {
            f"{name}.openface.csv": openface_table(clip).to_csv(index=False, lineterminator="\n"),
            f"{name}.eaf": elan(clip, clip.video).decode(),
            f"{name}.TextGrid": praat(clip),
        }
        for file, text in files.items():
            write_text(out / file, text)
            yield out / file
    for photographs in recordings:
        if photographs.times is None and photographs.tracks:
            yield from _write_pictures(photographs, out)


def _write_pictures(photographs: Recording, out: Path) -> Iterator[Path]:
    """Write a table for each photograph with a face, as OpenFace does, and which is whose."""
    folder = out / PICTURES_NAME
    folder.mkdir(exist_ok=True)
    files, tables = zip(*openface_pictures(photographs), strict=True)
    names = [f"{name}.csv" for name in file_names(files)]
    for name, table in zip(names, tables, strict=True):
        write_text(folder / name, table.to_csv(index=False, lineterminator="\n"))
    listed = pd.DataFrame({"table": names, "file": files})
    write_text(out / PICTURES_LIST_NAME, listed.to_csv(index=False, lineterminator="\n"))
    yield from (folder, out / PICTURES_LIST_NAME)


def file_names(sources: Sequence[str]) -> list[str]:
    """Return a name for the files of each source: its own, without folder and suffix, or with a number."""
    names: dict[str, None] = {}
    for source in sources:
        stem = Path(os.path.basename(source)).stem or "recording"  # noqa: PTH119 - any text
        stem = stem.encode()[:_LONGEST_STEM].decode(errors="ignore")
        names[next(name for name in _variants(stem) if name not in names)] = None
    return list(names)


def _variants(stem: str) -> Iterator[str]:
    yield stem
    number = 2
    while True:
        yield f"{stem}-{number}"
        number += 1
