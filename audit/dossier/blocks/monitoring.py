"""What is watched in use: each claim with its baseline from the validation set, an alert line and an action line."""

from __future__ import annotations

from collections.abc import Iterator

from audit.dossier.block import Block, NoParameters, nothing
from audit.dossier.blocks.key_results import limit_in_plan
from audit.dossier.citing import cite, count, estimate, size
from audit.dossier.comparison import Question, find, questions
from audit.dossier.content import Column, Node, Row, Runs, Table, Text, text
from audit.dossier.pointers import pointer
from audit.dossier.rounding import number, percent, whole
from audit.dossier.view import DISPOSITIONS, ESTIMATES, OBSERVATIONS, AuditView, EstimateRow
from audit.dossier.words import quantity
from audit.tables import ALL, FATES, OVERALL

NOTE = (
    "Alert: a value in use beyond the baseline's own confidence limit asks for a look at cases and inputs. Action: a "
    "value beyond the plan's limit asks for corrective action. Both lines come from this evaluation. How often they "
    "are computed, from which cases and with which reference, must be declared."
)


def _build(view: AuditView, _given: NoParameters) -> tuple[Node, ...]:
    rows = [row for question in questions(view) if (row := _indicator(view, question)) is not None]
    if not rows:
        return nothing("No baseline: the plan sets no limit that could be watched in use.")
    columns = (
        Column("Indicator", 2.4), Column("Patients", 0.8, "right"), Column("Baseline", 0.9, "right"),
        Column("Alert beyond", 1.0, "right"), Column("Action beyond", 1.0, "right"),
    )  # fmt: skip
    return (Table("Indicators with baseline, alert and action line", columns, tuple(rows), text(NOTE)), _inputs(view))


def _indicator(view: AuditView, question: Question) -> Row | None:
    row = find(view, "candidate", question, OVERALL, ALL)
    if row is None:
        return None
    name = text(quantity(view, question.measure, question.target))
    if row.value is None:
        return Row((name, size(view, row, "n_patients"), estimate(view, row)), (1, 1, 3))
    cells = (estimate(view, row), _alert(view, row, question), limit_in_plan(view, question))
    return Row((name, size(view, row, "n_patients"), *cells))


def _alert(view: AuditView, row: EstimateRow, question: Question) -> Runs:
    """The baseline's own limit on the side of the claim."""
    column = "low" if question.kind == "minimum" else "high"
    value = row.low if question.kind == "minimum" else row.high
    if value is None:
        return text("no interval", "quiet")
    return (cite(view, ESTIMATES, pointer(row.estimate_id, column), number(value, view.unit(row.measure, row.target))),)


def _inputs(view: AuditView) -> Table:
    """What can be watched without a reference: how much is unusable, and how often the device says positive."""
    columns = (Column("Without a reference", 3.0), Column("Cases", 0.8, "right"), Column("Share", 0.8, "right"))
    return Table("Baselines that need no reference", columns, (*_unusable(view), *_positives(view)))


def _unusable(view: AuditView) -> Iterator[Row]:
    own = view.dispositions[view.dispositions["version"] == "candidate"]
    for fate in FATES:
        part = int((own["fate"] == fate).sum())
        if fate != "excluded" and (part or fate == "analysed"):
            number_of = count(view, DISPOSITIONS, version="candidate", fate=fate)
            label = f"Results (case \u00d7 target) {fate}, of {whole(len(own))}"
            yield Row((text(label), (number_of,), text(percent(part, len(own)))))


def _positives(view: AuditView) -> Iterator[Row]:
    own = view.observations[(view.observations["version"] == "candidate") & view.observations["decision"].notna()]
    for target in view.plan.targets:
        here = own[own["target"] == target]
        if len(here):
            marked = count(view, OBSERVATIONS, version="candidate", target=target, decision=1)
            words: Runs = (Text(f"Cases that the device marks, {target.replace('_', ' ')}, of {whole(len(here))}"),)
            yield Row((words, (marked,), text(percent(int((here["decision"] == 1).sum()), len(here)))))


ENTRY = Block("monitoring", NoParameters, _build)
