"""Figure 2 of the paper: what the subtraction does to features, as a picture and in numbers."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from idennet import facs
from idennet.research import figures
from idennet.research.benchmark.runs import FEATURES, SHOWN_SUBJECTS, FinishedRun

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class FeatureSides:
    """Features of N faces before and after the subtraction, as a run leaves them."""

    before: NDArray[np.float32]
    after: NDArray[np.float32]
    subjects: NDArray[np.str_]
    present: NDArray[np.bool_]
    au: int

    @classmethod
    def read(cls, folder: Path) -> "FeatureSides":
        """Read `features.npz` of a run's folder."""
        with np.load(folder / FEATURES, allow_pickle=False) as arrays:
            before, after = (arrays[side].astype(np.float32) for side in ("before", "after"))
            return cls(before, after, arrays["subjects"], arrays["present"], int(arrays["au"]))

    @property
    def shown(self) -> str:
        """How much the picture shows: `240 faces of 6 subjects`."""
        return f"{self._rows.sum():,} faces of {len(np.unique(self.subjects[self._rows]))} subjects"

    @property
    def _rows(self) -> NDArray[np.bool_]:
        return np.isin(self.subjects, np.unique(self.subjects)[:SHOWN_SUBJECTS])

    def draw(self, seed: int = 0) -> "Figure":
        """Return t-SNE places of six subjects, coloured by subject and by Action Unit."""
        from sklearn.manifold import TSNE

        shown = self._rows
        perplexity = min(30.0, (shown.sum() - 1) / 3)
        before, after = (
            TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(side[shown])
            for side in (self.before, self.after)
        )
        return figures.subtraction_map(
            before, after, list(self.subjects[shown]), self.present[shown], self.au
        )


def leak_sentence(run: FinishedRun) -> str:
    """Return how separable subjects and the Action Unit are before and after, in numbers."""
    leak = run.record.leak
    assert leak is not None, "features are kept together with their numbers"
    return (
        f"Of {leak.faces} faces of all test subjects, the nearest other face is the same subject in "
        f"{leak.subject_before:.1%} before and {leak.subject_after:.1%} after the subtraction; it agrees on "
        f"{facs.column(leak.au)} in {leak.au_before:.1%} before and {leak.au_after:.1%} after. A linear "
        f"classifier recognises subjects in {leak.probe_before:.1%} before and {leak.probe_after:.1%} after "
        f"(chance {leak.chance:.1%})."
    )
