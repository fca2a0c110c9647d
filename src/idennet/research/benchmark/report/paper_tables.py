"""The paper's numbers, typed exactly as printed: F1-frame in percent, sizes and speeds.

Nothing is corrected here; where the paper contradicts itself is in docs/fidelity.md.
"""

from dataclasses import dataclass

import numpy as np

from idennet.learning.evaluation.metrics import drop_rate


@dataclass(frozen=True)
class PaperTable:
    """One table of F1-frames.

    Attributes:
        number: Roman, as in the paper.
        caption: What it is about.
        protocols: Ours that measure the same on the same data.
        counterpart: Ours on rendered data.
        aus: Action Units, one a row.
        f1: By system, F1-frame in percent of each Action Unit.
        printed_mean: By system, its row "Ave".
    """

    number: str
    caption: str
    protocols: tuple[str, ...]
    counterpart: str
    aus: tuple[int, ...]
    f1: dict[str, tuple[float, ...]]
    printed_mean: dict[str, float]


TABLE_III = PaperTable(
    "III",
    "BP4D, 3 folds",
    ("bp4d-drml", "bp4d-roinet", "bp4d-random"),
    "studio-random",
    (1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24),
    {
        "AlexNet": (40.4, 26.0, 40.8, 69.0, 66.0, 77.8, 81.7, 51.8, 23.5, 51.8, 25.6, 34.2),
        "DRML": (36.4, 41.8, 43.0, 55.0, 67.0, 66.3, 65.8, 54.1, 33.2, 48.0, 31.7, 30.0),
        "SVTPT": (39.3, 34.9, 37.5, 64.7, 72.4, 75.0, 79.6, 48.2, 39.2, 57.7, 33.0, 40.4),
        "LightCNN": (44.0, 32.9, 49.8, 74.8, 72.9, 80.0, 83.6, 58.2, 29.9, 55.2, 31.3, 36.2),
        "E-Net+ATF": (39.2, 35.2, 45.9, 71.6, 71.9, 79.0, 83.7, 65.5, 33.8, 60.0, 37.3, 41.8),
        "ROINet": (36.2, 31.6, 43.4, 77.1, 73.7, 85.0, 87.0, 62.6, 45.7, 58.0, 38.3, 37.4),
        "IdenNet": (50.5, 35.9, 50.6, 77.2, 74.2, 82.9, 85.1, 63.0, 42.2, 60.8, 42.1, 46.5),
    },
    {
        **{"AlexNet": 49.1, "DRML": 48.3, "SVTPT": 51.8, "LightCNN": 54.1},
        **{"E-Net+ATF": 55.4, "ROINet": 56.4, "IdenNet": 59.3},
    },
)

TABLE_IV = PaperTable(
    "IV",
    "DISFA, 3 folds",
    ("disfa-random", "disfa-jaanet"),
    "spot-random",
    (1, 2, 4, 6, 9, 12, 25, 26),
    {
        "AlexNet": (6.9, 6.6, 39.4, 38.4, 28.9, 54.4, 58.2, 40.3),
        "DRML": (17.3, 17.7, 37.4, 29.0, 10.7, 37.7, 38.5, 20.1),
        "SVTPT": (14.9, 19.1, 41.4, 43.2, 25.1, 67.9, 64.6, 35.0),
        "LightCNN": (19.4, 16.5, 45.8, 40.2, 28.5, 70.9, 74.4, 51.3),
        "E-Net+ATF": (45.2, 39.7, 47.1, 48.6, 32.0, 55.0, 86.4, 39.2),
        "ROINet": (41.5, 26.4, 66.4, 50.7, 8.5, 89.3, 88.9, 15.6),
        "IdenNet": (25.5, 34.8, 64.5, 45.2, 44.6, 70.7, 81.0, 55.0),
    },
    {
        **{"AlexNet": 35.4, "DRML": 26.7, "SVTPT": 38.9, "LightCNN": 43.4},
        **{"E-Net+ATF": 49.2, "ROINet": 48.5, "IdenNet": 52.6},
    },
)

TABLE_V = PaperTable(
    "V",
    "UNBC-McMaster, 3 folds",
    ("unbc-random",),
    "clinic-random",
    (6, 7, 12, 25, 26, 43),
    {
        "AlexNet": (27.0, 8.0, 32.6, 1.7, 4.7, 9.5),
        "DRML": (29.3, 15.3, 35.5, 6.4, 0.8, 17.9),
        "SVTPT": (10.3, 1.4, 14.1, 9.0, 4.7, 7.4),
        "LightCNN": (36.3, 18.0, 34.0, 7.1, 5.7, 27.8),
        "IdenNet": (53.9, 22.3, 48.5, 4.7, 3.5, 37.8),
    },
    {"AlexNet": 13.9, "DRML": 17.5, "SVTPT": 7.8, "LightCNN": 21.5, "IdenNet": 28.5},
)

TABLE_VI = PaperTable(
    "VI",
    "DISFA, trained on BP4D",
    ("bp4d-to-disfa", "bp4d-to-disfa-by-fold"),
    "studio-to-spot",
    (1, 2, 4, 6, 12),
    {
        "AlexNet": (13.4, 10.2, 27.5, 33.7, 47.4),
        "DRML": (11.6, 4.7, 32.5, 32.8, 49.7),
        "SVTPT": (12.4, 11.2, 13.1, 25.9, 44.3),
        "LightCNN": (13.0, 8.2, 36.5, 41.3, 53.7),
        "IdenNet": (20.1, 25.5, 37.3, 49.6, 66.1),
    },
    {"AlexNet": 26.4, "DRML": 26.3, "SVTPT": 21.4, "LightCNN": 30.6, "IdenNet": 39.7},
)

TABLE_VII = PaperTable(
    "VII",
    "UNBC-McMaster, trained on BP4D",
    ("bp4d-to-unbc", "bp4d-to-unbc-by-fold"),
    "studio-to-clinic",
    (4, 6, 7, 10, 12),
    {
        "AlexNet": (3.7, 25.4, 14.8, 4.5, 27.9),
        "DRML": (4.6, 24.6, 13.4, 2.7, 31.0),
        "SVTPT": (6.1, 20.6, 11.6, 2.0, 25.4),
        "LightCNN": (6.3, 28.1, 12.4, 2.8, 29.0),
        "IdenNet": (9.7, 33.0, 12.8, 2.8, 42.1),
    },
    {"AlexNet": 15.3, "DRML": 15.3, "SVTPT": 13.1, "LightCNN": 15.7, "IdenNet": 20.1},
)

TABLES = (TABLE_III, TABLE_IV, TABLE_V, TABLE_VI, TABLE_VII)

SIZE_SPEED = {
    "DRML": ("56,855.1K", 82.52),
    "ROINet": (">12,351.1K", None),
    "E-Net+ATF": (">12,351.1K", None),
    "SVTPT": ("–", 2.00),
    "IdenNet": ("6,572.8K", 155.06),
}
"""Table II: parameters as printed, frames per second on a Titan X."""

WITHOUT_NORM = {"III": 58.0, "IV": 47.8, "V": 23.9}
"""Mean F1 of IdenNet without NORM, by the table that has the mean with it."""


def paper_drop_rate(across: PaperTable, system: str) -> float:
    """Return the drop rate in percent that the tables give, from Table III to another."""
    shared = [au for au in TABLE_III.aus if au in across.aus]
    within = np.array([TABLE_III.f1[system][TABLE_III.aus.index(au)] for au in shared])
    new = np.array([across.f1[system][across.aus.index(au)] for au in shared])
    return 100 * drop_rate(within, new)
