"""From a data set to a face store: read, find where needed, align, write; interrupted, it continues.

Chunks of the source are prepared side by side in threads (decoding and warping release Python's lock) and
kept as parts of the store.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idennet import facs
from idennet.errors import ImageError, InputError
from idennet.faces.alignment import TEMPLATE, similarity, to_template, warp
from idennet.faces.landmarks import eye_centres
from idennet.learning.data.provenance import Origin, is_in_fake_tree
from idennet.learning.data.readers.records import Chunk, LeftOut, PublishedSource, Record, Source, Totals
from idennet.learning.data.reduced_jpeg import after_reduction, best_factor, read_reduced
from idennet.learning.data.store import LEFT_OUT, FaceStore
from idennet.learning.data.store_writer import FaceStoreWriter, Part

Locate = Callable[[NDArray[np.uint8]], NDArray[np.floating] | None]
"""Finds the landmarks (68, 2) of the one face of a picture (H, W, 3) that counts, or None."""

Progress = Callable[[int, int], None]
"""Told now and then: pictures done, pictures in all."""

Aligned = tuple[NDArray[np.uint8], NDArray[np.float64]]
"""A crop and its landmarks (68, 2)."""

NO_FACE = "no face found"
UNREADABLE = "unreadable"
NO_EYES = "landmarks without two eyes"


@dataclass(frozen=True)
class PrepareReport:
    """What `prepare` did.

    Attributes:
        store: The finished store.
        left_out: Number of pictures left out, for each reason; `left_out.csv` of the store lists them.
        differences: What the source has more or less of than was published, one phrase each.
        lost_subjects: Subjects with labels of whom nothing is left, such as one whose video is missing.
        cut_labels: One sentence for each label file that was cut off, as its neighbours show.
    """

    store: FaceStore
    left_out: dict[str, int]
    differences: tuple[str, ...] = ()
    lost_subjects: tuple[str, ...] = ()
    cut_labels: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether no labelled subject and no labels were lost."""
        return not self.lost_subjects and not self.cut_labels


def prepare(
    source: Source,
    out: str | Path,
    *,
    locate: Locate | None = None,
    landmark_jitter: float = 0.0,
    workers: int | None = None,
    progress: Progress | None = None,
) -> PrepareReport:
    """Write the face store of a source.

    Args:
        source: The data set.
        out: Folder of the store, new or unfinished: parts that are done are kept.
        locate: Finds the face in pictures without landmarks and eyes; called from several threads.
        landmark_jitter: Standard deviation, in pixels of the crop, by which each eye centre is moved in
            x and y for records with landmarks or eyes. It imitates the error of found landmarks, so that
            networks trained on exact ones are not surprised by it. The same record moves the same way always.
        workers: Threads; by default one a core.
        progress: Told how far it is.

    Raises:
        InputError: A record has no landmarks and `locate` is not given, or `landmark_jitter` is negative.
        StoreError: The source or the folder cannot be used, or no face was found.
    """
    if not 0 <= landmark_jitter <= 10:
        raise InputError(f"The landmark jitter must be from 0 to 10 pixels, not {landmark_jitter}.")
    chunks = source.chunks()
    keys = [chunk.key for chunk in chunks]
    total = sum(chunk.size for chunk in chunks)
    settings: dict[str, object] = {"landmark_jitter": landmark_jitter}
    published = None
    if isinstance(source, PublishedSource):
        settings |= source.settings
        published = source.published
    origin = Origin.FAKE_TREE if is_in_fake_tree(source.root) else source.origin
    with FaceStoreWriter(out, source.name, settings, origin=origin, published=published) as writer:
        missing = [chunk for chunk in chunks if not writer.has(chunk.key)]
        done = total - sum(chunk.size for chunk in missing)
        if progress:
            progress(done, total)

        def make(chunk: Chunk) -> int:
            writer.write(chunk.key, prepare_chunk(chunk, locate, landmark_jitter))
            return chunk.size

        pool = ThreadPoolExecutor(workers or os.cpu_count() or 1)
        try:
            for future in as_completed([pool.submit(make, chunk) for chunk in missing]):
                done += future.result()
                if progress:
                    progress(done, total)
        finally:
            pool.shutdown(cancel_futures=True)
        store = writer.finish(keys)
    listed = pd.read_csv(store.path / LEFT_OUT, dtype=str)
    reasons = Counter(reason.split(":")[0] for reason in listed["reason"])
    lost = sorted(set(listed["subject"]) - set(store.subjects))
    sequences = len(store.frames[["subject", "sequence"]].drop_duplicates())
    totals = Totals(len(store) + reasons.total(), len(store.subjects), sequences)
    differences = totals.differences(published) if published else []
    cut = source.cut_labels() if isinstance(source, PublishedSource) else []
    return PrepareReport(store, dict(reasons), tuple(differences), tuple(lost), tuple(cut))


