"""A run's folder: whose it is, what a kill may leave there, and what is never deleted."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from tiny_training import small_recipe

from idennet.errors import InputError, RecipeError
from idennet.files import draft_path
from idennet.learning.data.store import FaceStore
from idennet.learning.training.corpus import join_stores
from idennet.learning.training.folder import LAST, MANIFEST, RECIPE, git_commit, prepare_folder
from idennet.learning.training.progress import METRICS


def prepare(
    out: Path, au: list[FaceStore], identity: list[FaceStore] | None = None, *, resume: bool = True
) -> None:
    corpus = join_stores(au, identity or [], aus=(6, 12))
    prepare_folder(out, small_recipe(), corpus, corpus.split(0.4, 0)[1], None, resume)


def test_selections_and_uses_of_a_store_are_told_apart(au_store: FaceStore, tmp_path: Path) -> None:
    first, second = au_store.select(au_store.subjects[:3]), au_store.select(au_store.subjects[2:])
    prepare(tmp_path, [first], [second])
    stores = json.loads((tmp_path / MANIFEST).read_text())["stores"]
    assert [(s["digest"], s["faces"], s["subjects"], s["use"]) for s in stores] == [
        (au_store.digest, 18, 3, "au"),
        (au_store.digest, 18, 3, "identity"),
    ]
    assert stores[0]["rows"] != stores[1]["rows"]
    prepare(tmp_path, [first], [second])
    for au, identity in (([second], [first]), ([first, second], []), ([first], [au_store]), ([first], [])):
        with pytest.raises(RecipeError, match="holds a run with another stores"):
            prepare(tmp_path, au, identity)


@pytest.mark.parametrize("written", [RECIPE, MANIFEST])
def test_a_kill_while_the_folder_is_made_can_be_resumed(
    written: str, au_store: FaceStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = Path.replace

    def dying_replace(self: Path, target: Path) -> Path:
        if target.name == written:
            raise KeyboardInterrupt
        return replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", dying_replace)
        with pytest.raises(KeyboardInterrupt):
            prepare(tmp_path / "run", [au_store])
    draft_path(tmp_path / "run" / written).write_text("to")  # which SIGKILL leaves
    prepare(tmp_path / "run", [au_store])
    assert {file.name for file in (tmp_path / "run").iterdir()} == {RECIPE, MANIFEST}


def test_fresh_deletes_the_manifest_last(
    au_store: FaceStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(tmp_path, [au_store])
    for name in (LAST, METRICS, "best-au.safetensors", "best-au.json", draft_path(Path(LAST)).name):
        (tmp_path / name).write_text("")
    (tmp_path / "tensorboard").mkdir()
    unlink, deleted = Path.unlink, []

    def remember(self: Path, missing_ok: bool = False) -> None:
        deleted.extend([self.name] if self.exists() else [])
        unlink(self, missing_ok)

    monkeypatch.setattr(Path, "unlink", remember)
    prepare(tmp_path, [au_store], resume=False)
    assert deleted[-1] == MANIFEST
    assert {file.name for file in tmp_path.iterdir()} == {RECIPE, MANIFEST}


def test_weights_of_an_unknown_run_are_not_deleted_unasked(au_store: FaceStore, tmp_path: Path) -> None:
    (tmp_path / "best-au.safetensors").write_text("precious")
    with pytest.raises(InputError, match="holds other files"):
        prepare(tmp_path, [au_store])
    assert (tmp_path / "best-au.safetensors").read_text() == "precious"
    prepare(tmp_path, [au_store], resume=False)
    assert not (tmp_path / "best-au.safetensors").exists()


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
@pytest.mark.parametrize(
    ("project", "ours"),
    [
        ('[project]\nname = "idennet"', True),
        ('[project]\nname = "thesis"', False),
        ("[[", False),
        (None, False),
    ],
)
def test_only_commits_of_our_own_repository_are_recorded(
    project: str | None, ours: bool, tmp_path: Path
) -> None:
    def git(*words: str) -> str:
        command = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.c", *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    git("init", "--quiet")
    assert git_commit(tmp_path) is None  # no commit yet
    git("commit", "--quiet", "--allow-empty", "--message", "first")
    if project is not None:
        (tmp_path / "pyproject.toml").write_text(project)
    inside = tmp_path / "src"
    inside.mkdir()
    assert git_commit(inside) == (git("rev-parse", "HEAD") if ours else None)
