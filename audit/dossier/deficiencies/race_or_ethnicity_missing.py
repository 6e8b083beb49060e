"""Are race and ethnicity recorded and reported?"""

from __future__ import annotations

from audit.dossier.content import Runs, text
from audit.dossier.deficiencies.check import CannotTell, Check, known_levels
from audit.dossier.view import AuditView

NAMES = ("race", "ethnicity", "race_ethnicity")


def _find(view: AuditView) -> Runs | CannotTell | None:
    if not len(view.cases):
        return CannotTell("the case table is empty")
    recorded = [name for name in NAMES if known_levels(view, name)]
    if not recorded:
        return text("Neither race nor ethnicity is recorded: performance by either is unknown.")
    if not set(recorded) & set(view.plan.strata):
        return text(f"Recorded ({', '.join(recorded)}), but no stratum of the plan: no estimate is reported by it.")
    return None


ENTRY = Check(
    name="race or ethnicity missing",
    question="How does the device perform by race and by ethnicity?",
    severity="moderate",
    eu="aia.art.10.5",
    fda="fda.aidsf.x.a.4",
    remedy="Collect them where lawful and make them strata of the plan; elsewhere state why groups are not reported.",
    find=_find,
)
