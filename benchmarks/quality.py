"""Measure head pose and flags: `python benchmarks/quality.py --subjects 40 --keep FOLDER`.

Renders people whom no network here learned from, each under conditions that spoil a reading: turned heads,
blur, darkness, things before the face, few pixels, odd colours. Prints Markdown: the error of yaw, pitch and
roll, and for each flag how many faces it marks and how much worse these are read. Needs the extra
research and a face model (`IDENNET_FACE_MODEL`); about half a second a picture. With `--keep` pictures are
stored, and read again by the next run.
"""

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import torch

from idennet.facs import SYNFACS_AUS, columns
from idennet.inference.analyser import Analyser
from idennet.inference.face import HeadPose
from idennet.inference.quality import Flag
from idennet.models.action_units import ActionUnitModel
from idennet.research.synth.build import build_appearance
from idennet.research.synth.corpora import CorpusConfig, Surroundings, Views
from idennet.research.synth.eyeballs import gaze_past
from idennet.research.synth.facemodel import load_face_model
from idennet.research.synth.identity import sample_traits
from idennet.research.synth.occluders import OCCLUDERS, occluder
from idennet.research.synth.renderer import Renderer
from idennet.research.synth.scenarios import sample_expression
from idennet.research.synth.scene import Scene
from idennet.research.synth.staging import sample_scenes

AUS = dict(zip(columns(SYNFACS_AUS), SYNFACS_AUS, strict=True))
SIDE = 192
PLAIN = CorpusConfig(
    name="quality",
    subjects=1,
    frames_per_subject=1,
    frame_size=SIDE,
    views=Views(yaw=6, pitch=4, roll=3, zoom=(0.8, 0.8)),
    surroundings=Surroundings(scenery=1.0),
)
CONDITIONS: Mapping[str, int] = {
    "plain": 4,
    "yaw": 4,
    "pitch": 3,
    "roll": 1,
    "defocus": 2,
    "motion": 1,
    "dark": 3,
    "covered": 4,
    "small": 3,
    "odd": 3,
}
"""Pictures of each subject."""


@dataclass(frozen=True)
class Picture:
    """A rendered picture and what is true of it."""

    pixels: np.ndarray
    truth: dict[str, float | str | int]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subjects", type=int, default=40)
    parser.add_argument("--seed", type=int, default=90_000)
    parser.add_argument("--keep", type=Path, help="folder of the pictures")
    parser.add_argument("--weights", type=Path, help="default: the bundled ones")
    given = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    analyser = Analyser(model=ActionUnitModel.open(given.weights), workers=1)
    rows = []
    for seed in range(given.seed, given.seed + given.subjects):
        pictures = kept(given.keep, seed) if given.keep else list(rendered(seed))
        rows += [read(analyser, picture) for picture in pictures]
    table = pd.DataFrame(rows)
    print(f"\n{len(table)} pictures of {given.subjects} people, seed {given.seed}; "
          f"weights {analyser.model.card.version}; "
          f"a face is found in {(table['found'] > 0).mean():.1%}.\n")  # fmt: skip
    faces = table[table["found"] > 0].reset_index(drop=True)
    print_pose(faces)
    print_flags(faces)


def print_pose(faces: pd.DataFrame) -> None:
    """Print mean absolute errors in degrees by how far the head is turned."""
    shown = faces[faces["condition"].isin(["plain", "yaw", "pitch", "roll"])]
    rows = []
    for axis, edges in {"yaw": (0, 15, 30, 45, 60, 75), "pitch": (0, 10, 20, 30, 40)}.items():
        for low, high in pairwise(edges):
            band = shown[(shown[f"true_{axis}"].abs() > low) & (shown[f"true_{axis}"].abs() <= high)]
            errors = [float((band[name] - band[f"true_{name}"]).abs().mean()) for name in HeadPose._fields]
            rows.append([f"{axis} {low} to {high}", len(band), *(f"{error:.1f}" for error in errors)])
    print_table(["turned", "faces", "yaw", "pitch", "roll"], rows)


