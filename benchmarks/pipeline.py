"""CPU milliseconds from a file to a row.

    python benchmarks/pipeline.py [--yunet YUNET.onnx] [--mediapipe FACE.task --landmarker PROGRAM.py]

Pictures of 640 x 480 with one to four faces, made of scikit-image's samples, are measured by stage and as a
whole, with the bundled finder and with YuNet's file; beside them, in the same run and taking turns,
MediaPipe's face landmarker (finds faces, places 478 points, reads 52 blendshapes), run by OpenCV alone.
Each turn reads a picture twice and counts the second time, as in the middle of a folder. Medians of CPU time,
all on one core; then pictures a second of `Analyser` with one worker and with two. Prints Markdown.

    python benchmarks/pipeline.py --film [--mediapipe FACE.task --landmarker PROGRAM.py] [--throughput]

measures a video of 640 x 480 with moving heads instead, H.264, a frame each, decoding and rows included.
"""

import argparse
import importlib.util
import statistics
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import av
import cv2
import numpy as np
import torch
from skimage import data as skimage_data

from idennet.faces.alignment import align
from idennet.faces.boxes import BoxFinder
from idennet.faces.finder import FaceFinder, open_finder
from idennet.faces.shots import ShotFinder
from idennet.faces.yunet import YuNetFinder
from idennet.inference.analyser import Analyser
from idennet.inference.results_folder import ResultsFolder, about_run
from idennet.inference.writers import CsvWriter
from idennet.media.pictures import read_picture
from idennet.media.video import Video
from idennet.models.action_units import ActionUnitModel

FACES = (1, 2, 3, 4)
FOLDER = 40
"""Pictures whose throughput is measured."""

FILM = 75
"""Frames of the video that is measured."""

