"""Measure face finding: `python benchmarks/faces.py --lfw L --teacher T --corpus C [--finder FILE ...]`.

Prints Markdown, the bundled finder beside those of the files given (YuNet's ONNX, MediaPipe's .task):
recall and eye centres on photographs of people that no network here learned from, against the eyes that a
teacher marked, and how far lips are apart; recall by turn of the head and size on rendered faces; false
alarms on pictures without faces; how many faces are found in other pictures. What has no path is left out.
"""

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import torch
from skimage import data as skimage_data
from sklearn.datasets import load_sample_images

from idennet.faces.boxes import BoxFinder
from idennet.faces.finder import FaceFinder, FoundFace, open_finder
from idennet.faces.landmark_net import load_landmark_net
from idennet.faces.landmarks import eye_centres
from idennet.learning.data.split import held_out
from idennet.learning.training.landmark_crops import Frames, pictures_without_faces, read_frames
from idennet.learning.training.landmarks import landmark_errors
from idennet.media.pictures import read_picture

TURNS = ((0, 15), (15, 30), (30, 45), (45, 60), (60, 85))
HEIGHTS = (24, 32, 40, 60, 120)
GAPS = (0, 0.02, 0.1, 0.2, 1)  # between the lips' inner edges, in eye distances
SMALLEST_CROP = 70  # pixels
EMPTY_CROPS = 400
RIGHT, CLOSE = 0.5, 0.25  # eye errors of a face that counts as found, and of one that is well placed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--finder", type=Path, action="append", default=[], help="a model file; repeatable")
    parser.add_argument("--lfw", type=Path, help="folder of LFW deep-funneled")
    parser.add_argument("--teacher", type=Path, help="table with picture, right_eye_x, lip_gap, ... of LFW")
    parser.add_argument("--corpus", type=Path, help="SynFACS folder that was not learned from")
    parser.add_argument("--pictures", type=Path, nargs="*", default=[], help="photographs to count faces in")
    parser.add_argument("--sheet", type=Path, help="write the crops without faces as one PNG, to look at")
    parser.add_argument("--every", type=int, default=1, help="use every n-th LFW photograph")
    given = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    finders = {"bundled": open_finder()} | {file.stem: open_finder(file) for file in given.finder}
    if given.lfw and given.teacher:
        photographs(given.lfw, given.teacher, finders, given.every)
        mouths(given.lfw, given.teacher, finders["bundled"], given.every)
    if given.lfw:
        false_alarms(finders, crops_without_faces(given.lfw, finders), given.sheet)
    if given.corpus:
        frames = read_frames([given.corpus])
        rendered(frames, finders)
        errors = landmark_errors(load_landmark_net(), frames, pictures_without_faces())
        table([f"landmarks on {len(frames.pictures)} rendered frames", "value"], list(errors.items()))
    if given.pictures:
        pictures = [read_picture(path).pixels for path in given.pictures]
        counts = [[len(finder.find(pixels)) for finder in finders.values()] for pixels in pictures]
        rows = [[path.name, *found] for path, found in zip(given.pictures, counts, strict=True)]
        table(["faces found", *finders], rows)


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    print("\n| " + " | ".join(head) + " |\n|" + " --- |" * len(head))
    for row in rows:
        print("| " + " | ".join(f"{x:.3f}" if isinstance(x, float) else str(x) for x in row) + " |")
    print(flush=True)


def held_out_photographs(folder: Path) -> list[Path]:
    """Return the photographs of people that every training here leaves out."""
    return [file for file in sorted(folder.glob("*/*.jpg")) if held_out(file.parent.name)]


def eye_error(faces: Sequence[FoundFace], eyes: np.ndarray) -> float:
    """Return the smallest mean distance of a face's eye centres to true ones, in true eye distances."""
    between = np.linalg.norm(eyes[1] - eyes[0])
    errors = [float(np.linalg.norm(face.eyes - eyes, axis=1).mean() / between) for face in faces]
    return min(errors, default=np.inf)


