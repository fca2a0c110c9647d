"""How large and how fast systems are: what was measured side by side, beside the paper's Table II."""

from pathlib import Path

from pydantic import ValidationError

from idennet.errors import InputError
from idennet.files import write_text
from idennet.settings import Config

FILE = "size-speed.json"


class SizeSpeed(Config):
    """One system.

    Attributes:
        system: Its name.
        parameters: Learnt numbers without biases, as the paper counts them.
        macs: Multiply-accumulates of the matrix products and convolutions of one face; None: it has none, or
            its scores depend on more than one face.
        faces_per_second: Median over rounds, from stored faces to scores.
        looks_at: What a score depends on.
    """

    system: str
    parameters: int
    macs: int | None
    faces_per_second: float
    looks_at: str


class Measured(Config):
    """All systems of one measurement.

    Attributes:
        systems: In the order asked for.
        aus: Action Units that the networks have.
        data: What the faces are, in words.
        faces: How many were scored in each round.
        rounds: How often; in each round all systems took their turn.
        engine: What computed the networks.
        machine: Where.
        date: When.
    """

    systems: tuple[SizeSpeed, ...]
    aus: tuple[int, ...]
    data: str
    faces: int
    rounds: int
    engine: str
    machine: str
    date: str


def write_measured(measured: Measured, results: Path) -> Path:
    """Write a measurement into a benchmark's folder, in place of an earlier one; return the file."""
    results.mkdir(parents=True, exist_ok=True)
    path = results / FILE
    write_text(path, measured.model_dump_json(indent=1) + "\n")
    return path


def read_measured(results: Path) -> Measured | None:
    """Return the measurement in a benchmark's folder; None if there is none.

    Raises:
        InputError: The file is damaged.
    """
    path = results / FILE
    if not path.is_file():
        return None
    try:
        return Measured.model_validate_json(path.read_text(encoding="utf-8"))
    except ValidationError as error:
        raise InputError(f"{path} is damaged; measure again with: idennet benchmark size-speed") from error
