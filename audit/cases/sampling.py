"""Draws patients from a pool to the numbers that a targets file asks for, cell by cell.

The draw goes by the hash of seed and patient: it does not depend on the order of the pool's rows, and a larger number
keeps the patients of a smaller one. Sources: Cochran, Sampling Techniques (1977), chapter 5 (stratified sampling);
FDA, Artificial Intelligence-Enabled Device Software Functions (draft, January 2025), section VIII.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from audit.cases.facts import Level
from audit.cases.matching import is_one_of
from audit.given_files import file_bytes, plain_yaml
from audit.plan import Stratum, first_problem, yaml_problem
from audit.records import BadInput
from audit.tables import UNKNOWN, stratum_column

REFERENCE, POSITIVE, NEGATIVE, SEVERAL = "reference", "positive", "negative", "several"


class Part(BaseModel):
    """Base of every part of the targets: unknown keys are refused, values cannot change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Reference(Part):
    """The manifest's column with the reference standard, and its positive levels."""

    column: str
    positive: tuple[Level, ...] = (1,)


class Cell(Part):
    """How many ``patients`` are wanted whose strata have the levels in ``where`` ('reference': positive, negative)."""

    where: dict[str, str] = Field(min_length=1)
    patients: int = Field(ge=1)

    @field_validator("where", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        return {key: str(level) for key, level in value.items()} if isinstance(value, dict) else value

    @property
    def words(self) -> str:
        return ", ".join(f"{name} {level}" for name, level in self.where.items())


class Targets(Part):
    """What to draw: name and version of the new set, the seed, strata as in a plan, the reference class, the cells."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    version: str = "1"
    seed: int = Field(ge=0)
    strata: dict[str, Stratum] = {}
    reference: Reference | None = None
    cells: tuple[Cell, ...] = Field(min_length=1)
    sequestered: bool = False

    @field_validator("version", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> str:
        return str(value)


@dataclass(frozen=True, slots=True)
class DrawnCell:
    """What a cell asked for, how many patients of the pool meet it, and how many of those drawn do."""

    cell: Cell
    available: int
    drawn: int

    @property
    def shortfall(self) -> int:
        return max(0, self.cell.patients - self.drawn)


def read_targets(path: Path) -> tuple[Targets, str]:
    """The targets file and the SHA-256 of its bytes; raises ``BadInput`` naming the key that is wrong."""
    try:
        data = file_bytes(path)
        return Targets.model_validate(plain_yaml(data) or {}), hashlib.sha256(data).hexdigest()
    except OSError as error:
        raise BadInput(f"{path}: the targets cannot be read ({error.strerror}); give a YAML file.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: {yaml_problem(error)}.") from error
    except ValidationError as error:
        raise BadInput(f"{path}: {first_problem(error)}") from error


def patient_levels(cases: pd.DataFrame, targets: Targets) -> pd.DataFrame:
    """One row per patient (index: patient id, sorted), one column per stratum, and 'reference' where it is asked for.

    ``cases`` carry the strata. A patient whose images differ in a stratum has the level 'several'. Positive: at least
    one positive image; negative: every image negative; 'unknown' otherwise.
    """
    patients = cases["patient_id"].astype(str)
    levels = {name: _one_level(cases[stratum_column(name)], patients) for name in targets.strata}
    if targets.reference is not None:
        levels[REFERENCE] = _class(cases, patients, targets.reference)
    if not levels:
        raise BadInput("the targets name neither strata nor a reference; there is nothing to draw by.")
    return pd.DataFrame(levels).sort_index()


def _one_level(values: pd.Series, patients: pd.Series) -> pd.Series:
    grouped = values.astype(str).groupby(patients)
    return grouped.first().where(grouped.nunique() == 1, SEVERAL)


def _class(cases: pd.DataFrame, patients: pd.Series, reference: Reference) -> pd.Series:
    if reference.column not in cases:
        raise BadInput(f"targets: the pool has no column '{reference.column}' for its reference; correct it.")
    positive = is_one_of(cases[reference.column], reference.positive)
    found = positive.fillna(False).astype(bool).groupby(patients).any()
    complete = positive.notna().groupby(patients).all()
    return pd.Series(NEGATIVE, index=found.index).where(complete, UNKNOWN).mask(found, POSITIVE)


def draw(levels: pd.DataFrame, cells: Sequence[Cell], seed: int) -> tuple[list[str], list[DrawnCell]]:
    """The patients drawn, sorted, and what became of each cell.

    Cells are filled in their order; a patient drawn for one counts for every cell it meets. Raises ``BadInput`` for a
    cell that names a stratum or a level which the pool does not have.
    """
    order = sorted(levels.index, key=lambda patient: (_place(seed, patient), patient))
    drawn: set[str] = set()
    for cell in cells:
        meeting = _meeting(levels, cell)
        missing = cell.patients - len(drawn & meeting)
        drawn.update([patient for patient in order if patient in meeting - drawn][: max(0, missing)])
    found = [DrawnCell(cell, len(who := _meeting(levels, cell)), len(who & drawn)) for cell in cells]
    return sorted(drawn), found


def _place(seed: int, patient: str) -> bytes:
    return hashlib.sha256(f"{seed}\n{patient}".encode()).digest()


def _meeting(levels: pd.DataFrame, cell: Cell) -> set[str]:
    keep = pd.Series(True, index=levels.index)
    for name, level in cell.where.items():
        if name not in levels:
            known = ", ".join(map(str, levels))
            raise BadInput(f"targets: cell '{cell.words}' names '{name}'; the strata are {known}.")
        keep &= levels[name] == level
    return {str(patient) for patient in levels.index[keep]}


def unknown_levels(levels: pd.DataFrame, cells: Sequence[Cell]) -> Mapping[str, str]:
    """Cell in words -> what it asks for that no patient of the pool has; such a cell is a shortfall, not an error."""
    return {
        cell.words: f"no patient has {name} '{level}'; the pool has {', '.join(sorted(levels[name].unique()))}"
        for cell in cells
        for name, level in cell.where.items()
        if name in levels and level not in set(levels[name])
    }
