"""Populations that are known exactly."""

from dataclasses import replace

import numpy as np

from idennet.people.population import Population, PopulationCard, Rest

AUS = (4, 12, 25)


def population(weights_sha256: str = "0" * 64) -> Population:
    """Return one of two directions, three Action Units."""
    rest = Rest(
        usual=np.array([-3.0, -4.0, -5.0]),
        between=np.array([1.0, 2.0, 0.5]),
        within=np.array([1.0, 2.0, 1.5]),
        neutral=np.array([-3.2, -4.1, -5.0]),
        neutral_within=np.array([0.5, 1.0, 1.0]),
        shown=np.array([1.0, 3.0, 4.0]),
        shown_spread=np.array([2.0, 3.0, 3.0]),
        unknown=np.array([0.3, 1.0, 0.4]),
        carried=np.array([1.0, 0.5, 0.0]),
    )
    directions = np.zeros((4, 2))
    directions[0, 0] = directions[1, 1] = 10.0
    return Population(
        PopulationCard(weights="drawn", weights_sha256=weights_sha256, aus=AUS),
        centre=np.array([0.1, 0.0, 0.0, 0.0]),
        directions=directions,
        spread=np.array([9.0, 4.0]),
        rest=rest,
        from_identity=np.array([[0.2, 0.3, 0.0], [0.1, -0.2, 0.1]]),
    )


def wide_population(directions: int = 64) -> Population:
    """Return one of many directions, whose embeddings are places in identity space."""
    return replace(
        population(),
        centre=np.zeros(directions),
        directions=np.eye(directions),
        spread=np.geomspace(0.3, 3.0, directions),
        from_identity=np.zeros((directions, len(AUS))),
    )
