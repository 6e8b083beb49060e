"""Do levels differ, by how much, and what may a new one expect: one row per attribute."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.dossier.analysis_cells import cell_of, limits_of, number_of, p_of
from audit.dossier.block import Block, NoParameters
from audit.dossier.comparison import questions
from audit.dossier.content import Column, Node, Row, Runs, Table, Text, text
from audit.dossier.rounding import undefined
from audit.dossier.view import AuditView
from audit.dossier.words import attribute_label, quantity
from audit.tables import ALL

By = Mapping[str, Mapping[str, Any]]
COLUMNS = (
    Column("By", 0.95), Column("Test", 0.8), Column("p", 0.6, "right"), Column("I², %", 1.6, "right"),
    Column("tau", 0.5, "right"), Column("A new level", 1.2, "right"), Column("Reading", 2.25),
)  # fmt: skip
NOTE = (
    "Test: Cochran's Q, or the chi-square of proportions where it is the test. I²: share of the spread beyond chance. "
    "tau: standard deviation between levels. A new level: 95 % prediction interval, where the levels are a sample of "
    "those to come (manufacturers, sites, scanners, detectors) and there are three or more. On the logit scale near 0 "
    "and 1; the method of each row stands in the evidence."
)


def heterogeneity_table(view: AuditView, rows: list[Mapping[str, Any]]) -> tuple[Node, ...]:
    """``rows`` of ANALYSES to print from; nothing where no heterogeneity was asked."""
    found: dict[tuple[str, str, str], dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        if row["analysis"] == "heterogeneity" and row["level"] == ALL:
            found.setdefault((row["measure"], row["target"], row["attribute"]), {})[row["quantity"]] = row
    printed: list[Row] = []
    for measure, target in dict.fromkeys(key[:2] for key in found):
        printed.append(Row((text(quantity(view, measure, target), "strong"),), (len(COLUMNS),), kind="group"))
        printed += [_row(view, key[2], by) for key, by in found.items() if key[:2] == (measure, target)]
    return (Table("Heterogeneity between levels", COLUMNS, tuple(printed), text(NOTE)),) if printed else ()


def _row(view: AuditView, attribute: str, by: By) -> Row:
    label, test = text(attribute_label(attribute)), by.get("chi-square", by["Q"])
    if test["value"] is None:
        reason = (cell_of(view, test, "undefined", undefined(str(test["undefined"]))),)
        return Row((label, reason), (1, len(COLUMNS) - 1))
    name = "Q " if test["quantity"] == "Q" else "chi² "
    reading: Runs = (cell_of(view, test, "verdict", test["verdict"]),) if test["verdict"] else text("–", "quiet")
    spread = _value(view, by, "I2")
    limits = limits_of(view, by["I2"]) if by["I2"]["low"] is not None else ()
    return Row(
        (
            label,
            (Text(name), number_of(view, test, "value")),
            p_of(view, test, "p"),
            (*spread, Text(" "), *limits) if limits else spread,
            _value(view, by, "tau"),
            limits_of(view, by["prediction interval"]) if "prediction interval" in by else text("–", "quiet"),
            reading,
        )
    )


def _value(view: AuditView, by: By, name: str) -> Runs:
    row = by.get(name)
    return text("–", "quiet") if row is None or row["value"] is None else (number_of(view, row, "value"),)


def _build(view: AuditView, _given: NoParameters) -> tuple[Node, ...]:
    claimed = {(each.measure, each.target) for each in questions(view)}
    rows = [row for row in view.analysis_rows if (row["measure"], row["target"]) in claimed]
    return heterogeneity_table(view, [row for row in rows if row["version"] == "candidate"])


ENTRY = Block("heterogeneity", NoParameters, _build)
