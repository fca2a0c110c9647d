"""CPU time of one rendered frame on one core: `python benchmarks/renderer.py [--subjects 4] [--frames 40]`.

Needs the face model (environment variable IDENNET_FACE_MODEL). Process time, after one warm frame; bare
subjects without glasses or hair layers, which add about a millisecond each.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "synth"))

from plain_subject import plain_subject

from idennet.synth.expression import Expression
from idennet.synth.facemodel import FaceModel, load_face_model
from idennet.synth.renderer import Renderer
from idennet.synth.scene import Camera, CameraEffects, Scene

EXPRESSIONS = (
    Expression(),
    Expression({6: 0.8, 12: 0.9, 25: 0.6}),
    Expression({1: 0.7, 2: 0.7, 5: 0.5, 26: 0.6}),
    Expression({4: 1.0, 9: 0.6, 17: 0.4}),
)
EFFECTS = CameraEffects(blur=0.5, jpeg_quality=90)


def milliseconds_per_frame(model: FaceModel, frame_size: int, subjects: int, frames: int) -> float:
    """Return the mean process time of one frame."""
    renderer = Renderer(model, frame_size)
    generator = np.random.default_rng(0)
    appearances = [plain_subject(model, seed) for seed in range(subjects)]
    scenes = [Scene(camera=Camera(yaw=yaw), effects=EFFECTS) for yaw in (-20.0, 0.0, 20.0)]
    renderer.render(appearances[0], EXPRESSIONS[1], scenes[0], generator)
    started = time.process_time()
    for number in range(frames):
        renderer.render(
            appearances[number % subjects],
            EXPRESSIONS[number % len(EXPRESSIONS)],
            scenes[number % len(scenes)],
            generator,
        )
    return (time.process_time() - started) / frames * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description="CPU time of one rendered frame on one core.")
    parser.add_argument("--subjects", type=int, default=4)
    parser.add_argument("--frames", type=int, default=40)
    options = parser.parse_args()
    model = load_face_model()
    print("| frame size | CPU ms per frame | frames per CPU hour |\n| --- | --- | --- |")
    for frame_size in (96, 128, 160):
        milliseconds = milliseconds_per_frame(model, frame_size, options.subjects, options.frames)
        print(f"| {frame_size} | {milliseconds:.1f} | {3.6e6 / milliseconds:,.0f} |")


if __name__ == "__main__":
    main()