def print_flags(faces: pd.DataFrame) -> None:
    """Print how many faces each flag marks, and which share of their Action Units is judged wrongly.

    Traces, of which nobody can say whether they are there, do not count, nor do Action Units of parts that
    the weights call hidden. Intervals are 95 %, by drawing people with replacement.
    """
    truth, probs = (faces[[f"{name}_{kind}" for name in AUS]].to_numpy(float) for kind in ("true", "prob"))
    judged = (truth >= 0) & np.isfinite(probs)
    wrong = np.nanmean(np.where(judged, (probs >= 0.5) != truth, np.nan), axis=1)
    people = [np.flatnonzero(faces["subject"] == subject) for subject in faces["subject"].unique()]
    generator = np.random.default_rng(0)
    draws = [
        np.concatenate([people[k] for k in generator.integers(len(people), size=len(people))])
        for _ in range(1000)
    ]
    plain = (faces["condition"] == "plain").to_numpy()
    rows = []
    for flag in (*Flag, "any"):
        marked = np.array(
            [flag in flags.split() or (flag == "any" and flags != "") for flags in faces["flags"]]
        )
        if not marked.any():
            continue
        more = [
            wrong[drawn][marked[drawn]].mean() - wrong[drawn][~marked[drawn]].mean()
            for drawn in draws
            if marked[drawn].any()
        ]
        low, high = np.percentile(more, [2.5, 97.5])
        marks = faces["condition"][marked].value_counts().head(3)
        rows.append([
            flag, int(marked.sum()), ", ".join(f"{name} {count}" for name, count in marks.items()),
            f"{marked[plain].mean():.1%}", f"{wrong[marked].mean():.1%}", f"{wrong[~marked].mean():.1%}",
            f"{low:+.1%} to {high:+.1%}",
        ])  # fmt: skip
    print_table(
        [
            "flag",
            "faces",
            "most of them",
            "of plain faces",
            "wrong when flagged",
            "when not",
            "difference, 95 %",
        ],
        rows,
    )


def print_table(head: list[str], rows: list[list[object]]) -> None:
    print("| " + " | ".join(head) + " |\n|" + " --- |" * len(head))
    for row in rows:
        print("| " + " | ".join(map(str, row)) + " |")
    print(flush=True)


