"""Are there estimates without confidence limits?"""

from __future__ import annotations

from audit.dossier.content import Runs, text
from audit.dossier.deficiencies.check import CannotTell, Check, named
from audit.dossier.rounding import whole
from audit.dossier.view import AuditView


def _find(view: AuditView) -> Runs | CannotTell | None:
    rows = [row for row in view.rows if row.kind == "value" and row.version == "candidate" and row.value is not None]
    if not rows:
        return CannotTell("the audit has no estimate of the candidate")
    bare = [row for row in rows if row.low is None or row.high is None]
    if not bare:
        return None
    titles = named([view.measure(row.measure).title for row in bare])
    return text(f"{whole(len(bare))} of {whole(len(rows))} estimates of the candidate have no limits: {titles}.")


ENTRY = Check(
    name="estimates without limits",
    question="How uncertain are these estimates?",
    severity="note",
    eu="aia.annex4.2.g.3",
    fda="fda.aidsf.appc.2",
    remedy="Read the reason beside each estimate; add patients where they are too few, or withdraw the figure.",
    find=_find,
)
