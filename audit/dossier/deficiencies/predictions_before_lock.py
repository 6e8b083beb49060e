"""Did predictions exist before the plan was locked?"""

from __future__ import annotations

from audit.dossier.content import Runs, text
from audit.dossier.deficiencies.check import CannotTell, Check
from audit.dossier.view import AuditView


def _find(view: AuditView) -> Runs | CannotTell | None:
    kinds = [each.kind for each in view.versions.values()]
    if view.recorded_predictions or "recorded" in kinds:
        return text("Predictions were recorded before the lock; that nobody had seen them rests on trust.")
    return CannotTell("the evidence does not say when the plan was locked") if view.locked_at is None else None


ENTRY = Check(
    name="predictions before lock",
    question="Who had seen the predictions when the plan was locked?",
    severity="serious",
    eu="aia.art.9.8",
    fda="fda.aidsf.appc.1",
    remedy="Run the registered version after the lock, or show who kept the predictions, unseen and uncompared.",
    find=_find,
)
