"""Groups by measures in colours: how far each estimate lies from the whole set's, or from the plan's limit."""

from __future__ import annotations

from typing import Literal

from audit.dossier.block import Block, Parameters, nothing
from audit.dossier.citing import estimate, limits, size
from audit.dossier.comparison import levels, questions
from audit.dossier.content import HeatCell, HeatRow, HeatTable, Node, Text, text
from audit.dossier.view import AuditView, EstimateRow
from audit.dossier.words import attribute_label, level_label, quantity, with_role
from audit.tables import ALL, OVERALL

BESIDE = ("auroc", "sensitivity", "specificity")
"""Shown for every binary target with a limit, whichever of its measures the limit is for."""
MOST_COLUMNS = 5
REACH = 0.2
"""The difference of a quantity between 0 and 1 at which the colour is deepest; of others half of what it is read
against."""
ENDS = {"whole set": "the whole set's estimate", "criterion": "the plan's limit"}
Quantity = tuple[str, str]


class HeatParameters(Parameters):
    """``against`` 'criterion' reads each measure against the limit of its claim, and shows those with one alone.

    ``attributes`` narrows the strata (all of the plan where empty).
    """

    against: Literal["whole set", "criterion"] = "whole set"
    attributes: tuple[str, ...] = ()


def _build(view: AuditView, given: HeatParameters) -> tuple[Node, ...]:
    marks = _marks(view, given)
    attributes = [name for name in given.attributes or tuple(view.plan.strata) if levels(view, name)]
    if not marks or not attributes:
        what = "limits and groups" if given.against == "criterion" else "measures and groups"
        return nothing(f"Heat table: the evidence has no {what} to set against each other.")
    chosen = list(marks)
    parts = [chosen[start : start + MOST_COLUMNS] for start in range(0, len(chosen), MOST_COLUMNS)]
    return tuple(_table(view, given, attributes, {each: marks[each] for each in part}) for part in parts)


def _marks(view: AuditView, given: HeatParameters) -> dict[Quantity, float]:
    """What each quantity is read against, for those of which one direction is better."""
    claims = {(each.measure, each.target): each.limit for each in questions(view)}
    if given.against == "criterion":
        found = claims
    else:
        targets = dict.fromkeys(target for _, target in claims if view.plan.targets[target].binary)
        asked = [*claims, *((measure, target) for target in targets for measure in BESIDE)]
        rows = {each: view.plain.get(("candidate", *each, OVERALL, ALL)) for each in dict.fromkeys(asked)}
        found = {each: row.value for each, row in rows.items() if row is not None and row.value is not None}
    return {each: mark for each, mark in found.items() if view.measure(each[0]).direction in ("higher", "lower")}


def _table(view: AuditView, given: HeatParameters, attributes: list[str], marks: dict[Quantity, float]) -> HeatTable:
    rows = [_row(view, OVERALL, ALL, "Whole set", marks)]
    for attribute in attributes:
        title = attribute_label(attribute)
        rows.append(HeatRow(title[:1].upper() + title[1:]))
        rows += [_row(view, attribute, level, level_label(level), marks) for level in levels(view, attribute)]
    against = ENDS[given.against]
    return HeatTable(
        caption=f"Groups read against {against}: {with_role(view, 'candidate')}",
        alt=f"Estimates of {len(marks)} quantities in {len(rows)} rows, coloured by their distance from {against}.",
        columns=tuple(quantity(view, *each) for each in marks),
        rows=tuple(rows),
        worse=f"worse by {REACH:g} or more",
        better=f"better by {REACH:g} or more",
        note=text(
            f"Colour: the estimate minus {against}, white where they are equal; it is no test. Quantities that are not "
            "between 0 and 1: half of what they are read against or more. Cases: the most that any quantity rests on."
        ),
    )


def _row(view: AuditView, attribute: str, level: str, label: str, marks: dict[Quantity, float]) -> HeatRow:
    found = {each: view.plain.get(("candidate", *each, attribute, level)) for each in marks}
    largest = max((row for row in found.values() if row), key=lambda row: row.n_cases, default=None)
    cells = tuple(_cell(view, row, marks[each]) if row else None for each, row in found.items())
    return HeatRow(label, size(view, largest, "n_cases") if largest else (Text("–", "quiet"),), cells)


def _cell(view: AuditView, row: EstimateRow, mark: float) -> HeatCell:
    if row.value is None:
        return HeatCell(None, estimate(view, row))
    return HeatCell(_shade(view, row.measure, row.value, mark), estimate(view, row), limits(view, row))


def _shade(view: AuditView, measure: str, value: float, mark: float) -> float:
    facts = view.measure(measure)
    reach = REACH if (facts.low, facts.high) == (0.0, 1.0) else 0.5 * abs(mark) or 1.0
    better = 1.0 if facts.direction == "higher" else -1.0
    return max(-1.0, min(1.0, better * (value - mark) / reach))


ENTRY = Block("heat_table", HeatParameters, _build)
