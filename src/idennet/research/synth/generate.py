"""Rendering a corpus to disk: one Parquet file a subject, each complete when it appears.

Every subject has its own random numbers, drawn from the seed, the corpus's name and the subject's number;
so pictures do not depend on the number of processes, and an interrupted run goes on where it stopped.
"""

import json
import multiprocessing
import signal
import zlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TimeRemainingColumn
from rich.text import Text

from idennet.errors import StoreError
from idennet.facs import (
    MISSING,
    PARTS,
    SIDED_AUS,
    SYNFACS_AUS,
    column,
    side_columns,
    visible_column,
)
from idennet.files import draft_of, draft_path, write_text
from idennet.research.synth.build import build_appearance
from idennet.research.synth.confounders import confounded
from idennet.research.synth.corpora import CorpusConfig
from idennet.research.synth.eyeballs import gaze_past
from idennet.research.synth.facemodel import load_face_model
from idennet.research.synth.identity import sample_traits
from idennet.research.synth.renderer import VERSION, Frame, Renderer
from idennet.research.synth.scenarios import sample_clip, sample_expression, sample_one_sided
from idennet.research.synth.staging import sample_scenes
from idennet.research.synth.traits import Traits

FORMAT = 1
STARTING = "Starting the renderer; the first time its kernels are compiled, which takes about a minute."


def generate_corpus(
    config: CorpusConfig,
    out: Path,
    face_model: Path | None = None,
    workers: int = 1,
    progress: bool = False,
) -> Path:
    """Render a corpus into a folder, or what is still missing of it, and return the folder.

    The folder holds `corpus.json` and `subjects/<subject>.parquet` (`docs/architecture.md`).

    Args:
        config: The corpus.
        out: Folder of the corpus; it is made if it does not exist.
        face_model: NPZ of the face model; by default the one that `IDENNET_FACE_MODEL` names.
        workers: Number of processes.
        progress: Show a progress bar.

    Raises:
        StoreError: The folder holds another corpus, one of another version of the renderer, or a damaged one.
        InputError: There is no face model.
    """
    load_face_model(face_model)  # a wrong path fails here, not in a process
    _claim(config, out)
    subject_path(out, 0).parent.mkdir(exist_ok=True)
    missing = [index for index in range(config.subjects) if not subject_path(out, index).exists()]
    bar = Progress(
        "{task.description}",
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
        disable=not progress,
    )
    with bar:
        if missing and progress:
            bar.console.print(STARTING, soft_wrap=True)
        frames = config.frames_per_subject
        task = bar.add_task(f"Rendering {config.name}", total=frames * len(missing))
        for _ in _rendered(config, out, face_model, workers, missing):
            bar.advance(task, frames)
    return out


def subject_name(index: int) -> str:
    """Return the name of a subject by number, counted from 0: `"0001"` is the first."""
    return f"{index + 1:04d}"


def subject_path(corpus: Path, index: int) -> Path:
    """Return the file of a subject by number, counted from 0."""
    return corpus / "subjects" / f"{subject_name(index)}.parquet"


class SubjectRenderer:
    """Renders the subjects of one corpus; holds the face model and the renderer's buffers.

    Args:
        config: The corpus.
        face_model: NPZ of the face model; by default the one that `IDENNET_FACE_MODEL` names.
    """

    def __init__(self, config: CorpusConfig, face_model: Path | None = None) -> None:
        self.config = config
        self._model = load_face_model(face_model)
        self._renderer = Renderer(self._model, config.frame_size)

    def table(self, index: int) -> pd.DataFrame:
        """Return the frames of a subject, one row each, in the columns of `docs/architecture.md`."""
        config = self.config
        name = zlib.crc32(config.name.encode())
        generator = np.random.default_rng(np.random.SeedSequence((config.seed, name, index)))
        traits = sample_traits(
            generator,
            age_range=config.people.age,
            glasses_probability=config.people.glasses,
            headwear_probability=config.people.headwear,
        )
        traits = confounded(traits, config.people.confounders)
        appearance = build_appearance(self._model, traits)
        about = {"subject": subject_name(index), **_columns_of(traits)}
        rows = []
        for sequence, length in enumerate(_lengths(config)):
            if config.sequence_length == 1:
                one_sided = config.one_sided > 0 and generator.random() < config.one_sided
                expressions = [sample_one_sided(generator) if one_sided else sample_expression(generator)]
            else:
                expressions = sample_clip(generator, length)
            scenes = sample_scenes(config, generator, length)
            for number, (expression, scene) in enumerate(zip(expressions, scenes, strict=True)):
                facing = replace(expression, gaze=gaze_past(scene.camera, expression.gaze))
                frame = self._renderer.render(appearance, facing, scene, generator)
                place = {"sequence": f"{sequence + 1:03d}", "frame": number}
                rows.append({**about, **place, **_columns_of_frame(frame, config)})
        return _typed(pd.DataFrame(rows))


