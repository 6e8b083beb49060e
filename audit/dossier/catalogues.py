"""The clause catalogues: law as data, with editions, sources and confidence marks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import yaml

from audit.datafolders import data_folder
from audit.records import BadInput

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Requirement:
    """One clause entry. ``kind``: a run computes it, the manufacturer declares it, or both (mixed)."""

    id: str
    instrument: str
    clause: str
    title: str
    requires: str
    evidence: str
    kind: Literal["computed", "declared", "mixed"]
    confidence: Literal["sourced", "recalled"]
    url: str
    catalogue: str
    amended: bool = False
    md_applies: str = ""

    @property
    def label(self) -> str:
        """The clause with the short name of its document where the number alone would be ambiguous."""
        return clause_prefixes().get(self.catalogue, "") + self.clause


@dataclass(frozen=True, slots=True)
class Instrument:
    """A law or guidance with the edition and status printed in the foot of its documents.

    ``market``: whose documents it rules; ``vocabulary`` and ``page``: its words and paper. ``{date:ENTRY}`` in a text
    stands for the first date that the catalogue entry names, so that dates are kept in one place.
    """

    id: str
    title: str
    edition: str
    status: str
    foot: str
    date_entry: str
    confidence: str
    url: str
    market: Literal["eu", "us", "both"] = "both"
    vocabulary: Literal["eu", "fda", "both"] = "both"
    page: Literal["A4", "Letter"] = "A4"


def requirements(catalogue: str, folder: Path | None = None) -> Mapping[str, Requirement]:
    """Entry id -> requirement of one catalogue; raises ``BadInput`` for an unknown or damaged one."""
    path = (folder or data_folder("templates") / "catalogues") / f"{catalogue}.yaml"
    if not path.is_file():
        raise BadInput(f"{path}: there is no clause catalogue '{catalogue}'.")
    return _read(path)


def read_catalogue(path: Path) -> Mapping[str, Requirement]:
    """The catalogue in ``path``, for one that is not packaged; raises ``BadInput`` where it is none."""
    try:
        return _read(path.resolve())
    except OSError as error:
        raise BadInput(f"{path}: the catalogue cannot be read ({error.strerror}).") from error
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"{path}: no clause catalogue; see templates/catalogues/ for the form.") from error


@cache
def _read(path: Path) -> Mapping[str, Requirement]:
    raw = yaml.load(path.read_text(encoding="utf-8"), Loader)
    entries = raw["entries"]
    if len(entries) != raw["entry_count"]:
        raise BadInput(f"{path}: entry_count says {raw['entry_count']}, the file has {len(entries)} entries.")
    names = [name for name in Requirement.__dataclass_fields__ if name != "catalogue"]
    found = {}
    for entry in entries:
        chosen = {name: entry[name] for name in names if name in entry}
        found[entry["id"]] = Requirement(**chosen, catalogue=raw["catalogue"])
    return MappingProxyType(found)


@cache
def known_requirements() -> Mapping[str, Requirement]:
    """Every requirement of every catalogue, by id."""
    found: dict[str, Requirement] = {}
    for path in sorted((data_folder("templates") / "catalogues").glob("*.yaml")):
        found.update(_read(path))
    return MappingProxyType(found)


@cache
def instruments() -> Mapping[str, Instrument]:
    """Every instrument that a template may name."""
    raw = yaml.load((data_folder("templates") / "instruments.yaml").read_text(encoding="utf-8"), Loader)
    return MappingProxyType({entry["id"]: _dated(Instrument(**entry)) for entry in raw})


DATE = re.compile(r"\{date:([\w.]+)\}")
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
WRITTEN = re.compile(rf"\b\d{{1,2}} (?:{'|'.join(MONTHS)}) \d{{4}}\b")


def _dated(instrument: Instrument) -> Instrument:
    status, foot = (DATE.sub(lambda found: date_of(found[1]), words) for words in (instrument.status, instrument.foot))
    return replace(instrument, status=status, foot=foot)


def date_of(entry: str) -> str:
    """The first date that a catalogue entry names; raises ``BadInput`` where it names none."""
    requirement = known_requirements().get(entry)
    found = WRITTEN.search(requirement.requires) if requirement else None
    if found is None:
        raise BadInput(f"templates/instruments.yaml: the catalogue entry '{entry}' names no date.")
    return found.group()


@cache
def clause_prefixes() -> Mapping[str, str]:
    """Catalogue -> what stands before its clause numbers."""
    raw = yaml.load((data_folder("templates") / "clause_labels.yaml").read_text(encoding="utf-8"), Loader)
    return MappingProxyType(dict(raw))


@cache
def vocabulary(name: str) -> Mapping[str, str]:
    """Internal term -> the word of this vocabulary ('eu' or 'fda')."""
    raw = yaml.load((data_folder("templates") / "vocabulary.yaml").read_text(encoding="utf-8"), Loader)
    return MappingProxyType(dict(raw[name]))


@dataclass(frozen=True, slots=True)
class WritingStyle:
    """How a vocabulary writes a day and a percentage, and the language of its documents."""

    date: str
    percent: str
    language: str

    def day(self, iso: str) -> str:
        """A date as ISO 8601 has it (a time after it is kept to the minute), written out."""
        day, _, time = iso.partition("T")
        year, month, number = day.split("-")
        written = self.date.format(day=int(number), month=MONTHS[int(month) - 1], year=year)
        return f"{written}, {time[:5]} UTC" if time else written


@cache
def writing_style(name: str) -> WritingStyle:
    """The style of a vocabulary ('eu', 'fda' or 'both')."""
    raw = yaml.load((data_folder("templates") / "vocabulary.yaml").read_text(encoding="utf-8"), Loader)
    return WritingStyle(**raw["styles"][name])
