"""A MONAI bundle's configuration as data: sections, ``@references`` and declared objects, without evaluation.

A bundle's ``$`` expressions are Python and its ``_target_`` may name any function. Here a declared object is built only
when its name is one of the names given, and an expression is refused. Source: MONAI bundle specification 1.6.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from audit.given_files import plain_yaml
from audit.records import BadInput

TARGET, DISABLED = "_target_", "_disabled_"
IGNORED = {"_desc_", "_requires_", "_mode_", TARGET, DISABLED}
DEEPEST = 20


def read_config(path: Path, label: str) -> dict[str, Any]:
    """The configuration (JSON or YAML) as a mapping."""
    try:
        text = path.read_text(encoding="utf-8")
        raw = json.loads(text) if path.suffix == ".json" else plain_yaml(text)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise BadInput(f"{label}: {path.name} cannot be read; a JSON or YAML mapping was expected.") from error
    if not isinstance(raw, dict):
        raise BadInput(f"{label}: {path.name} is no mapping; a bundle's configuration was expected.")
    return raw


def plain(config: Mapping[str, Any], value: Any, label: str, depth: int = 0) -> Any:
    """The value with its references looked up; raises ``BadInput`` for an expression."""
    if depth > DEEPEST:
        raise BadInput(f"{label}: the configuration refers to itself; correct it.")
    if isinstance(value, dict):
        return {key: plain(config, each, label, depth + 1) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(config, each, label, depth + 1) for each in value]
    if isinstance(value, str) and value.startswith("$"):
        raise BadInput(
            f"{label}: its configuration holds the expression '{value[:60]}', which is Python and is not evaluated; "
            "write the value itself, or name the configuration's SHA-256 under 'allow' in the plan."
        )
    if isinstance(value, str) and value.startswith("@"):
        return plain(config, _referred(config, value[1:], label), label, depth + 1)
    return value


def _referred(config: Mapping[str, Any], path: str, label: str) -> Any:
    value: Any = config
    for step in path.replace("#", "::").split("::"):
        try:
            value = value[int(step)] if isinstance(value, list) else value[step]
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise BadInput(f"{label}: its configuration refers to '@{path}', which it does not have.") from error
    return value


def declared(given: Any, label: str, section: str) -> tuple[str, dict[str, Any]]:
    """Class name (without its module) and arguments of a declared object."""
    if not isinstance(given, dict) or not isinstance(given.get(TARGET), str):
        raise BadInput(f"{label}: '{section}' is no declared object; '{TARGET}' with the name of a class was expected.")
    return given[TARGET].rpartition(".")[2], {key: each for key, each in given.items() if key not in IGNORED}


def built(given: Any, known: Callable[[str], Any], label: str, section: str) -> Any:
    """The object that ``given`` declares; ``known`` maps its class name to the class, or to None where not allowed."""
    name, arguments = declared(given, label, section)
    module = str(given[TARGET]).rpartition(".")[0]
    kind = known(name) if not module or module.startswith("monai.") else None
    if kind is None:
        raise BadInput(f"{label}: '{section}' names {given[TARGET]}, which is not among MONAI's {section} classes.")
    try:
        return kind(**arguments)
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise BadInput(f"{label}: {name} does not take the arguments under '{section}' ({reason}).") from error
