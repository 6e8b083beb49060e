"""Do all cases come from one site?"""

from __future__ import annotations

from audit.dossier.content import Runs, text
from audit.dossier.deficiencies.check import CannotTell, Check, known_levels
from audit.dossier.view import AuditView


def _find(view: AuditView) -> Runs | CannotTell | None:
    sites = set(known_levels(view, "site")) or {site for each in view.sets for site in each.facts.get("sites") or ()}
    if not sites:
        return CannotTell("neither the manifest nor set.yaml names the sites")
    return text(f"All cases come from one site, {sites.pop()}.") if len(sites) == 1 else None


ENTRY = Check(
    name="one site",
    question="Is this the performance of one hospital, or does it carry over to others?",
    severity="moderate",
    eu="aia.art.10.4",
    fda="fda.aidsf.viii.7",
    remedy="Add cases of further sites that took no part in development, and report results by site.",
    find=_find,
)
