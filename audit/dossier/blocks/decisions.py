"""Single decisions, group by group: changed between versions, where both look, uncertainty, shortcuts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from audit.dossier.analysis_cells import cell_of, limits_of, number_of, p_of
from audit.dossier.block import Block, Parameters, nothing
from audit.dossier.citing import fact, unbroken
from audit.dossier.content import Column, Node, Paragraph, Row, Run, Runs, Table, Text, text
from audit.dossier.rounding import undefined, whole
from audit.dossier.view import PLAN, AuditView
from audit.dossier.words import attribute_label, level_label, version_label
from audit.tables import OVERALL

Subject = Literal["changed_decisions", "map_agreement", "uncertainty", "shortcuts"]
REGION, ABOUT, VALUE = Column("Of", 1.9), Column("Quantity", 2.5), Column("Value", 0.7, "right")
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
BESIDE = 4
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
    whole = [row for row in asked if row["attribute"] == OVERALL]
    groups = [row for row in asked if row["attribute"] != OVERALL and row["quantity"] in HEADLINES]
    return (*sentences, _table(view, given.of, whole), *_by_group(view, given.of, groups))


def _table(view: AuditView, of: str, rows: list[AnalysisRow]) -> Table:
    columns = (REGION, ABOUT, VALUE, INTERVAL, CASES, READING)
    printed: list[Row] = []
    for heading in dict.fromkeys(_heading(view, row) for row in rows):
        printed.append(Row((text(heading, "strong"),), (len(columns),), kind="group"))
        printed += [_row(view, row) for row in rows if _heading(view, row) == heading]
    return Table(f"{CAPTIONS[of]}, whole set", columns, tuple(printed))


def _by_group(view: AuditView, of: str, rows: list[AnalysisRow]) -> Iterator[Table]:
    """A row for each group and a column for each headline quantity: of each version by itself, few beside each other.

    Groups without a value in any column stand in the evidence.
    """
    known = [row for row in rows if row["value"] is not None]
    for version in dict.fromkeys(row["version"] for row in known):
        mine = {(_column(row), row["attribute"], row["level"]): row for row in known if row["version"] == version}
        heads = list(dict.fromkeys(head for head, *_ in mine))
        for start in range(0, len(heads), BESIDE):
            yield _group_table(view, of, version, heads[start : start + BESIDE], mine)


def _group_table(
    view: AuditView, of: str, version: str, heads: list[str], mine: Mapping[tuple[str, str, str], AnalysisRow]
) -> Table:
    groups = dict.fromkeys((attribute, level) for head, attribute, level in mine if head in heads)
    rows: list[Row] = []
    for attribute, level in groups:
        cells = (_group_cell(view, mine.get((head, attribute, level))) for head in heads)
        rows.append(Row((text(f"{attribute_label(attribute)}: {level_label(level)}"), *cells)))
    columns = (Column("Group", 1.2), *(Column(head, 1.6) for head in heads))
    caption = f"{CAPTIONS[of].partition(':')[0]}, by group: {version_label(view, version)}"
    note = text("Groups in which a quantity has too few cases stand in the evidence with that reason.")
    return Table(caption, columns, tuple(rows), note)


def _column(row: AnalysisRow) -> str:
    return f"{row['target']}, {row['measure']}: {row['quantity']}".replace("_", " ")


def _group_cell(view: AuditView, row: AnalysisRow | None) -> Runs:
    """Value, interval and cases; then what it reads as."""
    if row is None:
        return text("–", "quiet")
    cases = (cell_of(view, row, "n_cases", whole(int(row["n_cases"]))), Text("\u00a0cases"))
    interval = (Text("\u00a0"), *unbroken(limits_of(view, row))) if row["low"] is not None else ()
    reading = _reading(view, row)
    return (number_of(view, row, "value"), *interval, Text(", "), *cases, *((Text("; "), *reading) if reading else ()))


def _heading(view: AuditView, row: AnalysisRow) -> str:
    return f"{version_label(view, row['version'])}, {str(row['target']).replace('_', ' ')}"


def _row(view: AuditView, row: AnalysisRow) -> Row:
    group = str(row["measure"]).replace("_", " ")
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
