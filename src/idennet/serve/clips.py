"""Clips as jobs: sent, read one after the other, asked for their progress, cancelled, fetched, deleted."""

import asyncio
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from pathlib import Path
from threading import Event
from typing import Any

from idennet.errors import IdenNetError
from idennet.files import write_text
from idennet.inference.analyser import Analyser
from idennet.inference.result import Result
from idennet.inference.results_folder import ABOUT_NAME, CSV_NAME, LINES_NAME
from idennet.inference.writers import CsvWriter, JsonLinesWriter
from idennet.media.frame import Frame
from idennet.media.video import Video
from idennet.people.following import Asked, Following
from idennet.people.population import Population
from idennet.people.zero import Way
from idennet.serve.limits import Limits
from idennet.serve.memory import give_back
from idennet.serve.metrics import Metrics
from idennet.serve.refused import RefusedError
from idennet.timelines.episodes import episode_table
from idennet.timelines.export import EPISODES_NAME
from idennet.timelines.film import write_film
from idennet.timelines.parquet import PARQUET_NAME, write_parquet
from idennet.timelines.recording import read_recordings
from idennet.timelines.view import PAGE_NAME, page_of

FILM_NAME = "overlay.mp4"

OUTPUTS = {
    CSV_NAME: "CSV",
    LINES_NAME: "JSON lines",
    PARQUET_NAME: "Parquet",
    EPISODES_NAME: "episodes",
    FILM_NAME: "overlay",
    PAGE_NAME: "report",
}
"""Files that a clip gives, and what people call them; from the third on they are made when asked for."""


class State(StrEnum):
    """How far a clip is."""

    WAITING = "waiting"
    READING = "reading"
    DONE = "done"


@dataclass(eq=False)
class Clip:
    """A clip that was sent.

    Attributes:
        name: What its sender calls it.
        folder: A temporary one, where the file itself and what shows it are until it is deleted.
        tables: Where its other outputs are: there too, unless they are kept.
        id: In its address; whoever does not know it cannot guess it.
        state: How far it is.
        frames: How many were read.
        expected: About how many there are, or None.
        problem: Why it ended early, or None.
    """

    name: str
    folder: Path
    tables: Path
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    state: State = State.WAITING
    frames: int = 0
    expected: int | None = None
    problem: str | None = None
    stopped: Event = field(default_factory=Event)
    ending: asyncio.TimerHandle | None = None
    making: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def file(self) -> Path:
        """Where the clip itself is until it is deleted."""
        return self.folder / "clip"

    def to_dict(self) -> dict[str, Any]:
        """Return the answer to a question for it."""
        share = None if not self.expected else round(min(self.frames / self.expected, 1.0), 4)
        return {
            "id": self.id,
            "name": self.name,
            "state": self.state,
            "frames": self.frames,
            "progress": 1.0 if self.state == State.DONE else share,
            "problem": self.problem,
            "outputs": [
                {"name": name, "title": title}
                for name, title in OUTPUTS.items()
                if self.state == State.DONE and self.frames
            ],
        }


