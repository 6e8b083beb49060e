"""Were patients of the test set trained on?"""

from __future__ import annotations

from audit.dossier.content import Runs, text
from audit.dossier.deficiencies.check import CannotTell, Check
from audit.dossier.view import AuditView
from audit.dossier.words import joined

SHARED = "of training set"


def _find(view: AuditView) -> Runs | CannotTell | None:
    shared = [each.what.rstrip(".") for each in view.concerns if each.severity == "serious" and SHARED in each.what]
    if shared:
        return text(f"{'; '.join(shared)}.")
    silent = [each.name for each in view.sets if not each.facts.get("training_sets")]
    return CannotTell(f"set.yaml of {joined(silent)} names no training manifest") if silent else None


ENTRY = Check(
    name="patients in training",
    question="How was it made sure that no test patient is in the training or tuning data?",
    severity="serious",
    eu="aia.art.10.3",
    fda="fda.aidsf.viii.6",
    remedy="Name the training and tuning manifests in set.yaml; remove every shared patient and image.",
    find=_find,
)