def kept(folder: Path, seed: int) -> list[Picture]:
    """Return the pictures of a subject from a folder, rendered where they are not there yet."""
    file = folder / f"{seed}.parquet"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        rows = [
            {**picture.truth, "png": cv2.imencode(".png", picture.pixels[..., ::-1])[1].tobytes()}
            for picture in rendered(seed)
        ]
        pd.DataFrame(rows).to_parquet(file)
    pictures = []
    for row in pd.read_parquet(file).to_dict("records"):
        pixels = cv2.imdecode(np.frombuffer(row.pop("png"), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
        pictures.append(Picture(np.ascontiguousarray(pixels), row))
    return pictures


def rendered(seed: int) -> Iterator[Picture]:
    """Yield the pictures of a subject."""
    generator = np.random.default_rng(seed)
    model = load_face_model(None)
    renderer = Renderer(model, SIDE)
    appearance = build_appearance(model, sample_traits(generator, glasses_probability=0.1))
    for condition, count in CONDITIONS.items():
        for _ in range(count):
            scene = sample_scenes(PLAIN, generator, 1)[0]
            scene, degree = spoiled(scene, condition, generator)
            expression = sample_expression(generator)
            expression = replace(expression, gaze=gaze_past(scene.camera, expression.gaze))
            frame = renderer.render(appearance, expression, scene, generator)
            pixels, scale = frame.image, 1.0
            if condition == "small":
                scale = float(np.exp(generator.uniform(np.log(0.12), np.log(0.6))))
                degree = scale * float(
                    np.linalg.norm(frame.landmarks[36:42].mean(0) - frame.landmarks[42:48].mean(0))
                )
                pixels = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            if condition == "covered":
                degree = covered_share(scene.occluders, frame.landmarks)
            if condition == "odd":
                kind = int(generator.integers(4))
                pixels, degree = odd(pixels, kind), float(kind)
            truth: dict[str, float | str | int] = {
                "subject": seed, "condition": condition, "degree": degree,
                "true_yaw": frame.yaw, "true_pitch": frame.pitch, "true_roll": frame.roll,
            }  # fmt: skip
            labels = {f"{name}_true": frame.occurrences[au] for name, au in AUS.items()}
            yield Picture(pixels, truth | labels)


def spoiled(scene: Scene, condition: str, generator: np.random.Generator) -> tuple[Scene, float]:
    """Return a scene under a condition, and how much of it there is."""
    camera, effects = scene.camera, scene.effects
    sign = float(generator.choice((-1, 1)))
    match condition:
        case "yaw":
            degree = float(generator.uniform(15, 75))
            return replace(scene, camera=replace(camera, yaw=sign * degree)), degree
        case "pitch":
            degree = float(generator.uniform(10, 40))
            return replace(scene, camera=replace(camera, pitch=sign * degree)), degree
        case "roll":
            degree = float(generator.uniform(10, 45))
            return replace(scene, camera=replace(camera, roll=sign * degree)), degree
        case "defocus":
            degree = float(generator.uniform(0.7, 5))
            return replace(scene, effects=replace(effects, blur=degree)), degree
        case "motion":
            degree, angle = float(generator.uniform(2, 16)), float(generator.uniform(0, 180))
            return replace(scene, effects=replace(effects, motion_length=degree, motion_angle=angle)), degree
        case "dark":
            degree = float(generator.uniform(1, 6))
            return replace(scene, effects=replace(effects, exposure=-degree, noise=1.0)), degree
        case "covered":
            layer = occluder(generator, SIDE, str(generator.choice(list(OCCLUDERS))))
            towards = generator.uniform(0, 0.25) * SIDE  # most layers keep to the edge of the face
            where = (layer[..., 3].nonzero()[1].mean(), layer[..., 3].nonzero()[0].mean())
            way = np.array([0.5 * SIDE, 0.5 * SIDE]) - where
            x, y = towards * way / max(float(np.linalg.norm(way)), 1.0)
            moved = cv2.warpAffine(layer, np.float32([[1, 0, x], [0, 1, y]]), (SIDE, SIDE))
            return replace(scene, occluders=(moved,)), 0.0
    return scene, 0.0


def odd(pixels: np.ndarray, kind: int) -> np.ndarray:
    """Return a picture as no camera in the training saw it: negative, squeezed, in few tones, as heat."""
    match kind:
        case 0:
            return 255 - pixels
        case 1:
            return cv2.resize(pixels, (round(0.55 * SIDE), SIDE), interpolation=cv2.INTER_AREA)
        case 2:
            return np.uint8(pixels // 86 * 127)
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return cv2.applyColorMap(grey, cv2.COLORMAP_JET)[..., ::-1]


def covered_share(layers: tuple[np.ndarray, ...], landmarks: np.ndarray) -> float:
    """Return which share of the face, from jaw to brows, is hidden."""
    outline = cv2.convexHull(np.float32(landmarks[:27]))[:, 0]
    face = cv2.fillConvexPoly(np.zeros((SIDE, SIDE), np.uint8), np.int32(outline.round()), 1) > 0
    hidden = np.max([layer[..., 3] for layer in layers], axis=0) > 0.5
    return float(hidden[face].mean())


def read(analyser: Analyser, picture: Picture) -> dict[str, float | str | int]:
    """Return what is true and what is read, of the face nearest to the middle."""
    pixels = picture.pixels
    margin = max(48, (SIDE - max(pixels.shape)) // 2)
    framed = cv2.copyMakeBorder(pixels, *[margin] * 4, cv2.BORDER_REPLICATE)
    result = analyser.analyse(framed)
    row = dict(picture.truth)
    row["found"] = len(result.faces)
    if result.faces:
        middle = np.array(framed.shape[1::-1]) / 2
        face = min(result.faces, key=lambda face: float(np.linalg.norm(face.landmarks.mean(0) - middle)))
        row |= {"confidence": face.confidence} | face.pose._asdict()
        row["flags"] = " ".join(face.flags)
        row |= {f"{name}_prob": face.au_probs[au] for name, au in AUS.items()}
    return row


if __name__ == "__main__":
    main()
