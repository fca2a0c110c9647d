"""Without the extra `research`, its parts say what to install."""

import sys
from pathlib import Path

import pytest

from idennet.errors import MissingExtraError
from idennet.research import figures
from idennet.research.demo.page import write_page


def test_figures_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"idennet\[research\]"):
        figures.au_bars({12: 0.9}, {12: 0.5})


def test_a_page_without_jinja2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingExtraError, match=r"idennet\[research\]"):
        write_page(tmp_path / "report.html", "Title", "Lead.", {}, [])
