"""CPU time of rendering on one core: `python benchmarks/renderer.py [--subjects 6] [--frames 24]`.

Needs the face model (environment variable IDENNET_FACE_MODEL). Process time of complete frames as they are
written to a corpus: expression, light, background, occluders, hair, camera and JPEG, after one warm subject.
Building a subject (skin, wrinkles, hair) comes once for all its frames and stands in a column of its own.
"""

import argparse
import time

import numpy as np

from idennet.research.synth.build import build_appearance
from idennet.research.synth.corpora import WILD, CorpusConfig
from idennet.research.synth.facemodel import load_face_model
from idennet.research.synth.generate import SubjectRenderer
from idennet.research.synth.identity import sample_traits


def milliseconds(config: CorpusConfig) -> tuple[float, float]:
    """Return the CPU milliseconds of building a subject, and of a frame without that."""
    model = load_face_model()
    renderer = SubjectRenderer(config)
    renderer.table(0)
    started = time.process_time()
    for index in range(config.subjects):
        build_appearance(model, sample_traits(np.random.default_rng(index)))
    subject = (time.process_time() - started) / config.subjects
    started = time.process_time()
    for index in range(1, config.subjects + 1):
        renderer.table(index)
    whole = (time.process_time() - started) / config.subjects
    return subject * 1e3, (whole - subject) / config.frames_per_subject * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description="CPU time of rendering on one core.")
    parser.add_argument("--subjects", type=int, default=6)
    parser.add_argument("--frames", type=int, default=24)
    options = parser.parse_args()
    print("| frame size | ms to build a subject | ms a frame |\n| --- | ---: | ---: |")
    for frame_size in (128, 160):
        changes = {
            "subjects": options.subjects,
            "frames_per_subject": options.frames,
            "frame_size": frame_size,
        }
        subject, frame = milliseconds(WILD.model_copy(update=changes))
        print(f"| {frame_size} | {subject:.0f} | {frame:.1f} |")


if __name__ == "__main__":
    main()
