"""The figures of a report, each drawn from one table or array; the caller decides where they go.

matplotlib is imported only here, and its global state is left alone: figures are objects, not `pyplot`.
"""

import importlib.util
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from idennet.errors import MissingExtraError
from idennet.facs import NAMES
from idennet.learning.evaluation.calibration import Reliability

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, QUIET, LINE, ACCENT, SECOND = "#1b2330", "#667085", "#e4e7ec", "#c2410c", "#2b6cb0"


def check_packages() -> None:
    """Raise `MissingExtraError` unless figures can be drawn: worth knowing before hours of work."""
    if importlib.util.find_spec("matplotlib") is None:
        raise MissingExtraError("Figures", "research")


def _figure(width: float, height: float, columns: int = 1) -> tuple["Figure", list["Axes"]]:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("Figures", "research") from error
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = list(figure.subplots(1, columns, squeeze=False)[0])
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.spines[["left", "bottom"]].set_color(LINE)
        axis.tick_params(colors=QUIET, labelsize=9, length=0)
        axis.set_axisbelow(True)
    return figure, axes


def au_bars(
    probabilities: Mapping[int, float],
    thresholds: Mapping[int, float],
    unreliable: Collection[int] = (),
    untested: Collection[int] = (),
) -> "Figure":
    """Return a bar for each Action Unit of one face, coloured at or above its threshold.

    Args:
        probabilities: Probability (0 to 1) of each Action Unit.
        thresholds: Probability from which each Action Unit counts as present, drawn as a tick.
        unreliable: Action Units that are marked with ~.
        untested: Action Units whose bars are hollow.
    """
    aus = list(probabilities)
    figure, (axis,) = _figure(6.4, 0.26 * len(aus) + 0.5)
    places = np.arange(len(aus))[::-1]
    values = [probabilities[au] for au in aus]
    colours = [ACCENT if probabilities[au] >= thresholds[au] else "#d0d5dd" for au in aus]
    insides = ["white" if au in untested else colour for au, colour in zip(aus, colours, strict=True)]
    axis.barh(places, values, color=insides, edgecolor=colours, linewidth=1.2, height=0.62)
    axis.plot([thresholds[au] for au in aus], places, "|", color=INK, markersize=9, markeredgewidth=1.2)
    axis.set_yticks(places, [f"{NAMES[au]}  {'~' if au in unreliable else ''}AU{au}" for au in aus])
    axis.set_xlim(0, 1)
    axis.grid(axis="x", color=LINE)
    axis.set_xlabel("probability (tick: threshold)", color=QUIET, fontsize=9)
    return figure


