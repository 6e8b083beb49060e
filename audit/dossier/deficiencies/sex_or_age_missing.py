"""Are sex and age recorded?"""

from __future__ import annotations

from audit.dossier.content import Runs, text
from audit.dossier.deficiencies.check import CannotTell, Check, known_levels
from audit.dossier.view import AuditView
from audit.dossier.words import joined

NAMES = {"sex": ("sex", "patient_sex"), "age": ("age_band", "age", "age_years")}


def _find(view: AuditView) -> Runs | CannotTell | None:
    if not len(view.cases):
        return CannotTell("the case table is empty")
    absent = [what for what, names in NAMES.items() if not any(known_levels(view, name) for name in names)]
    return text(f"Not recorded: {joined(absent)}. Performance by it is unknown.") if absent else None


ENTRY = Check(
    name="sex or age missing",
    question="How does the device perform by sex and by age?",
    severity="moderate",
    eu="aia.annex4.2.g.4",
    fda="fda.aidsf.x.a.4",
    remedy="Record them in the manifest, or state why they cannot be collected.",
    find=_find,
)
