"""Were rejected or failed cases left out without bounds?"""

from __future__ import annotations

from audit.dossier.citing import count
from audit.dossier.content import Runs, Text, text
from audit.dossier.deficiencies.check import CannotTell, Check, named
from audit.dossier.view import DISPOSITIONS, AuditView

LOST = ("rejected", "failed", "equivocal")


def _find(view: AuditView) -> Runs | CannotTell | None:
    own = view.dispositions[view.dispositions["version"] == "candidate"]
    if not len(own):
        return CannotTell("the evidence does not say what became of each case")
    unaccounted = [name for name in view.plan.targets if int((own["target"] == name).sum()) < len(view.cases)]
    if unaccounted:
        return text(f"Cases of the set are not accounted for: {named([_words(name) for name in unaccounted])}.")
    lost = {str(name) for name in own["target"][own["fate"].isin(LOST)]}
    bounded = {row.target for row in view.rows if row.kind == "worst case" and row.value is not None}
    dropped = sorted(lost - bounded)
    if not dropped:
        return None
    where = named([_words(name) for name in dropped])
    return (Text(f"No worst-case estimate bounds what was lost ({where}): failed "),
            count(view, DISPOSITIONS, version="candidate", fate="failed"), Text(", rejected "),
            count(view, DISPOSITIONS, version="candidate", fate="rejected"), Text(" results."))  # fmt: skip


def _words(target: str) -> str:
    return target.replace("_", " ")


ENTRY = Check(
    name="rejects dropped",
    question="What happened to the cases that the device rejected or failed on?",
    severity="serious",
    eu="aia.annex4.3.1",
    fda="fda.aidsf.appc.7",
    remedy="Report rejected and failed cases with their rate, and estimates that count them as wrong.",
    find=_find,
)