FILM_FACES = (1, 2, 4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--yunet", type=Path, help="YuNet's ONNX file")
    parser.add_argument("--mediapipe", type=Path, help="MediaPipe's face_landmarker.task")
    parser.add_argument("--landmarker", type=Path, help="a Python file whose class Landmarker runs it")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--film", action="store_true", help="a video instead of pictures")
    parser.add_argument("--throughput", action="store_true", help="also one worker against two")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    if given.film:
        with tempfile.TemporaryDirectory() as folder:
            film(Path(folder), given)
        return
    with tempfile.TemporaryDirectory() as folder:
        pictures = {count: write_picture(Path(folder), count) for count in FACES}
        systems = {"bundled": stages(ShotFinder(), Path(folder))}
        if given.yunet:
            systems["YuNet"] = stages(YuNetFinder(given.yunet), Path(folder))
        whole = {
            "Analyser": analyser(Path(folder), mirror=False),
            "mirrored": analyser(Path(folder), mirror=True),
        }
        if given.mediapipe and given.landmarker:
            whole["MediaPipe"] = landmarker(given.mediapipe, given.landmarker, Path(folder))
        by_stage(systems, whole, pictures, given.repeats)
    if given.throughput:
        throughput()


def write_picture(folder: Path, faces: int) -> Path:
    """Write a picture of 640 x 480 with the astronaut's head as often as asked for, and return its path."""
    head = skimage_data.astronaut()[0:230, 110:330]
    canvas = cv2.resize(skimage_data.coffee(), (640, 480), interpolation=cv2.INTER_AREA)
    for k in range(faces):
        y, x = 240 * (k // 2) + 5, 320 * (k % 2) + 50
        canvas[y : y + 230, x : x + 220] = head
    file = folder / f"faces_{faces}.jpg"
    cv2.imwrite(str(file), canvas[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    return file


Timed = Callable[[Path], dict[str, float]]
"""Reads a picture and returns CPU milliseconds by name."""


class Watch:
    """Adds up CPU milliseconds by name."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self._last = time.process_time()

    def lap(self, name: str) -> None:
        now = time.process_time()
        self.spent[name] = self.spent.get(name, 0.0) + 1000 * (now - self._last)
        self._last = now


def stages(boxes: BoxFinder, folder: Path) -> Timed:
    """Return what does by hand, stage by stage, what `Analyser` does."""
    finder = FaceFinder(boxes)
    model = ActionUnitModel.open()
    whole = Analyser(finder, model, workers=1)

    def measure(file: Path) -> dict[str, float]:
        watch = Watch()
        pixels = read_picture(file).pixels
        watch.lap("decode")
        boxes.find(pixels)
        watch.lap("find boxes")
        faces = finder.find(pixels)
        watch.lap("find faces")
        crops = [align(pixels, face.landmarks) for face in faces]
        watch.lap("align")
        model.read(np.stack(crops))
        watch.lap("Action Units")
        result = whole.analyse(file)
        watch.lap("whole without writing")
        with CsvWriter(folder / "rows.csv", model.aus) as writer:
            writer.write(result)
        watch.lap("write")
        spent = watch.spent
        spent["landmarks"] = spent.pop("find faces") - spent["find boxes"]
        parts = ("decode", "find boxes", "landmarks", "align", "Action Units")
        spent["assemble"] = spent["whole without writing"] - sum(spent[part] for part in parts)
        return {part: spent[part] for part in (*parts, "assemble", "write")}

    return measure


def analyser(folder: Path, *, mirror: bool) -> Timed:
    """Return what reads a picture with everything bundled, and writes its row."""
    model = ActionUnitModel.open(mirror=mirror)
    whole = Analyser(open_finder(), model, workers=1)

    def measure(file: Path) -> dict[str, float]:
        watch = Watch()
        result = whole.analyse(file)
        with CsvWriter(folder / "rows.csv", model.aus) as writer:
            writer.write(result)
        watch.lap("whole")
        return watch.spent

    return measure


def landmarker(bundle: Path, program: Path, folder: Path) -> Timed:
    """Return what reads a picture with MediaPipe's networks."""
    read = load_landmarker(bundle, program, folder)

    def measure(file: Path) -> dict[str, float]:
        watch = Watch()
        read(np.ascontiguousarray(cv2.imread(str(file))[..., ::-1]))
        watch.lap("whole")
        return watch.spent

    return measure


def load_landmarker(bundle: Path, program: Path, folder: Path) -> Callable[[np.ndarray], object]:
    """Return MediaPipe's networks: `program` has a class `Landmarker(folder)`."""
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(folder / "task")
    spec = importlib.util.spec_from_file_location("landmarker", program)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Landmarker(str(folder / "task"))  # type: ignore[no-any-return]


def write_film(folder: Path, faces: int) -> Path:
    """Write a video of 640 x 480 in which so many heads move, and return its path."""
    head = skimage_data.astronaut()[0:230, 110:330]
    canvas = cv2.resize(skimage_data.coffee(), (640, 480), interpolation=cv2.INTER_AREA)
    file = folder / f"film_{faces}.mp4"
    with av.open(str(file), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
        for k in range(FILM):
            frame = canvas.copy()
            for face in range(faces):
                y = 240 * (face // 2) + 5 + round(4 * np.sin(k / 5))
                x = 320 * (face % 2) + 50 + round(30 * np.sin(k / 9))
                frame[max(y, 0) : y + 230, x : x + 220] = head[max(-y, 0) :]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    return file


def film(folder: Path, given: argparse.Namespace) -> None:
    """Print CPU milliseconds a frame of videos, and frames a second of one worker and two."""
    films = {count: write_film(folder, count) for count in FILM_FACES}
    reader, out = Analyser(workers=1), folder / "out"

    def ours(file: Path) -> None:
        about = about_run(reader, None)
        with ResultsFolder(out, [file], reader.model.aus, about, resume=False) as results:
            for result in reader.analyse_all(Video(file)):
                results.write(result)

    systems: dict[str, Callable[[Path], object]] = {"idennet": ours}
    if given.mediapipe and given.landmarker:
        read = load_landmarker(given.mediapipe, given.landmarker, folder)
        systems["MediaPipe"] = lambda file: [read(frame.pixels) for frame in Video(file)]
    spent: dict[tuple[str, int], list[float]] = {}
    for repeat in range(given.repeats + 1):
        for name, run in systems.items():
            for count, file in films.items():
                watch = Watch()
                run(file)
                watch.lap("whole")
                if repeat:  # the first warms up
                    spent.setdefault((name, count), []).append(watch.spent["whole"] / FILM)
    middle = {key: statistics.median(each) for key, each in spent.items()}
    rows = []
    for name in systems:
        one, *others = (middle[name, count] for count in FILM_FACES)
        further = (others[-1] - one) / (FILM_FACES[-1] - 1)
        rows.append([name, one, *others, further, one / middle[list(systems)[-1], 1]])
    counts = ("1 face", *(f"{count} faces" for count in FILM_FACES[1:]))
    table(["CPU ms a frame", *counts, "each further face", "1 face / last row"], rows)
    if given.throughput:
        rows = []
        for workers in (1, 2, 1, 2):
            analyser = Analyser(workers=workers)
            start = time.perf_counter()
            count = sum(1 for _ in analyser.analyse_all([Video(films[1])] * 8))
            rows.append([workers, count / (time.perf_counter() - start)])
        table(["workers", "frames a second"], rows)


def by_stage(
    systems: dict[str, Timed], whole: dict[str, Timed], pictures: dict[int, Path], repeats: int
) -> None:
    everything = {
        (name, count): (run, file)
        for name, run in (systems | whole).items()
        for count, file in pictures.items()
    }
    measured: dict[tuple[str, int], list[dict[str, float]]] = {key: [] for key in everything}
    for _ in range(repeats):
        for key, (run, file) in everything.items():
            run(file)  # warms up
            measured[key].append(run(file))
    middle = {
        key: {part: statistics.median(one[part] for one in runs) for part in runs[0]}
        for key, runs in measured.items()
    }
    parts = list(middle[next(iter(systems)), 1])
    table(
        ["finder", "faces", *parts],
        [[name, count, *middle[name, count].values()] for name in systems for count in pictures],
    )
    reference = "MediaPipe" if "MediaPipe" in whole else "Analyser"
    rows = []
    for name in whole:
        totals = {count: middle[name, count]["whole"] for count in pictures}
        further = (totals[max(pictures)] - totals[1]) / (max(pictures) - 1)
        rows.append([name, *totals.values(), further, totals[1] / middle[reference, 1]["whole"]])
    counts = (f"{count} faces" for count in pictures)
    table(["whole, CPU ms", *counts, "each further face", f"1 face / {reference}"], rows)


def throughput() -> None:
    """Print pictures a second, wall-clock time, of a folder of pictures with one face."""
    with tempfile.TemporaryDirectory() as folder:
        file = write_picture(Path(folder), 1)
        rows = []
        for count in (1, 2, 1, 2):
            reader = Analyser(workers=count)
            for _ in reader.analyse_all([file] * 4):
                pass
            start = time.perf_counter()
            for _ in reader.analyse_all([file] * FOLDER):
                pass
            rows.append([count, FOLDER / (time.perf_counter() - start)])
    table(["workers", "pictures a second"], rows)


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    head = list(head)
    print("\n| " + " | ".join(head) + " |\n|" + " --- |" * len(head))
    for row in rows:
        print("| " + " | ".join(f"{x:.2f}" if isinstance(x, float) else str(x) for x in row) + " |")
    print(flush=True)


if __name__ == "__main__":
    main()
