"""Are several claims judged without a rule for being several?"""

from __future__ import annotations

from audit.dossier.content import Runs, text
from audit.dossier.deficiencies.check import CannotTell, Check, named
from audit.dossier.view import AuditView
from audit.plan import Endpoint


def _find(view: AuditView) -> Runs | CannotTell | None:
    if not view.plan.endpoints:
        return CannotTell("the plan has no endpoint")
    kept = {name for family in view.plan.claim_families for name in family.endpoints}
    loose = [each for each in view.plan.endpoints if each.role == "secondary" and each.id not in kept]
    if len(loose) < 2 and not any(_in_each_group(each) for each in loose):
        return None
    return text(f"Secondary claims outside every claim family: {named([each.id for each in loose])}.")


def _in_each_group(endpoint: Endpoint) -> bool:
    return endpoint.group.level == "each"


ENTRY = Check(
    name="unadjusted claims",
    question="How is the chance of a false claim held down over all claims?",
    severity="moderate",
    eu="aia.art.9.8",
    fda="fda.aidsf.x.a.1",
    remedy="Name the claims in one claim family of the plan: co-primary, in fixed sequence, or adjusted.",
    find=_find,
)
