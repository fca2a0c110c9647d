"""One self-contained HTML page: prose, pictures, figures and tables, nothing loaded from outside."""

import base64
import html
import importlib.util
import io
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from PIL import Image

from idennet.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Block:
    """A piece of a section: ready HTML and a caption below it."""

    html: str
    caption: str = ""
    wide: bool = False


@dataclass(frozen=True)
class Section:
    """A heading, a lead in plain words, and the blocks that show it."""

    title: str
    lead: str
    blocks: Sequence[Block]


def picture_block(picture: Image.Image, caption: str, wide: bool = False) -> Block:
    """Return a block that holds a picture inline, as JPEG."""
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, "JPEG", quality=90)
    data = base64.b64encode(buffer.getvalue()).decode()
    return Block(f'<img alt="{html.escape(caption)}" src="data:image/jpeg;base64,{data}">', caption, wide)


def figure_block(figure: "Figure", caption: str, wide: bool = True) -> Block:
    """Return a block that holds a matplotlib figure inline, as SVG."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", bbox_inches="tight")
    svg = buffer.getvalue()
    return Block(svg[svg.index("<svg") :], caption, wide)


def table_block(table: pd.DataFrame, caption: str, wide: bool = True) -> Block:
    """Return a block that holds a table; numbers keep two decimals, missing ones show as a dash."""
    cells = table.to_html(border=0, float_format=lambda value: f"{value:.2f}", na_rep="–")
    return Block(cells, caption, wide)


def write_page(path: Path, title: str, lead: str, facts: dict[str, str], sections: Sequence[Section]) -> Path:
    """Write the page and return its path.

    Args:
        path: The HTML file to write.
        title: Heading of the page.
        lead: One or two sentences below it.
        facts: Provenance, shown as a strip: version, date, machine, seeds.
        sections: What follows, in order.

    Raises:
        MissingExtraError: jinja2 or matplotlib is not installed.
    """
    check_packages()
    import jinja2

    template = resources.files("idennet.research.demo").joinpath("page.html.j2").read_text()
    page = jinja2.Environment(autoescape=True).from_string(template)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page.render(title=title, lead=lead, facts=facts, sections=sections), encoding="utf-8")
    return path


def check_packages() -> None:
    """Raise `MissingExtraError` unless a report can be written: worth knowing before hours of work."""
    if any(importlib.util.find_spec(name) is None for name in ("jinja2", "matplotlib")):
        raise MissingExtraError("The HTML report", "research")
