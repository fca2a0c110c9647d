"""Configuration: frozen pydantic models, read from YAML, overridden by `a.b=c`, identified by a digest."""

import hashlib
import json
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from idennet.errors import RecipeError

ConfigT = TypeVar("ConfigT", bound="Config")


class Config(BaseModel):
    """Parent of all configuration: immutable, unknown fields refused, defaults validated."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    def digest(self) -> str:
        """Return the first 12 hex digits of the sha256 of all values: the name of a configuration."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def load_config(kind: type[ConfigT], path: Path, overrides: Sequence[str] = ()) -> ConfigT:
    """Return the configuration in a YAML file, with `a.b=value` overrides applied on top.

    Raises:
        RecipeError: The file is missing or no YAML mapping, an override is malformed, or a field is
            unknown or has a value that is not allowed.
    """
    if not path.is_file():
        raise RecipeError(f"There is no recipe {path}; give the path of a YAML file.")
    try:
        values = _unshared(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path} is not valid YAML: {str(error).splitlines()[0]}.") from error
    if not isinstance(values, dict):
        raise RecipeError(f"{path} holds no mapping of fields to values; a recipe starts like 'seed: 0'.")
    return _overridden(kind, values, overrides, path.name)


def override(config: ConfigT, overrides: Sequence[str], name: str) -> ConfigT:
    """Return a configuration with `a.b=value` overrides applied; `name` is what errors call it.

    Raises:
        RecipeError: An override is malformed, or a field is unknown or has a value that is not allowed.
    """
    return _overridden(type(config), config.model_dump(mode="json"), overrides, name)


def _overridden(kind: type[ConfigT], values: dict[str, Any], overrides: Sequence[str], name: str) -> ConfigT:
    for text in overrides:
        _apply(values, text)
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        problems = "; ".join(_problem(kind, details) for details in error.errors())
        end = "" if problems.endswith("?") else "."
        raise RecipeError(f"{name} does not fit: {problems}{end}") from error


def _problem(kind: type[Config], details: ErrorDetails) -> str:
    place = ".".join(map(str, details["loc"]))
    if details["type"] != "extra_forbidden":
        return f"{place}: {details['msg'].lower()}"
    *parents, given = map(str, details["loc"])
    path, fields = _fields_at(kind, parents)
    similar = get_close_matches(given, fields, n=1)
    advice = f"did you mean {similar[0]}?" if similar else f"fields there are {', '.join(fields)}"
    return f"there is no field {'.'.join([*path, given])}; {advice}"


def _fields_at(kind: type[Config], parents: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the path without pydantic's names for the members of a union, and the fields there are."""
    path, here = [], [kind]
    for part in parents:
        inner = [config.model_fields[part].annotation for config in here if part in config.model_fields]
        if inner:
            path.append(part)
            here = [config for annotation in inner for config in _configs_in(annotation)]
        else:
            here = [config for config in here if config.model_fields["kind"].default == part]
    return path, [name for config in here for name in config.model_fields]


def _configs_in(annotation: Any) -> list[type[Config]]:
    if isinstance(annotation, type) and issubclass(annotation, Config):
        return [annotation]
    return [config for part in get_args(annotation) for config in _configs_in(part)]


def _unshared(value: Any) -> Any:
    """Return a copy in which no part appears twice, as YAML's aliases make it: an override changes one."""
    if isinstance(value, dict):
        return {key: _unshared(part) for key, part in value.items()}
    return [_unshared(part) for part in value] if isinstance(value, list) else value


def _apply(values: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise RecipeError(f"Override {override!r} has no value; write it like au_stage.epochs=3.")
    *parents, last = key.split(".")
    for parent in parents:
        child = values.setdefault(parent, {})
        if not isinstance(child, dict):
            raise RecipeError(f"Override {override!r} goes into {parent!r}, which holds a value, not fields.")
        values = child
    try:
        values[last] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RecipeError(f"Override {override!r} has a value that is not valid YAML.") from error
