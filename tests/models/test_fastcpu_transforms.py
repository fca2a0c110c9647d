"""The kernels' transforms, derived once more in exact arithmetic."""

from fractions import Fraction

import pytest
import torch

from idennet.models.fastcpu.library import Kernels

Rows = list[list[Fraction]]

POINTS = [Fraction(0), *(sign * Fraction(p) for p in ("1", "2", "1/2") for sign in (1, -1))]
TILES = {1: (6, 3), 2: (4, 5), 3: (4, 5), 4: (3, 4)}
"""Outputs of a tile and taps of a filter in each convolution of the trunk."""

SHAPE_TILES = {(4, 3), (2, 3)}
"""Those of the shape branch, of the same template."""


def cook_toom(tile: int, taps: int) -> tuple[Rows, Rows, Rows]:
    """A, G and B^T of F(tile, taps), from Lagrange's formula."""
    size = tile + taps - 1
    points = POINTS[: size - 1]
    output = [[p**k for k in range(tile)] for p in points] + [[Fraction(k == tile - 1) for k in range(tile)]]
    filters, inputs = [], []
    for index, point in enumerate(points):
        others = points[:index] + points[index + 1 :]
        product = Fraction(1)
        for other in others:
            product *= point - other
        filters.append([point**k / product for k in range(taps)])
        inputs.append([*from_roots(others), Fraction(0)])
    filters.append([Fraction(k == taps - 1) for k in range(taps)])
    inputs.append(from_roots(points))
    return output, filters, inputs


def from_roots(roots: list[Fraction]) -> list[Fraction]:
    coefficients = [Fraction(1)]
    for root in roots:
        shifted = [Fraction(0), *coefficients]
        coefficients = [a - root * b for a, b in zip(shifted, [*coefficients, Fraction(0)], strict=True)]
    return coefficients


@pytest.mark.parametrize(("tile", "taps"), sorted({*TILES.values(), *SHAPE_TILES}))
def test_the_formula_is_a_correlation(tile: int, taps: int) -> None:
    """It is bilinear, so unit inputs with unit filters prove it for all."""
    output, filters, inputs = cook_toom(tile, taps)
    size = tile + taps - 1
    for tap in range(taps):
        for position in range(size):
            for out in range(tile):
                found = sum(output[n][out] * filters[n][tap] * inputs[n][position] for n in range(size))
                assert found == (out + tap == position)


@pytest.mark.parametrize("layer", TILES)
def test_the_compiled_constants_are_exact(each_kernels: Kernels, layer: int) -> None:
    expected = cook_toom(*TILES[layer])
    for found, exact in zip(each_kernels.transforms(layer, *TILES[layer]), expected, strict=True):
        assert found.dtype == torch.float64
        torch.testing.assert_close(found, torch.tensor(exact, dtype=torch.float64), rtol=2e-16, atol=0)
