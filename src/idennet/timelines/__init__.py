"""What was read over time: recordings with their people, episodes, other programs' formats, pages, films."""

import importlib.util

from idennet.errors import MissingExtraError


def check_packages(feature: str) -> None:
    """Raise `MissingExtraError` unless the packages of the extra "report" are installed.

    Args:
        feature: What needs them, for the sentence.
    """
    if any(importlib.util.find_spec(name) is None for name in ("jinja2", "matplotlib", "pyarrow")):
        raise MissingExtraError(feature, "report")
