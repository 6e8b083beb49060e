"""Are there groups with too few patients to be judged?"""

from __future__ import annotations

from audit.dossier.citing import tally
from audit.dossier.content import Run, Runs, Text
from audit.dossier.deficiencies.check import NAMED, CannotTell, Check
from audit.dossier.view import CASES, AuditView
from audit.dossier.words import attribute_label
from audit.tables import UNKNOWN, stratum_column


def _find(view: AuditView) -> Runs | CannotTell | None:
    strata = [name for name in view.plan.strata if stratum_column(name) in view.cases]
    if not strata:
        return CannotTell("the plan has no stratum")
    small = [(name, level) for name in strata for level in _small(view, name)]
    if not small:
        return None
    found: list[Run] = [Text(f"Groups of fewer than {view.plan.too_few} patients: ")]
    for index, (name, level) in enumerate(small[:NAMED]):
        cases = tally(view, CASES, {stratum_column(name): level})
        found += [Text(f"{'; ' if index else ''}{attribute_label(name)} {level} ("), cases, Text(" cases)")]
    return (*found, Text(f"; and {len(small) - NAMED} more." if len(small) > NAMED else "."))


def _small(view: AuditView, name: str) -> list[str]:
    column = stratum_column(name)
    known = view.cases[view.cases[column].notna() & (view.cases[column] != UNKNOWN)]
    patients = known.groupby(column)["patient_id"].nunique()
    return [str(level) for level, number in patients.items() if number < view.plan.too_few]


ENTRY = Check(
    name="few patients in stratum",
    question="What is known about the groups with few patients?",
    severity="moderate",
    eu="aia.art.10.2.h",
    fda="fda.aidsf.x.a.4",
    remedy="Collect more cases of these groups, or state in the labelling that their performance is unknown.",
    find=_find,
)
