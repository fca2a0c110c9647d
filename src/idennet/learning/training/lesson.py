"""What a stage of a recipe teaches: faces that are drawn and changed, looked at, and compared."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from idennet.facs import AUS_OF_PART, MISSING, PARTS
from idennet.learning.training import distributed
from idennet.learning.training.augment import Augmenter
from idennet.learning.training.batches import Batch, Seen, Targets, batch_cost
from idennet.learning.training.corpus import Corpus
from idennet.learning.training.engine import Cost, step_seed
from idennet.learning.training.recipe import Recipe
from idennet.learning.training.stages import StagePlan, to_tensor
from idennet.models.idennet import IdenNet
from idennet.models.weights import Network


@dataclass(frozen=True)
class Prepared:
    """A batch and this process's share of its faces, (n, 128, 128, 3) uint8.

    Attributes:
        batch: Which faces.
        faces: Changed by augmentation.
        plain: As they are, for the teacher of the consistency loss; None where it is not asked.
        known: The arrays of `Targets` of the whole batch.
    """

    batch: Batch
    faces: np.ndarray
    plain: np.ndarray | None
    known: tuple[np.ndarray, ...]


class StageLesson:
    """Prepares the batches of a stage and says what they cost.

    Args:
        model: Who learns.
        plan: The stage.
        training: Faces that gradients may come from.
        recipe: Precision and augmentation.
        device: Of the model.
        average: The running mean of the model's weights, which is the teacher of the consistency loss.
    """

    def __init__(
        self,
        model: Network,
        plan: StagePlan,
        training: Corpus,
        recipe: Recipe,
        device: torch.device,
        average: AveragedModel | None,
    ) -> None:
        self._model, self._plan, self._training, self._device = model, plan, training, device
        self._precision: torch.dtype = getattr(torch, recipe.precision)
        self._augmenter = Augmenter(recipe.augmentation, plan.seed)
        self._average = average

    def prepare(self, step: int) -> Prepared:
        """Return the batch of a step."""
        batch = self._plan.drawing.draw(step)
        share = distributed.share(len(batch.rows))
        rows = batch.rows[share]
        faces = self._training.read(rows)
        plain = faces if batch.consistency_weight > 0 else None
        changed = self._augmenter(faces, step, share.start, self._training.landmarks[rows])
        return Prepared(batch, changed, plain, self._targets(batch, step))

    def cost(self, prepared: Prepared, step: int) -> Cost:
        """Return what a batch costs."""
        batch, device = prepared.batch, self._device
        seen = self._look(to_tensor(prepared.faces, device), batch)
        targets = Targets(*(torch.from_numpy(known).to(device) for known in prepared.known))
        generator = torch.Generator().manual_seed(step_seed(self._plan.seed, step))
        taught = None if prepared.plain is None else self._ask_teacher(prepared.plain, batch)
        return batch_cost(self._plan.objective, batch, targets, seen, taught, generator)

    def _targets(self, batch: Batch, step: int) -> tuple[np.ndarray, ...]:
        """Return what is known of changed faces, as `Targets` names it.

        In a mirror left and right change places, and nobody can say what a hidden part does.
        """
        corpus, rows = self._training, batch.rows
        changes = self._augmenter.changes(step, corpus.landmarks[rows])
        visible = np.where(changes.hidden, 0, corpus.visible[rows]).astype(np.int8)
        visible[~corpus.au_coded[rows][:, None] & (visible == MISSING)] = 1  # photographs show faces
        sides = np.where(changes.flipped[:, None, None], corpus.sides[rows][..., ::-1], corpus.sides[rows])
        labels, taught = corpus.au_labels[rows], corpus.taught[rows]
        for part, seen in zip(PARTS, visible.T, strict=True):
            unseen = (seen == 0)[:, None] & np.isin(corpus.aus, AUS_OF_PART[part])
            labels[unseen], taught[unseen], sides[unseen] = MISSING, np.nan, np.nan
        return (
            corpus.identities[rows],
            labels,
            taught,
            corpus.believed[rows],
            sides.astype(np.float32),
            visible,
            corpus.directions[rows],
        )

    def _look(self, faces: Tensor, batch: Batch) -> Seen:
        """Return what the network says of the whole batch, as far as its losses need it."""
        count = len(batch.rows)

        def whole(values: Tensor | None) -> Tensor | None:
            return None if values is None else distributed.gather(values.float(), count)

        with self._autocast():
            if batch.au_weight > 0 or batch.consistency_weight > 0:
                output = self._model(faces)
            else:
                assert isinstance(self._model, IdenNet)
                return Seen(embeddings=whole(self._model.embed(faces)))
        found = (output.au_logits, output.identity_embedding, output.side_logits, output.part_logits)
        return Seen(*map(whole, found))

    @torch.no_grad()
    def _ask_teacher(self, plain: np.ndarray, batch: Batch) -> Tensor:
        """Return what the running mean of weights says of unchanged faces, mirrored ones averaged in."""
        assert self._average is not None, "a recipe with consistency has a running mean"
        teacher, faces = self._average.module.eval(), to_tensor(plain, self._device)
        with self._autocast():
            views = [teacher(view).au_logits.float().sigmoid() for view in (faces, faces.flip(-1))]
        return distributed.gather((views[0] + views[1]) / 2, len(batch.rows))

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self._device.type, self._precision, enabled=self._precision != torch.float32)
