"""An intake -> the folder of a validation set: manifest, set.yaml, datasheet of what was found, list of all files.

A set.yaml that a person has written is never overwritten: the new skeleton then stands beside it.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from audit.cases.tabular import column_name
from audit.given_files import for_reading, refuse_formulas
from audit.intake.reporting import as_dict, as_text
from audit.intake.sources import SOURCE
from audit.intake.taking_in import Taken
from audit.intake.training import as_table, read_training
from audit.intake.work import WORK

NOT_IN_MANIFEST = (
    "sex_as_written",
    "model_as_written",
    "site_as_written",
    "manufacturer_in_header",
    "burned_in_annotation",
    "grid",
    "frames",
)
TRAINING = "training"


@dataclass(frozen=True)
class Written:
    """Where things stand, and the report as a dictionary and as text."""

    folder: Path
    report: dict[str, Any]
    text: str


def write(taken: Taken) -> Written:
    """Writes the set; each file appears whole or not at all."""
    out = taken.work.out
    for name, rows in taken.work.boxes.items():
        _put_table(out / name, pd.DataFrame(rows))
    frame = manifest(_with_boxes(taken))
    _put_table(out / "manifest.csv", frame)
    for name, predicted in taken.work.predictions.items():
        _put_table(out / name, predicted)
    training = _write_training(taken)
    skeleton = out / "set.yaml"
    name = "set.skeleton.yaml" if skeleton.exists() and not _is_ours(skeleton) else "set.yaml"
    _put(out / name, set_yaml(taken, training))
    _write_files(out / WORK / "files.csv", taken)
    report = as_dict(taken)
    text = as_text(taken, report, name)
    _put(out / WORK / "report.json", json.dumps(report, indent=2, allow_nan=False) + "\n")
    _put(out / WORK / "report.txt", text + "\n")
    taken.work.store.close()
    return Written(out, report, text)


def _with_boxes(taken: Taken) -> pd.DataFrame:
    """The cases with the file of boxes of each and its SHA-256, in columns named after the files given."""
    cases = taken.intake.cases
    for name, rows in taken.work.boxes.items():
        looked_at = cases["case_id"].isin({row["case_id"] for row in rows})
        column = column_name(Path(name).stem)
        digest = hashlib.sha256((taken.work.out / name).read_bytes()).hexdigest()
        for ours, value in ((column, name), (f"{column}_sha256", digest)):
            cases[ours] = pd.Series(pd.NA, index=cases.index, dtype="string").mask(looked_at, value)
    return cases


def manifest(cases: pd.DataFrame) -> pd.DataFrame:
    """The columns that a reader needs, those of every set first."""
    first = ["case_id", "patient_id", "image", "sha256"]
    late = ["pixel_sha256", "dhash", "study", "series", "missing"]
    kept = [c for c in cases if c not in (*first, *late, *NOT_IN_MANIFEST) and bool(cases[c].notna().any())]
    return cases[[*first, *kept, *(c for c in late if c in cases)]]


def set_yaml(taken: Taken, training: Iterable[str]) -> str:
    """A set.yaml that can be used at once, in its weakest reading, with a comment on each fact that a person knows."""
    source, cases = taken.work.source, taken.intake.cases
    where = {} if source.inside else {SOURCE: os.path.relpath(source.root, taken.work.out.resolve())}
    return _SKELETON.format(
        name=json.dumps(taken.work.out.resolve().name, ensure_ascii=False),
        sites=_levels(cases, "site"),
        countries=_levels(cases, "country"),
        folders=json.dumps(where, ensure_ascii=False),
        training=json.dumps(list(training), ensure_ascii=False),
        n=len(cases),
        patients=cases["patient_id"].nunique(),
    )


def _levels(cases: pd.DataFrame, column: str) -> str:
    """What a column holds, as a list in YAML."""
    known = sorted(map(str, cases[column].dropna().unique())) if column in cases else []
    return json.dumps(known, ensure_ascii=False)


_MARK = "# Written by 'audit intake'."
_SKELETON = (
    _MARK
    + """ Facts that no file can tell stand here in their weakest reading: it claims nothing
# that is not known. Correct each of them; what you change stays, a later intake writes set.skeleton.yaml beside it.
name: {name}
version: "1"
licence: not stated  # the licence or agreement under which the images may be used
description: {n} cases, {patients} patients, as found; purpose and origin not described.
dates: ""  # first and last acquisition, for example 2023-01 to 2024-06
countries: {countries}  # for example [Germany, Italy]
sites: {sites}  # as the headers or the table name them
sampling:
  kind: convenience  # consecutive: every patient of a period; enriched: findings over-represented; else convenience
  how: not described
reference:
  kind: report_mining  # exact, pathology, expert_panel, follow_up, single_reader; report_mining is the weakest
  how: not described
  # truthers:  # who made the reference; readers of the study may not be among them
  #   number: 3
  #   qualification: radiologists, 10 years or more
  #   blinding: to the device and to each other
  #   combination: majority
# target_population:  # shares of the population for which the device is meant
#   sex: {{F: 0.5, M: 0.5}}
exclusions: ""  # which cases were left out by people, and why; files that could not be read: intake/files.csv
training_sets: {training}  # manifests of the data that the model has seen
manifest: manifest.csv
# columns: {{age_years: age_at_death}}  # our name: the manifest's, for a column that was not recognised
# references:  # a 0/1 column made of levels
#   cancer: {{column: diagnosis, positive: [invasive, in situ]}}
images_folder: .
folders: {folders}  # '{{"source": ...}}': where the files stay; one line to change when they move
"""
)


def _is_ours(path: Path) -> bool:
    """A skeleton as it was written; any change by a person makes it theirs."""
    digest = path.with_name(WORK) / "skeleton.txt"
    return digest.is_file() and digest.read_text(encoding="utf-8") == path.read_text(encoding="utf-8")


def _write_training(taken: Taken) -> list[str]:
    names = []
    for path in taken.work.options.training:
        training = read_training(path, taken.work.key)
        name = f"{TRAINING}/{path.stem if path.is_file() else path.name}.csv"
        _put_table(taken.work.out / name, as_table(training))
        names.append(name)
    return names


def _write_files(path: Path, taken: Taken) -> None:
    """Every file with its fate, one line at a time."""
    part = path.with_name(path.name + ".part")
    with part.open("w", newline="", encoding="utf-8") as stream:
        rows: csv.DictWriter[str] | None = None
        for row in taken.work.store.fates():
            rows = rows or _header(stream, row)
            rows.writerow({key: for_reading(value) for key, value in row.items()})
    part.replace(path)


def _header(stream: Any, row: Mapping[str, Any]) -> csv.DictWriter[str]:
    rows = csv.DictWriter(stream, list(row), lineterminator="\n")
    rows.writeheader()
    return rows


def _put_table(path: Path, frame: pd.DataFrame) -> None:
    """Written as it goes: the text of a large table is never held whole."""
    refuse_formulas(frame, path.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    with part.open("w", encoding="utf-8", newline="") as stream:
        frame.to_csv(stream, index=False, lineterminator="\n", chunksize=5000)
    part.replace(path)


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
    if path.name == "set.yaml":
        (path.parent / WORK / "skeleton.txt").parent.mkdir(parents=True, exist_ok=True)
        (path.parent / WORK / "skeleton.txt").write_text(text, encoding="utf-8")
