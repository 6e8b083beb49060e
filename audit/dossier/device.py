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
    """A text the manufacturer answers for; without author and date it is no declaration.

    ``also_answers`` names further requirements that the same words answer, so that they are written once.
    """

    text: str = Field(min_length=1)
    author: str = Field(min_length=1)
    date: datetime.date
    also_answers: tuple[str, ...] = ()


class Signatory(Part):
    """Who signs (role) and what the signature means; name and date stay open until the document is signed."""

    role: str
    meaning: str
    name: str = ""


class Predicate(Part):
    """The legally marketed device that a 510(k) compares with; ``characteristics``: what -> of the predicate."""

    name: str
    manufacturer: str
    number: str = Field(min_length=1, description="510(k) or De Novo number")
    regulation: str = ""
    product_code: str = ""
    characteristics: Mapping[str, str] = Field(default_factory=dict)


class Modification(Part):
    """One planned modification of a predetermined change control plan, as FDA's traceability table asks for it."""

    id: str = Field(min_length=1)
    what: str = Field(min_length=1)
    rationale: str = ""
    type: Literal["quantitative performance", "inputs and compatibility", "limited use and performance"]
    implementation: Literal["manual", "automatic", "combined"]
    extent: Literal["global", "local"]
    frequency: str = ""
    data_management: str = ""
    retraining: str = ""
    evaluation: str = ""
    update: str = ""
    benefits: str = ""
    risks: str = ""


class Device(Part):
    """The device, its manufacturer and the declared answers by requirement id.

    ``development_sites``: the sites that gave training or tuning data, which the test sites are compared with.
    ``markets`` chooses the documents that are built. What stays empty is printed as missing, never left out.
    """

    manufacturer: str
    name: str
    version: str
    regulation: Regulation | None = None
    intended_users: str = ""
    intended_population: str = ""
    target_countries: tuple[str, ...] = ()
    development_sites: tuple[str, ...] = ()
    markets: tuple[Literal["eu", "us"], ...] = ("eu", "us")
    address: str = ""
    contact: str = ""
    authorised_representative: str = ""
    udi_di: str = ""
    risk_class: str = ""
    notified_body: str = ""
    product_code: str = ""
    characteristics: Mapping[str, str] = Field(default_factory=dict)
    predicate: Predicate | None = None
    modifications: tuple[Modification, ...] = ()
    standalone_software: bool = True
    predetermined_changes: bool = True
    small_enterprise: bool = False
    displays_maps: bool = False
    simulated: bool = False
    declared: Mapping[str, Declaration] = Field(default_factory=dict)
    signatories: tuple[Signatory, ...] = ()
    four_eyes: bool = False  # whoever signs a document as its author may not sign it as reviewer or approver

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
    return device.model_copy(update={"declared": _answered(device, path)})


def _answered(device: Device, path: Path) -> Mapping[str, Declaration]:
    """Every declared text under each requirement that it answers; a requirement has one text only."""
    found = dict(device.declared)
    for name, declaration in device.declared.items():
        for other in declaration.also_answers:
            if other in found:
                raise BadInput(f"{path}: declared.{name}.also_answers: {other} has another text already; keep one.")
            found[other] = declaration
    return found


def _refuse_unknown(device: Device, path: Path) -> None:
    known = known_requirements()
    others = (other for declaration in device.declared.values() for other in declaration.also_answers)
    for name in (*device.declared, *others):
        if name not in known:
            raise BadInput(f"{path}: declared.{name}: no catalogue has this requirement; see templates/catalogues/.")
