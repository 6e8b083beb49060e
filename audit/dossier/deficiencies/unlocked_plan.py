"""Was the plan fixed before results existed?"""

from __future__ import annotations

from audit.dossier.content import Runs, text
from audit.dossier.deficiencies.check import CannotTell, Check
from audit.dossier.view import LOCK, AuditView


def _find(view: AuditView) -> Runs | CannotTell | None:
    if view.mode == "exploratory":
        return text(f"The audit is exploratory: {view.mode_reason.rstrip('.')}.")
    return None if LOCK in view.statements else CannotTell("the lock is not in the evidence")


ENTRY = Check(
    name="unlocked plan",
    question="Was the analysis plan fixed before any result was known?",
    severity="serious",
    eu="aia.art.9.8",
    fda="fda.aidsf.appc.1",
    remedy="Lock the plan before inference, and run it on a set that it has not seen.",
    find=_find,
)
