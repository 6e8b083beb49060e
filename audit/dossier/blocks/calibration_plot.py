"""Calibration plots: the outcome against the predicted probability, both versions, with band and spread of scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.dossier.block import Block, NoParameters, nothing
from audit.dossier.citing import cite, with_limits
from audit.dossier.comparison import questions
from audit.dossier.content import CurvePlot, CurveSeries, Node, Paragraph, Runs, Text, text
from audit.dossier.pointers import pointer
from audit.dossier.view import ANALYSES, AuditView
from audit.dossier.words import with_role
from audit.tables import ALL, OVERALL

ANALYSIS, CURVE = "calibration_curve", "smoothed outcome"
POSITIVE, NEGATIVE = "positive cases", "negative cases"
BESIDE = ("calibration_slope", "calibration_intercept", "scaled_brier", "ici")
SHOWN = 2


def _build(view: AuditView, _given: NoParameters) -> tuple[Node, ...]:
    rows = [row for row in view.analysis_rows if row["analysis"] == ANALYSIS]
    if not rows:
        return nothing("Calibration plots: no target has scores that could be probabilities.")
    claimed = {each.target for each in questions(view)}
    found = list(dict.fromkeys(row["target"] for row in rows))
    targets = [name for name in found if name in claimed] or found[:SHOWN]
    return tuple(
        node for target in targets for node in _target(view, target, [r for r in rows if r["target"] == target])
    )


def _target(view: AuditView, target: str, rows: list[Mapping[str, Any]]) -> tuple[Node, ...]:
    title = f"Calibration, {target.replace('_', ' ')}"
    lost = [row for row in rows if row["value"] is None]
    if len(lost) == len(rows):
        why = cite(view, ANALYSES, pointer(lost[0]["analysis_id"], "undefined"), str(lost[0]["undefined"]))
        return (Paragraph((*text(f"{title}: undefined, "), why, Text("."))),)
    series = tuple(each for version in view.versions if (each := _series(view, version, rows)))
    counts = _counts(rows)
    end = max(counts[-1][1], *(at for each in series for at, _ in each.points))
    top = min(1.0, max(end, *(high for each in series for _, _, high in each.band)))
    plot = CurvePlot(
        caption=f"{title}: observed against predicted, with pointwise band",
        alt=f"Calibration curves of {len(series)} versions for {target.replace('_', ' ')} against the diagonal.",
        x_title="Predicted probability",
        y_title="Observed share of positive cases (smoothed)",
        x_range=(0.0, end),
        y_range=(0.0, top),
        series=series,
        lines=(CurveSeries("as predicted", ((0.0, 0.0), (min(end, top), min(end, top)))),),
        counts=counts,
    )
    return (plot, *(Paragraph(_figures(view, version, target), "note") for version in view.versions))


def _series(view: AuditView, version: str, rows: list[Mapping[str, Any]]) -> CurveSeries | None:
    mine = [r for r in rows if r["version"] == version and r["quantity"] == CURVE and r["value"] is not None]
    if not mine:
        return None
    points = tuple((float(row["level"]), float(row["value"])) for row in mine)
    band = tuple((float(r["level"]), float(r["low"]), float(r["high"])) for r in mine if r["low"] is not None)
    return CurveSeries(with_role(view, version), points, band)


def _counts(rows: list[Mapping[str, Any]]) -> tuple[tuple[float, float, int, int], ...]:
    first = next(row["version"] for row in rows if row["quantity"] == POSITIVE)
    of = {
        (r["quantity"], r["level"]): int(r["value"]) for r in rows if r["version"] == first and r["quantity"] != CURVE
    }
    levels = [level for quantity, level in of if quantity == POSITIVE]
    ends = [tuple(map(float, level.split(" to "))) for level in levels]
    return tuple(
        (low, high, of[POSITIVE, level], of[NEGATIVE, level]) for (low, high), level in zip(ends, levels, strict=True)
    )


def _figures(view: AuditView, version: str, target: str) -> Runs:
    runs: list[Any] = [Text(f"{with_role(view, version)}. ", "strong")]
    for name in BESIDE:
        row = view.plain.get((version, name, target, OVERALL, ALL))
        if row is not None:
            runs += [Text(f"{view.measure(name).title}: "), *with_limits(view, row), Text(". ")]
    return tuple(runs)


ENTRY = Block("calibration_plot", NoParameters, _build)
