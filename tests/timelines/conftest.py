from dataclasses import replace
from pathlib import Path

import pytest
from planted_clip import clip_results, planted, write_results


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """The folder: the clip, a photograph with two faces and one without."""
    photo = replace(clip_results()[0], source="a.jpg", frame=None, time=None)
    photo = replace(photo, faces=(planted(0, 0.7), planted(1, 0.3)))
    return write_results(
        tmp_path / "results", [*clip_results(), photo, replace(photo, source="b.jpg", faces=())]
    )
