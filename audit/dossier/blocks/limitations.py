"""Conditions under which performance is below a limit, not shown, or unknown: what a user must be warned of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from audit.dossier.block import Block, Parameters, nothing
from audit.dossier.citing import size, unbroken, with_limits
from audit.dossier.comparison import Question, find, levels, questions, read_against
from audit.dossier.content import Column, Mark, Node, Row, Runs, Table, Text, Tone, text
from audit.dossier.view import AuditView, EstimateRow
from audit.dossier.words import attribute_label, level_label, quantity

READINGS: dict[str, tuple[str, Tone]] = {
    "failed": ("below the limit", "bad"),
    "not shown": ("not shown", "part"),
    "not assessed": ("unknown", "quiet"),
    "met": ("shown", "good"),
}
MOST = 40
BESIDE = 4
"""Claims beside each other, where each condition is a row."""
COLUMNS = (
    Column("Condition", 1.7), Column("Quantity", 1.7), Column("Cases", 0.6, "right"),
    Column("Estimate and interval", 1.8, "right"), Column("Reading", 1.1),
)  # fmt: skip
Reading = tuple[Question, EstimateRow, str]


class LimitationsParameters(Parameters):
    """``show``: 'weak' keeps what is below, not shown or unknown; 'all' lists every tested condition.

    ``attributes`` narrows the strata (all of the plan where empty).
    """

    show: Literal["weak", "all"] = "weak"
    attributes: tuple[str, ...] = ()


def _build(view: AuditView, given: LimitationsParameters) -> tuple[Node, ...]:
    if not questions(view):
        return nothing("The plan sets no limit, so no condition can be read against one.")
    found = [each for each in _found(view, given) if given.show == "all" or each[2] != "met"]
    if not found:
        return nothing("In every tested condition each limit of the plan is shown to be met.")
    note = "Read against the limits that the plan sets for the whole set. Conditions not listed were not tested."
    if given.show == "all":
        return _by_condition(view, found, note)
    rows = tuple(_row(view, *each) for each in found[:MOST])
    left = len(found) - MOST
    more = f" {left} further rows stand in the evidence." if left > 0 else ""
    return (Table("Conditions to be warned of", COLUMNS, rows, text(note + more)),)


def _by_condition(view: AuditView, found: list[Reading], note: str) -> tuple[Node, ...]:
    """A row for each condition and a column for each claim, in as many tables as the claims need."""
    asked = questions(view)
    known = {(row.attribute, row.level, question): (question, row, words) for question, row, words in found}
    conditions = list(dict.fromkeys((row.attribute, row.level) for _, row, _ in found))
    nodes = []
    for start in range(0, len(asked), BESIDE):
        claims = asked[start : start + BESIDE]
        heads = (Column(quantity(view, each.measure, each.target), 1.5) for each in claims)
        rows: list[Row] = []
        for attribute in dict.fromkeys(attribute for attribute, _ in conditions):
            label = attribute_label(attribute)
            rows.append(Row((text(label[:1].upper() + label[1:], "strong"),), (1 + len(claims),), kind="group"))
            for level in (level for each, level in conditions if each == attribute):
                cells = (_cell(view, known.get((attribute, level, each))) for each in claims)
                rows.append(Row((text(level_label(level)), *cells)))
        nodes.append(Table("Tested conditions", (Column("Condition", 1.1), *heads), tuple(rows), text(note)))
    return tuple(nodes)


def _cell(view: AuditView, found: Reading | None) -> Runs:
    """The reading and its cases, then the estimate with its interval."""
    if found is None:
        return text("–", "quiet")
    _, row, reading = found
    words, tone = READINGS[reading]
    cases = (*size(view, row, "n_cases"), Text("\u00a0case: " if row.n_cases == 1 else "\u00a0cases: "))
    estimate = with_limits(view, row)
    return (Mark(words, tone), Text(" "), *cases, *(estimate if row.low is None else unbroken(estimate)))


def _found(view: AuditView, given: LimitationsParameters) -> Iterator[Reading]:
    """Every plain group of the candidate with its reading: the worst first, or in the order of the plan."""
    order = list(READINGS)
    chosen = given.attributes or tuple(view.plan.strata)
    readings = [
        (question, row, _reading(view, row, question))
        for question in questions(view)
        for row in view.rows
        if row.kind == "value" and row.version == "candidate" and row.attribute in chosen
        and (row.measure, row.target) == (question.measure, question.target)
    ]  # fmt: skip
    places = {name: place for place, name in enumerate(chosen)}
    order_of = {name: levels(view, name) for name in chosen}
    by_place = sorted(
        readings, key=lambda each: (places[each[1].attribute], order_of[each[1].attribute].index(each[1].level))
    )
    yield from by_place if given.show == "all" else sorted(readings, key=lambda each: order.index(each[2]))


def _reading(view: AuditView, row: EstimateRow, question: Question) -> str:
    """A group of too few patients is unknown, whatever its estimate says."""
    if row.n_patients < view.plan.too_few:
        return "not assessed"
    return read_against(find(view, row.version, question, row.attribute, row.level), question)


def _row(view: AuditView, question: Question, row: EstimateRow, reading: str) -> Row:
    words, tone = READINGS[reading]
    return Row(
        (
            text(f"{attribute_label(row.attribute)} {level_label(row.level)}"),
            text(quantity(view, question.measure, question.target)),
            size(view, row, "n_cases"),
            with_limits(view, row),
            (Mark(words, tone),),
        )
    )


ENTRY = Block("limitations", LimitationsParameters, _build)
