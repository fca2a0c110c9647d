"""The choices that a reader leaves to its user, given as text: `camera=right`, `threshold=1`."""

from collections.abc import Callable, Mapping
from inspect import Parameter, signature
from typing import Any

from pydantic import TypeAdapter, ValidationError

from idennet.errors import InputError


def parse_choices(reader: Callable[..., object], label: str, given: Mapping[str, str]) -> dict[str, Any]:
    """Return a reader's keyword arguments with the types that it declares.

    Args:
        reader: Its class; what can be chosen are its keyword-only arguments but the corpus's name.
        label: What to call the data set in messages.
        given: Text of each choice; yes and no, whole numbers, and words.

    Raises:
        InputError: A choice does not exist or has a value of another type; the sentence says what is allowed.
    """
    known = {
        name: parameter
        for name, parameter in signature(reader).parameters.items()
        if parameter.kind is Parameter.KEYWORD_ONLY and name != "name"
    }
    chosen = {}
    for name, text in given.items():
        if name not in known:
            defaults = ", ".join(f"{other}={parameter.default}" for other, parameter in known.items())
            raise InputError(f"{label} has no choice {name!r}; it has {defaults or 'none'}.")
        try:
            chosen[name] = TypeAdapter(known[name].annotation).validate_python(text)
        except ValidationError as error:
            problem = error.errors()[0]["msg"]
            raise InputError(f"{label}: {name} is {text!r}; {problem[0].lower()}{problem[1:]}.") from error
    return chosen