def _columns_of_frame(frame: Frame, config: CorpusConfig) -> dict[str, Any]:
    row: dict[str, Any] = {
        "image": encode(frame.image, config.jpeg_quality),
        "landmarks": frame.landmarks.astype(np.float32).ravel(),
        "yaw": frame.yaw,
        "pitch": frame.pitch,
        "roll": frame.roll,
    }
    for au in SYNFACS_AUS:
        coded = au in config.aus
        row[column(au)] = frame.occurrences[au] if coded else MISSING
        row[f"{column(au)}_intensity"] = frame.intensities[au] if coded else np.nan
    for au in SIDED_AUS:
        sides = frame.sides[au] if au in config.aus else (np.nan, np.nan)
        row.update(zip(side_columns(au), sides, strict=True))
    for part in PARTS:
        row[visible_column(part)] = frame.visible[part]
    return row


def _columns_of(traits: Traits) -> dict[str, Any]:
    return {
        "age": traits.age,
        "masculine": traits.masculine,
        "melanin": traits.skin.melanin,
        "hair": traits.hair.style,
        "beard": traits.beard.kind,
        "glasses": traits.glasses.kind if traits.glasses else "none",
        "wrinkle_gain": traits.wrinkle_gain,
    }


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    labels = dict.fromkeys([*map(column, SYNFACS_AUS), *map(visible_column, PARTS)], np.int8)
    floats = {name: np.float32 for name in table.columns if table[name].dtype == np.float64}
    return table.astype({**floats, **labels, "frame": np.int32})


def encode(image: np.ndarray, quality: int) -> bytes:
    """Return an RGB picture (H, W, 3) uint8 as JPEG bytes, colour not subsampled."""
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, 0x111111]
    return bytes(cv2.imencode(".jpg", image[..., ::-1], options)[1])


def _lengths(config: CorpusConfig) -> list[int]:
    """Return the lengths of a subject's sequences; the last one may be shorter."""
    full, rest = divmod(config.frames_per_subject, config.sequence_length)
    return [config.sequence_length] * full + [rest] * (rest > 0)


def _claim(config: CorpusConfig, out: Path) -> None:
    """Write the corpus's description, or check that the folder's is the same."""
    description = {
        "format": FORMAT,
        "renderer": VERSION,
        "name": config.name,
        "seed": config.seed,
        "frame_size": config.frame_size,
        "aus": list(config.aus),
        "digest": config.digest(),
        "config": config.model_dump(mode="json"),
    }
    path = out / "corpus.json"
    if path.exists():
        known = _described(path)
        if known.get("digest") != description["digest"]:
            raise StoreError(
                f"{out} already holds the corpus {known.get('name')!r} of another configuration "
                f"({known.get('digest')}, not {config.digest()}); give an empty folder or the same options."
            )
        if known.get("renderer") != VERSION:
            raise StoreError(
                f"{out} was rendered by version {known.get('renderer', 1)} of the renderer, this is version "
                f"{VERSION}, and their pictures do not mix; give an empty folder."
            )
        return
    if out.exists() and not set(out.iterdir()) <= {draft_path(path)}:
        raise StoreError(f"{out} holds files but no corpus.json; give an empty folder.")
    out.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(description, indent=2) + "\n")


def _described(path: Path) -> dict[str, Any]:
    try:
        known = json.loads(path.read_text())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise StoreError(
            f"{path} is damaged: it is not JSON; delete the folder and render it again."
        ) from error
    if not isinstance(known, dict):
        raise StoreError(f"{path} is damaged: it describes no corpus; delete the folder and render it again.")
    return known


def _render_subject(renderer: SubjectRenderer, out: Path, index: int) -> int:
    with draft_of(subject_path(out, index)) as draft:
        renderer.table(index).to_parquet(draft, index=False, compression="zstd")
    return index


def _rendered(
    config: CorpusConfig, out: Path, face_model: Path | None, workers: int, missing: list[int]
) -> Iterator[int]:
    """Yield the number of each subject when its file is complete."""
    if workers == 1:
        renderer = SubjectRenderer(config, face_model)
        yield from (_render_subject(renderer, out, index) for index in missing)
        return
    pool = ProcessPoolExecutor(
        min(workers, max(len(missing), 1)),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_worker,
        initargs=(config, out, face_model),
    )
    try:
        futures = [pool.submit(_work, index) for index in missing]
        for future in as_completed(futures):
            yield future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_worker: tuple[SubjectRenderer, Path] | None = None


def _start_worker(config: CorpusConfig, out: Path, face_model: Path | None) -> None:
    """Prepare one process; Ctrl-C is for the parent, which lets running subjects finish."""
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    _worker = SubjectRenderer(config, face_model), out


def _work(index: int) -> int:
    assert _worker is not None, "a worker renders only after its initializer"
    return _render_subject(*_worker, index)


class _Rate(ProgressColumn):
    """Frames a second."""

    def render(self, task: Task) -> Text:
        """Return the text of the column."""
        return Text(f"{task.speed:.1f} frames/s" if task.speed else "", style="progress.data.speed")
