"""``device.yaml``: what only the manufacturer can state, with author and date. It stays outside the lock.

A longer text may lie in a file of its own, ``prose/NAME.md`` beside device.yaml: ``file`` in the place of ``text``.
"""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from audit.dossier.catalogues import known_requirements
from audit.dossier.content import Passage
from audit.dossier.prose import passages, plain_passage
from audit.given_files import file_bytes, plain_yaml
from audit.plan import first_problem, yaml_problem
from audit.records import BadInput

PROSE_FILE = re.compile(r"prose/[\w() -][\w.() -]*\.md")
LONGEST_PROSE = 1024 * 1024
Regulation = Literal["892.2050", "892.2060", "892.2070", "892.2080", "892.2090"]


class Part(BaseModel):
    """Base of every part: unknown keys are refused, values cannot change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Declaration(Part):
    """A text the manufacturer answers for; without author and date it is no declaration.

    The text stands here, or in the prose file called ``file`` (Markdown), whose words ``read_device`` puts into
    ``text``. ``also_answers`` names further requirements that the same words answer, so that they are written once.
    ``figures_from`` names the source of figures that read like results of an audit and are none of this one's.
    """

    text: str = ""
    file: str = ""
    author: str = Field(min_length=1)
    date: datetime.date
    also_answers: tuple[str, ...] = ()
    figures_from: str = ""

    @model_validator(mode="after")
    def _text_or_file(self) -> Self:
        if bool(self.text.strip()) == bool(self.file):
            raise ValueError("give either 'text' or 'file' (prose/NAME.md beside device.yaml)")
        if self.file and not PROSE_FILE.fullmatch(self.file):
            raise ValueError(f"'{self.file}' is no prose file; put it into the folder prose/ as prose/NAME.md")
        if not self.author.strip():
            raise ValueError("author is empty; name who answers for the text")
        return self

    @property
    def parts(self) -> tuple[Passage, ...]:
        """The text as passages: Markdown from a file, one plain paragraph otherwise."""
        return passages(self.text, self.file) if self.file else plain_passage(self.text)

    @property
    def sha256(self) -> str:
        """SHA-256 of the text in UTF-8; of a file's, its bytes."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def as_written(self) -> dict[str, Any]:
        """The entry as device.yaml holds it."""
        return self.model_dump(mode="json", exclude={"text"} if self.file else {"file"}, exclude_defaults=True)


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
    small_cells: int = Field(default=11, ge=1)  # fewest patients that a public document may count (small_cells.py)
    four_eyes: bool = False  # whoever signs a document as its author may not sign it as reviewer or approver

    @field_validator("declared", mode="before")
    @classmethod
    def _none_yet(cls, value: object) -> object:
        return {} if value is None else value


def read_device(path: Path) -> Device:
    """Reads and validates ``device.yaml``; raises ``BadInput`` naming the file, the key and what was expected."""
    try:
        raw = plain_yaml(file_bytes(path))
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
    device = device.model_copy(update={"declared": _with_prose(device, path)})
    return device.model_copy(update={"declared": _answered(device, path)})


def prose_files(device: Device) -> dict[str, tuple[Declaration, tuple[str, ...]]]:
    """Prose file -> its declaration and the requirements that it answers, in the order of device.yaml."""
    found: dict[str, tuple[Declaration, tuple[str, ...]]] = {}
    for name, each in device.declared.items():
        if each.file:
            found[each.file] = (each, (*found.get(each.file, (each, ()))[1], name))
    return found


def _with_prose(device: Device, path: Path) -> dict[str, Declaration]:
    """The declarations with the words of their prose files, each of which is named once."""
    owners: dict[str, str] = {}
    out = {}
    for name, each in device.declared.items():
        if each.file in owners and each.file:
            raise BadInput(
                f"{path}: declared.{name}.file: {each.file} stands under declared.{owners[each.file]} already; name "
                f"{name} in its 'also_answers' instead."
            )
        owners[each.file] = name
        out[name] = each.model_copy(update={"text": _read_prose(path, name, each.file)}) if each.file else each
    return out


def _read_prose(path: Path, name: str, file: str) -> str:
    """The words of a prose file beside ``path``, which can be printed; raises ``BadInput`` where not."""
    prose = path.parent / file
    where = f"{path}: declared.{name}.file: {file}"
    if not prose.is_file():
        raise BadInput(f"{where} is not there; write the text into {prose} or correct the name.")
    if not prose.resolve().is_relative_to(path.parent.resolve()):
        raise BadInput(f"{where} leads out of the folder of {path.name}; copy the file into it.")
    if prose.stat().st_size > LONGEST_PROSE:
        raise BadInput(f"{where} is larger than {LONGEST_PROSE // 2**20} MiB; it is no text for a document.")
    try:
        words = prose.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{where} cannot be read as text; save it in UTF-8.") from error
    passages(words, file)
    return words


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
