"""Did the intake check find what bars a claim of independent testing?"""

from __future__ import annotations

from audit.dossier.content import Runs, text
from audit.dossier.deficiencies.check import CannotTell, Check
from audit.dossier.deficiencies.patients_in_training import SHARED
from audit.dossier.view import SET, AuditView


def _find(view: AuditView) -> Runs | CannotTell | None:
    if SET not in view.statements:
        return CannotTell("the set's description and its intake check are not in the evidence")
    found = [each for each in view.concerns if each.severity == "serious" and SHARED not in each.what]
    return text(f"{'; '.join(each.what.rstrip('.') for each in found)}.") if found else None


ENTRY = Check(
    name="serious intake concern",
    question="Can this set support a claim of independent testing?",
    severity="serious",
    eu="aia.art.10.2.h",
    fda="fda.aidsf.viii.1",
    remedy="Follow the remedy printed beside the concern, then lock and run again on the mended set.",
    find=_find,
)
