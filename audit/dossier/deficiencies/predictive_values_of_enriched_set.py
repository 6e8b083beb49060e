"""Are predictive values printed at the prevalence of an enriched set?"""

from __future__ import annotations

from audit.dossier.content import Runs, text
from audit.dossier.deficiencies.check import CannotTell, Check, named
from audit.dossier.view import AuditView

VALUES = ("ppv", "npv")


def _find(view: AuditView) -> Runs | CannotTell | None:
    kinds = {each.name: (each.facts.get("sampling") or {}).get("kind") for each in view.sets}
    silent = [name for name, kind in kinds.items() if not kind]
    if silent:
        return CannotTell(f"set.yaml of {named(silent)} does not say how cases came into the set")
    chosen = [name for name, kind in kinds.items() if kind != "consecutive"]
    printed = {row.target for row in view.rows if row.measure in VALUES and row.value is not None}
    bare = [name.replace("_", " ") for name in sorted(printed) if view.plan.targets[name].prevalence is None]
    if not chosen or not bare:
        return None
    return text(f"{named(chosen)} shows no prevalence of patients, yet predictive values hold at it: {named(bare)}.")


ENTRY = Check(
    name="predictive values of enriched set",
    question="At which prevalence do the predictive values hold?",
    severity="moderate",
    eu="aia.art.10.3",
    fda="fda.stat.5.rare",
    remedy="State the prevalence of intended use in the plan (prevalence), and print predictive values at it.",
    find=_find,
)
