"""Readers among themselves, precision from repeat acquisitions, findings of a label set: analyses as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from audit.dossier.block import Block, Parameters, nothing
from audit.dossier.citing import cite
from audit.dossier.content import Column, Node, Row, Runs, Table, Text, text
from audit.dossier.pointers import pointer
from audit.dossier.rounding import number, undefined, whole
from audit.dossier.view import ANALYSES, AuditView
from audit.dossier.words import attribute_label, version_label
from audit.tables import ALL, OVERALL


class PrecisionParameters(Parameters):
    """``of``: 'readers' (how far the reference depends on its readers), 'repeatability' (repeat acquisitions) or
    'label_sets' (findings of one output set together, printed only where the plan declares one)."""

    of: Literal["readers", "repeatability", "label_sets"]


CAPTIONS = {
    "readers": "Readers among themselves, and the device among them",
    "repeatability": "Precision from repeat acquisitions",
    "label_sets": "Findings of one output set together",
}
NOTES = {
    "readers": "Cases on which the readers reach no combined reading take part.",
    "repeatability": "A change of one patient larger than the coefficient is, at 95 %, more than measurement error.",
    "label_sets": "Macro: mean over findings; micro: all calls pooled, patients as clusters.",
}
COLUMNS = (
    Column("Group", 1.9), Column("Quantity", 2.6), Column("Patients", 0.75, "right"), Column("Cases", 0.65, "right"),
    Column("Value", 0.8, "right"), Column("Interval", 1.5, "right"),
)  # fmt: skip


def _build(view: AuditView, given: PrecisionParameters) -> tuple[Node, ...]:
    rows = _rows(view, given.of)
    if given.of == "label_sets" and not view.plan.label_sets:
        return ()
    if all(row["target"] == ALL for row in rows):
        reason = rows[0]["undefined"] if rows else "none stand in the evidence"
        return nothing(f"{CAPTIONS[given.of]}: {reason}.")
    printed: list[Row] = []
    for heading in dict.fromkeys(_heading(view, row) for row in rows):
        printed.append(Row((text(heading, "strong"),), (len(COLUMNS),), kind="group"))
        printed += [_row(view, row) for row in rows if _heading(view, row) == heading]
    return (Table(CAPTIONS[given.of], COLUMNS, tuple(printed), text(f"{NOTES[given.of]} {_methods(rows)}")),)


def _rows(view: AuditView, analysis: str) -> list[Mapping[str, Any]]:
    if not len(view.analyses):
        return []
    frame = view.analyses[view.analyses["analysis"] == analysis].astype(object)
    return [{str(k): v for k, v in row.items()} for row in frame.where(frame.notna(), None).to_dict("records")]


def _heading(view: AuditView, row: Mapping[str, Any]) -> str:
    target = str(row["target"]).replace("_", " ")
    known = view.plan.targets.get(row["target"])
    unit = known.unit if known else None
    what = f"{target} ({unit})" if unit and row["measure"] in (ALL, "bias") else target
    return what if row["version"] == "set" else f"{what}, {version_label(view, row['version'])}"


def _row(view: AuditView, row: Mapping[str, Any]) -> Row:
    sizes = tuple((_cell(view, row, name, whole(row[name])),) for name in ("n_patients", "n_cases"))
    head: tuple[Runs, ...] = (text(_group(row)), text(_quantity(view, row)), *sizes)
    if row["value"] is None:
        return Row(
            (*head, (_cell(view, row, "undefined", undefined(row["undefined"] or "no value")),)), (1, 1, 1, 1, 2)
        )
    verdict = (Text(" "), _cell(view, row, "verdict", row["verdict"])) if row["verdict"] else ()
    return Row((*head, (_number(view, row, "value"),), (*_limits(view, row), *verdict)))


def _group(row: Mapping[str, Any]) -> str:
    if row["attribute"] != OVERALL:
        return f"{attribute_label(row['attribute'])} {row['level']}"
    return "all" if row["level"] == ALL else str(row["level"])


def _quantity(view: AuditView, row: Mapping[str, Any]) -> str:
    if row["measure"] == ALL:
        return str(row["quantity"])
    title = view.measure(row["measure"]).title
    return f"{title}: {row['quantity']}"


def _limits(view: AuditView, row: Mapping[str, Any]) -> Runs:
    if row["low"] is None or row["high"] is None:
        why = row["undefined"]
        return (_cell(view, row, "undefined", f"no interval: {why}"),) if why else text("–", "quiet")
    return (Text("["), _number(view, row, "low"), Text(" to "), _number(view, row, "high"), Text("]"))


def _number(view: AuditView, row: Mapping[str, Any], column: str) -> Any:
    return _cell(view, row, column, number(float(row[column])))


def _cell(view: AuditView, row: Mapping[str, Any], column: str, words: str) -> Any:
    return cite(view, ANALYSES, pointer(row["analysis_id"], column), words)


def _methods(rows: list[Mapping[str, Any]]) -> str:
    names = list(dict.fromkeys(str(row["method"]).partition(";")[0] for row in rows if row["method"]))
    return f"Methods: {'; '.join(names)}." if names else ""


ENTRY = Block("precision", PrecisionParameters, _build)