def curves(panels: Mapping[str, tuple[pd.DataFrame, Sequence[str]]]) -> "Figure":
    """Return one panel a stage or quantity, each with the named columns of its table against `step`.

    Args:
        panels: Title of a panel to its table, which has a `step` column, and the columns to draw.
    """
    figure, axes = _figure(4.6 * len(panels), 2.9, len(panels))
    for axis, (title, (table, names)) in zip(axes, panels.items(), strict=True):
        for name, colour in zip(names, (ACCENT, SECOND, INK, QUIET), strict=False):
            line = table[["step", name]].dropna()
            smooth = line[name].rolling(max(1, len(line) // 20), min_periods=1).mean()
            mark = "o" if len(line) < 10 else None
            label = name.replace("_", " ")
            axis.plot(
                line["step"], smooth, color=colour, linewidth=1.8, marker=mark, markersize=4, label=label
            )
        axis.set_title(title, loc="left", fontsize=11, color=INK)
        axis.set_xlabel("step", color=QUIET, fontsize=9)
        axis.grid(color=LINE)
        axis.legend(frameon=False, fontsize=8)
    return figure


def score_bars(table: pd.DataFrame, score: str, baseline: str) -> "Figure":
    """Return a bar for each Action Unit with the score of a system and a tick for a baseline.

    Args:
        table: One row an Action Unit, indexed by its column name (`AU12`).
        score: Column drawn as bars, 0 to 1.
        baseline: Column drawn as ticks, 0 to 1.
    """
    figure, (axis,) = _figure(9.6, 2.9)
    places = np.arange(len(table))
    axis.bar(places, table[score], color=ACCENT, width=0.66, label=score)
    axis.plot(places, table[baseline], "_", color=INK, markersize=16, markeredgewidth=1.6, label=baseline)
    axis.set_xticks(places, [str(name) for name in table.index], rotation=45)
    axis.set_ylim(0, 1)
    axis.grid(axis="y", color=LINE)
    axis.legend(frameon=False, fontsize=9, ncols=2, loc="upper right", bbox_to_anchor=(1, 1.16))
    return figure


def system_bars(tables: Mapping[str, pd.DataFrame], score: str, title: str) -> "Figure":
    """Return bars for each Action Unit and their mean, one a system, with intervals.

    Args:
        tables: Name of a system to its table: `score`, `score_low` and `score_high`, 0 to 1, one row an
            Action Unit, and the baseline `f1_all_positive`, which is drawn as a tick for the score `f1`.
        score: `f1` or `auc`.
        title: What a reader must know, such as that faces are rendered.
    """
    first = next(iter(tables.values()))
    figure, (axis,) = _figure(max(6.4, 0.16 * len(first) * (len(tables) + 1.5)), 3.2)
    from matplotlib import colormaps  # after the check that it is there

    places, width = np.arange(len(first)), 0.84 / len(tables)
    others = colormaps["Set2"]
    for k, (name, table) in enumerate(tables.items()):
        at = places - 0.42 + width * (k + 0.5)
        colour = ACCENT if name == "IdenNet" else others(k % others.N)
        axis.bar(at, table[score], color=colour, width=0.92 * width, label=name)
        ends = (table[score] - table[f"{score}_low"], table[f"{score}_high"] - table[score])
        axis.errorbar(at, table[score], yerr=np.abs(ends), fmt="none", ecolor=INK, elinewidth=0.7)
    if score == "f1":
        axis.hlines(
            first["f1_all_positive"], places - 0.46, places + 0.46, color=INK, linewidth=1.4, label="always"
        )
    axis.set_xticks(places, [str(name) for name in first.index])
    axis.set_ylim(0.4 if score == "auc" else 0, 1)
    axis.set_title(title, loc="left", fontsize=10, color=INK)
    axis.grid(axis="y", color=LINE)
    axis.legend(frameon=False, fontsize=8, ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.1))
    return figure


def reliability_figure(before: Reliability, after: Reliability) -> "Figure":
    """Return what probabilities say against what is so, before and after calibration, one panel each.

    A light line is an Action Unit, the strong one is all frames of all of them; on the diagonal,
    probabilities mean what they say.
    """
    figure, axes = _figure(8.4, 4.2, 2)
    for axis, (title, curves) in zip(axes, (("before", before), ("after", after)), strict=True):
        axis.plot((0, 1), (0, 1), color=INK, linewidth=0.8, linestyle=(0, (4, 4)))
        for curve in curves.by_au.values():
            axis.plot(curve.mean_probability, curve.observed_rate, color=SECOND, linewidth=0.9, alpha=0.3)
        pooled = curves.pooled
        axis.plot(
            pooled.mean_probability, pooled.observed_rate, "o-", color=ACCENT, linewidth=2, markersize=4
        )
        error = float(np.nanmean(curves.errors))
        axis.set_title(f"{title} calibration: mean error {error:.3f}", loc="left", fontsize=11, color=INK)
        axis.set_xlabel("probability said", color=QUIET, fontsize=9)
        axis.set_ylabel("share of frames with the Action Unit", color=QUIET, fontsize=9)
        axis.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
        axis.grid(color=LINE)
    return figure


def subtraction_map(
    before: npt.NDArray[np.float32],
    after: npt.NDArray[np.float32],
    subjects: Sequence[str],
    present: npt.NDArray[np.bool_],
    au: int,
) -> "Figure":
    """Return the paper's Figure 2: features before and after identity subtraction, by subject and by AU.

    Args:
        before: (N, 2) places of the expression features.
        after: (N, 2) places of the residual.
        subjects: Subject of each face.
        present: Whether the Action Unit is present in each face.
        au: The Action Unit shown.
    """
    figure, axes = _figure(12, 3.2, 4)
    from matplotlib import colormaps  # after the check that it is there

    codes = pd.factorize(pd.Series(subjects))[0]
    palette = colormaps["tab20"]
    for k, (title, places) in enumerate((("before", before), ("after subtraction", after))):
        by_subject, by_au = axes[2 * k], axes[2 * k + 1]
        by_subject.scatter(places[:, 0], places[:, 1], s=9, c=palette(codes % 20), linewidths=0)
        by_subject.set_title(f"{title}: subjects", loc="left", fontsize=10, color=INK)
        for shown, colour in ((~present, "#d0d5dd"), (present, ACCENT)):
            by_au.scatter(places[shown, 0], places[shown, 1], s=9, c=colour, linewidths=0)
        by_au.set_title(f"{title}: AU{au}", loc="left", fontsize=10, color=INK)
    for axis in axes:
        axis.set_xticks([])
        axis.set_yticks([])
    return figure
