"""Single decisions, group by group: changed between versions, where both look, uncertainty, shortcuts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from audit.dossier.analysis_cells import cell_of, limits_of, number_of, p_of
from audit.dossier.block import Block, Parameters, nothing
from audit.dossier.citing import fact
from audit.dossier.content import Column, Node, Paragraph, Row, Run, Runs, Table, Text, text
from audit.dossier.rounding import undefined, whole
from audit.dossier.view import PLAN, AuditView
from audit.dossier.words import attribute_label, version_label
from audit.tables import OVERALL

Subject = Literal["changed_decisions", "map_agreement", "uncertainty", "shortcuts"]
GROUP, ABOUT, VALUE = Column("Group", 1.7), Column("Quantity", 2.5), Column("Value", 0.7, "right")
INTERVAL, CASES, READING = Column("Interval", 1.4, "right"), Column("Cases", 0.6, "right"), Column("Reading", 1.8)
CAPTIONS: Mapping[str, str] = {
    "changed_decisions": "Decisions changed between versions: shares of cases, candidate against comparator",
    "map_agreement": "Where both versions look: agreement of their attribution maps",
    "uncertainty": "Uncertainty of single decisions",
    "shortcuts": "Search for shortcuts: decisions that turn when a region is masked",
}
NONE: Mapping[str, str] = {
    "changed_decisions": "Decisions changed between versions: not assessed, there is no comparator with a decision.",
    "map_agreement": "Where both versions look: not assessed, no case has a map of both.",
    "uncertainty": "Uncertainty of single decisions: not assessed, the plan asks for none.",
    "shortcuts": "Search for shortcuts: not assessed, the plan asks for none.",
}
HEADLINES = ("decisions turned", "net change", "coverage", "agreement of maps", "decisions that any copy turns")
AnalysisRow = Mapping[str, Any]


class DecisionParameters(Parameters):
    """``of``: which analysis; headline quantities of every group follow the whole set's rows."""

    of: Subject


def _build(view: AuditView, given: DecisionParameters) -> tuple[Node, ...]:
    rows = [row for row in view.analysis_rows if row["analysis"] == given.of]
    asked = [row for row in rows if row["version"] != "set"]
    if not asked:
        return nothing(NONE[given.of])
    sentences = _sentences(view, asked) if given.of == "shortcuts" else ()
    return (*sentences, _table(view, given.of, [row for row in asked if _printed(row)]))


def _printed(row: AnalysisRow) -> bool:
    """Everything of the whole set; of groups the headline quantity where it has a value or the reason is not size."""
    if row["attribute"] == OVERALL:
        return True
    return row["quantity"] in HEADLINES and row["value"] is not None


def _table(view: AuditView, of: str, rows: list[AnalysisRow]) -> Table:
    columns = (GROUP, ABOUT, VALUE, INTERVAL, CASES, READING)
    printed: list[Row] = []
    for heading in dict.fromkeys(_heading(view, row) for row in rows):
        printed.append(Row((text(heading, "strong"),), (len(columns),), kind="group"))
        printed += [_row(view, row) for row in rows if _heading(view, row) == heading]
    note = "Groups in which a quantity has too few cases stand in the evidence with that reason."
    return Table(CAPTIONS[of], columns, tuple(printed), text(note))


def _heading(view: AuditView, row: AnalysisRow) -> str:
    return f"{version_label(view, row['version'])}, {row['target']}: {str(row['measure']).replace('_', ' ')}"


def _row(view: AuditView, row: AnalysisRow) -> Row:
    group = "whole set" if row["attribute"] == OVERALL else f"{attribute_label(row['attribute'])}: {row['level']}"
    if row["value"] is None:
        value: Runs = (cell_of(view, row, "undefined", undefined(str(row["undefined"]))),)
        return Row((text(group), text(row["quantity"]), value), (1, 1, 4))
    cases: Runs = (cell_of(view, row, "n_cases", whole(int(row["n_cases"]))),)
    value = (number_of(view, row, "value"),)
    return Row((text(group), text(row["quantity"]), value, limits_of(view, row), cases, _reading(view, row)))


def _reading(view: AuditView, row: AnalysisRow) -> Runs:
    runs: list[Run] = []
    if row["verdict"]:
        runs.append(cell_of(view, row, "verdict", str(row["verdict"])))
    if row["p"] is not None:
        runs += [Text("; p " if runs else "p "), *p_of(view, row, "p")]
    if row["low"] is None and row["undefined"]:
        runs += [*([Text("; ")] if runs else []), cell_of(view, row, "undefined", str(row["undefined"]))]
    return tuple(runs)


def _sentences(view: AuditView, rows: list[AnalysisRow]) -> tuple[Node, ...]:
    """One sentence for each version and region, over the whole set."""
    known = {(row["version"], row["measure"], row["quantity"]): row for row in rows if row["attribute"] == OVERALL}
    nodes: list[Node] = []
    for (version, region, quantity), row in known.items():
        if quantity == "decisions turned":
            inside = known.get((version, region, "decisions turned, equal area inside"))
            start: Runs = (Text(f"{version_label(view, version)}: ", "strong"),)
            nodes.append(Paragraph((*start, *_sentence(view, str(region), row, inside))))
    return tuple(nodes)


def _sentence(view: AuditView, region: str, row: AnalysisRow, inside: AnalysisRow | None) -> Runs:
    part = _the(region)
    if row["value"] is None:
        return (Text(f"whether decisions depend on {part} is not assessed: "),
                cell_of(view, row, "undefined", str(row["undefined"])), Text("."))  # fmt: skip
    if row["verdict"] == "no dependence shown":
        limit = number_of(view, row, "high")
        return (Text(f"no dependence on {part} shown; masking turns at most "), limit, Text(" of the decisions."))
    share = (number_of(view, row, "value"), Text(" "), *limits_of(view, row), Text(" of the decisions"))
    other: Runs = ()
    if inside is not None and inside["value"] is not None:
        other = (Text(", masking an equal area inside the anatomy "), number_of(view, inside, "value"))
    if row["verdict"] == "depends":
        return (Text(f"the decision depends on {part}: masking turns "), *share, *other, Text("."))
    tolerated = fact(view, PLAN, "shortcuts", "tolerated")
    end: Runs = (Text("; more than the tolerated "), tolerated, Text(" is not ruled out."))
    return (Text(f"dependence on {part} is not settled: masking turns "), *share, *other, *end)


def _the(region: str) -> str:
    words: Callable[[str], str | None] = {
        "border": "the border of the image",
        "corners": "the corners of the image",
        "outside anatomy": "what lies outside the anatomy",
        "marks": "burned-in marks",
    }.get
    return words(region) or region


ENTRY = Block("decisions", DecisionParameters, _build)
