"""Configuration: frozen pydantic models, read from YAML, overridden by `a.b=c`, identified by a digest."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

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
    for override in overrides:
        _apply(values, override)
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg'].lower()}" for e in error.errors())
        raise RecipeError(f"{path.name} does not fit: {problems}.") from error


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
