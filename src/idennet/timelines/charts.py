"""Charts of recordings as PNG: a heat map over time for each track, and which Action Units went together."""

from pathlib import Path

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from idennet.facs import NAMES
from idennet.inference.overlay import MARK
from idennet.timelines.episodes import episodes_of
from idennet.timelines.recording import Recording
from idennet.timelines.summary import going_together

_INK, _QUIET, _ACCENT = "#1b2330", "#8b94a3", "#0f766e"
_RAMP = LinearSegmentedColormap.from_list("strength", ["#f2f4f7", "#99d8cf", "#14a08f", "#0b4f49"])
_COLUMNS = 1500
_MOST_TRACKS = 4
_ROW, _CELL = 0.14, 0.3  # inches


def save_timeline(recording: Recording, path: Path) -> Path:
    """Draw each track of a clip as a heat map, with lines for its episodes, and return the path.

    Values from which people's own zeros are taken out, where there are any, stand to the right of raw ones.
    Of many tracks, those that were found in most frames are drawn. Each column is the same stretch of time,
    whatever the frame rate, and shows the largest value of its frames.
    """
    times = np.zeros(1) if recording.times is None else recording.times
    end = times[-1] + (recording.step or 1.0)
    rows, tracks = len(recording.aus), recording.most_seen(_MOST_TRACKS)
    kinds = (False, True) if any(track.zeroed is not None for track in tracks) else (False,)
    size = (4.0 + 8.0 * len(kinds), 1.0 + len(tracks) * (0.4 + _ROW * rows))
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(len(tracks), len(kinds), squeeze=False, sharex=True, sharey=True)
    for (row, column), axis in np.ndenumerate(grid):
        track, zeroed = tracks[row], kinds[column]
        kind = "" if len(kinds) == 1 else ", own zero taken out" if zeroed else ", raw"
        axis.set_title(f"{track.name}{kind}", loc="left", fontsize=10, color=_INK)
        axis.tick_params(length=0, labelsize=7)
        axis.spines[:].set_visible(False)
        source = track.zeroed if zeroed else track.values
        if source is None:
            axis.text(0.5, 0.5, "no zero is known", color=_QUIET, ha="center", transform=axis.transAxes)
            continue
        values = over_time(track.spread(source, len(times)), times, end)
        extent = (times[0], end, rows - 0.5, -0.5)
        image = axis.imshow(
            values.T, aspect="auto", cmap=_RAMP, vmin=0, vmax=1, extent=extent, interpolation="none"
        )
        for one in episodes_of(recording, track, zeroed=zeroed):
            at = recording.aus.index(one.au) + 0.42
            axis.plot([one.onset, one.offset], [at, at], color=_INK, lw=1.1, solid_capstyle="butt")
    labels = [f"{NAMES[au]}  {recording.marked(au)}" for au in recording.aus]
    grid[0, 0].set_yticks(range(rows), labels, fontsize=7, color=_INK)
    figure.supxlabel(
        "seconds; the line under a row is an episode; white: the face is not found, or the part hidden"
        f"{_others(recording)}",
        fontsize=8,
        color=_QUIET,
    )
    key = figure.colorbar(
        image, ax=grid.ravel().tolist(), ticks=[0, 0.5, 1], fraction=0.012, pad=0.01, aspect=30
    )
    key.set_label("probability; of OpenFace's tables, a fifth of the intensity", fontsize=7, color=_QUIET)
    key.ax.tick_params(length=0, labelsize=7)
    key.outline.set_visible(False)
    grid[-1, 0].xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    _save(figure, path)
    return path


def save_together(recording: Recording, path: Path) -> Path:
    """Draw which Action Units went together, for each track, and return the path.

    Those that were never present are left out, as in the page; of many tracks, those that were found in most
    frames are drawn, two beside each other.
    """
    tracks = recording.most_seen(_MOST_TRACKS)
    present = [np.flatnonzero(track.present.any(axis=0)) for track in tracks]
    columns = min(len(tracks), 2)
    rows = -(-len(tracks) // columns)
    most = max(4, *map(len, present))  # cells are of one size
    side = 0.8 + _CELL * most
    size = (max(columns * side, 5.0), rows * side + 0.4)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in grid[len(tracks) :]:
        axis.set_axis_off()
    for axis, track, shown in zip(grid, tracks, present, strict=False):
        labels = [recording.marked(recording.aus[index]) for index in shown]
        axis.set_title(track.name, loc="left", fontsize=10, color=_INK)
        axis.set_xticks(range(len(labels)), labels, fontsize=8, rotation=90, color=_INK)
        axis.set_yticks(range(len(labels)), labels, fontsize=8, color=_INK)
        axis.tick_params(length=0)
        axis.xaxis.tick_top()
        axis.spines[:].set_visible(False)
        if not labels:
            axis.text(
                0.5, 0.5, "no Action Unit was present", color=_QUIET, ha="center", transform=axis.transAxes
            )
            continue
        shares = going_together(track)[np.ix_(shown, shown)]
        axis.imshow(shares, cmap=_RAMP, vmin=0, vmax=1)
        axis.set(xlim=(-0.5, most - 0.5), ylim=(most - 0.5, -0.5))
        edges = np.arange(1, len(labels)) - 0.5
        axis.hlines(edges, -0.5, len(labels) - 0.5, color="white", lw=2)
        axis.vlines(edges, -0.5, len(labels) - 0.5, color="white", lw=2)
        for (row, column), share in np.ndenumerate(shares):
            ink = "white" if share > 0.4 else _INK if share else _QUIET
            text = "" if np.isnan(share) else f"{100 * share:.0f}"
            axis.text(column, row, text, color=ink, fontsize=7, ha="center", va="center")
    told = f"of the faces with the row's, share with the column's, %{_others(recording)}"
    figure.supxlabel(told, fontsize=8, color=_QUIET)
    _save(figure, path)
    return path


def _others(recording: Recording) -> str:
    """Return in words that not all tracks are drawn; "" where they are."""
    all_tracks = len(recording.tracks)
    return f"; the {_MOST_TRACKS} of {all_tracks} that were seen most" * (all_tracks > _MOST_TRACKS)


def over_time(values: NDArray[np.float32], times: NDArray[np.float64], end: float) -> NDArray[np.float32]:
    """Return (`_COLUMNS`, A): of each stretch of time the largest of the values (T, A) that are shown in it.

    A frame is shown until the next begins. NaN where none of them has a value.
    """
    edges = np.linspace(times[0], end, _COLUMNS + 1)
    first = np.maximum(np.searchsorted(times, edges[:-1], side="right") - 1, 0)
    last = np.maximum(np.searchsorted(times, edges[1:], side="left"), first + 1)
    missing = np.float32(-1)
    filled = np.append(np.where(np.isnan(values), missing, values), [[missing] * values.shape[1]], axis=0)
    largest = np.maximum.reduceat(filled, np.column_stack([first, last]).ravel())[::2]
    return np.where(largest < 0, np.float32(np.nan), largest)


def _save(figure: Figure, path: Path) -> None:
    # Marked as overlays are, so that a later run does not read it as a photograph.
    figure.savefig(path, dpi=150, facecolor="white", metadata={"Comment": MARK.decode()})
