"""Was the test set used before?"""

from __future__ import annotations

from audit.dossier.citing import count, tally
from audit.dossier.content import Runs, Text, text
from audit.dossier.deficiencies.check import CannotTell, Check
from audit.dossier.rounding import whole
from audit.dossier.view import ACCESS, CASES, AuditView

STARTED = "run started"


def _find(view: AuditView) -> Runs | CannotTell | None:
    runs = int((view.accesses["event"] == STARTED).sum())
    if not runs:
        return CannotTell("the evidence lists no access to the set")
    if runs > 1:
        return (Text("Runs on record for the set: "), count(view, ACCESS, event=STARTED), Text("."))
    if "uses_before" not in view.cases or not bool((view.cases["uses_before"] > 0).any()):
        return None
    fresh = tally(view, CASES, {"uses_before": "0"})
    return (*text("Cases were used by earlier audits. Never used before: "), fresh, *_of(view))


def _of(view: AuditView) -> Runs:
    return text(f" of {whole(len(view.cases))} cases.")


ENTRY = Check(
    name="reused test set",
    question="How often was this test set used, and was any decision taken on it?",
    severity="moderate",
    eu="aia.annex4.2.g.5",
    fda="fda.aidsf.viii.6",
    remedy="Report every run on the set; decide on cases that no earlier run has used.",
    find=_find,
)
