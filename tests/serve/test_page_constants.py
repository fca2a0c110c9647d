"""Numbers that the page has of its own: those of the tables."""

import re
from importlib import resources

import pytest

from idennet.inference import face


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("bars.js", "ONE_SIDED_FROM"),
        ("bars.js", "ONE_SIDED_TIMES"),
        ("bars.js", "MOST_YAW_OF_SIDES"),
        ("state.js", "SURE"),
    ],
)
def test_the_page_draws_the_line_where_everything_else_does(file: str, name: str) -> None:
    script = resources.files("idennet.serve").joinpath("page", file).read_text(encoding="utf-8")
    (value,) = re.findall(rf"\b{name} = ([\d.]+)[,;]", script)
    assert float(value) == getattr(face, name)
