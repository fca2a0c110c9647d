"""Who is learnt from and who is tested, and what networks are given for their faces."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from idennet.learning.data.store import FaceStore
from idennet.learning.training.augment import Augmenter
from idennet.learning.training.stages import to_tensor
from idennet.models.weights import load_weights


@dataclass(frozen=True)
class Condition:
    """Who is learnt from and tested.

    Attributes:
        name: What tables call it.
        stores: Stores by what tables call the test; the first one is also learnt from.
        people: So many subjects of it are learnt from.
        tested_from: From this subject on it is tested.
    """

    name: str
    stores: Mapping[str, str]
    people: int
    tested_from: int


class Data:
    """Faces of a condition, and what a network is given for them: faces, or features of the frozen trunk."""

    def __init__(self, folder: Path, condition: Condition, start: Path, frozen: bool) -> None:
        self.condition, self.frozen = condition, frozen
        self.stores = {
            name: FaceStore.open(folder / "stores" / kept) for name, kept in condition.stores.items()
        }
        self._first = next(iter(condition.stores))
        self.train = self.stores[self._first]
        self.aus = self.train.aus
        self.rows = np.flatnonzero(self.train.subject_index < self.condition.people)
        self.subjects = self.train.subject_index[self.rows]
        self.labels = self.train.labels(self.aus)[self.rows]
        self._features: dict[str, Tensor] = {}
        if frozen:
            for name, store in self.stores.items():
                kept = folder / "features" / f"{store.path.name}.npy"
                if not kept.exists():
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    trunk = load_weights(start)[0].trunk
                    np.save(kept, in_batches(trunk, store).numpy())
                self._features[name] = torch.from_numpy(np.load(kept))

    def training(self, rows: NDArray[np.int64], augmenter: Augmenter | None = None, step: int = 0) -> Tensor:
        """Return what the network is given for rows of the training store."""
        return self.inputs(self._first, rows, augmenter, step)

    def inputs(
        self, name: str, rows: NDArray[np.int64], augmenter: Augmenter | None = None, step: int = 0
    ) -> Tensor:
        """Return what the network is given for rows of a store."""
        if self.frozen:
            return self._features[name][torch.from_numpy(rows)]
        faces = self.stores[name].read(rows)
        return to_tensor(faces if augmenter is None else augmenter(faces, step), torch.device("cpu"))

    def tested(self, name: str) -> NDArray[np.int64]:
        """Return the rows that are tested: unseen people."""
        index = self.stores[name].subject_index
        return np.flatnonzero(index >= (self.condition.tested_from if name == self._first else 0))

    def between(self) -> NDArray[np.int64]:
        """Return rows of the training store's people who are neither learnt from nor tested."""
        index = self.train.subject_index
        return np.flatnonzero((index >= self.condition.people) & (index < self.condition.tested_from))


def in_batches(look: Callable[[Tensor], Tensor], store: FaceStore) -> Tensor:
    """Return what `look` gives for all faces of a store."""
    pieces = np.array_split(np.arange(len(store)), max(1, len(store) // 64))
    with torch.inference_mode():
        return torch.cat([look(to_tensor(store.read(piece), torch.device("cpu"))) for piece in pieces])
