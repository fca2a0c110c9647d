import re
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from idennet.research import figures
from idennet.research.demo.page import Section, figure_block, picture_block, table_block, write_page


def test_the_page_holds_everything_and_loads_nothing(tmp_path: Path) -> None:
    table = pd.DataFrame({"F1": [0.5, np.nan]}, index=["AU1", "AU2"])
    picture = Image.new("RGB", (4, 4))
    bars = figures.au_bars({1: 0.2, 12: 0.9}, {1: 0.5, 12: 0.5})
    blocks = [picture_block(picture, "a <b>"), table_block(table, "table"), figure_block(bars, "bars")]
    page = write_page(
        tmp_path / "x" / "page.html", "T & U", "lead", {"seed": "0"}, [Section("S", "s", blocks)]
    )
    html = page.read_text()
    assert "T &amp; U" in html
    assert "a &lt;b&gt;" in html
    assert "a <b>" not in html
    assert "0.50" in html
    assert "–" in html
    loaded = re.findall(r'(?:src|href|url\()\s*=?\s*["\']?([^"\'\s>)]+)', html)
    assert all(target.startswith(("data:", "#")) for target in loaded), loaded


def test_the_figure_after_figure_2_shows_every_face_twice() -> None:
    rng = np.random.default_rng(0)
    before, after = rng.normal(size=(2, 30, 2)).astype(np.float32)
    present = rng.random(30) < 0.5
    figure = figures.subtraction_map(before, after, [f"s{k % 3}" for k in range(30)], present, 12)
    shown = [sum(len(points.get_offsets()) for points in axis.collections) for axis in figure.axes]
    assert shown == [30, 30, 30, 30]


def test_curves_leave_out_steps_without_a_value() -> None:
    table = pd.DataFrame({"step": [1, 2, 3], "loss": [3.0, np.nan, 1.0]})
    (axis,) = figures.curves({"a": (table, ["loss"])}).axes
    np.testing.assert_array_equal(axis.lines[0].get_xdata(), [1, 3])
