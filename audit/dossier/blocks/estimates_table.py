"""Estimates with intervals and counts: candidate and comparator side by side, or one kind of estimate listed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from audit.dossier.block import Block, Parameters, nothing
from audit.dossier.citing import cite, estimate, limits, size, with_limits
from audit.dossier.comparison import questions
from audit.dossier.content import Column, Node, Paragraph, Row, Runs, Table, text
from audit.dossier.pointers import pointer
from audit.dossier.rounding import number
from audit.dossier.view import ANALYSES, AuditView, EstimateRow
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
BY_TARGET = ("overall", "worst case")
POOLED = (
    " Partly pooled: the estimate drawn towards the mean of the attribute's levels by as much as chance moves it (best "
    "linear unbiased prediction); it stands where three levels or more can be concluded on."
)
UNADJUSTED = "Intervals of groups are descriptive and not adjusted for the number of groups. "
DEGREES = re.compile(r" \(\d+ df\)")  # they differ from row to row and stand in the evidence
NONE = {"worst case": "No result was unusable: the estimates above are their own worst case."}


def _build(view: AuditView, given: EstimatesParameters) -> tuple[Node, ...]:
    asked = [row for row in view.rows if _wanted(row, given) and not _of_maps(row)]
    rows = _kept(view, asked, given)
    if not rows:
        return nothing(NONE.get(given.show, f"{CAPTIONS[given.show]}: none stand in the evidence."))
    layout = _Layout(view, given, rows)
    printed: list[Row] = []
    for heading, group in _grouped(view, rows, given):
        printed.append(Row((text(heading, "strong"),), (len(layout.columns),), kind="group"))
        printed += [layout.row(row) for row in _by_level(group)]
    table = Table(CAPTIONS[given.show], layout.columns, tuple(printed), (*_note(rows), *layout.note))
    return (table, *_left_out(len(asked) - len(rows)))


class _Layout:
    """The columns that these rows need: the version where there are several, the partly pooled value where any."""

    def __init__(self, view: AuditView, given: EstimatesParameters, rows: list[EstimateRow]) -> None:
        self.view = view
        self.by_target = given.show in BY_TARGET
        self.versions = len({row.version for row in rows}) > 1
        self.pooled = _pooled(view) if given.show == "subgroups" else {}
        self.columns = (
            Column("Quantity", 2.7) if self.by_target else Column("Group", 2.2),
            *((Column("Version", 1.6),) if self.versions else ()),
            Column("Patients", 0.95, "right"),
            Column("Cases", 0.65, "right"),
            Column("Events", 0.75, "right"),
            Column("Estimate", 0.95, "right"),
            Column("Interval", 2.0, "right"),
            *((Column("Partly pooled", 0.9, "right"),) if self.pooled else ()),
        )

    @property
    def note(self) -> Runs:
        return text(POOLED) if self.pooled else ()

    def row(self, row: EstimateRow) -> Row:
        label = _measure_title(self.view, row) if self.by_target else group_label(row)
        version = (text(version_label(self.view, row.version), "quiet"),) if self.versions else ()
        sizes = tuple(size(self.view, row, name) for name in ("n_patients", "n_cases", "n_events"))
        head: tuple[Runs, ...] = (text(label), *version, *sizes)
        ones = (1,) * len(head)
        if row.value is None:
            return Row((*head, estimate(self.view, row)), (*ones, 3 if self.pooled else 2))
        last = self._shrunken(row)
        if row.low is None or row.high is None:
            return Row((*head, with_limits(self.view, row), *last), (*ones, 2, *(1 for _ in last)))
        return Row((*head, estimate(self.view, row), limits(self.view, row), *last))

    def _shrunken(self, row: EstimateRow) -> tuple[Runs, ...]:
        if not self.pooled:
            return ()
        found = self.pooled.get((row.version, row.measure, row.target, row.attribute, row.level))
        if found is None:
            return (text("–", "quiet"),)
        words = number(float(found["value"]), self.view.measure(row.measure).unit)
        return ((cite(self.view, ANALYSES, pointer(found["analysis_id"], "value"), words),),)


def _pooled(view: AuditView) -> dict[tuple[str, ...], Mapping[str, Any]]:
    """Shrunken estimates of groups by what they are about."""
    return {
        tuple(row[name] for name in ("version", "measure", "target", "attribute", "level")): row
        for row in view.analysis_rows
        if row["quantity"] == "shrunken estimate" and row["value"] is not None
    }


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
        if given.show in BY_TARGET:
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
