"""Episodes for programs in which people annotate recordings: ELAN (`.eaf`) and Praat (`.TextGrid`).

One tier for each track and Action Unit that has an episode; an empty one where there is no episode at all,
since programs expect one. Both are plain formats that are written here; the libraries for them are larger
than this file, and pympi-ling has had no release since 2021.
"""

import os
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from idennet import __version__
from idennet.facs import NAMES, column
from idennet.media.kinds import VIDEO_TYPES
from idennet.timelines.episodes import Episode, episodes_of
from idennet.timelines.recording import Recording

_TYPE = "Action Unit"


def tiers_of(recording: Recording) -> dict[str, list[Episode]]:
    """Return the episodes of each tier, by its name, such as "person 1 AU12 lip corner puller".

    "~" stands before Action Units that the weights read unreliably.
    Those of values from which the person's zero is taken out have tiers of their own: "... (zeroed)".
    Without any episode there is one tier that is empty.
    """
    tiers: dict[str, list[Episode]] = {}
    for track in recording.tracks:
        found = [*episodes_of(recording, track), *episodes_of(recording, track, zeroed=True)]
        for episode in sorted(found, key=lambda one: (one.au, one.zeroed, one.onset)):
            movement = f"{recording.marked(episode.au)} {NAMES[episode.au]}"
            name = f"{track.name} {movement}{' (zeroed)' * episode.zeroed}"
            tiers.setdefault(name, []).append(episode)
    return tiers or {_TYPE: []}


def elan(recording: Recording, media: Path | None) -> bytes:
    """Return the episodes of a clip as an ELAN document of format 3.0, in milliseconds.

    Args:
        recording: A clip.
        media: The video, whose place is noted where it exists.
    """
    root = ElementTree.Element(
        "ANNOTATION_DOCUMENT",
        {
            "AUTHOR": f"IdenNet {__version__}, weights {recording.weights}",
            "DATE": datetime.now(UTC).isoformat(timespec="seconds"),
            "FORMAT": "3.0",
            "VERSION": "3.0",
            "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
            "xsi:noNamespaceSchemaLocation": "http://www.mpi.nl/tools/elan/EAFv3.0.xsd",
        },
    )
    header = ElementTree.SubElement(root, "HEADER", {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"})
    if media is not None and os.path.exists(media):  # noqa: PTH110 - that of Path raises where names are too long
        kind = VIDEO_TYPES.get(media.suffix.lower(), "unknown")
        place = {"MEDIA_URL": media.resolve().as_uri(), "MIME_TYPE": kind}
        ElementTree.SubElement(header, "MEDIA_DESCRIPTOR", place)
    order = ElementTree.SubElement(root, "TIME_ORDER")
    slots: list[tuple[int, str]] = []  # each annotation has two of its own, as ELAN gives them
    for name, episodes in tiers_of(recording).items():
        tier = ElementTree.SubElement(root, "TIER", {"LINGUISTIC_TYPE_REF": _TYPE, "TIER_ID": name})
        for episode in episodes:
            number = len(slots) // 2 + 1
            start, end = f"ts{2 * number - 1}", f"ts{2 * number}"
            slots += [(round(1000 * episode.onset), start), (round(1000 * episode.offset), end)]
            about = {"ANNOTATION_ID": f"a{number}", "TIME_SLOT_REF1": start, "TIME_SLOT_REF2": end}
            annotation = ElementTree.SubElement(tier, "ANNOTATION")
            aligned = ElementTree.SubElement(annotation, "ALIGNABLE_ANNOTATION", about)
            ElementTree.SubElement(aligned, "ANNOTATION_VALUE").text = _text(episode)
    for ms, slot in sorted(slots):
        ElementTree.SubElement(order, "TIME_SLOT", {"TIME_SLOT_ID": slot, "TIME_VALUE": str(ms)})
    ElementTree.SubElement(
        root,
        "LINGUISTIC_TYPE",
        {"GRAPHIC_REFERENCES": "false", "LINGUISTIC_TYPE_ID": _TYPE, "TIME_ALIGNABLE": "true"},
    )
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)


def praat(recording: Recording) -> str:
    """Return the episodes of a clip as a Praat TextGrid in its long text form, in seconds."""
    times = np.zeros(1) if recording.times is None else recording.times
    end = max(float(times[-1]) + recording.step, 0.001)
    tiers = tiers_of(recording)
    lines = [
        'File type = "ooTextFile"', 'Object class = "TextGrid"', "",
        "xmin = 0", f"xmax = {end:.6f}", "tiers? <exists>", f"size = {len(tiers)}", "item []:",
    ]  # fmt: skip
    for number, (name, episodes) in enumerate(tiers.items(), start=1):
        quoted = name.replace('"', '""')
        marks, reached = [], 0.0
        for episode in episodes:
            if episode.onset > reached:
                marks.append((reached, episode.onset, ""))
            reached = min(episode.offset, end)
            marks.append((episode.onset, reached, _text(episode)))
        if reached < end:
            marks.append((reached, end, ""))
        lines += [
            f"    item [{number}]:", '        class = "IntervalTier"', f'        name = "{quoted}"',
            "        xmin = 0", f"        xmax = {end:.6f}", f"        intervals: size = {len(marks)}",
        ]  # fmt: skip
        for mark, (start, stop, text) in enumerate(marks, start=1):
            lines += [
                f"        intervals [{mark}]:", f"            xmin = {start:.6f}",
                f"            xmax = {stop:.6f}", f'            text = "{text}"',
            ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _text(episode: Episode) -> str:
    return f"{column(episode.au)} {episode.strength:.2f} apex {episode.apex:.3f} s"
