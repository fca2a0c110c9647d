"""Words for the screen."""

from collections.abc import Sequence


def count(number: int, noun: str) -> str:
    """Return such as `1 face` or `2 faces`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def some(names: Sequence[str], most: int = 5) -> str:
    """Return the first names with commas, and dots for the others."""
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")
