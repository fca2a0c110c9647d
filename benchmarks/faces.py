"""Measure face finding: `python benchmarks/faces.py --corpus C --lfw L --yunet M [--pictures P ...]`.

Prints Markdown: errors on rendered subjects that the network did not learn from, agreement with YuNet on
photographs, recall by size and turn of the head, false alarms, and time. What has no path is left out.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from sklearn.datasets import load_sample_images

from idennet.faces.finder import FaceFinder, FoundFace, open_finder
from idennet.faces.landmark_net import load_landmark_net
from idennet.faces.landmarks import eye_centres
from idennet.faces.shots import ShotFinder
from idennet.faces.yunet import YuNetFinder
from idennet.learning.training.landmark_crops import Frames, pictures_without_faces, read_frames
from idennet.learning.training.landmarks import landmark_errors

TURNS = ((0, 15), (15, 30), (30, 45), (45, 60))
HEIGHTS = (24, 32, 40, 60, 120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, help="SynFACS folder that was not learned from")
    parser.add_argument("--lfw", type=Path, help="folder of LFW deep-funneled")
    parser.add_argument("--yunet", type=Path, help="YuNet's ONNX file")
    parser.add_argument("--pictures", type=Path, nargs="*", default=[], help="photographs to list")
    parser.add_argument("--empty", type=Path, nargs="*", default=[], help="photographs without a face")
    parser.add_argument("--count", type=int, default=500, help="LFW photographs")
    given = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    finders = {"bundled": FaceFinder()}
    if given.yunet:
        finders["YuNet"] = open_finder(given.yunet)
    if given.corpus:
        frames = read_frames([given.corpus])
        rendered_errors(frames)
        rendered_recall(frames, finders)
    if given.lfw and given.yunet:
        lfw_agreement(given.lfw, given.yunet, finders, given.count)
    false_alarms(finders, [read(path) for path in given.empty])
    for path in given.pictures:
        picture = read(path)
        counts = {name: len(finder.find(picture)) for name, finder in finders.items()}
        print(f"{path.name}: {counts}")
    speed(finders, given.yunet)


def read(path: Path) -> np.ndarray:
    return np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    print("\n| " + " | ".join(head) + " |\n|" + " --- |" * len(head))
    for row in rows:
        print("| " + " | ".join(f"{x:.3f}" if isinstance(x, float) else str(x) for x in row) + " |")
    print(flush=True)


def rendered_errors(frames: Frames) -> None:
    errors = landmark_errors(load_landmark_net(), frames, pictures_without_faces())
    table([f"{len(frames.pictures)} held-out frames", "value"], list(errors.items()))


def hit(faces: Sequence[FoundFace], landmarks: np.ndarray) -> float | None:
    """Return the eye error of the face whose box holds the true middle, in true eye distances; None: none."""
    eyes = eye_centres(landmarks)
    between = max(np.linalg.norm(eyes[1] - eyes[0]), 0.2 * np.ptp(landmarks[:, 1]))
    errors = [float(np.linalg.norm(face.eyes - eyes, axis=1).mean() / between) for face in faces]
    return min((error for error in errors if error < 0.5), default=None)


def placed(frames: Frames, height: float, limit: int) -> Iterator[tuple[np.ndarray, np.ndarray, float]]:
    """Yield faces `height` pixels high, in the middle of 400 x 300 pictures, their landmarks and |yaw|."""
    triples = list(zip(frames.pictures, frames.landmarks, frames.pose, strict=True))
    for picture, landmarks, pose in triples[:limit]:
        scale = height / np.ptp(landmarks[:, 1])
        matrix = np.array([[scale, 0, 200 - scale * 80], [0, scale, 150 - scale * 80]])
        scaled = cv2.blur(picture, (max(1, int(1 / scale)),) * 2)
        canvas = cv2.warpAffine(scaled, matrix, (400, 300), borderMode=cv2.BORDER_REPLICATE)
        moved = landmarks @ matrix[:, :2].T + matrix[:, 2]
        yield np.repeat(canvas[..., None], 3, axis=2), moved.astype(np.float32), abs(float(pose[0]))


def rendered_recall(frames: Frames, finders: dict[str, FaceFinder]) -> None:
    rows = []
    for name, finder in finders.items():
        found = [
            (yaw, hit(finder.find(picture), points)) for picture, points, yaw in placed(frames, 110, 160)
        ]
        for low, high in TURNS:
            rows.append([name, f"{low} to {high}", *recall([e for yaw, e in found if low <= yaw < high])])
    table(["finder", "yaw, degrees", "faces", "recall", "median eye error"], rows)
    rows = []
    for name, finder in finders.items():
        for height in HEIGHTS:
            scenes = [scene for scene in placed(frames, height, 60) if scene[2] < 30]
            rows.append([name, height, *recall([hit(finder.find(scene[0]), scene[1]) for scene in scenes])])
    table(["finder", "brow to chin, pixels", "faces", "recall", "median eye error"], rows)


def recall(errors: Sequence[float | None]) -> tuple[int, float, float]:
    """Return the count of faces, the share found, and the median eye error of those."""
    right = [error for error in errors if error is not None]
    return len(errors), len(right) / max(1, len(errors)), float(np.median(right)) if right else np.nan


def lfw_agreement(folder: Path, yunet: Path, finders: dict[str, FaceFinder], count: int) -> None:
    files = sorted(folder.glob("*/*.jpg"))
    files = files[:: max(1, len(files) // count)][:count]
    network = cv2.FaceDetectorYN.create(str(yunet), "", (250, 250), 0.6)
    kinds = ("neither", "only this", "only YuNet", "both")
    rows = []
    for name, finder in finders.items():
        outcome = dict.fromkeys(kinds, 0)
        errors, surplus = [], 0
        for file in files:
            picture = read(file)
            _, boxes = network.detect(np.ascontiguousarray(picture[..., ::-1]))
            theirs = central_eyes([box[4:8].reshape(2, 2) for box in boxes] if boxes is not None else [])
            faces = finder.find(picture)
            ours = central_eyes([face.eyes for face in faces])
            surplus += max(0, len(faces) - (0 if boxes is None else len(boxes)))
            outcome[kinds[2 * (theirs is not None) + (ours is not None)]] += 1
            if theirs is not None and ours is not None:
                between = np.linalg.norm(theirs[1] - theirs[0])
                errors.append(float(np.linalg.norm(ours - theirs, axis=1).mean() / between))
        middle, high = map(float, np.percentile(errors, [50, 95]))
        far = float(np.mean(np.array(errors) > 0.25))
        rows.append([name, len(files), *outcome.values(), middle, high, far, surplus / len(files)])
    head = ["finder", "photographs", *kinds, "median", "95th percentile", "share above 0.25"]
    table([*head, "more faces than YuNet, a photograph"], rows)


def central_eyes(pairs: Sequence[np.ndarray]) -> np.ndarray | None:
    """Return the eye pair nearest the middle of a 250-pixel photograph, if within 60 pixels."""
    distances = [np.linalg.norm(pair.mean(0) - [125, 115]) for pair in pairs]
    if not pairs or min(distances) > 60:
        return None
    return pairs[int(np.argmin(distances))]


def false_alarms(finders: dict[str, FaceFinder], empty: Sequence[np.ndarray]) -> None:
    learned = [np.repeat(picture[..., None], 3, axis=2) for picture in pictures_without_faces()]
    whole = list(load_sample_images().images)
    halves = [half for picture in whole for half in np.array_split(picture, 2, axis=1)]
    quarters = [quarter for half in halves for quarter in np.array_split(half, 2)]
    new = [np.ascontiguousarray(picture) for picture in (*whole, *halves, *quarters)]
    rows = []
    for kind, pictures in {"learned from": learned, "new (scikit-learn)": new, "new (given)": empty}.items():
        for name, finder in finders.items():
            counts = [len(finder.find(picture)) for picture in pictures]
            rows.append([kind, name, len(pictures), sum(counts)])
    table(["pictures without faces", "finder", "pictures", "false alarms"], rows)


def speed(finders: dict[str, FaceFinder], yunet: Path | None) -> None:
    from skimage.data import astronaut

    picture, network, shots = astronaut(), load_landmark_net(), ShotFinder()
    crop = torch.zeros((1, 64, 64), dtype=torch.uint8)
    calls: dict[str, Callable[[], object]] = {"bundled boxes alone": lambda: shots.find(picture)}
    if yunet:
        boxes = YuNetFinder(yunet)
        calls["YuNet alone"] = lambda: boxes.find(picture)
    calls |= {f"finder with {name}": lambda f=finder: f.find(picture) for name, finder in finders.items()}
    with torch.inference_mode():
        rows = [["landmark network, one crop", milliseconds(lambda: network(crop))]]
        rows += [[f"{name}, 512 x 512", milliseconds(call)] for name, call in calls.items()]
    table(["step", "CPU milliseconds, one core"], rows)


def milliseconds(call: Callable[[], object]) -> float:
    call()
    start, count = time.process_time(), 5
    for _ in range(count):
        call()
    return (time.process_time() - start) / count * 1000


if __name__ == "__main__":
    main()
