"""Were cases without a reference left out by a rule?"""

from __future__ import annotations

from audit.dossier.citing import count
from audit.dossier.content import Runs, Text
from audit.dossier.deficiencies.check import CannotTell, Check
from audit.dossier.rounding import percent, whole
from audit.dossier.view import DISPOSITIONS, AuditView
from audit.tables import NO_REFERENCE


def _find(view: AuditView) -> Runs | CannotTell | None:
    own = view.dispositions[view.dispositions["version"] == "candidate"]
    if not len(own):
        return CannotTell("the evidence does not say what became of each case")
    absent = int((own["reason"] == NO_REFERENCE).sum())
    if not absent:
        return None
    number = count(view, DISPOSITIONS, version="candidate", reason=NO_REFERENCE)
    share = f" of {whole(len(own))} results ({percent(absent, len(own))}) have no reference standard and are left out; "
    return (number, Text(f"{share}the plan's rule bounds failed outputs only."))


ENTRY = Check(
    name="missing data rule",
    question="How were cases with a missing reference standard handled?",
    severity="moderate",
    eu="aia.art.10.3",
    fda="fda.aidsf.x.a.1",
    remedy="State in the plan why their absence does not bias the estimates, or complete the reference standard.",
    find=_find,
)
