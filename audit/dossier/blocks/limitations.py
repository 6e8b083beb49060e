"""Conditions under which performance is below a limit, not shown, or unknown: what a user must be warned of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from audit.dossier.block import Block, Parameters, nothing
from audit.dossier.citing import size, with_limits
from audit.dossier.comparison import Question, find, questions, read_against
from audit.dossier.content import Column, Mark, Node, Row, Table, Tone, text
from audit.dossier.view import AuditView, EstimateRow
from audit.dossier.words import attribute_label, quantity
from audit.tables import UNKNOWN

READINGS: dict[str, tuple[str, Tone]] = {
    "failed": ("below the limit", "bad"),
    "not shown": ("not shown", "part"),
    "not assessed": ("unknown", "quiet"),
    "met": ("shown", "good"),
}
MOST = {"weak": 40, "all": 160}


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
    columns = (
        Column("Condition", 1.7), Column("Quantity", 1.7), Column("Cases", 0.6, "right"),
        Column("Estimate and interval", 1.8, "right"), Column("Reading", 1.1),
    )  # fmt: skip
    rows = tuple(_row(view, *each) for each in found[: MOST[given.show]])
    left = len(found) - MOST[given.show]
    more = f" {left} further rows stand in the evidence." if left > 0 else ""
    note = text(
        f"Read against the limits that the plan sets for the whole set. Conditions not listed were not tested.{more}"
    )
    caption = "Tested conditions" if given.show == "all" else "Conditions to be warned of"
    return (Table(caption, columns, rows, note),)


def _found(view: AuditView, given: LimitationsParameters) -> Iterator[tuple[Question, EstimateRow, str]]:
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
    by_place = sorted(readings, key=lambda each: (places[each[1].attribute], each[1].level))
    yield from by_place if given.show == "all" else sorted(readings, key=lambda each: order.index(each[2]))


def _reading(view: AuditView, row: EstimateRow, question: Question) -> str:
    """A group of too few patients is unknown, whatever its estimate says."""
    if row.n_patients < view.plan.too_few:
        return "not assessed"
    return read_against(find(view, row.version, question, row.attribute, row.level), question)


def _row(view: AuditView, question: Question, row: EstimateRow, reading: str) -> Row:
    level = "not recorded" if row.level == UNKNOWN else row.level
    words, tone = READINGS[reading]
    return Row(
        (
            text(f"{attribute_label(row.attribute)} {level}"),
            text(quantity(view, question.measure, question.target)),
            size(view, row, "n_cases"),
            with_limits(view, row),
            (Mark(words, tone),),
        )
    )


ENTRY = Block("limitations", LimitationsParameters, _build)
