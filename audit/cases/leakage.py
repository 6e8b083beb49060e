"""Patients and images of the training data that stand in a validation set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from audit.cases.tabular import as_text, read_table
from audit.records import BadInput


@dataclass(frozen=True, slots=True)
class TrainingRecords:
    """Patient pseudonyms and image digests of one training set."""

    patients: frozenset[str]
    images: frozenset[str]


def training_records(folder: Path, name: str) -> TrainingRecords:
    """Reads a training manifest (csv, csv.gz, parquet with ``patient_id``, optionally ``sha256``), a folder that holds
    ``manifest.csv``, or a ``.txt`` file with one patient id a line; ``name`` is relative to ``folder``."""
    path = (folder / name).resolve()
    path = path / "manifest.csv" if path.is_dir() else path
    if not path.is_file():
        raise BadInput(
            f"{folder / 'set.yaml'}: training set '{name}' does not exist ({path}); correct 'training_sets'."
        )
    if path.suffix == ".txt":
        return TrainingRecords(_lines(path), frozenset())
    frame = read_table(path)[0]
    if "patient_id" not in frame:
        raise BadInput(
            f"{path}: a training manifest needs a column 'patient_id'; it has {', '.join(frame.columns[:20])}."
        )
    return TrainingRecords(_texts(frame, "patient_id", path), _texts(frame, "sha256", path))


def patient_leakage(cases: pd.DataFrame, training: TrainingRecords) -> tuple[str, ...]:
    """Case ids whose patient was trained on."""
    return tuple(map(str, cases["case_id"][cases["patient_id"].isin(training.patients)]))


def image_leakage(cases: pd.DataFrame, training: TrainingRecords) -> tuple[str, ...]:
    """Case ids whose image file was trained on, byte for byte, whatever its patient id says."""
    return tuple(map(str, cases["case_id"][cases["sha256"].str.lower().isin(training.images)]))


def _lines(path: Path) -> frozenset[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: the list of training patients is not UTF-8; save it as UTF-8.") from error
    return frozenset(line.strip() for line in text.splitlines() if line.strip())


def _texts(frame: pd.DataFrame, column: str, path: Path) -> frozenset[str]:
    if column not in frame:
        return frozenset()
    values = as_text(frame[column], column, str(path)).dropna()
    return frozenset(values.str.lower() if column == "sha256" else values)
