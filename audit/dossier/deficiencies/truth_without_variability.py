"""Is it known how far the readers behind the reference standard differ?"""

from __future__ import annotations

from audit.dossier.citing import fact
from audit.dossier.content import Runs, Text, text
from audit.dossier.deficiencies.check import CannotTell, Check
from audit.dossier.view import SET, AuditView, SetView

ONE, EXACT = ("single_reader", "report_mining"), "exact"


def _find(view: AuditView) -> Runs | CannotTell | None:
    read = [each for each in view.sets if _kind(each) != EXACT]
    for each in read:
        number = _number(each)
        if _kind(each) in ONE or number == 1:
            kind = fact(view, SET, each.name, "facts", "reference", "kind")
            return (Text(f"{each.name}: the reference of kind "), kind, Text(" rests on one opinion for each case."))
        if number is not None and not _compared(view):
            return text(f"{each.name}: several readers made the reference, but no reading of each is in the evidence.")
    silent = [each.name for each in read if _number(each) is None]
    return CannotTell(f"set.yaml of {', '.join(silent)} does not say how many truthers there were") if silent else None


def _kind(each: SetView) -> str:
    return str((each.facts.get("reference") or {}).get("kind", ""))


def _number(each: SetView) -> int | None:
    truthers = (each.facts.get("reference") or {}).get("truthers") or {}
    number: int | None = truthers.get("number")
    return number


def _compared(view: AuditView) -> bool:
    return any(row["analysis"] == "readers" and row["value"] is not None for row in view.analysis_rows)


ENTRY = Check(
    name="truth without variability",
    question="How variable is the reference standard, and what does that do to the estimates?",
    severity="serious",
    eu="aia.art.10.2.c",
    fda="fda.aidsf.viii.3",
    remedy="Let several qualified, blinded readers read each case; keep every reading; report their agreement.",
    find=_find,
)
