"""Weights may be given as a file or as the folder of a run."""

from pathlib import Path


def weights_file(given: Path | None) -> Path | None:
    """Return the file of `given`: the best weights of a run's folder; None for the bundled weights.

    Raises:
        InputError: The folder holds no weights.
    """
    if given is None or not given.is_dir():
        return given
    from idennet.learning.training import open_run

    return open_run(given).weights
