"""Weights on disk: `name.safetensors` and beside it `name.json`, which says what they are.

Stored as float16 by default, computed as float32. The sha256 of the tensors is in the JSON file and is
checked on the very bytes that are then read, so an altered or torn file never becomes a network.
"""

import functools
import hashlib
import importlib.resources
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import safetensors.torch
import torch
from pydantic import (
    BeforeValidator,
    Field,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from idennet.errors import WeightsError
from idennet.facs import column, parse
from idennet.files import drafts_of
from idennet.models.combination import IdentityUse
from idennet.models.idennet import IdenNet
from idennet.models.lightcnn import LightCNN
from idennet.settings import Config

Network = IdenNet | LightCNN

ActionUnit = Annotated[
    int,
    BeforeValidator(lambda value: parse(value) if isinstance(value, str) else value),
    PlainSerializer(column, return_type=str, when_used="json"),
]
"""An `int` in code and `"AU12"` in the file."""


Scale = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Shift = Annotated[float, Field(allow_inf_nan=False)]


class Evidence(StrEnum):
    """What the reading of an Action Unit on photographs rests on, the best first."""

    TESTED = "tested on photographs"
    TAUGHT = "taught by photographs"
    RENDERINGS = "renderings only"


class Architecture(Config):
    """What to build before the tensors can be loaded."""

    kind: Literal["IdenNet", "LightCNN"]
    num_aus: int = Field(ge=1)
    normalize: bool = True
    identity: IdentityUse = "translation"
    graded: bool = False
    shaped: bool = False

    @model_serializer(mode="wrap")
    def _as_before(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what the paper has not, so that cards older than a field stay as they are."""
        values: dict[str, Any] = serialize(self)
        return {name: value for name, value in values.items() if value or name not in ("graded", "shaped")}


class WeightsCard(Config):
    """What a user of weights must know.

    Attributes:
        version: Name of this training, for example `"synfacs-1"`.
        aus: Action Units in the order of the logits.
        template: Name of the alignment template of the training faces.
        thresholds: Calibrated probability from which each Action Unit is called present.
        calibration: Scale and shift of each Action Unit's logit, after which its probability tells how often
            it is present; empty when the network's probabilities are used as they are.
        unreliable_aus: Action Units that were predicted too poorly to rely on.
        evidence: What the reading of each Action Unit rests on; empty for weights that nobody promoted.
        provenance: Where the weights come from: recipe digest, corpora, metrics, licence; free form.
            Where photographs taught too, `taught` has the columns of the Action Units that they taught.
    """

    version: str
    aus: tuple[ActionUnit, ...] = Field(min_length=1)
    template: str
    thresholds: dict[ActionUnit, Annotated[float, Field(gt=0, lt=1)]]
    calibration: dict[ActionUnit, tuple[Scale, Shift]] = Field(default_factory=dict)
    unreliable_aus: tuple[ActionUnit, ...] = ()
    evidence: dict[ActionUnit, Evidence] = Field(default_factory=dict)
    provenance: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _aus_agree(self) -> Self:
        if len(set(self.aus)) != len(self.aus):
            raise ValueError("aus names an Action Unit twice")
        if set(self.thresholds) != set(self.aus):
            raise ValueError("thresholds must have one value for each of aus")
        if self.calibration and set(self.calibration) != set(self.aus):
            raise ValueError("calibration must be empty or have a scale and a shift for each of aus")
        if not set(self.unreliable_aus) <= set(self.aus):
            raise ValueError("unreliable_aus names an Action Unit that is not in aus")
        if self.evidence and set(self.evidence) != set(self.aus):
            raise ValueError("evidence must be empty or have a grade for each of aus")
        return self


class WeightsSidecar(WeightsCard):
    """The JSON file: the card, and what is needed to build the network and to trust its tensors."""

    format: Literal[1] = 1
    architecture: Architecture
    sha256: str

    def to_json(self) -> str:
        """Return the content of the JSON file."""
        return self.model_dump_json(indent=2) + "\n"


def save_weights(model: Network, path: Path, card: WeightsCard, half: bool = True) -> None:
    """Write `path` (ending in `.safetensors`) and its JSON file; earlier ones stay until both are complete.

    Args:
        model: The network; its device does not matter.
        path: File to write; an existing one is replaced.
        card: What users must know; its `aus` are the model's, in order.
        half: Store float16 instead of float32: half the bytes, about 3 correct digits.

    Raises:
        WeightsError: The path has another ending or is in no folder, or the card names another number of
            AUs than the model has.
    """
    check_weights_path(path)
    if len(card.aus) != model.num_aus:
        raise WeightsError(
            f"The card names {len(card.aus)} AUs and the network predicts {model.num_aus}; they must agree."
        )
    dtype = torch.float16 if half else torch.float32
    tensors = {
        name: tensor.detach().to("cpu", dtype).contiguous() for name, tensor in model.state_dict().items()
    }
    data = safetensors.torch.save(tensors)
    architecture = (
        Architecture(
            kind="IdenNet",
            num_aus=model.num_aus,
            normalize=model.normalize,
            identity=model.identity,
            graded=model.graded,
            shaped=model.shaped,
        )
        if isinstance(model, IdenNet)
        else Architecture(kind="LightCNN", num_aus=model.num_aus)
    )
    values = {name: getattr(card, name) for name in WeightsCard.model_fields}
    sidecar = WeightsSidecar(architecture=architecture, sha256=hashlib.sha256(data).hexdigest(), **values)
    with drafts_of(path, _sidecar_path(path)) as (tensors_draft, sidecar_draft):
        tensors_draft.write_bytes(data)
        sidecar_draft.write_text(sidecar.to_json(), encoding="utf-8", newline="\n")


def check_weights_path(path: Path) -> None:
    """Raise `WeightsError` if weights cannot be written to a path."""
    if path.suffix != ".safetensors" or not path.parent.is_dir():
        raise WeightsError(f"Cannot write weights to {path}; name a .safetensors file in an existing folder.")


def load_weights(path: Path) -> tuple[Network, WeightsSidecar]:
    """Return the network (float32, on the CPU, in evaluation mode) and the card of a weights file.

    Raises:
        WeightsError: A file is missing or altered, the JSON file describes nothing that can be built here,
            or the tensors belong to another network.
    """
    if path.suffix == ".json":
        raise WeightsError(f"{path} describes weights; give the .safetensors file beside it.")
    if path.is_file() and path.suffix != ".safetensors":
        raise WeightsError(
            f"{path} is no weights file; give a .safetensors file with its .json file beside it."
        )
    for needed in (path, _sidecar_path(path)):
        if not needed.is_file():
            raise WeightsError(
                f"There is no {needed}; weights are a .safetensors file and a .json file side by side."
            )
    try:
        sidecar = WeightsSidecar.model_validate_json(_sidecar_path(path).read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise WeightsError(
            f"{_sidecar_path(path)} cannot be used: {where}: {first['msg']}; get both files anew."
        ) from error
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != sidecar.sha256:
        raise WeightsError(f"{path} does not have the sha256 of its .json file; get both files anew.")
    with torch.device("meta"):  # shapes only: no time and no random numbers for weights that are replaced
        model = _build(sidecar.architecture)
    try:
        tensors = safetensors.torch.load(data)
    except safetensors.SafetensorError as error:
        raise WeightsError(f"{path} is no safetensors file: {error}.") from error
    expected = {name: tensor.shape for name, tensor in model.state_dict().items()}
    shaped = {name for name in expected if name.startswith(("shape_identity", "trunk_parts"))}
    if shaped - tensors.keys():
        raise WeightsError(
            f"{path} has a shape branch as earlier versions read it; take weights from before they had one "
            "and give them another with: idennet weights add-shape."
        )
    if {name: tensor.shape for name, tensor in tensors.items()} != expected:
        raise WeightsError(f"{path} holds the tensors of another network than {path.stem}.json says.")
    model.load_state_dict({name: tensor.float() for name, tensor in tensors.items()}, assign=True)
    return model.eval(), sidecar


def best_weights(run: Path, stage: str) -> Path:
    """Return where the folder of a run keeps the best weights of a stage, "au" or "identity"."""
    return run / f"best-{stage}.safetensors"


def weights_file(given: Path) -> Path:
    """Return the file of weights that are given as a file or as the folder of a run.

    Raises:
        WeightsError: The folder holds no weights of any stage.
    """
    if not given.is_dir():
        return given
    for stage in ("au", "identity"):
        if (file := best_weights(given, stage)).is_file():
            return file
    raise WeightsError(f"{given} holds no weights; give the folder of a run that has validated once.")


def bundled_weights_path() -> Path:
    """Return where the weights that come with this package lie."""
    return Path(str(importlib.resources.files("idennet").joinpath("assets", "idennet.safetensors")))


@functools.cache
def load_bundled() -> tuple[Network, WeightsSidecar]:
    """Return the bundled network and its card; read once, so every caller shares the same module.

    Raises:
        WeightsError: As `load_weights`.
    """
    return load_weights(bundled_weights_path())


def _build(architecture: Architecture) -> Network:
    if architecture.kind == "IdenNet":
        return IdenNet(
            architecture.num_aus,
            architecture.normalize,
            architecture.identity,
            architecture.graded,
            architecture.shaped,
        )
    return LightCNN(architecture.num_aus)


def _sidecar_path(path: Path) -> Path:
    return path.with_suffix(".json")
