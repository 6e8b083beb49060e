"""Does each claim name the hazards that it controls?"""

from __future__ import annotations

from audit.dossier.content import Runs, text
from audit.dossier.deficiencies.check import CannotTell, Check, named
from audit.dossier.view import AuditView


def _find(view: AuditView) -> Runs | CannotTell | None:
    claims = [each for each in view.plan.endpoints if each.role != "descriptive"]
    if not claims:
        return CannotTell("the plan claims nothing")
    bare = [each.id for each in claims if not each.hazards]
    return text(f"Claims that name no hazard: {named(bare)}.") if bare else None


ENTRY = Check(
    name="claim without hazard",
    question="Which hazards does each claim control?",
    severity="note",
    eu="aia.art.9.2.b",
    fda="fda.aidsf.vii.1",
    remedy="Name the hazards of the risk management file beside each endpoint of the plan.",
    find=_find,
)
