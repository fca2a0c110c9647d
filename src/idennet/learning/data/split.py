"""Subject-exclusive splits: no person is on both sides, and the seed alone decides who is where."""

import hashlib
from collections.abc import Iterable

import numpy as np

from idennet.errors import InputError


def split_subjects(subjects: Iterable[str], fraction: float, seed: int = 0) -> tuple[list[str], list[str]]:
    """Return (kept, held out) subjects, each sorted, for example of training and validation.

    Args:
        subjects: Names; repeated ones count once, and their order does not matter.
        fraction: Share of subjects to hold out, 0 to 1 (exclusive). Above 0, at least one subject is held
            out and at least one kept.
        seed: Names the split.

    Raises:
        InputError: The fraction is out of range, or there are fewer than two subjects to split.
    """
    if not 0 <= fraction < 1:
        raise InputError(f"A share of held-out subjects of {fraction} is not allowed; give 0 to below 1.")
    names = sorted(set(subjects))
    if fraction == 0:
        return names, []
    if len(names) < 2:
        raise InputError(f"Holding out subjects needs at least two of them, but {len(names)} was given.")
    count = min(max(round(len(names) * fraction), 1), len(names) - 1)
    held = np.random.default_rng(seed).permutation(len(names))[:count]
    held_out = {names[index] for index in held}
    return [name for name in names if name not in held_out], sorted(held_out)


def held_out(person: str) -> bool:
    """Return whether a person of LFW is kept for testing: about a fifth, by the name of the folder alone.

    Every training on LFW here leaves these people out, so their photographs test everything.
    """
    return int(hashlib.sha256(person.encode()).hexdigest()[:8], 16) % 5 == 0
