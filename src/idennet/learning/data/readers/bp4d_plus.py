"""Reader of BP4D+ (MMSE): 140 subjects, of whose 10 tasks four are coded; pictures in one zip a subject.

Zhang et al., Multimodal Spontaneous Emotion Corpus, CVPR 2016. It differs from BP4D in the columns of codes,
which are looked up, and perhaps in the number of the first picture. Layout and quirks: docs/data-sets.md.
"""

from collections.abc import Mapping
from pathlib import Path

from idennet.errors import InputError
from idennet.learning.data.readers.bp4d import Bp4d
from idennet.learning.data.readers.bp4d_files import Pictures
from idennet.learning.data.readers.records import Totals


class Bp4dPlus(Bp4d):
    """BP4D+ on disk; attributes as of `Bp4d`. Its number of coded frames is known only roughly (197,800)."""

    name = "bp4d+"
    published = Totals(pictures=None, subjects=140, sequences=560)
    tasks = (1, 6, 7, 8)

    def __init__(
        self, root: str | Path, *, leave_out_occluded: bool = False, first_picture: int | None = None
    ) -> None:
        """Keep the arguments; nothing is read yet.

        Args:
            root: Folder of the data set.
            leave_out_occluded: As for `Bp4d`.
            first_picture: Number of the picture of frame 1: 0 or 1. One public reader says 0, others 1;
                None, the default, takes 0 for recordings that have a picture 0.

        Raises:
            InputError: `first_picture` is another number.
        """
        super().__init__(root, leave_out_occluded=leave_out_occluded)
        if first_picture not in (None, 0, 1):
            raise InputError(
                f"The first picture has the number 0 or 1, or None to look; not {first_picture}."
            )
        self._first_picture = first_picture

    @property
    def settings(self) -> Mapping[str, object]:
        """Choices that change the labels or faces."""
        return {**super().settings, "first_picture": self._first_picture}

    def first_picture(self, pictures: Pictures) -> int:
        """Return the number of the picture of frame 1."""
        if self._first_picture is not None:
            return self._first_picture
        return 0 if 0 in pictures.names else 1
