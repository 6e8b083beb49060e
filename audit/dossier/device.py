"""``device.yaml``: what only the manufacturer can state, with author and date. It stays outside the lock."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from audit.dossier.catalogues import known_requirements
from audit.plan import first_problem, yaml_problem
from audit.records import BadInput

Regulation = Literal["892.2050", "892.2060", "892.2070", "892.2080", "892.2090"]


class Part(BaseModel):
    """Base of every part: unknown keys are refused, values cannot change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Declaration(Part):
    """A text the manufacturer answers for; without author and date it is no declaration."""

    text: str = Field(min_length=1)
    author: str = Field(min_length=1)
    date: datetime.date


class Signatory(Part):
    """Who signs (role) and what the signature means; name and date stay open until the document is signed."""

    role: str
    meaning: str
    name: str = ""


class Device(Part):
    """The device, its manufacturer and the declared answers by requirement id.

    ``development_sites``: the sites that gave training or tuning data, which the test sites are compared with.
    """

    manufacturer: str
    name: str
    version: str
    regulation: Regulation | None = None
    intended_users: str = ""
    intended_population: str = ""
    target_countries: tuple[str, ...] = ()
    development_sites: tuple[str, ...] = ()
    standalone_software: bool = True
    predetermined_changes: bool = True
    small_enterprise: bool = False
    simulated: bool = False
    declared: Mapping[str, Declaration] = Field(default_factory=dict)
    signatories: tuple[Signatory, ...] = ()

    @field_validator("declared", mode="before")
    @classmethod
    def _none_yet(cls, value: object) -> object:
        return {} if value is None else value


def read_device(path: Path) -> Device:
    """Reads and validates ``device.yaml``; raises ``BadInput`` naming the file, the key and what was expected."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{path}: the device facts cannot be read ({error.strerror}).") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: {yaml_problem(error)}.") from error
    if not isinstance(raw, dict):
        raise BadInput(f"{path}: expected a mapping of device facts, found {type(raw).__name__}.")
    try:
        device = Device.model_validate(raw)
    except ValidationError as error:
        raise BadInput(f"{path}: {first_problem(error)}") from error
    _refuse_unknown(device, path)
    return device


def _refuse_unknown(device: Device, path: Path) -> None:
    known = known_requirements()
    for name in device.declared:
        if name not in known:
            raise BadInput(f"{path}: declared.{name}: no catalogue has this requirement; see templates/catalogues/.")
