"""What a training begins with: weights of an earlier one."""

from collections.abc import Sequence
from pathlib import Path

from idennet import facs
from idennet.errors import RecipeError
from idennet.learning.training.recipe import Recipe
from idennet.learning.training.taught_objective import TaughtSettings
from idennet.models.weights import Network, load_weights


def check_start(recipe: Recipe, aus: Sequence[int], initial: Path | None) -> None:
    """Refuse what a training cannot begin with, before anything else is done.

    Args:
        recipe: Of the training.
        aus: Action Units that it learns.
        initial: Weights to start from, if any.

    Raises:
        RecipeError: Recipe and weights do not belong together.
        WeightsError: The file holds no weights.
    """
    card = None if initial is None else load_weights(initial)[1]
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

    Of the same Action Units, all that fit are taken (outputs that the given network lacks stay new), but for
    what says which parts can be seen, where the given network reads that from the trunk too; else those of
    trunk and identity branch.
    """
    network, card = load_weights(initial)
    own = model.state_dict()
    given = {
        name: tensor
        for name, tensor in network.state_dict().items()
        if name in own and own[name].shape == tensor.shape
    }
    if card.architecture.shaped:
        given = {name: tensor for name, tensor in given.items() if not name.startswith("parts.")}
    if card.aus != aus:
        given = {name: tensor for name, tensor in given.items() if name.startswith(("trunk.", "fc5."))}
    model.load_state_dict({**own, **given})
    return tuple(given)
