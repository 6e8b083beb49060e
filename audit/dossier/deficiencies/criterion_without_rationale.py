"""Does each criterion say why it is clinically enough?"""

from __future__ import annotations

from audit.dossier.content import Runs, text
from audit.dossier.deficiencies.check import CannotTell, Check, named
from audit.dossier.view import AuditView


def _find(view: AuditView) -> Runs | CannotTell | None:
    claims = [each for each in view.plan.endpoints if each.criterion is not None]
    if not claims:
        return CannotTell("the plan has no criterion")
    bare = [each.id for each in claims if not each.rationale.strip()]
    return text(f"No rationale stands beside the criterion of {named(bare)}.") if bare else None


ENTRY = Check(
    name="criterion without rationale",
    question="Why is this criterion clinically sufficient?",
    severity="moderate",
    eu="aia.annex4.4",
    fda="fda.aidsf.x.a.1",
    remedy="Give each claim a rationale in the plan: a guideline, the state of the art, or the clinical consequence.",
    find=_find,
)
