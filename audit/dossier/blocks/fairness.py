"""Differences between groups: signed, from the declared baseline; and fairlearn's gaps, each with its null."""

from __future__ import annotations

from audit.dossier.block import Block, Parameters
from audit.dossier.blocks.estimates_table import ENTRY as ESTIMATES_TABLE
from audit.dossier.blocks.estimates_table import EstimatesParameters
from audit.dossier.citing import cite, estimate
from audit.dossier.comparison import questions
from audit.dossier.content import Column, Node, Paragraph, Row, Runs, Table, text
from audit.dossier.pointers import pointer
from audit.dossier.view import ESTIMATES, AuditView, EstimateRow
from audit.dossier.words import attribute_label, version_label


class FairnessParameters(Parameters):
    """``every_measure`` lists all differences and gaps, not only those of measures and targets with a limit."""

    every_measure: bool = False


WORDS = (
    "Differences are signed and taken from the baseline level that the plan declares. "
    "A largest-minus-smallest gap is positive by chance alone and is not shown as evidence of unequal performance: "
    "it stands beside what chance alone would give."
)
GAPS = "Largest gaps between levels (fairlearn), beside what chance alone would give"
NO_FINDING = "A gap that chance gives as often is no finding."
COLUMNS = (
    Column("Attribute, target", 1.4),
    Column("Version", 1.5),
    Column("Gap", 0.7, "right"),
    Column("By chance", 3.6),
)


def _build(view: AuditView, given: FairnessParameters) -> tuple[Node, ...]:
    table = ESTIMATES_TABLE.build(view, EstimatesParameters(show="contrasts", claimed=not given.every_measure))
    return (Paragraph(text(WORDS)), *_gaps(view, given), *table)


def _gaps(view: AuditView, given: FairnessParameters) -> tuple[Node, ...]:
    every = [row for row in view.rows if row.kind == "gap"]
    claimed = {question.target for question in questions(view)}
    rows = [row for row in every if given.every_measure or not claimed or row.target in claimed]
    if not rows:
        return ()
    columns = COLUMNS if len(view.versions) > 1 else (COLUMNS[0], *COLUMNS[2:])
    printed: list[Row] = []
    for measure in dict.fromkeys(row.measure for row in rows):
        printed.append(Row((text(view.measure(measure).title, "strong"),), (len(columns),), kind="group"))
        printed += [_row(view, row) for row in rows if row.measure == measure]
    return (Table(GAPS, columns, tuple(printed), text(NO_FINDING + _more(len(every) - len(rows)))),)


def _more(count: int) -> str:
    return f" {count} gaps of other targets stand in the evidence, in tables/estimates.parquet." if count else ""


def _row(view: AuditView, row: EstimateRow) -> Row:
    version = (text(version_label(view, row.version), "quiet"),) if len(view.versions) > 1 else ()
    head = (text(f"{attribute_label(row.attribute)}, {row.target.replace('_', ' ')}"), *version)
    if row.value is None:
        return Row((*head, estimate(view, row)), (*(1 for _ in head), 2))
    null: Runs = (cite(view, ESTIMATES, pointer(row.estimate_id, "method"), row.method or "", "quiet"),)
    return Row((*head, estimate(view, row, signed=False), null))


ENTRY = Block("fairness", FairnessParameters, _build)
