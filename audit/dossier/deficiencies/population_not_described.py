"""Is the population of intended use described in numbers?"""

from __future__ import annotations

from audit.dossier.content import Runs, text
from audit.dossier.deficiencies.check import CannotTell, Check, named
from audit.dossier.view import AuditView


def _find(view: AuditView) -> Runs | CannotTell | None:
    if not view.sets:
        return CannotTell("no set is described in the evidence")
    bare = [each.name for each in view.sets if not each.facts.get("target_population")]
    return text(f"No population of intended use stands beside {named(bare)}.") if bare else None


ENTRY = Check(
    name="population not described",
    question="Does the set look like the patients and the equipment of intended use?",
    severity="moderate",
    eu="aia.art.10.3",
    fda="fda.stat.5.context",
    remedy="State the shares of the intended population in set.yaml (target_population), to compare the set with.",
    find=_find,
)
