"""Batches prepared ahead."""

from idennet.learning.training.prefetch import prefetch


def test_prefetch_keeps_the_order() -> None:
    assert list(prefetch(lambda step: step * step, range(3, 30), workers=4)) == [s * s for s in range(3, 30)]
