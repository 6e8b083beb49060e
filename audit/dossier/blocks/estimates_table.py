"""Estimates with intervals and counts: candidate and comparator side by side, or one kind of estimate listed."""

from __future__ import annotations

import re
from functools import partial
from typing import Literal

from audit.dossier.block import Block, Parameters, nothing
from audit.dossier.comparison import questions
from audit.dossier.content import Column, Node, Paragraph, Row, Table, text
from audit.dossier.estimate_rows import OneByOne, SideBySide, paired, pooled_of
from audit.dossier.view import AuditView, EstimateRow
from audit.dossier.words import attribute_label, few, group_label, quantity
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
KINDS = {"contrasts": "contrast", "changes": "change", "worst case": "worst case"}
BY_TARGET = ("overall", "worst case")
POOLED = (
    " Partly pooled: the estimate drawn towards the mean of the attribute's levels by as much as chance moves it (best "
    "linear unbiased prediction); it stands where three levels or more can be concluded on."
)
NAMED = 3
"""So many measures are named beside each method; the method of every estimate stands in the evidence."""
UNADJUSTED = "Intervals of groups are descriptive and not adjusted for the number of groups. "
DEGREES = re.compile(r" \(\d+ df\)")  # they differ from row to row and stand in the evidence
NONE = {"worst case": "No result was unusable: the estimates above are their own worst case."}


def _build(view: AuditView, given: EstimatesParameters) -> tuple[Node, ...]:
    asked = [row for row in view.rows if _wanted(row, given) and not _of_maps(row)]
    rows = _kept(view, asked, given)
    if not rows:
        return nothing(NONE.get(given.show, f"{CAPTIONS[given.show]}: none stand in the evidence."))
    layout = _layout(view, given, rows)
    printed: list[Row] = []
    for heading, group in _grouped(view, rows, given):
        printed.append(Row((text(heading, "strong"),), (len(layout.columns),), kind="group"))
        printed += layout.rows(_by_level(group))
    note = text(f"{layout.note}{_note(view, rows)}{POOLED if layout.pooled else ''}")
    table = Table(CAPTIONS[given.show], layout.columns, tuple(printed), note)
    return (table, *_left_out(len(asked) - len(rows)))


def _layout(view: AuditView, given: EstimatesParameters, rows: list[EstimateRow]) -> OneByOne | SideBySide:
    """Two versions side by side; several others, or those that do not pair, one below the other."""
    by_measure = given.show in BY_TARGET or _whole(given, rows)
    first = Column("Quantity", 2.7) if by_measure else Column("Group", 2.2)
    label = partial(_measure_title, view) if by_measure else group_label
    pooled = pooled_of(view) if given.show == "subgroups" else {}
    versions = paired(rows)
    if versions:
        return SideBySide(view, first, label, versions, pooled)
    return OneByOne(view, first, label, len({row.version for row in rows}) > 1, pooled)


def _whole(given: EstimatesParameters, rows: list[EstimateRow]) -> bool:
    """Whether these are changes of the whole set alone, of which each measure is one row."""
    return given.show == "changes" and all(row.is_overall for row in rows)


def _measure_title(view: AuditView, row: EstimateRow) -> str:
    title = view.measure(row.measure).title
    return f"{title[:1].upper()}{title[1:]}"


def _kept(view: AuditView, rows: list[EstimateRow], given: EstimatesParameters) -> list[EstimateRow]:
    kept = _claimed(view, rows) if given.claimed else rows
    return [row for row in kept if " & " not in row.attribute] if given.show == "contrasts" else kept


def _claimed(view: AuditView, rows: list[EstimateRow]) -> list[EstimateRow]:
    kept = {(question.measure, question.target) for question in questions(view)}
    return [row for row in rows if (row.measure, row.target) in kept]


def _left_out(count: int) -> tuple[Node, ...]:
    if not count:
        return ()
    words = f"Printed is what the plan sets a limit for; {count} further estimates by group stand in the evidence, in "
    return (Paragraph(text(words + "tables/estimates.parquet."), "note"),)


def _of_maps(row: EstimateRow) -> bool:
    """Whether the estimate is a score of maps ('<target>: <method>'), which ``explanation_quality`` prints."""
    return ": " in row.target


def _wanted(row: EstimateRow, given: EstimatesParameters) -> bool:
    if given.measures and row.measure not in given.measures:
        return False
    if given.attributes and row.attribute not in given.attributes:
        return False
    plain = row.kind == "value" and " + " not in row.version
    if given.show in ("overall", "subgroups"):
        return plain and row.is_overall == (given.show == "overall")
    if given.show == "robustness":
        return row.kind == "value" and not plain
    return row.kind == KINDS[given.show]


def _grouped(
    view: AuditView, rows: list[EstimateRow], given: EstimatesParameters
) -> list[tuple[str, list[EstimateRow]]]:
    groups: dict[str, list[EstimateRow]] = {}
    whole = _whole(given, rows)
    for row in rows:
        heading = quantity(view, row.measure, row.target)
        if given.show in BY_TARGET or whole:
            heading = _target_title(row)
        elif row.attribute != OVERALL:
            heading = f"{heading}, by {attribute_label(row.attribute)}"
        groups.setdefault(heading, []).append(row)
    return list(groups.items())


def _target_title(row: EstimateRow) -> str:
    title = row.target.replace("_", " ")
    return f"{title[:1].upper()}{title[1:]}"


def _by_level(rows: list[EstimateRow]) -> list[EstimateRow]:
    order = {key: index for index, key in enumerate(dict.fromkeys((row.measure, row.level) for row in rows))}
    return sorted(rows, key=lambda row: order[row.measure, row.level])


def _note(view: AuditView, rows: list[EstimateRow]) -> str:
    """How the intervals were made: each method once, before the measures that it serves."""
    measures: dict[str, list[str]] = {}
    for measure, methods in _methods(rows).items():
        measures.setdefault(", else ".join(methods), []).append(view.measure(measure).title)
    words = "; ".join(f"{few(names, NAMED)} by {method}" for method, names in measures.items())
    level = rows[0].confidence
    return (
        f"Two-sided intervals at a confidence of {level:g}: {words or 'none'}. "
        f"{UNADJUSTED if any(not row.is_overall for row in rows) else ''}Events: reference-positive cases."
    )


def _methods(rows: list[EstimateRow]) -> dict[str, list[str]]:
    """The methods of each measure, in the order of the rows."""
    found: dict[str, dict[str, None]] = {}
    for row in rows:
        if row.method:
            found.setdefault(row.measure, {})[DEGREES.sub("", row.method)] = None
    return {measure: list(methods) for measure, methods in found.items()}


ENTRY = Block("estimates_table", EstimatesParameters, _build)
