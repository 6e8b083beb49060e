"""Are the images simulated?"""

from __future__ import annotations

from audit.dossier.content import Runs, text
from audit.dossier.deficiencies.check import CannotTell, Check
from audit.dossier.view import SET, AuditView


def _find(view: AuditView) -> Runs | CannotTell | None:
    if view.simulated:
        return text("The data are simulated: no estimate describes a patient.")
    return None if SET in view.statements else CannotTell("the set's description is not in the evidence")


ENTRY = Check(
    name="simulated data",
    question="What do simulated images tell about patients?",
    severity="serious",
    eu="aia.art.10.3",
    fda="fda.aidsf.viii.1",
    remedy="Repeat the audit on clinical images of the intended population.",
    find=_find,
)