def prepare_chunk(chunk: Chunk, locate: Locate | None, landmark_jitter: float) -> Part:
    """Align the faces of one chunk; pictures that cannot be used are listed with the reason."""
    faces = np.empty((chunk.size, TEMPLATE.size, TEMPLATE.size, 3), np.uint8)
    rows: list[dict[str, object]] = []
    left_out: list[tuple[str, str, str]] = []
    for record in chunk.read():
        if isinstance(record, LeftOut):
            left_out.append((record.name, record.reason, "/".join(record.name.split("/")[:2])))
            continue
        aligned = _align(record, locate, landmark_jitter)
        if isinstance(aligned, str):
            left_out.append((record.name, aligned, record.subject))
            continue
        faces[len(rows)], landmarks = aligned
        rows.append(_row(record, landmarks))
    columns = None if rows else ["subject", "sequence", "frame", "landmarks"]
    return Part(faces[: len(rows)], pd.DataFrame(rows, columns=columns), left_out)


def _align(record: Record, locate: Locate | None, landmark_jitter: float) -> Aligned | str:
    """Return the crop and its landmarks (68, 2), NaN where unknown, or why there is none.

    Raises:
        InputError: The record has no points and there is no finder.
    """
    eyes = record.eyes if record.landmarks is None else eye_centres(record.landmarks)
    if eyes is None and locate is None:
        raise InputError(f"{record.name} comes without landmarks; prepare needs a face finder for it.")
    try:
        if eyes is not None:
            return _align_given(record, eyes, landmark_jitter)
        assert locate is not None, "checked above"
        return _align_found(record, locate)
    except ImageError as error:
        return f"{UNREADABLE}: {error}"
    except InputError:  # of `similarity`
        return NO_EYES


def _align_found(record: Record, locate: Locate) -> Aligned | str:
    """Find the face and align it."""
    picture = record.load().pixels
    landmarks = locate(picture)
    if landmarks is None:
        return NO_FACE
    matrix = similarity(eye_centres(landmarks), TEMPLATE.eyes)
    return warp(picture, matrix, TEMPLATE.size), to_template(landmarks, matrix)


def _align_given(record: Record, eyes: NDArray[np.floating], landmark_jitter: float) -> Aligned:
    """Align by the record's eyes (2, 2); a JPEG of a large face is decoded at a part of its size."""
    landmarks = np.full((68, 2), np.nan) if record.landmarks is None else record.landmarks
    matrix = similarity(eyes, TEMPLATE.eyes + _jitter(record, landmark_jitter))
    factor = best_factor(matrix)
    reduced = None
    if factor > 1 and not isinstance(record.image, np.ndarray):
        reduced = read_reduced(record.image, factor)
    if reduced is None:
        crop = warp(record.load().pixels, matrix, TEMPLATE.size)
    else:
        crop = warp(reduced, after_reduction(matrix, factor), TEMPLATE.size)
    return crop, to_template(landmarks, matrix)


def _jitter(record: Record, deviation: float) -> NDArray[np.float64]:
    """Return by how much (2, 2) the places where the eyes land are moved; the same for the same record."""
    text = f"{record.subject}\n{record.sequence}\n{record.frame}".encode()
    generator = np.random.default_rng(int.from_bytes(hashlib.sha256(text).digest()[:8], "big"))
    return generator.normal(0.0, deviation, size=(2, 2))


def _row(record: Record, landmarks: NDArray[np.float64]) -> dict[str, object]:
    """Return the record's row of the store's table."""
    return {
        "subject": record.subject,
        "sequence": record.sequence,
        "frame": record.frame,
        "landmarks": landmarks.astype(np.float32).ravel(),
        **{facs.column(au): label for au, label in record.au_labels.items()},
        **{f"{facs.column(au)}_intensity": value for au, value in record.au_intensities.items()},
        **{
            name: value
            for au, both in record.au_sides.items()
            for name, value in zip(facs.side_columns(au), both, strict=True)
        },
        **{facs.visible_column(part): seen for part, seen in record.visible.items()},
    }
