"""A fit's folder: whose it is, and what lies in it."""

import json
from pathlib import Path

from idennet.errors import InputError, RecipeError
from idennet.files import draft_path, write_text
from idennet.research.benchmark.systems.contract import System, TrainingFaces

MANIFEST = "fit.json"


def claim_folder(folder: Path, system: System, faces: TrainingFaces) -> None:
    """Make the folder of a fit, or check that the one that is there is of this very fit.

    Raises:
        InputError: The folder holds files that are not a fit's.
        RecipeError: It holds a fit of other settings or faces.
    """
    identity = {"system": system.name, "settings": system.digest(), "faces": faces.digest}
    manifest = folder / MANIFEST
    if manifest.is_file():
        before = json.loads(manifest.read_text())
        if changed := [name for name, value in identity.items() if before.get(name) != value]:
            raise RecipeError(
                f"{folder} holds a fit with another {' and '.join(changed)}; choose another folder."
            )
        return
    if folder.exists() and (not folder.is_dir() or not set(folder.iterdir()) <= {draft_path(manifest)}):
        raise InputError(f"{folder} holds other files; choose an empty or new folder for the fit.")
    folder.mkdir(parents=True, exist_ok=True)
    write_text(manifest, json.dumps(identity, indent=1) + "\n")
