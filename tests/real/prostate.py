"""Prostate MRI: expert and AI outlines as a validation set with recorded predictions.

``python -m tests.real.prostate DATA FOLDER`` writes set.yaml, plan.yaml, manifest, the table of recorded outlines and
the training list into FOLDER, beside a link to DATA's masks; ``audit run FOLDER/plan.yaml`` does the rest.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Collection
from pathlib import Path

import pandas as pd

SOURCE = Path(__file__).parent / "prostate_mri"
CLINICAL = ["case_id", "patient_id", "center", "patient_age", "psa", "pirads_max", "case_ISUP", "reference_source"]
GRADED = "challenge_expert"


def write_prostate_set(folder: Path, data: Path, only: Collection[str] | None = None) -> Path:
    """The set in ``folder``, which is returned: every case with outlines, or those of ``only``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("set.yaml", "plan.yaml"):
        shutil.copyfile(SOURCE / name, folder / name)
    (folder / "masks").symlink_to((data / "masks").resolve())
    cases = pd.read_csv(data / "cases.csv", dtype={"patient_id": str})
    cases = cases[cases["reference_source"].notna() & (cases["case_id"].isin(only) if only is not None else True)]
    _manifest(cases, data).to_csv(folder / "manifest.csv", index=False)
    _with_digest(cases[["case_id"]], "ai", cases["case_id"] + "_ai.nii.gz", data).to_csv(
        folder / "outlines.csv", index=False
    )
    seen = cases.loc[cases["reference_source"] == GRADED, "patient_id"].drop_duplicates()
    (folder / "training.txt").write_text("".join(f"{patient}\n" for patient in seen), encoding="utf-8")
    return folder


def _manifest(cases: pd.DataFrame, data: Path) -> pd.DataFrame:
    """Clinical columns and outlines; only the challenge's experts graded theirs."""
    expert = cases["case_id"] + "_reference.nii.gz"
    rows = _with_digest(cases[CLINICAL], "expert", expert, data)
    return _with_digest(rows, "graded", expert.where(cases["reference_source"] == GRADED), data)


def _with_digest(rows: pd.DataFrame, column: str, names: pd.Series, data: Path) -> pd.DataFrame:
    return rows.assign(
        **{column: names, f"{column}_sha256": names.map(lambda name: _digest(data / "masks" / name), "ignore")}
    )


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    print(write_prostate_set(Path(sys.argv[2]), Path(sys.argv[1])))
