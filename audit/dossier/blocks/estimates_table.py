"""Estimates with intervals and counts: candidate and comparator side by side, or one kind of estimate listed."""

from __future__ import annotations

import re
from typing import Literal

from audit.dossier.block import Block, Parameters, nothing
from audit.dossier.citing import estimate, limits, size, with_limits
from audit.dossier.comparison import questions
from audit.dossier.content import Column, Node, Paragraph, Row, Runs, Table, text
from audit.dossier.view import AuditView, EstimateRow
from audit.dossier.words import attribute_label, group_label, quantity, version_label
from audit.tables import OVERALL


class EstimatesParameters(Parameters):
    """``show`` chooses the estimates; ``attributes`` and ``measures`` narrow them (all where empty).

    ``claimed`` keeps the measures and targets that the plan sets a limit for.
    """

    show: Literal["overall", "subgroups", "contrasts", "changes", "worst case", "robustness"]
    measures: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    claimed: bool = False


CAPTIONS = {
    "overall": "Estimates on the whole set",
    "subgroups": "Estimates by group",
    "contrasts": "Differences from the baseline level",
    "changes": "Candidate minus comparator, on the same resampled patients",
    "worst case": "Worst case: unusable results counted against the model",
    "robustness": "Estimates on altered images",
}
UNADJUSTED = "Intervals of groups are descriptive and not adjusted for the number of groups. "
DEGREES = re.compile(r" \(\d+ df\)")  # they differ from row to row and stand in the evidence
NONE = {"worst case": "No result was unusable: the estimates above are their own worst case."}
COLUMNS = (
    Column("Group", 2.3), Column("Version", 1.9), Column("Patients", 0.75, "right"), Column("Cases", 0.65, "right"),
    Column("Events", 0.65, "right"), Column("Estimate", 0.85, "right"), Column("Interval", 1.6, "right"),
)  # fmt: skip


def _build(view: AuditView, given: EstimatesParameters) -> tuple[Node, ...]:
    asked = [row for row in view.rows if _wanted(row, given)]
    rows = _claimed(view, asked) if given.claimed else asked
    if not rows:
        return nothing(NONE.get(given.show, f"{CAPTIONS[given.show]}: none stand in the evidence."))
    printed: list[Row] = []
    for heading, group in _grouped(view, rows, given):
        printed.append(Row((text(heading, "strong"),), (len(COLUMNS),), kind="group"))
        printed += [_row(view, row) for row in _by_level(group)]
    table = Table(CAPTIONS[given.show], COLUMNS, tuple(printed), _note(rows))
    return (table, *_left_out(len(asked) - len(rows)))


def _claimed(view: AuditView, rows: list[EstimateRow]) -> list[EstimateRow]:
    kept = {(question.measure, question.target) for question in questions(view)}
    return [row for row in rows if (row.measure, row.target) in kept]


def _left_out(count: int) -> tuple[Node, ...]:
    if not count:
        return ()
    words = f"Printed are the measures that the plan sets a limit for; {count} further estimates by group stand in the "
    return (Paragraph(text(words + "evidence, in tables/estimates.parquet.", "quiet")),)


def _wanted(row: EstimateRow, given: EstimatesParameters) -> bool:
    if given.measures and row.measure not in given.measures:
        return False
    if given.attributes and row.attribute not in given.attributes:
        return False
    plain = row.kind == "value" and " + " not in row.version
    return {
        "overall": plain and row.is_overall,
        "subgroups": plain and not row.is_overall,
        "contrasts": row.kind == "contrast",
        "changes": row.kind == "change",
        "worst case": row.kind == "worst case",
        "robustness": row.kind == "value" and " + " in row.version,
    }[given.show]


def _grouped(
    view: AuditView, rows: list[EstimateRow], given: EstimatesParameters
) -> list[tuple[str, list[EstimateRow]]]:
    groups: dict[str, list[EstimateRow]] = {}
    for row in rows:
        heading = quantity(view, row.measure, row.target)
        if given.show != "overall" and row.attribute != OVERALL:
            heading = f"{heading}, by {attribute_label(row.attribute)}"
        groups.setdefault(heading, []).append(row)
    return list(groups.items())


def _by_level(rows: list[EstimateRow]) -> list[EstimateRow]:
    order = {level: index for index, level in enumerate(dict.fromkeys(row.level for row in rows))}
    return sorted(rows, key=lambda row: order[row.level])


def _row(view: AuditView, row: EstimateRow) -> Row:
    sizes = tuple(size(view, row, name) for name in ("n_patients", "n_cases", "n_events"))
    head: tuple[Runs, ...] = (text(group_label(row)), text(version_label(view, row.version), "quiet"), *sizes)
    if row.value is None:
        return Row((*head, estimate(view, row)), (1, 1, 1, 1, 1, 2))
    if row.low is None or row.high is None:
        return Row((*head, with_limits(view, row)), (1, 1, 1, 1, 1, 2))
    return Row((*head, estimate(view, row), limits(view, row)))


def _note(rows: list[EstimateRow]) -> Runs:
    methods: dict[str, list[str]] = {}
    for row in rows:
        if row.method:
            methods.setdefault(row.measure.replace("_", " "), []).append(DEGREES.sub("", row.method))
    words = "; ".join(f"{measure}: {', '.join(dict.fromkeys(names))}" for measure, names in methods.items())
    level = rows[0].confidence
    return text(
        f"Two-sided intervals at a confidence of {level:g}. Methods: {words or 'none'}. "
        f"{UNADJUSTED if any(not row.is_overall for row in rows) else ''}Events: reference-positive cases."
    )


ENTRY = Block("estimates_table", EstimatesParameters, _build)
