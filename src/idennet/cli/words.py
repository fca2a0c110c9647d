"""Words for the screen."""


def count(number: int, noun: str) -> str:
    """Return such as `1 face` or `2 faces`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
