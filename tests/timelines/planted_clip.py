"""Results with planted values: a clip with two people of whom one smiles for a second."""

import json
from dataclasses import replace
from pathlib import Path

from idennet.facs import SYNFACS_AUS, columns
from idennet.inference.face import Box, Face, HeadPose
from idennet.inference.quality import Flag
from idennet.inference.result import SCHEMA, Result
from idennet.inference.writers import CsvWriter
from planted import planted_face

FRAMES, RATE = 50, 25.0


def planted(number: int, strength: float, person: int | None = None) -> Face:
    """Return a face that shows AU12 with a given probability and nothing else."""
    found = planted_face(number)
    probs = dict.fromkeys(SYNFACS_AUS, 0.05) | {12: strength}
    return Face(
        box=Box(*found.box),
        landmarks=found.landmarks,
        confidence=0.9,
        pose=HeadPose(10.0, -5.0, 3.0),
        au_probs=probs,
        au_occurrences={au: prob >= 0.5 for au, prob in probs.items()},
        au_thresholds=dict.fromkeys(SYNFACS_AUS, 0.5),
        unreliable_aus=frozenset({23}),
        flags=(Flag.SMALL,) if number else (),
        person=person,
    )


def smile(frame: int) -> float:
    """Return the planted probability of AU12 of person 1: one second from frame 10, strongest at 20."""
    return 0.9 - 0.02 * abs(frame - 20) if 10 <= frame < 35 else 0.1


def clip_results(name: str = "clips/talk.mp4", people: bool = True) -> list[Result]:
    """Return 50 frames: person 1 in all but 40 to 44, person 2 from frame 25 on, nobody in 40 to 44."""
    blank = Result(name, (340, 120), (), SYNFACS_AUS, "planted-1", path=Path(name))
    results = []
    for frame in range(FRAMES):
        faces = [planted(0, smile(frame), 1 if people else None)]
        faces += [planted(1, 0.2, 2 if people else None)] if frame >= 25 else []
        found = () if 40 <= frame < 45 else tuple(faces)
        results.append(replace(blank, faces=found, frame=frame, time=frame / RATE))
    return results


def write_results(folder: Path, results: list[Result]) -> Path:
    folder.mkdir()
    about = {
        "schema": SCHEMA,
        "weights": {"version": "planted-1"},
        "thresholds": dict.fromkeys(columns(SYNFACS_AUS), 0.5),
        "unreliable_aus": ["AU23"],
        "evidence": dict.fromkeys(columns(SYNFACS_AUS), "tested on photographs") | {"AU9": "renderings only"},
    }
    (folder / "aus.json").write_text(json.dumps(about))
    with CsvWriter(folder / "aus.csv", SYNFACS_AUS) as writer:
        for result in results:
            writer.write(result)
    return folder
