"""What the weights of a network that finds faces are: `name.json` beside `name.safetensors`."""

import hashlib
from pathlib import Path

import safetensors.torch
from pydantic import Field, ValidationError
from torch import Tensor, nn

from idennet.errors import WeightsError
from idennet.files import drafts_of
from idennet.settings import Config

_COUNTER = "num_batches_tracked"  # of batch normalisation: only training asks for it


class Material(Config):
    """Pictures that a network was trained on.

    Attributes:
        name: Of the corpus or the list of photographs.
        fingerprint: Tells it from others of the same name: of a corpus' settings, or of a list's bytes.
        pictures: How many it holds.
        people: How many people are on them; None where nobody counted.
    """

    name: str
    fingerprint: str
    pictures: int = Field(ge=0)
    people: int | None = Field(default=None, ge=0)


class NetworkCard(Config):
    """Where the weights of a network come from, and how well it does.

    Attributes:
        version: Name of this training.
        network: Class of the network.
        sha256: Of the safetensors file.
        recipe: Name of the recipe.
        recipe_digest: Of the recipe's values; None for trainings from before there were recipes.
        steps: How many steps it was trained.
        seed: Of the first weights and of everything that was drawn.
        trained_on: Corpora and photographs, those of held-out people included.
        learned: How many of their pictures gradients came from.
        held_out: How many of their pictures, of other people, the errors are from.
        started_from: SHA-256 of the weights that this training started from; None for random ones.
        errors: Named errors on held-out people.
        licence: Of the weights.
        date: Day on which the training ended.
        records: Folder of the repository with the records; empty until the weights are promoted.
    """

    version: str
    network: str
    sha256: str
    recipe: str
    recipe_digest: str | None
    steps: int = Field(ge=0)
    seed: int = Field(ge=0)
    trained_on: tuple[Material, ...]
    learned: int = Field(ge=0)
    held_out: int = Field(ge=0)
    started_from: str | None = None
    errors: dict[str, float]
    licence: str = "MIT"
    date: str
    records: str = ""

    def to_json(self) -> str:
        """Return the content of the JSON file."""
        return self.model_dump_json(indent=2) + "\n"


def to_bytes(network: nn.Module) -> bytes:
    """Return the weights of a network as a safetensors file, float16, without counters of training."""
    return safetensors.torch.save(
        {
            name: (value.half() if value.is_floating_point() else value).cpu().contiguous()
            for name, value in network.state_dict().items()
            if not name.endswith(_COUNTER)
        }
    )


def write_network(content: bytes, card: NetworkCard, file: Path) -> None:
    """Write a weights file and its card; earlier ones stay until both are complete.

    Args:
        content: From `to_bytes`.
        card: With the sha256 of the content.
        file: Path ending in `.safetensors`.
    """
    assert card.sha256 == hashlib.sha256(content).hexdigest(), "the card is of other weights"
    with drafts_of(file, file.with_suffix(".json")) as (tensors, sidecar):
        tensors.write_bytes(content)
        sidecar.write_text(card.to_json(), encoding="utf-8", newline="\n")


def read_network(file: Path) -> tuple[bytes, NetworkCard]:
    """Return a weights file as `write_network` wrote it, checked against the sha256 of its card.

    Raises:
        WeightsError: A file is missing, the card describes no weights, or the weights are others.
    """
    record = file.with_suffix(".json")
    if not file.is_file() or not record.is_file():
        raise WeightsError(f"Weights are {file} and {record.name} beside it; one of the two is missing.")
    try:
        card = NetworkCard.model_validate_json(record.read_bytes())
    except ValidationError as error:
        raise WeightsError(f"{record} describes weights of another kind, or is damaged.") from error
    content = file.read_bytes()
    if hashlib.sha256(content).hexdigest() != card.sha256:
        raise WeightsError(f"{file} differs from the sha256 that {record.name} states; fetch it again.")
    return content, card


def give_weights(network: nn.Module, content: bytes, file: Path) -> None:
    """Load what `read_network` returned into a network, which is in evaluation mode afterwards.

    Raises:
        WeightsError: The weights belong to another network; the sentence names the file.
    """
    counters = {name: value for name, value in network.state_dict().items() if name.endswith(_COUNTER)}
    try:
        tensors: dict[str, Tensor] = safetensors.torch.load(content)
        network.load_state_dict(counters | tensors)
    except (RuntimeError, safetensors.SafetensorError) as error:
        raise WeightsError(f"{file} belongs to another network than {type(network).__name__}.") from error
    network.eval()
