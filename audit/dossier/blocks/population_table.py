"""Main characteristics of the audited cases: how many per level of each stratum, with unknown as a level."""

from __future__ import annotations

from audit.dossier.block import Block, NoParameters
from audit.dossier.citing import count, distinct, tally
from audit.dossier.comparison import levels
from audit.dossier.content import Column, Node, Row, Table, text
from audit.dossier.rounding import percent
from audit.dossier.view import CASES, OBSERVATIONS, AuditView
from audit.dossier.words import attribute_label, level_label
from audit.tables import stratum_column


def _build(view: AuditView, _given: NoParameters) -> tuple[Node, ...]:
    columns = (Column("Characteristic", 2.4), Column("Cases", 0.8, "right"), Column("Share", 0.8, "right"))
    rows = [
        Row((text("All cases"), (count(view, CASES),), text("100.0 %"))),
        Row((text("Patients"), (distinct(view, CASES, "patient_id"),), ())),
    ]
    for name in view.plan.strata:
        rows += _stratum(view, name)
    rows += _prevalence(view)
    note = text(
        "Shares are of all cases of the set, before exclusions; reference-positive cases are those of the analysis."
    )
    return (Table("Cases and patients by characteristic", columns, tuple(rows), note),)


def _stratum(view: AuditView, name: str) -> list[Row]:
    column = stratum_column(name)
    title = attribute_label(name)
    rows = [Row((text(title[:1].upper() + title[1:], "strong"),), (3,), kind="group")]
    if column not in view.cases:
        return [*rows, Row((text("not recorded", "quiet"),), (3,))]
    numbers = view.cases[column].value_counts(dropna=True)
    for level in _in_order(view, name, [str(each) for each in numbers.index]):
        share = percent(int(numbers[level]), len(view.cases))
        rows.append(Row((text(f"   {level_label(level)}"), (tally(view, CASES, {column: level}),), text(share))))
    return rows


def _in_order(view: AuditView, name: str, found: list[str]) -> list[str]:
    """The levels as the estimates list them, then those that no estimate names."""
    order = {level: place for place, level in enumerate(levels(view, name))}
    return sorted(found, key=lambda level: (order.get(level, len(order)), level))


def _prevalence(view: AuditView) -> list[Row]:
    rows = [Row((text("Reference-positive", "strong"),), (3,), kind="group")]
    own = view.observations[view.observations["version"] == "candidate"]
    for target in view.plan.targets:
        here = own[own["target"] == target]
        positive = int((here["reference"] == 1).sum())
        number = count(view, OBSERVATIONS, version="candidate", target=target, reference=1)
        label = f"   {target.replace('_', ' ')}"
        rows.append(Row((text(label), (number,), text(percent(positive, int(here["reference"].notna().sum()))))))
    return rows


ENTRY = Block("population_table", NoParameters, _build)