def photographs(folder: Path, teacher: Path, finders: Mapping[str, FaceFinder], every: int) -> None:
    marked = pd.read_parquet(teacher).set_index("picture")
    columns = ["right_eye_x", "right_eye_y", "left_eye_x", "left_eye_y"]
    eyes = marked[columns].dropna().astype(float)
    files = [file for file in held_out_photographs(folder) if file.stem in eyes.index][::every]
    errors: dict[str, list[float]] = {name: [] for name in finders}
    more = dict.fromkeys(finders, 0)
    for file in files:
        pixels = read_picture(file).pixels
        truth = eyes.loc[file.stem].to_numpy().reshape(2, 2)
        for name, finder in finders.items():
            faces = finder.find(pixels)
            errors[name].append(eye_error(faces, truth))
            more[name] += len(faces) - (errors[name][-1] < RIGHT)
    rows = []
    for name, values in errors.items():
        found = np.array([value for value in values if value < RIGHT])
        middle, high = (float(value) for value in np.percentile(found, [50, 95]))
        far = float((found > CLOSE).mean())
        rows.append(
            [name, len(values), len(found) / len(values), middle, high, far, more[name] / len(values)]
        )
    head = ["finder", "photographs", "recall", "median eye error", "95th percentile", "above 0.25"]
    table([*head, "other faces a photograph"], rows)


def mouths(folder: Path, teacher: Path, finder: FaceFinder, every: int) -> None:
    marked = pd.read_parquet(teacher).set_index("picture").dropna()
    files = [file for file in held_out_photographs(folder) if file.stem in marked.index][::every]
    gaps = []
    for file in files:
        row = marked.loc[file.stem]
        eyes = row[["right_eye_x", "right_eye_y", "left_eye_x", "left_eye_y"]].to_numpy(float).reshape(2, 2)
        faces = finder.find(read_picture(file).pixels)
        near = [face for face in faces if eye_error([face], eyes) < RIGHT]
        for face in near[:1]:
            across = np.linalg.norm(face.eyes[1] - face.eyes[0])
            gaps.append((row.lip_gap, np.linalg.norm(face.landmarks[66] - face.landmarks[62]) / across))
    theirs, ours = np.array(gaps, float).T
    rows = []
    for low, high in pairwise(GAPS):
        here = (theirs >= low) & (theirs < high)
        rows.append(
            [f"{low} to {high}", int(here.sum()), float(theirs[here].mean()), float(ours[here].mean())]
        )
    table(["lips apart, by the teacher", "faces", "mean", "points 62 to 66"], rows)


def crops_without_faces(folder: Path, finders: Mapping[str, FaceFinder]) -> list[np.ndarray]:
    """Return at least 300 pictures without a face: corners of LFW photographs, and pieces of sample pictures.

    Corners, as large as may be, keep clear of all that any finder proposes at its threshold in the whole
    photograph. Look at them (`--sheet`): a face that all finders miss would count as none.
    """
    crops: list[np.ndarray] = []
    people = Counter[str]()
    boxes: list[BoxFinder] = [finder._boxes for finder in finders.values()]
    for file in held_out_photographs(folder):
        if people[file.parent.name] == 2 or len(crops) == EMPTY_CROPS:
            continue
        pixels = read_picture(file).pixels
        taken = np.concatenate([finder.find(pixels) for finder in boxes])
        if (corner := _largest_free_corner(pixels, taken)) is not None and corner.std() > 12:
            crops.append(corner)
            people[file.parent.name] += 1
    whole = [
        *load_sample_images().images,
        skimage_data.coffee(),
        skimage_data.chelsea(),
        skimage_data.rocket(),
    ]
    halves = [half for picture in whole for half in np.array_split(picture, 2, axis=1)]
    quarters = [quarter for half in halves for quarter in np.array_split(half, 2)]
    return crops + [np.ascontiguousarray(picture) for picture in (*whole, *halves, *quarters)]


