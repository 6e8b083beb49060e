"""Net benefit at the plan's threshold probabilities, against treating nobody and treating everybody."""

from __future__ import annotations

from audit.dossier.block import Block, NoParameters, nothing
from audit.dossier.citing import with_limits
from audit.dossier.content import Column, CurvePlot, CurveSeries, Node, Row, Table, Text, text
from audit.dossier.view import AuditView, EstimateRow
from audit.dossier.words import version_label, with_role
from audit.tables import ALL, OVERALL

COLUMNS = (
    Column("Threshold", 0.8), Column("Version", 1.8), Column("Net benefit", 1.9, "right"),
    Column("Minus treating everybody", 1.9, "right"),
)  # fmt: skip


def _build(view: AuditView, _given: NoParameters) -> tuple[Node, ...]:
    asked = {name: sorted(target.net_benefit_thresholds) for name, target in view.plan.targets.items()}
    nodes = tuple(node for name, at in asked.items() if at for node in _target(view, name, at))
    return nodes or nothing("Net benefit: not assessed, the plan names no threshold probabilities.")


def _row(view: AuditView, version: str, target: str, measure: str, at: float) -> EstimateRow | None:
    return view.plain.get((version, f"{measure}_at_{at:g}", target, OVERALL, ALL))


def _target(view: AuditView, target: str, at: list[float]) -> tuple[Node, ...]:
    table = Table(
        f"Net benefit, {target.replace('_', ' ')}", COLUMNS, tuple(_rows(view, target, at)), text(_note(view, target))
    )
    series = tuple(each for version in view.versions if (each := _series(view, version, target, at)))
    if not series:
        return (table,)
    everybody = _everybody(view, target, at)
    seen = [value for each in series for _, low, high in each.band for value in (low, high)]
    seen += [value for each in series for _, value in each.points]
    top, bottom = max(*seen, 0.0), min(*seen, 0.0)
    pad = 0.08 * (top - bottom or 1.0)
    plot = CurvePlot(
        caption=f"Net benefit by threshold probability, {target.replace('_', ' ')}",
        alt=f"Decision curves of {len(series)} versions at {len(at)} thresholds, with those of treating all and none.",
        x_title="Threshold probability",
        y_title="Net benefit, true positives per patient",
        x_range=(0.0, min(1.0, 1.1 * at[-1])),
        y_range=(bottom - pad, top + pad),
        series=series,
        lines=(CurveSeries("treat nobody", ((0.0, 0.0), (min(1.0, 1.1 * at[-1]), 0.0))), *everybody),
    )
    return (plot, table)


def _series(view: AuditView, version: str, target: str, at: list[float]) -> CurveSeries | None:
    rows = [(each, row) for each in at if (row := _row(view, version, target, "net_benefit", each))]
    points = tuple((each, row.value) for each, row in rows if row.value is not None)
    band = tuple((each, row.low, row.high) for each, row in rows if row.low is not None and row.high is not None)
    return CurveSeries(with_role(view, version), points, band, shaded=False) if points else None


def _everybody(view: AuditView, target: str, at: list[float]) -> tuple[CurveSeries, ...]:
    points = []
    for each in at:
        own, over = (_row(view, "candidate", target, name, each) for name in ("net_benefit", "net_benefit_over_all"))
        if own and over and own.value is not None and over.value is not None:
            points.append((each, own.value - over.value))
    return (CurveSeries("treat everybody", tuple(points)),) if len(points) > 1 else ()


def _rows(view: AuditView, target: str, at: list[float]) -> list[Row]:
    rows = []
    for each in at:
        for version in view.versions:
            found = [_row(view, version, target, name, each) for name in ("net_benefit", "net_benefit_over_all")]
            cells = (with_limits(view, row) if row else (Text("–", "quiet"),) for row in found)
            rows.append(Row((text(f"{each:g}"), text(version_label(view, version), "quiet"), *cells)))
    return rows


def _note(view: AuditView, target: str) -> str:
    share = view.plan.targets[target].prevalence
    where = "the prevalence of the set" if share is None else f"the plan's prevalence of {share:g}"
    return f"True positives less weighted false positives, per patient, at {where}; treating nobody is worth nothing."


ENTRY = Block("decision_curve", NoParameters, _build)
