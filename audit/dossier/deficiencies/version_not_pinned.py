"""Is the tested version fixed by the digests of its files?"""

from __future__ import annotations

from audit.dossier.content import Runs, text
from audit.dossier.deficiencies.check import CannotTell, Check
from audit.dossier.view import MODEL, AuditView


def _find(view: AuditView) -> Runs | CannotTell | None:
    if MODEL not in view.statements:
        return CannotTell("the model version is not in the evidence")
    if view.candidate.kind == "recorded":
        return CannotTell("predictions were recorded: no file of the version itself is in the evidence")
    bare = [each.label for each in view.versions.values() if not each.digests and each.kind != "recorded"]
    return text(f"No file of {' and '.join(bare)} is pinned by its digest.") if bare else None


ENTRY = Check(
    name="version not pinned",
    question="Is the version tested the version that will be released?",
    severity="serious",
    eu="aia.annex4.1.a",
    fda="fda.aidsf.x.0",
    remedy="Register the version with its files, so that their SHA-256 are part of the lock.",
    find=_find,
)
