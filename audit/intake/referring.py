"""References and attributes that stand beside the images: a table, mask files, reference objects, boxes."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any

import pandas as pd

from audit.intake import boxes as boxed
from audit.intake import masks as masked
from audit.intake import pool
from audit.intake.check import MaskFacts
from audit.intake.describing import add_attributes
from audit.intake.drawing import Canvas, draw
from audit.intake.joining import join, set_patients
from audit.intake.predictions import predictions_of, unplaced
from audit.intake.sources import SOURCE
from audit.intake.tables import Table
from audit.intake.work import CHUNK, Work
from audit.records import BadInput

BOXES = "boxes"
MISSING = "the file is missing"


def join_table(work: Work, frame: pd.DataFrame, table: Table | None) -> None:
    """Patients, attributes and references of the table (or none) into ``frame``, in place."""
    if work.options.patient:
        _patients_from_paths(work.options.patient, frame)
    cells: dict[str, pd.Series] = {}
    if table is not None:
        joined = join(table, frame, work.key, work.options.references)
        cells = joined.attributes
        work.notes |= {kind: rows for kind, rows in joined.notes.items() if rows}
        work.references += joined.references
        work.assumed.append(joined.said)
        if joined.references:
            how = "as asked" if work.options.references else "by their names; --reference names others"
            work.assumed.append(f"columns taken as references: {', '.join(joined.references)} ({how})")
        for name, values in joined.columns.items():
            frame[name] = values
        if joined.patients is not None:
            set_patients(frame, joined.patients)
    for case, attribute in list(add_attributes(frame, cells)):
        work.note("conflict", case, attribute)


def _patients_from_paths(pattern: str, frame: pd.DataFrame) -> None:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise BadInput(f"--patient '{pattern}': not a regular expression ({error}).") from error
    if compiled.groups != 1:
        raise BadInput(f"--patient '{pattern}': needs exactly one group in parentheses, which is the patient.")
    paths = frame["image"].fillna("").str.removeprefix(f"{SOURCE}/")
    set_patients(frame, paths.str.extract(compiled)[0].astype("string"))


def draw_references(
    work: Work, frame: pd.DataFrame, canvases: list[Canvas], references: dict[str, dict[str, Any]]
) -> None:
    """Masks of the reference objects, written and named in ``frame``."""
    tasks = (
        (work.source.root, work.out, path, work.key, _targets(named, canvases)) for path, named in references.items()
    )
    results = work.run(draw, tasks, lambda task, why: {"path": task[2], "problem": why, "masks": []})
    for result in sorted(results, key=lambda r: str(r["path"])):
        if result["problem"]:
            work.note("references refused", result["path"], result["problem"])
            work.store.note(result["path"], "refused", "", result["problem"])
        work.masks += result["masks"]
    _mask_columns(frame, work.masks)


def _targets(named: dict[str, Any], canvases: list[Canvas]) -> list[Canvas]:
    """The cases that hold an object which the reference names, else those of a series that it names."""
    instances = set(named["instances"])
    direct = [c for c in canvases if instances.intersection(c.instances)]
    return direct or [c for c in canvases if c.series in named["series"]]


def read_masks(work: Work, frame: pd.DataFrame) -> None:
    """Mask files that the patterns name, checked and named in ``frame``."""
    for text in work.options.masks:
        column, pattern = masked.parse(text)
        named = list(masked.paths(pattern, frame))
        tasks = ((work.source.root, path, case, column) for case, path in named)
        found: list[dict[str, Any]] = []
        for facts in work.run(masked.mask_facts, tasks, _lost, CHUNK):
            found.append(facts)
            work.report(f"reading {column}", len(found), len(named))
        for mask in sorted(found, key=lambda m: str(m["case_id"])):
            if mask["problem"] == MISSING:
                work.note("masks missing", mask["case_id"], column)
            else:
                work.masks.append(mask | {"path": f"{SOURCE}/{mask['path']}"})
    _mask_columns(frame, work.masks)


def _lost(task: pool.Task, reason: str) -> dict[str, Any]:
    return asdict(MaskFacts(task[2], task[3], "", (), (), 0, reason)) | {"path": task[1]}


def _mask_columns(frame: pd.DataFrame, masks: list[dict[str, Any]]) -> None:
    """Path and digest of each usable mask; a mask that cannot be used leaves its case without one."""
    for column in sorted({str(m["column"]) for m in masks}):
        usable = [m for m in masks if m["column"] == column and not m["problem"]]
        for name, key in ((column, "path"), (f"{column}_sha256", "sha256")):
            frame[name] = frame["case_id"].map({m["case_id"]: m[key] for m in usable}).astype("string")


def place_boxes(work: Work, frame: pd.DataFrame) -> None:
    """Boxes of the files given, as rows of their own and as counts in ``frame``."""
    for path in work.options.boxes:
        placed = boxed.place(boxed.read_boxes(path), frame)
        work.boxes[f"{BOXES}/{path.name.split('.')[0]}.csv"] = placed.rows
        for column, counts in placed.counts.items():
            frame[column] = frame["case_id"].map(counts).astype("Int64")
            work.references.append(column)
        looked_at = len({row["case_id"] for row in placed.rows})
        work.assumed.append(
            f"{path.name} names {looked_at} of {len(frame)} cases: those were looked at; the others have no reference"
        )
        for case in placed.outside:
            work.note("boxes outside", case)
        for image in placed.unknown:
            work.note("references refused", f"box of {image}", "its image was not taken in")


def place_predictions(work: Work, frame: pd.DataFrame, tables: dict[str, Table]) -> None:
    """Recorded predictions put to the cases that they are about, kept for writing."""
    for name, table in tables.items():
        work.predictions[name], place = predictions_of(table, frame, work.key)
        found = len(work.predictions[name])
        work.assumed.append(
            f"'{place.column}' of {table.path.name} names the cases (by {place.how}): predictions for {found} of "
            f"{len(frame)}, in {name}"
        )
        for row in unplaced(table, place):
            work.note("predictions without case", row)
        for case in frame["case_id"][place.rows.isna()]:
            work.note("cases without prediction", str(case), table.path.name)
        for column in table.left_out:
            work.note("identifying columns", column)
