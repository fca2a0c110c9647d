"""One version of the package, told alike wherever it stands."""

import tomllib
from pathlib import Path

import yaml

import idennet

ROOT = Path(__file__).parents[1]


def test_the_citation_names_the_version() -> None:
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == idennet.__version__


def test_the_newest_changes_are_those_of_the_version() -> None:
    titles = [line for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if line.startswith("## ")]
    assert titles[0].split()[1] == idennet.__version__


def test_the_build_reads_the_version_from_the_package() -> None:
    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" in configuration["project"]["dynamic"]
    assert configuration["tool"]["hatch"]["version"] == {"path": "src/idennet/__init__.py"}
