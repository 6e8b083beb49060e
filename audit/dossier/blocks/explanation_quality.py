"""How good the maps of each method are: verdict, scores of all explained cases, and the same by group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from audit.dossier.analysis_cells import cell_of, number_of, p_of
from audit.dossier.block import Block, Parameters, nothing
from audit.dossier.citing import cite, estimate, fact, limits, size
from audit.dossier.content import Column, Node, Paragraph, Row, Run, Runs, Table, Text, text
from audit.dossier.pointers import pointer
from audit.dossier.rounding import undefined, whole
from audit.dossier.view import EXPLANATION_VERDICTS, PLAN, AuditView, EstimateRow
from audit.dossier.words import attribute_label, version_label
from audit.tables import ALL, OVERALL

MOST_LEVELS = 5
"""Columns of groups that fit beside one another; more stand in a further table."""
Method = tuple[str, str, str]
WHOLE = (
    Column("Score", 3.0),
    Column("Asked of it", 1.2),
    Column("Patients", 0.9, "right"),
    Column("Estimate", 0.9, "right"),
    Column("Interval", 2.0, "right"),
)
WORDS = (
    "Every map of the cases drawn before inference was scored; a mean of few patients has no interval and shows "
    "nothing beyond doubt. The verdict on a method follows from the plan's criteria, each read on its confidence limit."
)
NO_INTERVAL = "A dash in the last column: too few patients for an interval; the reason of each stands in the evidence."
BY_GROUP = "In brackets the interval, where there is one, and the number of patients."


class QualityParameters(Parameters):
    """``attributes``: strata by which quality is shown, of those that the plan declares; else its first two."""

    attributes: tuple[str, ...] = ("manufacturer", "sex")


def _build(view: AuditView, given: QualityParameters) -> tuple[Node, ...]:
    if not len(view.explanation_verdicts):
        return nothing("Quality of the maps: not assessed, no map was examined.") if len(view.explanations) else ()
    methods = [(str(r["version"]), str(r["target"]), str(r["method"])) for r in _verdicts(view)]
    tables = [table for name in _attributes(view, given) for table in _by_group(view, methods, name)]
    return (Paragraph(text(WORDS)), _whole(view, methods), *tables)


def _verdicts(view: AuditView) -> list[dict[Any, Any]]:
    return view.explanation_verdicts.to_dict("records")


def _attributes(view: AuditView, given: QualityParameters) -> tuple[str, ...]:
    declared = tuple(view.plan.strata)
    return tuple(name for name in given.attributes if name in declared) or declared[:2]


def _whole(view: AuditView, methods: list[Method]) -> Table:
    rows: list[Row] = []
    for number, method in enumerate(methods):
        rows.append(Row((_verdict(view, number, method),), (len(WHOLE),), kind="group"))
        rows += [_score(view, row) for row in _estimates(view, method, OVERALL) if row.level == ALL]
        rows += list(_learned(view, method))
    return Table("Quality of the maps, all explained cases", WHOLE, tuple(rows), text(NO_INTERVAL))


def _verdict(view: AuditView, number: int, method: Method) -> Runs:
    def cell(column: str) -> Run:
        words = str(_verdicts(view)[number][column])
        return cite(view, EXPLANATION_VERDICTS, pointer("rows", number, column), words, "strong")

    title = f"{_title(view, method)}: "
    return (Text(title, "strong"), cell("verdict"), Text("; randomisation check: ", "strong"), cell("sanity"))


def _title(view: AuditView, method: Method) -> str:
    version, target, name = method
    return f"{version_label(view, version)}, {target.replace('_', ' ')}, {name.replace('_', ' ')}"


def _estimates(view: AuditView, method: Method, attribute: str) -> list[EstimateRow]:
    version, target, name = method
    wanted = (version, f"{target}: {name}", attribute)
    return [row for row in view.rows if (row.version, row.target, row.attribute) == wanted and row.kind == "value"]


def _score(view: AuditView, row: EstimateRow) -> Row:
    title = view.measure(row.measure).title
    head = (text(f"{title[:1].upper()}{title[1:]}"), _asked(view, row.measure), size(view, row, "n_patients"))
    if row.value is None:
        return Row((*head, estimate(view, row)), (1, 1, 1, 2))
    between = text("–", "quiet") if row.low is None else limits(view, row)
    return Row((*head, estimate(view, row), between))


def _asked(view: AuditView, score: str) -> Runs:
    assert view.plan.explanations is not None
    runs: list[Run] = []
    for number, criterion in enumerate(view.plan.explanations.examine.criteria):
        if criterion.score == score:
            words = "at least " if criterion.kind == "minimum" else "at most "
            value = fact(view, PLAN, "explanations", "examine", "criteria", number, "value")
            runs += [Text(f"; {words}" if runs else words), value]
    return tuple(runs) or text("–", "quiet")


def _learned(view: AuditView, method: Method) -> Iterator[Row]:
    """The version against its copies with random weights, once more under each of its methods."""
    for row in view.analysis_rows:
        if row["analysis"] == "random_weights" and (row["version"], row["target"]) == method[:2]:
            yield _copies(view, row)


def _copies(view: AuditView, row: Mapping[str, Any]) -> Row:
    head = (text("Decisions against copies with random weights"), text("p at most 0.05"),
            (cell_of(view, row, "n_patients", whole(int(row["n_patients"]))),))  # fmt: skip
    if row["value"] is None:
        return Row((*head, (cell_of(view, row, "undefined", undefined(str(row["undefined"]))),)), (1, 1, 1, 2))
    return Row((*head, (number_of(view, row, "value"),), (Text("p "), *p_of(view, row, "p"))))


def _by_group(view: AuditView, methods: list[Method], attribute: str) -> Iterator[Table]:
    """The judged scores by level, in tables of a few levels each; levels without any explained case have none."""
    found = {method: _estimates(view, method, attribute) for method in methods}
    levels = list(dict.fromkeys(row.level for rows in found.values() for row in rows))
    for start in range(0, len(levels), MOST_LEVELS):
        part = levels[start : start + MOST_LEVELS]
        columns = (Column("Score", 2.6), *(Column(level, 1.5, "right") for level in part))
        printed: list[Row] = []
        for method, rows in found.items():
            printed.append(Row((text(_title(view, method), "strong"),), (len(columns),), kind="group"))
            printed += _levels(view, rows, part)
        yield Table(f"Quality of the maps by {attribute_label(attribute)}", columns, tuple(printed), text(BY_GROUP))


def _levels(view: AuditView, rows: list[EstimateRow], levels: list[str]) -> Iterator[Row]:
    assert view.plan.explanations is not None
    judged = {criterion.score for criterion in view.plan.explanations.examine.criteria}
    for score in dict.fromkeys(row.measure for row in rows if row.measure in judged):
        title = view.measure(score).title
        known = {row.level: row for row in rows if row.measure == score}
        cells = (_cell(view, known[level]) if level in known else text("–", "quiet") for level in levels)
        yield Row((text(f"{title[:1].upper()}{title[1:]}"), *cells))


def _cell(view: AuditView, row: EstimateRow) -> Runs:
    if row.value is None:
        return text("undefined", "quiet")
    between = (Text(" "), *limits(view, row)) if row.low is not None else ()
    return (*estimate(view, row), *between, Text(" ("), *size(view, row, "n_patients"), Text(")"))


ENTRY = Block("explanation_quality", QualityParameters, _build)
