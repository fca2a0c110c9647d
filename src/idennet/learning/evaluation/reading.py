"""How well weights read the faces of a store, exactly as `idennet detect` would read them."""

from idennet.errors import InputError
from idennet.learning.data.store import FaceStore
from idennet.learning.evaluation.evaluate import Evaluation, evaluate
from idennet.models.action_units import ActionUnitModel


def shared_aus(reader: ActionUnitModel, store: FaceStore) -> list[int]:
    """Return the Action Units that are labelled in a store and predicted, in the order of the weights.

    Raises:
        InputError: There is none.
    """
    aus = [au for au in reader.aus if au in store.aus]
    if not aus:
        raise InputError(
            f"{store.path} has no labels of any Action Unit that the weights {reader.card.version} predict."
        )
    return aus


def evaluate_reader(reader: ActionUnitModel, store: FaceStore) -> Evaluation:
    """Return the evaluation of every Action Unit that both know, at the thresholds of the weights.

    Raises:
        InputError: The store has no labels of any Action Unit that the weights predict.
    """
    aus = shared_aus(reader, store)
    columns = [reader.aus.index(au) for au in aus]
    thresholds = [reader.card.thresholds[au] for au in aus]
    return evaluate(lambda crops: reader.read(crops).probs[:, columns], store, aus=aus, thresholds=thresholds)
