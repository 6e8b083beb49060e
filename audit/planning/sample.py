"""``audit sample``: draws a validation set from a pool and writes it as a set folder of its own, with the record."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from audit.attributes.levels import stratify
from audit.cases.loading import check_files
from audit.cases.manifest import ValidationSet, locate_in, read_set
from audit.cases.sampling import DrawnCell, Targets, draw, patient_levels, read_targets, unknown_levels
from audit.cases.tabular import read_table
from audit.evidence.statements import to_json
from audit.given_files import refuse_formulas
from audit.records import BadInput

RECORD = "sampling.json"


@dataclass(frozen=True, slots=True)
class Sampled:
    """The new folder, its digest, patients and images drawn, and every cell."""

    folder: Path
    sha256: str
    n_patients: int
    n_cases: int
    cells: tuple[DrawnCell, ...]
    unknown: Mapping[str, str]

    @property
    def short(self) -> bool:
        return any(cell.shortfall for cell in self.cells)

    def as_text(self) -> str:
        """One line per cell; shortfalls named."""
        lines = [f"{self.folder}: {self.n_patients} patients, {self.n_cases} images drawn."]
        for each in self.cells:
            lack = f", {each.shortfall} short of {each.cell.patients}" if each.shortfall else ""
            why = f" ({self.unknown[each.cell.words]})" if each.cell.words in self.unknown else ""
            lines.append(f"  {each.cell.words}: {each.drawn} drawn of {each.available} in the pool{lack}{why}")
        return "\n".join([*lines, f"The draw is recorded in {RECORD}; state in set.yaml what no draw can know."])


def sample(pool: Path, targets_path: Path, out: Path, copy: bool = False) -> Sampled:
    """Draws from the set in folder ``pool`` and writes the new set's folder ``out``, whole or not at all.

    Its manifest keeps the pool's columns, with rows in order of case id, so that the same pool in any row order gives
    the same bytes. Images stay where the pool has them, or are copied (``copy``), their digests checked either way.
    Raises ``BadInput`` where ``out`` exists, or where nobody is drawn.
    """
    if out.exists():
        raise BadInput(f"{out}: exists already; a drawn set is never changed: give another folder.")
    targets, targets_sha256 = read_targets(targets_path)
    whole = read_set(pool)
    levels = patient_levels(stratify(whole.cases, targets.strata), targets)
    patients, cells = draw(levels, targets.cells, targets.seed)
    if not patients:
        raise BadInput(f"{targets_path}: no patient of the pool meets any cell; correct the cells or the pool.")
    chosen = whole.cases["patient_id"].astype(str).isin(patients).to_numpy()
    check_files(_part(whole, chosen))
    record = _record(whole, targets, targets_sha256, cells, len(patients), int(chosen.sum()))
    _write(whole, targets, chosen, record, out, copy)
    unknown = unknown_levels(levels, targets.cells)
    return Sampled(out, read_set(out).sha256, len(patients), int(chosen.sum()), tuple(cells), unknown)


def _part(whole: ValidationSet, chosen: Any) -> ValidationSet:
    return replace(whole, cases=whole.cases[chosen].reset_index(drop=True))


def _record(
    whole: ValidationSet, targets: Targets, sha256: str, cells: list[DrawnCell], n_patients: int, n_cases: int
) -> bytes:
    facts = {
        "pool": {"name": whole.name, "version": whole.facts.version, "sha256": whole.sha256, "cases": len(whole.cases),
                 "patients": int(whole.cases["patient_id"].nunique())},
        "targets": targets.model_dump(mode="json"),
        "targets_sha256": sha256,
        "patients": n_patients,
        "cases": n_cases,
        "cells": [
            {"where": each.cell.where, "wanted": each.cell.patients, "available": each.available, "drawn": each.drawn,
             "shortfall": each.shortfall}
            for each in cells
        ],
    }  # fmt: skip
    return to_json(facts, indent=2)


def _write(whole: ValidationSet, targets: Targets, chosen: Any, record: bytes, out: Path, copy: bool) -> None:
    unfinished = out.with_name(f".{out.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        raw, _ = read_table((whole.folder / whole.facts.manifest).resolve())
        rows = raw[chosen].iloc[whole.cases.loc[chosen, "case_id"].astype(str).argsort(kind="stable").to_numpy()]
        refuse_formulas(rows, "manifest.csv")
        rows.to_csv(unfinished / "manifest.csv", index=False, lineterminator="\n")
        root = whole.roots[whole.name]
        if copy:
            _copy_files(whole, chosen, unfinished)
        folder = "." if copy else os.path.relpath(root, out.resolve())
        facts = yaml.safe_dump(_facts(whole, targets, folder, out), sort_keys=False, allow_unicode=True)
        (unfinished / "set.yaml").write_text(facts, encoding="utf-8")
        (unfinished / RECORD).write_bytes(record)
        unfinished.rename(out)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def _facts(whole: ValidationSet, targets: Targets, images_folder: str, out: Path) -> dict[str, Any]:
    """The pool's facts under the new name; the sample is enriched, for its shares are the targets'."""
    how = (
        f"drawn from {whole.name} version {whole.facts.version} (SHA-256 {whole.sha256}) by patient to the numbers in "
        f"{RECORD}, seed {targets.seed}; the pool: {whole.facts.sampling.kind}, {whole.facts.sampling.how}"
    )
    kept = whole.facts.model_dump(mode="json", exclude_unset=True)
    own = whole.facts.folders.items() if images_folder != "." else ()
    folders = {first: os.path.relpath((whole.folder / where).resolve(), out.resolve()) for first, where in own}
    training = [os.path.relpath((whole.folder / each).resolve(), out.resolve()) for each in whole.facts.training_sets]
    changed: dict[str, Any] = {
        "name": targets.name,
        "version": targets.version,
        "sequestered": targets.sequestered or whole.facts.sequestered,
        "sampling": {"kind": "enriched", "how": how},
        "manifest": "manifest.csv",
        "images_folder": images_folder,
        "folders": folders,
    }
    return kept | changed | ({"training_sets": training} if training else {})


def _copy_files(whole: ValidationSet, chosen: Any, out: Path) -> None:
    names: pd.Series = pd.concat([whole.cases.loc[chosen, column] for column in whole.file_columns])
    for name in sorted({str(each).partition("#")[0] for each in names.dropna()}):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(locate_in(whole.roots, whole.name, name, f"pool {whole.name}"), out / name)
