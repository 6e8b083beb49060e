"""Was it measured how far repeat acquisitions agree?"""

from __future__ import annotations

from audit.dossier.content import Runs, text
from audit.dossier.deficiencies.check import CannotTell, Check
from audit.dossier.view import ANALYSES, AuditView


def _find(view: AuditView) -> Runs | CannotTell | None:
    if ANALYSES not in view.statements:
        return CannotTell("the table of analyses is not in the evidence")
    mine = [row for row in view.analysis_rows if row["analysis"] == "repeatability"]
    if any(row["value"] is not None for row in mine):
        return None
    return text(
        "Repeatability and reproducibility were not measured: the set holds no repeat acquisitions of the plan."
    )


ENTRY = Check(
    name="no repeat acquisitions",
    question="Does the device give the same answer when the patient is imaged again?",
    severity="moderate",
    eu="aia.art.15.4",
    fda="fda.aidsf.x.a.5",
    remedy="Add repeat acquisitions of the same patients and name them in the plan (repeat_acquisitions).",
    find=_find,
)
