"""The model card: what weights are, what they were trained on, how well they read, and their limits."""

from typing import Any

from idennet.facs import NAMES, column
from idennet.learning.evaluation.thresholds import RELIABLE_AUC, RELIABLE_GAIN
from idennet.models.weights import WeightsSidecar
from idennet.research.weights.evidence import rule

_ELSEWHERE = ("taught", "test", "test_protocol", "unreliable")
_LABELS = {
    False: "All Action Unit labels come from rendered faces",
    True: "Nobody coded the Action Units of the faces that taught them: renderings are labelled by the "
    "renderer, photographs by another network",
}
"""Where labels come from, by whether photographs taught too."""
_SCORES = ("auc", "f1", "f1_all_positive", "rate", "ece_before", "ece_after")


_SHAPED = (
    "; beside the paper's network a shape branch, which places 146 points of the face and, less what is "
    "usual for the person, has a share in most Action Units on photographs; who it is, for these and "
    "for telling people apart, is read from it, from the embedding and from the trunk together"
)


def model_card(card: WeightsSidecar) -> str:
    """Return the card of weights as Markdown; every number comes from the weights' JSON file."""
    provenance = card.provenance
    scores: dict[str, dict[str, float]] = provenance.get("test", {})
    taught: list[str] = provenance.get("taught", [])
    lines = [
        f"# Model card: {card.version}",
        "",
        f"{card.architecture.kind} after Table I of the paper, {len(card.aus)} Action Units, "
        f"identity embedding F(x) of {'unit length' if card.architecture.normalize else 'free length'}, "
        f"faces aligned as `{card.template}`{_SHAPED if card.architecture.shaped else ''}. "
        f"sha256 of the tensors: `{card.sha256}`.",
        "",
        "## Scores on rendered faces",
        "",
        f"{provenance.get('test_protocol', '')} These are **not** scores on BP4D, DISFA or UNBC-McMaster.",
        "",
        "| Action Unit | | AUC | F1 | F1, always present | share present | ECE before | after | threshold "
        "| evidence |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
        *(_row(au, scores.get(column(au), {}), card) for au in card.aus),
        _mean_row(scores),
        "",
        f"`~` marks Action Units that are not reliable. On photographs: {rule()}.",
        "Where no photographs tell, on these faces:",
        f"an AUC below {RELIABLE_AUC}, or F1 less than {RELIABLE_GAIN} above that of always saying present.",
        "An Action Unit without mark may still be read badly on photographs, above all where the evidence is",
        "renderings only.",
        *([f"Photographs taught {_text(taught)}; renderings alone taught the others."] if taught else []),
        "",
        *(f"* ~{au}: {why}" for au, why in provenance.get("unreliable", {}).items()),
        "",
        "ECE is the expected calibration error: how far probabilities are, on the mean, from the share of",
        "frames that show the Action Unit, before and after calibration. Thresholds are on calibrated ones.",
        "",
        *_intensities(scores),
        "## Where they come from",
        "",
        *(
            f"* {name.replace('_', ' ')}: {_text(value)}"
            for name, value in provenance.items()
            if name not in _ELSEWHERE
        ),
        "",
        "## Limits",
        "",
        f"Action Units are movements, not emotions. {_LABELS[bool(taught)]}; how well",
        "your own recordings are read is unknown until you compare with a sample coded by hand. See",
        "`docs/limits-and-ethics.md`.",
        "",
    ]
    return "\n".join(lines)


def _row(au: int, score: dict[str, float], card: WeightsSidecar) -> str:
    mark = "~" if au in card.unreliable_aus else ""
    cells = " | ".join(_number(score.get(name)) for name in _SCORES)
    tested = card.evidence.get(au, "–")
    return f"| {mark}{column(au)} | {NAMES[au]} | {cells} | {card.thresholds[au]:.2f} | {tested} |"


def _mean_row(scores: dict[str, dict[str, float]]) -> str:
    mean = scores.get("mean", {})
    cells = " | ".join(_number(mean.get(name)) for name in _SCORES)
    return f"| mean | | {cells} | | |"


def _intensities(scores: dict[str, dict[str, float]]) -> list[str]:
    """Return how well intensities are read, if the weights give any."""
    graded = {name: values for name, values in scores.items() if "icc" in values}
    if not graded:
        return []
    return [
        "## Intensity on the same rendered faces",
        "",
        "ICC(3,1) and correlation r of the intensity, 0 to 5, with the one that was rendered, where the part",
        "of the face is not hidden.",
        "",
        "| Action Unit | ICC(3,1) | r |",
        "| --- | ---: | ---: |",
        *(
            f"| {name} | {_number(values['icc'])} | {_number(values.get('r'))} |"
            for name, values in graded.items()
        ),
        "",
    ]


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(part)}" for name, part in value.items())
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return f"{value:.3f}" if isinstance(value, float) else str(value)
