"""What is known of the training data: a manifest, a set that intake wrote, or a list of patients."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from audit.cases.leakage import training_records
from audit.cases.tabular import read_table
from audit.intake.check import Training
from audit.intake.pseudonyms import pseudonym
from audit.intake.similar import fingerprint
from audit.records import BadInput


def read_training(path: Path, key: bytes) -> Training:
    """``path``: a table with patient_id (and sha256, pixel_sha256, dhash where there are), a text file with one
    patient a line, or the folder of a set. Patients are known as written and by the pseudonym that ``key`` gives."""
    manifest = path / "manifest.csv" if path.is_dir() else path
    if not manifest.is_file():
        raise BadInput(
            f"--training {path}: there is no such file, and no manifest.csv in it; give a manifest or a set."
        )
    known = training_records(manifest.parent, manifest.name)
    patients = known.patients | {pseudonym(key, "patient", p) for p in known.patients}
    frame = pd.DataFrame() if manifest.suffix == ".txt" else read_table(manifest)[0]
    prints = [fingerprint(h) for h in _texts(frame, "dhash") if len(h) == 64]
    return Training(
        path.name,
        frozenset(p for p in patients if not p.startswith("unknown-")),
        known.images | frozenset(_texts(frame, "pixel_sha256")),
        np.array(prints, dtype=np.uint64).reshape(-1, 4),
    )


def as_table(training: Training) -> pd.DataFrame:
    """The training patients under every name that they have in this set, for ``training_sets`` of set.yaml."""
    rows = [(p, "") for p in sorted(training.patients)] + [("", d) for d in sorted(training.digests)]
    return pd.DataFrame(rows, columns=["patient_id", "sha256"])


def _texts(frame: pd.DataFrame, column: str) -> list[str]:
    return [str(v).lower() for v in frame[column].dropna()] if column in frame else []
