"""Measurements and grades against the reference: Bland-Altman plots and cross-tables of grades."""

from __future__ import annotations

import math

import numpy as np

from audit.dossier.block import Block, NoParameters, nothing
from audit.dossier.citing import with_limits
from audit.dossier.content import AgreementLine, AgreementPlot, Column, Node, Row, Table, text
from audit.dossier.decision_counts import calls
from audit.dossier.view import AuditView
from audit.dossier.words import version_label
from audit.plan import Target
from audit.records import FloatArray
from audit.tables import ALL, OVERALL

LINES = {
    "linear": (("agreement_limit_upper", "upper limit"), ("bias", "bias"), ("agreement_limit_lower", "lower limit")),
    "log": (("ratio_limit_upper", "upper limit"), ("ratio_bias", "mean ratio"), ("ratio_limit_lower", "lower limit")),
}
MOST_POINTS = 2000
MOST_GRADES = 8


def _build(view: AuditView, _given: NoParameters) -> tuple[Node, ...]:
    nodes: list[Node] = []
    for name, target in view.plan.targets.items():
        for version in view.versions:
            if target.task == "measurement":
                nodes += _plot(view, version, name, target)
            elif target.task == "ordinal":
                nodes += _cross_table(view, version, name, target)
    return tuple(nodes)


def _plot(view: AuditView, version: str, name: str, target: Target) -> list[Node]:
    first, second = _pairs(view, version, name)
    if first.size < 2:
        words = f"Bland-Altman plot of {_what(name)}, {version_label(view, version)}"
        return list(nothing(f"{words}: fewer than two cases have both values."))
    x, y = _coordinates(first, second, target.scale)
    shown = np.unique(np.linspace(0, x.size - 1, min(x.size, MOST_POINTS)).round().astype(int))
    lines = tuple(line for pair in LINES[target.scale] if (line := _line(view, version, name, *pair, target.scale)))
    difference = "predicted / reference" if target.scale == "log" else f"predicted minus reference ({target.unit})"
    label = version_label(view, version)
    return [
        AgreementPlot(
            caption=f"Bland-Altman plot: {_what(name)}, {label}",
            alt=f"{difference} against the mean of both for {x.size} cases of {_what(name)}, with bias and limits.",
            x_axis=f"{'geometric ' if target.scale == 'log' else ''}mean of predicted and reference ({target.unit})",
            y_axis=difference,
            ratio=target.scale == "log",
            points=tuple((float(x[i]), float(y[i])) for i in shown),
            lines=lines,
            note=text(_note(x.size, shown.size)),
        )
    ]


def _note(cases: int, shown: int) -> str:
    drawn = "" if shown == cases else f" Drawn are {shown} of the cases, evenly over their order."
    return f"Bands: confidence intervals of the lines. Limits: mean ± 1.96 SD of the differences.{drawn}"


def _what(name: str) -> str:
    return name.replace("_", " ")


def _pairs(view: AuditView, version: str, name: str) -> tuple[FloatArray, FloatArray]:
    """Predicted and reference value of the analysed cases."""
    keys = ["version", "target", "case_id"]
    analysed = view.dispositions.loc[view.dispositions["fate"] == "analysed", keys]
    rows = view.observations[(view.observations["version"] == version) & (view.observations["target"] == name)]
    rows = rows.merge(analysed, on=keys)
    both = rows[["value_predicted", "value_reference"]].to_numpy(dtype=np.float64, na_value=np.nan)
    both = both[np.isfinite(both).all(axis=1)]
    return both[:, 0], both[:, 1]


def _coordinates(first: FloatArray, second: FloatArray, scale: str) -> tuple[FloatArray, FloatArray]:
    if scale == "linear":
        return (first + second) / 2, first - second
    kept = (first > 0) & (second > 0)
    return np.sqrt(first[kept] * second[kept]), np.log(first[kept] / second[kept])


def _line(view: AuditView, version: str, name: str, measure: str, label: str, scale: str) -> AgreementLine | None:
    row = view.plain.get((version, measure, name, OVERALL, ALL))
    if row is None or row.value is None:
        return None
    value, low, high = (_height(each, scale) for each in (row.value, row.low, row.high))
    assert value is not None
    return AgreementLine(label, value, low, high, with_limits(view, row))


def _height(value: float | None, scale: str) -> float | None:
    if value is None or not math.isfinite(value) or (scale == "log" and value <= 0):
        return None
    return math.log(value) if scale == "log" else value


def _cross_table(view: AuditView, version: str, name: str, target: Target) -> list[Node]:
    title = f"Grades: {_what(name)}, {version_label(view, version)}"
    if len(target.grades) > MOST_GRADES:
        return list(
            nothing(f"{title}: the counts of {len(target.grades)} grades stand in tables/observations.parquet.")
        )
    columns = (Column("Predicted grade", 1.6), *(Column(f"Reference {grade}", 1, "right") for grade in target.grades))
    found = next((each for each in calls(view) if (each.version, each.target) == (version, name)), None)
    if found is None:
        return list(nothing(f"{title}: no case has both a predicted and a reference grade."))
    rows = tuple(
        Row((text(str(grade)), *((found.cells[reference, call].printed,) for reference in found.values)))
        for grade, call in zip(target.grades, found.values, strict=True)
    )
    return [Table(title, columns, rows, text("Counts of cases; the same grade stands on the diagonal."))]


ENTRY = Block("agreement", NoParameters, _build)
