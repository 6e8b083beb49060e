"""Three real sets as a hospital would bring them: taken in by ``audit intake``, with results of a rule that anyone can
redo in place of a device's, since none came with them.

``python -m tests.real.taken_in NAME DATA FOLDER`` writes set, predictions and plan of one of them into FOLDER, DATA
being the folder of its data; ``audit run FOLDER/plan.yaml`` does the rest.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from PIL import Image
from scipy import ndimage

from audit.intake.taking_in import Taken, take_in
from audit.intake.work import Options
from audit.intake.writing import write

HERE = Path(__file__).parent
Made = tuple[Path, Options]


def sharpness(path: Path) -> float:
    """Mean absolute Laplacian of a picture that was brought to mean 0 and SD 1."""
    grey = np.asarray(Image.open(path).convert("L"), dtype=np.float64)
    return float(np.abs(ndimage.laplace((grey - grey.mean()) / grey.std())).mean())


def cxr_sites(data: Path, folder: Path) -> Made:
    """Radiographs with their table; the 'device' rates how sharp a picture is, which tells the hospital."""
    table = pd.read_csv(data / "metadata.csv")
    scores = pd.DataFrame({"file": table["file"], "sharpness": [sharpness(data / f) for f in table["file"]]})
    scores.to_csv(folder / "device.csv", index=False)
    return data, Options(table=data / "metadata.csv", predictions=(folder / "device.csv",), workers=2)


def breast_mri_cohort(data: Path, folder: Path) -> Made:
    """Patients without any image; the 'device' adds up stage, nodes and grade, where all three are recorded."""
    table = pd.read_csv(data / "cohort.csv")
    points = table["t_stage"] + table["n_stage"] + table["nottingham_grade"]
    scores = pd.DataFrame({"patient_id": table["patient_id"], "points": points}).dropna()
    scores.to_csv(folder / "device.csv", index=False)
    return data / "cohort.csv", Options(predictions=(folder / "device.csv",), workers=1)


CONTRASTS = {"T1w": ("csa_t1", "brain_t1"), "T2w": ("csa_t2",)}


def spine_multivendor(data: Path, folder: Path) -> Made:
    """T1- and T2-weighted acquisitions without images, several of each person; the 'device' gives the person's age.

    Maker and field strength are those of the acquisition's own side file, which a twelfth of them lacks.
    """
    people = pd.read_csv(data / "participants.csv")
    columns = ["participant_id", "contrast", "Manufacturer", "ManufacturersModelName", "MagneticFieldStrength"]
    scans = pd.read_csv(data / "acquisitions.csv", dtype=str)[columns]
    scans = scans[scans["contrast"].isin(CONTRASTS)].merge(people, on="participant_id", validate="m:1")
    excluded = pd.read_csv(data / "exclusions.csv")
    out = {
        (p, c)
        for c, metrics in CONTRASTS.items()
        for p in excluded.loc[excluded["metric"].isin(metrics), "participant_id"]
    }
    scans["case_id"] = scans["participant_id"] + "_" + scans["contrast"]
    scans["left_out_by_authors"] = [
        int(key in out) for key in zip(scans["participant_id"], scans["contrast"], strict=True)
    ]
    table = pd.DataFrame(
        {
            "case_id": scans["case_id"],
            "patient_id": scans["participant_id"],
            "sex": scans["sex"],
            "age": scans["age"],
            "institution": scans["institution_id"],
            "manufacturer": scans["Manufacturer"],
            "modality": "MR",
            "field_strength": scans["MagneticFieldStrength"],
            "contrast": scans["contrast"],
            "pathology": scans["pathology"],
            "left_out_by_authors": scans["left_out_by_authors"],
        }
    )
    table.to_csv(folder / "cases.csv", index=False)
    scans[["case_id", "age"]].rename(columns={"age": "years"}).to_csv(folder / "device.csv", index=False)
    return folder / "cases.csv", Options(predictions=(folder / "device.csv",), workers=1)


SETS: dict[str, Callable[[Path, Path], Made]] = {
    "cxr_sites": cxr_sites,
    "breast_mri_cohort": breast_mri_cohort,
    "spine_multivendor": spine_multivendor,
}


def take_in_set(name: str, data: Path, folder: Path) -> Taken:
    """Intake of the set into ``folder``/set; then the plan, and the set.yaml as a person corrected it, beside."""
    folder.mkdir(parents=True, exist_ok=True)
    source, options = SETS[name](data, folder)
    taken = take_in(source, folder / "set", options, lambda *_: None)
    write(taken)
    facts = yaml.safe_load((HERE / name / "set.yaml").read_text(encoding="utf-8"))
    if source.is_dir():
        facts["folders"] = {"source": os.path.relpath(source, folder / "set")}
    text = yaml.safe_dump(facts, sort_keys=False, allow_unicode=True)
    (folder / "set" / "set.yaml").write_text(text, encoding="utf-8")
    shutil.copyfile(HERE / name / "plan.yaml", folder / "plan.yaml")
    return taken


if __name__ == "__main__":
    take_in_set(sys.argv[1], Path(sys.argv[2]).resolve(), Path(sys.argv[3]))
