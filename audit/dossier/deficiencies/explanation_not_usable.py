"""Does a method of explanation not explain?"""

from __future__ import annotations

import pandas as pd

from audit.dossier.citing import count
from audit.dossier.content import Run, Runs, Text
from audit.dossier.deficiencies.check import CannotTell, Check
from audit.dossier.rounding import whole
from audit.dossier.view import EXPLANATIONS, AuditView
from audit.dossier.words import version_label


def _find(view: AuditView) -> Runs | CannotTell | None:
    if not len(view.explanations):
        return CannotTell("no case was explained")
    found: list[Run] = []
    for (version, method), rows in view.explanations.groupby(["version", "method"], sort=True):
        who = f"{version_label(view, str(version))}, {str(method).replace('_', ' ')}"
        if int(rows["error"].notna().sum()) * 2 >= len(rows):
            fine = count(view, EXPLANATIONS, version=str(version), method=str(method), error="")
            found += [Text(f"{who}: usable in "), fine, Text(f" of {whole(len(rows))} cases. ")]
        elif _no_better_than_chance(rows):
            found += [Text(f"{who}: no more attribution inside the reference mask than its area would give. ")]
    return tuple(found) or None


def _no_better_than_chance(rows: pd.DataFrame) -> bool:
    """Of the mean shares; False where no explained case has a reference mask."""
    known = rows.dropna(subset=["energy_inside", "area_inside"])
    return len(known) > 0 and float(known["energy_inside"].mean()) <= float(known["area_inside"].mean())


ENTRY = Check(
    name="explanation not usable",
    question="Do the maps shown to users tell what drives the output?",
    severity="moderate",
    eu="aia.art.13.3.b.iv",
    fda="fda.aidsf.vi.b.13",
    remedy="Do not show maps of this method to users; choose one that is complete and marks the reference lesion.",
    find=_find,
)
