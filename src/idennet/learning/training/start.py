"""What a training begins with: weights of an earlier one, and a shape branch."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from idennet import facs
from idennet.errors import RecipeError
from idennet.faces.weights import with_weights
from idennet.learning.data.teacher import LESSONS
from idennet.learning.training.recipe import Recipe
from idennet.learning.training.shape import ShapeStudent
from idennet.learning.training.taught_objective import TaughtSettings
from idennet.models.idennet import IdenNet
from idennet.models.weights import Network, load_weights


def check_start(recipe: Recipe, aus: Sequence[int], initial: Path | None, shape: Path | None) -> None:
    """Refuse what a training cannot begin with, before anything else is done.

    Args:
        recipe: Of the training.
        aus: Action Units that it learns.
        initial: Weights to start from, if any.
        shape: Weights of a shape branch, if any.

    Raises:
        RecipeError: Recipe, weights and branch do not belong together, or there is no such file.
        WeightsError: A file holds no weights of its kind.
    """
    card = None if initial is None else load_weights(initial)[1]
    goes_on = card is not None and card.aus == tuple(aus)  # of other Action Units only the trunk is taken
    has_branch = card is not None and goes_on and card.architecture.shaped
    if shape is not None:
        if not shape.is_file():
            raise RecipeError(f"There is no {shape}; give the .safetensors file of idennet weights shape.")
        if not recipe.model.shaped:
            raise RecipeError("Weights of a shape branch are for networks with one; set model.shaped=true.")
        with_weights(ShapeStudent(), shape)
    if has_branch and not recipe.model.shaped:
        raise RecipeError(f"The weights {initial} read the shape of the face; set model.shaped=true.")
    if has_branch and shape is not None:
        raise RecipeError("The initial weights have a shape branch, which FC7 has learnt with; omit --shape.")
    if recipe.model.shaped and not has_branch and shape is None:
        raise RecipeError("model.shaped needs the weights of a shape branch; give them with --shape.")
    batches = None if recipe.au_stage is None else recipe.au_stage.batches
    if not isinstance(batches, TaughtSettings) or not batches.kept:
        return
    if card is None:
        raise RecipeError("Recipes with batches.kept go on with other weights; give them with --initial.")
    for who, known in ((f"The weights {initial} do", card.aus), ("The training does", aus)):
        if missing := set(batches.kept) - set(known):
            raise RecipeError(f"{who} not read {facs.column(min(missing))}, which is in batches.kept.")


def start_from(model: Network, aus: tuple[int, ...], initial: Path) -> tuple[str, ...]:
    """Copy weights into a model, and return their names.

    Of the same Action Units, all that fit are taken (outputs that the given network lacks stay new); else
    those of trunk and identity branch.
    """
    network, card = load_weights(initial)
    own = model.state_dict()
    given = {
        name: tensor
        for name, tensor in network.state_dict().items()
        if name in own and own[name].shape == tensor.shape
    }
    if card.aus != aus:
        given = {name: tensor for name, tensor in given.items() if name.startswith(("trunk.", "fc5."))}
    model.load_state_dict({**own, **given})
    return tuple(given)


def give_shape(model: Network, aus: Sequence[int], shape: Path) -> None:
    """Give a network that reads shapes a branch that it did not have.

    A new branch speaks at once: where a teacher's values stand for an Action Unit, the lesson's share of the
    logit is what the branch makes of the teacher's values, the rest what the network says itself. So with the
    sides of Action Units whose larger side counts; of the others renderings teach more.

    Args:
        model: Changed in place.
        aus: Its Action Units.
        shape: Weights of `train_shape`.
    """
    assert isinstance(model, IdenNet), "only networks of the kind idennet read shapes"
    student = with_weights(ShapeStudent(), shape)
    model.shape.load_state_dict(student.branch.plain().state_dict())
    lessons = {lesson.au: lesson for lesson in LESSONS}
    with torch.no_grad():
        model.shape_aus.weight.zero_()
        if model.graded:
            model.shape_sides.weight.zero_()
        for row, lesson in enumerate(map(lessons.get, aus)):
            if lesson is None:
                continue
            said = student.lesson(lesson)
            _mix(model.fc7, model.shape_aus, slice(row, row + 1), said, lesson.share)
            if model.graded and lesson.larger:
                rows, said = slice(2 * row, 2 * row + 2), student.sides(lesson)
                _mix(model.sides, model.shape_sides, rows, said, lesson.share)


def _mix(own: nn.Linear, shape: nn.Linear, rows: slice, said: tuple[Tensor, Tensor], share: float) -> None:
    """Let outputs be a share of what weights and bias make of a shape, and else what they were."""
    weight, bias = said
    own.weight[rows] *= 1 - share
    own.bias[rows] += share * (bias - own.bias[rows])
    shape.weight[rows] = share * weight
