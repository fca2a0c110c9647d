"""What a stage of a recipe teaches: faces that are drawn and changed, looked at, and compared."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from idennet.learning.training import distributed
from idennet.learning.training.augment import Augmenter
from idennet.learning.training.batches import Batch, Targets, batch_cost
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
    """

    batch: Batch
    faces: np.ndarray
    plain: np.ndarray | None


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
        faces = self._training.read(batch.rows[share])
        plain = faces if batch.consistency_weight > 0 else None
        return Prepared(batch, self._augmenter(faces, step, share.start), plain)

    def cost(self, prepared: Prepared, step: int) -> Cost:
        """Return what a batch costs."""
        batch = prepared.batch
        logits, embeddings = self._look(to_tensor(prepared.faces, self._device), batch)
        targets = Targets(
            torch.from_numpy(self._training.identities[batch.rows]).to(self._device),
            torch.from_numpy(self._training.au_labels[batch.rows]).to(self._device),
        )
        generator = torch.Generator().manual_seed(step_seed(self._plan.seed, step))
        taught = None if prepared.plain is None else self._ask_teacher(prepared.plain, batch)
        return batch_cost(self._plan.objective, batch, targets, logits, embeddings, taught, generator)

    def _look(self, faces: Tensor, batch: Batch) -> tuple[Tensor | None, Tensor | None]:
        """Return AU logits and identity embeddings of the whole batch, whichever its losses need."""
        with self._autocast():
            if batch.au_weight > 0 or batch.consistency_weight > 0:
                output = self._model(faces)
                logits, embeddings = output.au_logits, output.identity_embedding
            else:
                assert isinstance(self._model, IdenNet)
                logits, embeddings = None, self._model.embed(faces)
        count = len(batch.rows)
        return (
            None if logits is None else distributed.gather(logits.float(), count),
            None if embeddings is None else distributed.gather(embeddings.float(), count),
        )

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
