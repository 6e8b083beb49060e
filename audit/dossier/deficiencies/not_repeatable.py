"""Does the version give the same output twice?"""

from __future__ import annotations

from audit.dossier.citing import fact
from audit.dossier.content import Run, Runs, Text
from audit.dossier.deficiencies.check import CannotTell, Check
from audit.dossier.view import DETERMINISM, AuditView
from audit.dossier.words import version_label


def _find(view: AuditView) -> Runs | CannotTell | None:
    if not view.determinism:
        return CannotTell("no case was passed twice")
    found: list[Run] = []
    for place, each in enumerate(view.determinism):
        if not each["within"]:
            who = f"{version_label(view, str(each['version']))}, {str(each['target']).replace('_', ' ')}"
            found += [
                Text(f"{who}: largest difference "),
                fact(view, DETERMINISM, "results", place, "largest_difference"),
            ]
            found += [Text(", tolerated "), fact(view, DETERMINISM, "results", place, "tolerance"), Text(". ")]
    return tuple(found) or None


ENTRY = Check(
    name="not repeatable",
    question="Does the version give the same output for the same image?",
    severity="moderate",
    eu="aia.art.15.4",
    fda="fda.aidsf.x.a.5",
    remedy="Find the source of chance in the version, or declare and justify a tolerance in the plan.",
    find=_find,
)
