"""Was the operating point chosen on the test set?"""

from __future__ import annotations

from audit.dossier.content import Runs, text
from audit.dossier.deficiencies.check import CannotTell, Check, named
from audit.dossier.view import AuditView
from audit.dossier.words import version_label
from audit.plan import OperatingPoint


def _find(view: AuditView) -> Runs | CannotTell | None:
    points = [(version, name, point) for version in view.versions for name, point in _points(view, version)]
    audited = {each.casefold() for each in (*view.plan.validation_sets, *(each.name for each in view.sets))}
    seen = [
        f"{version_label(view, version)}, {name.replace('_', ' ')}, chosen on {point.chosen_on}"
        for version, name, point in points
        if point.chosen_on.casefold() in audited
    ]
    if seen:
        return text(f"An operating point was chosen on the audited set: {named(seen)}.")
    silent = [name.replace("_", " ") for _, name, point in points if not point.chosen_on.strip()]
    return CannotTell(f"the plan does not say where the threshold of {named(silent)} was chosen") if silent else None


def _points(view: AuditView, version: str) -> list[tuple[str, OperatingPoint]]:
    given = ((name, target.operating_point_of(version)) for name, target in view.plan.targets.items())
    return [(name, point) for name, point in given if point is not None]


ENTRY = Check(
    name="threshold from test set",
    question="On which data was the operating point chosen?",
    severity="serious",
    eu="aia.annex4.2.b.2",
    fda="fda.aidsf.ix.2",
    remedy="Choose the threshold on tuning data, lock it with the plan, and test on cases it has not seen.",
    find=_find,
)
