"""Do all cases come from one scanner manufacturer?"""

from __future__ import annotations

from audit.dossier.content import Runs, text
from audit.dossier.deficiencies.check import CannotTell, Check, known_levels
from audit.dossier.view import AuditView


def _find(view: AuditView) -> Runs | CannotTell | None:
    makers = known_levels(view, "manufacturer")
    if not makers:
        return CannotTell("the scanners' manufacturers are not recorded")
    return text(f"Every case with a known scanner is from one manufacturer, {makers[0]}.") if len(makers) == 1 else None


ENTRY = Check(
    name="one manufacturer",
    question="Does performance carry over to scanners of other manufacturers?",
    severity="serious",
    eu="aia.art.10.4",
    fda="fda.aidsf.viii.7",
    remedy="Add cases of every manufacturer named in the intended use, or limit the intended use to this one.",
    find=_find,
)