def _largest_free_corner(pixels: np.ndarray, boxes: np.ndarray) -> np.ndarray | None:
    height, width = pixels.shape[:2]
    for side in range(120, SMALLEST_CROP - 1, -10):
        for x, y in ((0, 0), (width - side, 0), (0, height - side), (width - side, height - side)):
            apart = (
                (boxes[:, 0] > x + side) | (boxes[:, 2] < x) | (boxes[:, 1] > y + side) | (boxes[:, 3] < y)
            )
            if apart.all():
                return np.ascontiguousarray(pixels[y : y + side, x : x + side])
    return None


def false_alarms(
    finders: Mapping[str, FaceFinder], pictures: Sequence[np.ndarray], sheet: Path | None
) -> None:
    rows = []
    for name, finder in finders.items():
        counts = np.array([len(finder.find(picture)) for picture in pictures])
        rows.append([name, len(pictures), int((counts > 0).sum()), float((counts > 0).mean())])
        alarmed = [k for k in range(len(pictures)) if counts[k]]
        print(f"{name}: false alarms in the pictures {alarmed}")
    table(["finder", "pictures without a face", "with a false alarm", "share"], rows)
    if sheet is not None:
        tiles = [cv2.resize(picture, (96, 96), interpolation=cv2.INTER_AREA) for picture in pictures]
        tiles += [np.zeros((96, 96, 3), np.uint8)] * (-len(tiles) % 20)
        lines = [np.hstack(tiles[k : k + 20]) for k in range(0, len(tiles), 20)]
        cv2.imwrite(str(sheet), np.vstack(lines)[..., ::-1])


def placed(frames: Frames, height: float) -> Iterator[tuple[np.ndarray, np.ndarray, float]]:
    """Yield faces `height` pixels high, in the middle of 400 x 300 pictures, their landmarks and |yaw|."""
    for picture, landmarks, pose in zip(frames.pictures, frames.landmarks, frames.pose, strict=True):
        scale = height / np.ptp(landmarks[:, 1])
        matrix = np.array([[scale, 0, 200 - scale * 80], [0, scale, 150 - scale * 80]])
        scaled = cv2.blur(picture, (max(1, int(1 / scale)),) * 2)
        canvas = cv2.warpAffine(scaled, matrix, (400, 300), borderMode=cv2.BORDER_REPLICATE)
        moved = landmarks @ matrix[:, :2].T + matrix[:, 2]
        yield np.repeat(canvas[..., None], 3, axis=2), moved.astype(np.float32), abs(float(pose[0]))


def rendered(frames: Frames, finders: Mapping[str, FaceFinder]) -> None:
    rows = []
    for name, finder in finders.items():
        found = [(yaw, hit(finder, picture, points)) for picture, points, yaw in placed(frames, 110)]
        for low, high in TURNS:
            rows.append([name, f"{low} to {high}", *recall([e for yaw, e in found if low <= yaw < high])])
    table(["finder", "yaw, degrees", "faces", "recall", "median eye error"], rows)
    rows = []
    frontal = frames.of(np.abs(frames.pose[:, 0]) < 30)
    few = frontal.of(np.arange(len(frontal.pictures)) < 150)
    for name, finder in finders.items():
        for height in HEIGHTS:
            errors = [hit(finder, picture, points) for picture, points, _ in placed(few, height)]
            rows.append([name, height, *recall(errors)])
    table(["finder", "brow to chin, pixels", "faces", "recall", "median eye error"], rows)


def hit(finder: FaceFinder, picture: np.ndarray, landmarks: np.ndarray) -> float:
    """Return the eye error of the best face; the eye distance of turned heads counts as if turned less."""
    eyes = eye_centres(landmarks)
    between = np.linalg.norm(eyes[1] - eyes[0])
    floor = max(between, 0.2 * float(np.ptp(landmarks[:, 1])))
    return eye_error(finder.find(picture), eyes) * float(between / floor)


def recall(errors: Sequence[float]) -> tuple[int, float, float]:
    """Return the count of faces, the share found, and the median eye error of those."""
    right = [error for error in errors if error < RIGHT]
    return len(errors), len(right) / max(1, len(errors)), float(np.median(right)) if right else np.nan


if __name__ == "__main__":
    main()