class Clips:
    """All clips of one server.

    Args:
        analyser: Reads.
        about: What decides its rows, as `about_run` says it.
        limits: Of clips.
        metrics: Counts.
        population: Tells people apart; None: nobody does.
        kept: Folder in which the outputs of each clip with frames, but for its pictures, stay in a folder of
            their own; None: they are deleted with the clip.
    """

    def __init__(
        self,
        analyser: Analyser,
        about: Mapping[str, Any],
        limits: Limits,
        metrics: Metrics,
        population: Population | None,
        kept: Path | None,
    ) -> None:
        self._analyser = analyser
        self._about = about
        self._limits = limits
        self._metrics = metrics
        self._population = population
        self._kept = kept
        self._clips: dict[str, Clip] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._turn = asyncio.Semaphore(1)

    def admit(self, name: str) -> Clip:
        """Return a new clip, whose file is yet to be written.

        Raises:
            RefusedError: There are too many.
        """
        if len(self._clips) >= self._limits.clips:
            raise RefusedError(503, "Enough clips are here; delete one, or try again later.", wait=5)
        folder = Path(tempfile.mkdtemp(prefix="idennet-"))
        clip = Clip(name, folder, folder)
        self._clips[clip.id] = clip
        self._metrics.clips.set(len(self._clips))
        return clip

    def begin(self, clip: Clip) -> None:
        """Let a clip be read when it is its turn."""
        self._tasks[clip.id] = asyncio.create_task(self._read_in_turn(clip))

    def find(self, identity: str) -> Clip:
        """Return a clip.

        Raises:
            RefusedError: There is none.
        """
        if (clip := self._clips.get(identity)) is None:
            raise _gone()
        return clip

    async def output(self, identity: str, name: str) -> Path:
        """Return the path of an output, which is made if it is not there yet.

        Raises:
            RefusedError: There is none, or not yet.
        """
        clip = self.find(identity)
        if clip.state != State.DONE:
            raise RefusedError(409, f"{clip.name} is not read yet; ask again when its state is done.")
        if name not in OUTPUTS or not clip.frames:
            raise RefusedError(404, f"There is no {name}; a clip with frames gives {', '.join(OUTPUTS)}.")
        path = (clip.folder if name == FILM_NAME else clip.tables) / name
        async with clip.making:
            if clip.stopped.is_set():
                raise _gone()
            if not path.exists():
                await _in_thread(_make, clip, path)
        return path

    async def forget(self, clip: Clip) -> None:
        """Stop what is done with a clip, and delete it and, unless they are kept, its outputs."""
        clip.stopped.set()
        self._clips.pop(clip.id, None)
        self._metrics.clips.set(len(self._clips))
        if task := self._tasks.pop(clip.id, None):
            if clip.state == State.WAITING:
                task.cancel()
            await asyncio.wait([task])
        if clip.ending:
            clip.ending.cancel()
        async with clip.making:
            await asyncio.to_thread(shutil.rmtree, clip.folder, ignore_errors=True)

    def stop(self) -> None:
        """Stop what is done with all clips."""
        for clip in self._clips.values():
            clip.stopped.set()

    async def end(self) -> None:
        """Forget all clips."""
        self.stop()
        for clip in list(self._clips.values()):
            await self.forget(clip)

    async def _read_in_turn(self, clip: Clip) -> None:
        async with self._turn:
            if clip.stopped.is_set():
                return
            clip.state = State.READING
            try:
                await _in_thread(self._read, clip)
            except Exception:
                clip.problem = f"Reading {clip.name} failed; the server's log says why."
                raise
            finally:
                clip.state = State.DONE
                later = asyncio.get_running_loop().call_later
                clip.ending = later(self._limits.keep_seconds, self._time_is_up, clip)

    def _time_is_up(self, clip: Clip) -> None:
        if clip.id in self._clips:
            self._tasks[f"forget {clip.id}"] = task = asyncio.create_task(self.forget(clip))
            task.add_done_callback(lambda _: self._tasks.pop(f"forget {clip.id}"))

    def _read(self, clip: Clip) -> None:
        """Read all frames; a clip that is damaged or too long keeps the rows so far."""
        if self._kept is not None:
            clip.tables = Path(tempfile.mkdtemp(prefix=f"{Path(clip.name).stem[:60]}-", dir=self._kept))
        try:
            self._write_rows(clip)
        finally:
            if self._kept is not None and not clip.frames:
                shutil.rmtree(clip.tables, ignore_errors=True)

    def _write_rows(self, clip: Clip) -> None:
        video = Video(clip.file)
        model = self._analyser.model
        graded, zeroed = model.card.architecture.graded, self._population is not None
        try:
            write_text(clip.tables / ABOUT_NAME, json.dumps(self._about, indent=1) + "\n")
            clip.expected = video.expected_frames()
            with (
                CsvWriter(clip.tables / CSV_NAME, model.aus, graded=graded, zeroed=zeroed) as table,
                JsonLinesWriter(clip.tables / LINES_NAME) as lines,
            ):
                for result in self._followed(self._analyser.analyse_all(video)):
                    if clip.stopped.is_set():
                        return
                    if result.error is not None:
                        clip.problem = result.error.replace(video.source, clip.name)
                        return
                    if (result.time or 0) > self._limits.clip_seconds:
                        clip.problem = f"{clip.name} is longer than {self._limits.clip_seconds:g} seconds."
                        return
                    named = replace(result, source=clip.name, path=None)
                    table.write(named)
                    lines.write(named)
                    clip.frames += 1
                    self._metrics.faces.labels("clip").inc(len(result.faces))
        except IdenNetError as error:
            clip.problem = str(error).replace(video.source, clip.name)

    def _followed(self, results: Iterator[Result]) -> Iterator[Result]:
        """Return results with people and their own zeros, where the weights know people."""
        if self._population is None:
            return results
        return Following(self._population, apart=True, asked=Asked(Way.RUNNING)).follow(results)


async def _in_thread(step: Callable[..., None], *given: object) -> None:
    """Do a long step, and give back the memory that it took."""
    try:
        await asyncio.to_thread(step, *given)
    finally:
        await asyncio.to_thread(give_back)


def _make(clip: Clip, path: Path) -> None:
    """Write an output that follows from the tables.

    Raises:
        RefusedError: It cannot be made, for example since no face is there, or the clip is to be stopped.
    """
    try:
        if path.name == PARQUET_NAME:
            write_parquet(clip.tables, clip.tables)
            return
        # The page takes in no file of the server, neither the clip's nor one of that name.
        (recording,) = read_recordings(clip.tables)
        problem = recording.problem.replace(str(clip.file), clip.name)
        named = replace(recording, name=f"{clip.name}, {date.today():%-d %B %Y}", video=None, problem=problem)
        if path.name == FILM_NAME:
            write_film(recording, _frames(clip, int(recording.frames[-1])), path)
        elif path.name == EPISODES_NAME:
            write_text(path, episode_table([recording]).to_csv(index=False, lineterminator="\n"))
        else:
            write_text(path, page_of([named], clip.tables))
    except RefusedError:
        raise
    except IdenNetError as error:
        why = str(error).replace(str(clip.file), clip.name).replace(f"{clip.tables}{os.sep}", "")
        raise RefusedError(422, f"{clip.name} gives no {path.name}: {why}") from error


def _frames(clip: Clip, last: int) -> Iterator[Frame]:
    """Yield the frames of a clip up to the last that was read, until it is stopped."""
    for frame in Video(clip.file):
        if clip.stopped.is_set():
            raise _gone()
        yield frame
        if frame.index >= last:
            return


def _gone() -> RefusedError:
    return RefusedError(404, "There is no such clip; it was deleted, or its time is up.")
