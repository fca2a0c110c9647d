"""Systems by name, with settings replaced: what `--systems`, `--steps` and `--set` of a benchmark mean."""

from collections.abc import Sequence
from difflib import get_close_matches

from idennet.errors import InputError
from idennet.research.benchmark.systems.catalogue import SYSTEMS
from idennet.research.benchmark.systems.contract import SteppedSystem, System
from idennet.settings import override

PAPER = ("alexnet", "drml", "svtpt", "lightcnn", "e-net-atf", "roinet", "idennet")
"""The columns of Tables III and IV, in their order."""

ABLATION = (
    "lightcnn",
    "idennet",
    "idennet-without-norm",
    "idennet-triplet-only",
    "idennet-concatenation",
    "idennet-affine",
)
"""What the paper's text compares without NORM, and what else could be done with the identity."""


def chosen_systems(
    names: Sequence[str], steps: int | None = None, overrides: Sequence[str] = ()
) -> list[System]:
    """Return systems of the catalogue with replaced settings.

    Args:
        names: In the order of the tables.
        steps: Of the optimiser, for all that have a budget of steps; None: their defaults.
        overrides: `lightcnn.budget.batch=32`: what follows the name of a system is one of its settings.

    Raises:
        InputError: There is no system of a name, or an override is for one that is not chosen.
        RecipeError: A setting is unknown or has a value that is not allowed.
    """
    for name in names:
        if name not in SYSTEMS:
            raise InputError(f"There is no system {name!r}; {_advice(name, list(SYSTEMS))}")
    given: dict[str, list[str]] = {name: [] for name in names}
    for name in names:
        if steps is not None and isinstance(SYSTEMS[name], SteppedSystem):
            given[name].append(f"budget.steps={steps}")
    for text in overrides:
        name, dot, setting = text.partition(".")
        if not dot or name not in given:
            raise InputError(f"--set {text} is for none of the systems; {_advice(name, list(given))}")
        given[name].append(setting)
    return [override(SYSTEMS[name], settings, name) for name, settings in given.items()]


def _advice(name: str, names: Sequence[str]) -> str:
    similar = get_close_matches(name, names, n=1)
    return f"did you mean {similar[0]}?" if similar else f"there are {', '.join(names)}."
