"""Does `prepare` keep the cores busy? Pictures a second and cores in use, one thread and all.

Pictures of BP4D's kind (JPEG, 1040 x 1392) with given eyes: what is measured is reading, decoding,
warping and writing. `python benchmarks/prepare.py [--pictures 1024]`
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from idennet.faces.alignment import TEMPLATE, similarity
from idennet.learning.data.prepare import prepare
from idennet.learning.data.readers.records import Chunk, Record
from idennet.learning.data.reduced_jpeg import best_factor, read_reduced

WIDTH, HEIGHT = 1040, 1392
EYES = np.array([[380.0, 600.0], [660.0, 600.0]], np.float32)
CHUNK = 64


@dataclass(frozen=True)
class Pictures:
    """A source of picture files, all with eyes at the same place."""

    files: tuple[Path, ...]
    name: str = "pictures"

    def chunks(self) -> Sequence[Chunk]:
        """See `Source.chunks`."""
        starts = range(0, len(self.files), CHUNK)
        sizes = [len(self.files[start : start + CHUNK]) for start in starts]
        return [Chunk(f"c{k}", size, partial(self._read, k)) for k, size in zip(starts, sizes, strict=True)]

    def _read(self, start: int) -> Iterator[Record]:
        for number, file in enumerate(self.files[start : start + CHUNK], start):
            yield Record("pictures", f"pictures/{start}", "1", number, file, eyes=EYES, au_labels={12: 0})


def write_pictures(folder: Path, count: int) -> tuple[Path, ...]:
    """Write pictures with the detail of photographs: noise of every size, so that files have some 200 kB."""
    rng = np.random.default_rng(0)
    files: list[Path] = []
    for number in range(count):
        if number < 16:
            picture = np.full((HEIGHT, WIDTH, 3), 110.0, np.float32)
            for side, strength in ((8, 40), (64, 20), (512, 8)):
                noise = rng.normal(0, strength, (side, side, 3)).astype(np.float32)
                picture += cv2.resize(noise, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
            encoded = cv2.imencode(
                ".jpg", picture.clip(0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 90]
            )[1]
        else:
            encoded = np.fromfile(files[number % 16], np.uint8)
        files.append(folder / f"{number:05d}.jpg")
        encoded.tofile(files[-1])
    return tuple(files)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=1024)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = write_pictures(folder, options.pictures)
        print(f"{len(files)} pictures, {np.mean([file.stat().st_size for file in files]) / 1e3:.0f} kB each")
        print("| what | threads | pictures a second | cores in use |\n| --- | ---: | ---: | ---: |")
        wall, cpu = time.perf_counter(), time.process_time()
        for file in files:
            read_reduced(file, best_factor(similarity(EYES, TEMPLATE.eyes)))
        _tell("decoding alone", 1, len(files), wall, cpu)
        for threads in (1, os.cpu_count() or 1):
            wall, cpu = time.perf_counter(), time.process_time()
            prepare(Pictures(files), folder / f"store-{threads}", workers=threads)
            _tell("prepare", threads, len(files), wall, cpu)


def _tell(what: str, threads: int, pictures: int, wall: float, cpu: float) -> None:
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"| {what} | {threads} | {pictures / wall:.0f} | {cpu / wall:.2f} |")


if __name__ == "__main__":
    main()
