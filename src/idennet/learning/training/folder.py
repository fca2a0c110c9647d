"""A run's folder: which run it is, whether that run may go on there, and what belongs to it.

`run.json` is written last and deleted last: a folder without it holds nothing of value but what its user
put there, and one with it can be continued, whenever the run was killed.
"""

import hashlib
import json
import platform
import shutil
import subprocess
import tomllib
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

import idennet
from idennet import facs
from idennet.errors import InputError, RecipeError
from idennet.files import draft_path, write_text
from idennet.learning.training import distributed
from idennet.learning.training.corpus import Corpus
from idennet.learning.training.fold import FoldFaces
from idennet.learning.training.progress import METRICS, TENSORBOARD
from idennet.learning.training.recipe import Recipe
from idennet.learning.training.stages import StagePlan
from idennet.models.weights import best_weights, load_weights

MANIFEST, RECIPE, LAST = "run.json", "recipe.yaml", "last.safetensors"


def prepare_folder(
    out: Path,
    recipe: Recipe,
    corpus: Corpus,
    validation: Corpus,
    initial: Path | None,
    resume: bool,
    *,
    teacher: Path | None = None,
    known_people: Path | None = None,
    fold: FoldFaces | None = None,
    plans: Sequence[StagePlan] = (),
) -> None:
    """Make the run's folder, or check that the one that is there is of this very run.

    Args:
        out: The folder.
        recipe: Of the run, as are the following.
        corpus: All faces.
        validation: Those of them that no gradient sees.
        initial: Weights to start from.
        resume: False deletes what another run left there.
        teacher: File of a teacher's labels, if there is any.
        known_people: File of a teacher's embeddings, if there is any.
        fold: Of a protocol, if it is trained for one.
        plans: Its stages.

    Raises:
        InputError: The folder holds files that are not a run's.
        RecipeError: The folder has a run of another recipe, or with other faces, validation subjects or
            initial weights.
    """
    manifest = out / MANIFEST
    identity = {
        "recipe": recipe.name,
        "recipe_digest": recipe.digest(),
        "stores": _describe_stores(corpus),
        "initial": None if initial is None else load_weights(initial)[1].sha256,
        "teacher": _digest(teacher),
        "known_people": _digest(known_people),
        "protocol": None if fold is None else fold.protocol,
        "fold": None if fold is None else fold.fold,
        "validation_subjects": [corpus.subjects[index] for index in sorted(set(validation.identities))],
    }
    if manifest.is_file() and resume:
        before = json.loads(manifest.read_text())
        if changed := [name for name, value in identity.items() if before.get(name) != value]:
            raise RecipeError(
                f"{out} holds a run with another {' and '.join(changed)}; choose another folder, or begin "
                "anew there with --fresh."
            )
        return
    if not manifest.is_file() and _holds_other_files(out, resume):
        raise InputError(f"{out} holds other files; choose an empty or new folder for the run.")
    _delete_run(out)
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / RECIPE, yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False))
    record: dict[str, Any] = {
        **identity,
        "data": [str(store.provenance) for store in corpus.stores],
        "pairs": {plan.name: [asdict(pairs) for pairs in plan.drawing.pairs] for plan in plans},
        "seed": recipe.seed,
        "aus": facs.columns(corpus.aus),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "idennet": idennet.__version__,
        "git_commit": git_commit(Path(__file__).parent),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "machine": platform.platform(),
        "processes": distributed.world_size(),
    }
    write_text(manifest, json.dumps(record, indent=2) + "\n")


def _digest(file: Path | None) -> str | None:
    return None if file is None else hashlib.sha256(file.read_bytes()).hexdigest()


def record_continuation(out: Path, stage: str, step: int) -> None:
    """Note in `run.json` that the run was interrupted and goes on after so many steps of a stage."""
    record = json.loads((out / MANIFEST).read_text())
    now = datetime.now(UTC).isoformat(timespec="seconds")
    record.setdefault("continued", []).append({"stage": stage, "step": step, "date": now})
    write_text(out / MANIFEST, json.dumps(record, indent=2) + "\n")


def git_commit(folder: Path) -> str | None:
    """Return the commit of the IdenNet repository that `folder` lies in; None if it is in no such one."""
    git = shutil.which("git")
    if git is None:
        return None
    command = [git, "-C", str(folder), "rev-parse", "--show-toplevel", "HEAD"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        return None
    root, commit = answer.stdout.splitlines()
    return commit if _is_own_repository(Path(root)) else None


def _is_own_repository(root: Path) -> bool:
    """Return whether a repository is IdenNet's, and not one that an installed IdenNet happens to lie in."""
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(project.get("project", {}).get("name") == "idennet")


def _describe_stores(corpus: Corpus) -> list[dict[str, Any]]:
    """Return what each store is and is used for; `rows` tells selections of one store apart."""
    return [
        {
            "source": store.source,
            "digest": store.digest,
            "faces": len(store),
            "subjects": len(store.subjects),
            "rows": hashlib.sha256(np.ascontiguousarray(store.index).data).hexdigest(),
            "use": "au" if corpus.au_coded[corpus.store_of == position].any() else "identity",
        }
        for position, store in enumerate(corpus.stores)
    ]


def _holds_other_files(out: Path, resume: bool) -> bool:
    """Return whether a place without `run.json` holds what must not be overwritten.

    Texts that a kill left there may be; without `--fresh`, weights of an unknown run may not.
    """
    if not out.exists():
        return False
    replaceable = _texts(out) if resume else _texts(out) + _weights(out)
    return not out.is_dir() or not set(out.iterdir()) <= set(replaceable)


def _delete_run(out: Path) -> None:
    for file in (*_weights(out), *_texts(out)):
        if file.name == TENSORBOARD:
            shutil.rmtree(file, ignore_errors=True)
        else:
            file.unlink(missing_ok=True)


def _weights(out: Path) -> list[Path]:
    best = [best_weights(out, stage) for stage in ("identity", "au")]
    files = [out / LAST, *best, *(path.with_suffix(".json") for path in best)]
    return [*map(draft_path, files), *files]


def _texts(out: Path) -> list[Path]:
    """Return everything that is no weights; `run.json` at the end."""
    files = [out / METRICS, out / RECIPE, out / MANIFEST]
    return [out / TENSORBOARD, *map(draft_path, files), *files]
