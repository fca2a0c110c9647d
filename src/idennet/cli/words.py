"""Words for the screen."""

from collections.abc import Mapping, Sequence


def count(number: int, noun: str) -> str:
    """Return such as `1 face` or `2 faces`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def some(names: Sequence[str], most: int = 5) -> str:
    """Return the first names with commas, and dots for the others."""
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")


def person(number: int, names: Mapping[int, str]) -> str:
    """Return such as `person 3`, or `person 3 (Anna)` where the name is known."""
    return f"person {number} ({names[number]})" if number in names else f"person {number}"


def few(names: Sequence[str], most: int = 3) -> str:
    """Return the first names, and how many more there are: `AU1, AU4, AU7 and 2 more`."""
    left = len(names) - most
    return ", ".join(names[:most]) + (f" and {left} more" if left > 0 else "")
