"""How a stage is trained: draw, look, compare, step; now and then validate and save."""

import copy
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from idennet.errors import RecipeError
from idennet.learning.training import distributed
from idennet.learning.training.augment import Augmenter
from idennet.learning.training.batches import Batch, Losses, Targets, weighted_losses
from idennet.learning.training.checkpoint import Progress, load_optimiser, optimiser_tensors, save_checkpoint
from idennet.learning.training.corpus import Corpus
from idennet.learning.training.folder import LAST
from idennet.learning.training.optimiser import WeightAverage
from idennet.learning.training.prefetch import prefetch
from idennet.learning.training.progress import Reporter
from idennet.learning.training.recipe import Recipe
from idennet.learning.training.stages import StagePlan, to_tensor
from idennet.models.idennet import IdenNet
from idennet.models.weights import Network

RECORD_EVERY = 10
"""Steps between two records of the losses, which hold the means since the last one; short stages: a 20th."""

State = dict[str, dict[str, Tensor]]


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


class StageLoop:
    """Trains one stage; everything random in it is a function of the stage's seed and the step."""

    def __init__(
        self,
        model: Network,
        plan: StagePlan,
        training: Corpus,
        recipe: Recipe,
        *,
        folder: Path,
        device: torch.device,
        reporter: Reporter,
        save_best: Callable[[Network, dict[str, float]], None],
    ) -> None:
        """Prepare the stage.

        Args:
            model: Already on its device; changed in place.
            plan: The stage.
            training: Faces that gradients may come from.
            recipe: Precision, augmentation and how often to save.
            folder: Where the state is saved.
            device: Of the model.
            reporter: Is told about losses and validations.
            save_best: Called with the network and its numbers when a validation is the best so far.
        """
        if recipe.precision == "float16" and device.type != "cuda":
            raise RecipeError(
                f"Precision float16 needs a CUDA device, but this one is {device}; use float32."
            )
        self._model, self._plan, self._training, self._recipe = model, plan, training, recipe
        self._folder, self._device, self._reporter, self._save_best = folder, device, reporter, save_best
        settings = plan.settings.optimiser
        self._parameters = list(model.parameters())
        self._optimiser = settings.build(self._parameters)
        self._average = WeightAverage(model, settings.average) if settings.average else None
        self._averaged: Network | None = None
        self._augmenter = Augmenter(recipe.augmentation, plan.seed)
        self._scaler = torch.amp.GradScaler(device.type, enabled=recipe.precision == "float16")
        self._progress = Progress(stage=plan.name)
        self._losses: list[Losses] = []

    def restore(self, state: State, progress: Progress) -> None:
        """Continue from a checkpoint of this stage."""
        self._model.load_state_dict(state["model"])
        load_optimiser(self._optimiser, state.get("optimiser", {}))
        if self._average is not None:
            for name, tensor in state["average"].items():
                self._average.weights[name].copy_(tensor)
        if self._plan.batching.memory is not None:
            self._plan.batching.memory.load_state(state["memory"])
        self._scaler.load_state_dict(progress.scaler)
        self._progress = progress

    def run(self) -> None:
        """Train to the end of the stage, or until validation has stopped improving."""
        plan, progress = self._plan, self._progress
        self._reporter.begin(plan.name, progress.step, plan.steps)
        if plan.judge is None and not progress.finished:
            ignored = "; patience is ignored" if plan.settings.patience is not None else ""
            self._reporter.say(
                f"Stage {plan.name} has no validation faces to be judged by: "
                f"its newest weights are kept{ignored}."
            )
        steps = range(plan.steps if progress.finished else progress.step, plan.steps)
        workers = min(os.cpu_count() or 1, 16) if self._device.type == "cuda" else 1
        for prepared in prefetch(self._prepare, steps, workers):
            self._losses.append(self._step(prepared))
            progress.step += 1
            self._reporter.advance(len(prepared.batch.rows))
            validating = progress.step % plan.validate_every == 0 or progress.step == plan.steps
            saving = validating or progress.step % self._recipe.checkpoint_every == 0
            record_every = max(1, min(RECORD_EVERY, plan.steps // 20))
            if saving or progress.step % record_every == 0:
                self._record()
            if validating:
                self._validate()
            progress.finished = progress.step == plan.steps or self._is_stalled()
            if saving:
                self._save()
            if progress.finished:
                break

    def _prepare(self, step: int) -> Prepared:
        batch = self._plan.batching.draw(step)
        share = distributed.share(len(batch.rows))
        faces = self._training.read(batch.rows[share])
        plain = faces if batch.consistency_weight > 0 else None
        return Prepared(batch, self._augmenter(faces, step, share.start), plain)

    def _step(self, prepared: Prepared) -> Losses:
        """Take one step of the optimiser on one batch."""
        plan, step, batch = self._plan, self._progress.step, prepared.batch
        for group in self._optimiser.param_groups:
            group["lr"] = plan.settings.optimiser.rate(step, plan.steps)
        logits, embeddings = self._look(to_tensor(prepared.faces, self._device), batch)
        targets = Targets(
            torch.from_numpy(self._training.identities[batch.rows]).to(self._device),
            torch.from_numpy(self._training.au_labels[batch.rows]).to(self._device),
        )
        seed = np.random.SeedSequence((plan.seed, step)).generate_state(1)[0]
        generator = torch.Generator().manual_seed(int(seed))
        teacher_probs = None if prepared.plain is None else self._ask_teacher(prepared.plain, batch)
        losses = weighted_losses(plan.batching, batch, targets, logits, embeddings, teacher_probs, generator)

        self._optimiser.zero_grad()
        self._scaler.scale(losses.total).backward()
        distributed.sum_gradients(self._parameters)
        self._scaler.unscale_(self._optimiser)
        if plan.settings.optimiser.clip_norm is not None:
            nn.utils.clip_grad_norm_(self._parameters, plan.settings.optimiser.clip_norm)
        self._scaler.step(self._optimiser)
        self._scaler.update()
        if self._average is not None:
            self._average.update(self._model, step)
        return losses.detached()

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
        teacher, faces = self._judged().eval(), to_tensor(plain, self._device)
        with self._autocast():
            views = [teacher(view).au_logits.float().sigmoid() for view in (faces, faces.flip(-1))]
        return distributed.gather((views[0] + views[1]) / 2, len(batch.rows))

    def _autocast(self) -> torch.autocast:
        precision: torch.dtype = getattr(torch, self._recipe.precision)
        return torch.autocast(self._device.type, precision, enabled=precision != torch.float32)

    def _record(self) -> None:
        """Report the mean losses since the last record; batches of different kinds have different parts."""
        parts = {
            "loss": [losses.total for losses in self._losses],
            "identity_loss": [losses.identity for losses in self._losses if losses.identity is not None],
            "au_loss": [losses.au for losses in self._losses if losses.au is not None],
            "consistency_loss": [loss.consistency for loss in self._losses if loss.consistency is not None],
        }
        values = {name: float(torch.stack(part).mean()) for name, part in parts.items() if part}
        self._losses.clear()
        step = self._progress.step
        if not math.isfinite(values["loss"]):
            raise RecipeError(
                f"The loss became {values['loss']} at step {step} of stage {self._plan.name}; "
                "lower the learning rate or set optimiser.clip_norm."
            )
        rate = self._plan.settings.optimiser.rate(step - 1, self._plan.steps)
        self._reporter.record(self._plan.name, step, {**values, "learning_rate": rate})

    @torch.inference_mode()
    def _validate(self) -> None:
        """Judge the network, keep it if it is the best so far; without a judge, the newest is the best."""
        progress = self._progress
        numbers = {"score": float(progress.step)}
        if distributed.is_first():
            judged = self._judged()
            if self._plan.judge is not None:
                numbers = self._plan.judge(judged.eval(), self._device)
                validated = {
                    f"validation_{name}": value for name, value in numbers.items() if name != "score"
                }
                self._reporter.record(self._plan.name, progress.step, validated)
            if numbers["score"] > progress.best_score:
                self._save_best(judged, {**numbers, "step": float(progress.step)})
            self._model.train()
        value = distributed.from_first(numbers["score"], self._device)
        progress.since_best += 1
        if value > progress.best_score:
            progress.best_score, progress.best_step, progress.since_best = value, progress.step, 0

    def _judged(self) -> Network:
        """Return the network that is judged and teaches: the running mean of weights, if there is one."""
        if self._average is None:
            return self._model
        if self._averaged is None:
            self._averaged = copy.deepcopy(self._model)
        self._averaged.load_state_dict(self._average.weights)
        return self._averaged

    def _is_stalled(self) -> bool:
        patience = self._plan.settings.patience
        return patience is not None and self._progress.since_best >= patience

    def _save(self) -> None:
        if not distributed.is_first():
            return
        state: State = {"model": self._model.state_dict(), "optimiser": optimiser_tensors(self._optimiser)}
        if self._average is not None:
            state["average"] = self._average.weights
        if self._plan.batching.memory is not None:
            state["memory"] = self._plan.batching.memory.state()
        self._progress.scaler = self._scaler.state_dict()
        save_checkpoint(self._folder / LAST, state, self._progress)
