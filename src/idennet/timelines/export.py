"""What `idennet export` writes: one table for all recordings, and files of other programs for each clip."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from idennet.files import write_text
from idennet.timelines.annotations import elan, praat
from idennet.timelines.episodes import episode_table
from idennet.timelines.openface import openface_table
from idennet.timelines.parquet import write_parquet
from idennet.timelines.recording import Recording, read_recordings

EPISODES_NAME = "episodes.csv"


def export(source: Path, out: Path) -> list[Path]:
    """Write what other programs read and return the files.

    Args:
        source: A folder of `idennet detect --out`, or a CSV file of OpenFace.
        out: Folder to write to; made when it does not exist.

    Raises:
        InputError: `source` is neither, or holds no face.
    """
    recordings = read_recordings(source)
    out.mkdir(parents=True, exist_ok=True)
    written = [write_parquet(source, out)] if source.is_dir() else []
    clips = [recording for recording in recordings if recording.times is not None]
    if clips:
        write_text(out / EPISODES_NAME, episode_table(clips).to_csv(index=False, lineterminator="\n"))
        written.append(out / EPISODES_NAME)
    for clip, name in zip(clips, file_names(clips), strict=True):
        if not clip.tracks:
            continue
        files = {
            f"{name}.openface.csv": openface_table(clip).to_csv(index=False, lineterminator="\n"),
            f"{name}.eaf": elan(clip, Path(clip.name)).decode(),
            f"{name}.TextGrid": praat(clip),
        }
        for file, text in files.items():
            write_text(out / file, text)
            written.append(out / file)
    return written


def file_names(recordings: Sequence[Recording]) -> list[str]:
    """Return a name for the files of each recording: its own, without folder and suffix, or with a number."""
    names: list[str] = []
    for recording in recordings:
        stem = Path(os.path.basename(recording.name)).stem or "recording"  # noqa: PTH119 - any text
        names.append(next(name for name in _variants(stem) if name not in names))
    return names


def _variants(stem: str) -> Iterator[str]:
    yield stem
    number = 2
    while True:
        yield f"{stem}-{number}"
        number += 1
