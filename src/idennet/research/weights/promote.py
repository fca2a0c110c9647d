"""From a finished build to what ships: name, marks from photographs, model card, checksums and records.

What ships follows from the records in `results/weights-NAME` and the results on photographs that the card
names; a test makes it again from them.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from idennet.errors import InputError
from idennet.faces.card import give_weights, read_network, write_network
from idennet.faces.landmark_net import LandmarkNet
from idennet.faces.shot_net import ShotNet
from idennet.facs import column, parse
from idennet.files import drafts_of, write_bytes, write_text
from idennet.learning.training.folder import MANIFEST, RECIPE
from idennet.learning.training.progress import METRICS
from idennet.models.weights import Evidence, WeightsSidecar, load_weights
from idennet.research.weights import cost
from idennet.research.weights.build import CARD, RELIABILITY, RUN, WEIGHTS
from idennet.research.weights.evidence import PhotographEvidence, read_evidence
from idennet.research.weights.model_card import model_card

ASSETS = Path("src", "idennet", "assets")
"""Where a checkout of the repository keeps the weights that ship."""

BUILT = "build.json"
"""The card as the build wrote it, among the records."""

RECORDS = {
    BUILT: WEIGHTS.with_suffix(".json"),
    cost.FILE: Path(cost.FILE),
    **{name: RUN / name for name in (RECIPE, MANIFEST, METRICS)},
}
"""Files of `results/weights-NAME`, and where in the build's folder they come from; all text and numbers."""


NETWORKS = {"landmarks.safetensors": LandmarkNet, "shots.safetensors": ShotNet}
"""Networks of the face finder, by the name of their weights in a training's folder and in the package."""


def promote(build: Path, name: str, results: Sequence[Path], checkout: Path) -> Path:
    """Write what ships into a checkout of the repository, and return the weights file there.

    Args:
        build: Folder of a finished `idennet weights build`, or of the training of a network that finds faces.
        name: Version of the weights, such as "synfacs-0.3.0".
        results: What `idennet evaluate` wrote about the build's weights and lists of photographs; in the
            checkout, since they are the proof of the marks. None for a network that finds faces.
        checkout: Root of the repository. Written are the weights and their card in `src/idennet/assets`, both
            or neither, `results/weights-NAME`, and of a build `docs/model-card.md` and
            `docs/images/reliability.png`.

    Raises:
        InputError: The name is none, the build is not finished, the checkout is none, a result lies outside
            it or judges something else, or the name belongs to other weights already.
        WeightsError: The build's weights are damaged.
    """
    if not re.fullmatch(r"[a-z0-9]+([.-][a-z0-9]+)*", name):
        raise InputError(f"{name!r} is no name of weights; name them like synfacs-0.3.0, in small letters.")
    if not (checkout / ASSETS).is_dir():
        raise InputError(f"{checkout} is no checkout of IdenNet's repository; it has no {ASSETS}.")
    network = next((file for file in NETWORKS if (build / file).is_file()), None)
    if network is None:
        return _promote_weights(build, name, results, checkout)
    if results:
        raise InputError(f"{build} holds a network that finds faces; evidence is about Action Units only.")
    return _promote_network(build / network, name, checkout)


def promoted(built: WeightsSidecar, name: str, evidence: Mapping[str, PhotographEvidence]) -> WeightsSidecar:
    """Return the card that ships: the build's, with its name, and what photographs say about it.

    Args:
        built: The card that the build wrote.
        name: Version of the weights.
        evidence: What photographs say, by the path of the result in the repository.
    """
    scores: Mapping[str, Mapping[str, float]] = built.provenance["test"]
    tested = frozenset[int]().union(*(one.tested_aus for one in evidence.values()))
    reasons: dict[int, list[str]] = {}
    for au in built.aus:
        rendered = (
            [] if au in tested or au not in built.unreliable_aus else [_rendered_fault(scores[column(au)])]
        )
        reasons[au] = rendered + [fault for one in evidence.values() for fault in one.faults(au)]
    taught = set(map(parse, built.provenance.get("taught", ())))
    return built.model_copy(
        update={
            "version": name,
            "unreliable_aus": tuple(au for au in built.aus if reasons[au]),
            "evidence": {au: _grade(au in tested, au in taught) for au in built.aus},
            "provenance": built.provenance
            | {
                "name_of_the_build": built.version,
                "records": f"results/weights-{name}",
                "photographs": list(evidence),
                "unreliable": {column(au): "; ".join(why) for au, why in reasons.items() if why},
            },
        }
    )


def _grade(tested: bool, taught: bool) -> Evidence:
    if tested:
        return Evidence.TESTED
    return Evidence.TAUGHT if taught else Evidence.RENDERINGS


def _promote_weights(build: Path, name: str, results: Sequence[Path], checkout: Path) -> Path:
    sources = {record: build / source for record, source in RECORDS.items()}
    needed = (build / WEIGHTS, build / RELIABILITY, *sources.values())
    if missing := [str(source) for source in needed if not source.is_file()]:
        raise InputError(f"There is no {missing[0]}; finish the build with idennet weights build.")
    root = checkout.resolve()
    if outside := [str(result) for result in results if not result.resolve().is_relative_to(root)]:
        raise InputError(f"{outside[0]} lies outside {checkout}; copy it into results and commit it.")
    built = load_weights(build / WEIGHTS)[1]
    evidence = {
        result.resolve().relative_to(root).as_posix(): read_evidence(result, built) for result in results
    }
    card = promoted(built, name, evidence)
    records = _records(checkout, name, built.sha256)
    for record, source in sources.items():
        write_bytes(records / record, source.read_bytes())
    write_bytes(checkout / "docs" / "images" / RELIABILITY, (build / RELIABILITY).read_bytes())
    write_text(checkout / "docs" / CARD, model_card(card))
    shipped = checkout / ASSETS / WEIGHTS
    with drafts_of(shipped, shipped.with_suffix(".json")) as (tensors, sidecar):
        tensors.write_bytes((build / WEIGHTS).read_bytes())
        sidecar.write_text(card.to_json(), encoding="utf-8", newline="\n")
    return shipped


def _promote_network(file: Path, name: str, checkout: Path) -> Path:
    content, card = read_network(file)
    give_weights(NETWORKS[file.name](), content, file)
    records = _records(checkout, name, card.sha256)
    write_text(records / BUILT, card.to_json())
    for record in (RECIPE, MANIFEST, METRICS):
        if (source := file.parent / record).is_file():  # the first landmark weights were trained without
            write_bytes(records / record, source.read_bytes())
    shipped = checkout / ASSETS / file.name
    folder = records.relative_to(checkout).as_posix()
    write_network(content, card.model_copy(update={"version": name, "records": folder}), shipped)
    return shipped


def _records(checkout: Path, name: str, sha256: str) -> Path:
    """Return the folder for the records of weights, which no others have."""
    records = checkout / "results" / f"weights-{name}"
    earlier = records / BUILT
    if earlier.is_file() and json.loads(earlier.read_text(encoding="utf-8"))["sha256"] != sha256:
        raise InputError(f"{records} records other weights; choose another name.")
    records.mkdir(parents=True, exist_ok=True)
    return records


def _rendered_fault(score: Mapping[str, float]) -> str:
    return (
        f"AUC {score['auc']:.3f}, F1 {score['f1']:.3f} on rendered faces "
        f"(always saying present: F1 {score['f1_all_positive']:.3f})"
    )
