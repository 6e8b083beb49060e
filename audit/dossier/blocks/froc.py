"""FROC curves of detection targets: figure with the operating point, and the points that matter as a table."""

from __future__ import annotations

from audit.dossier.block import Block, NoParameters
from audit.dossier.citing import estimate, limits, size
from audit.dossier.content import Column, FrocLine, FrocPlot, FrocPoint, Node, Row, Runs, Table, text
from audit.dossier.view import AuditView, EstimateRow
from audit.dossier.words import version_label, with_role
from audit.tables import ALL, OVERALL

SENSITIVITY, FALSE_POSITIVES, READ_OFF = (
    "pooled_lesion_sensitivity",
    "false_positives_per_image",
    "lesion_sensitivity_at_fp_",
)
MEASURES = ("wafroc", SENSITIVITY, FALSE_POSITIVES)
GRID = 400
COLUMNS = (
    Column("Quantity", 2.6), Column("Version", 1.9), Column("Cases", 0.65, "right"), Column("Estimate", 0.85, "right"),
    Column("Interval", 1.7, "right"),
)  # fmt: skip


def _build(view: AuditView, given: NoParameters) -> tuple[Node, ...]:  # noqa: ARG001
    targets = [name for name, target in view.plan.targets.items() if target.task == "detection"]
    return tuple(node for name in targets for node in _of_target(view, name))


def _of_target(view: AuditView, target: str) -> tuple[Node, ...]:
    localisation = view.plan.targets[target].localisation
    assert localisation is not None
    words = target.replace("_", " ")
    curves = tuple(curve for version in view.versions if (curve := _curve(view, version, target)))
    table = Table(
        f"Free-response results, {words}",
        COLUMNS,
        _rows(view, target),
        text(f"A lesion is hit by: {localisation.text}."),
    )
    if not curves:
        return (table,)
    plot = FrocPlot(
        caption=f"FROC curve, {words}: lesions found over false positives per image",
        alt=f"FROC curves of {len(curves)} version(s) for {words}.",
        x_axis="false positives per image",
        y_axis="lesion sensitivity",
        x_end=_end(curves),
        curves=curves,
        legend=(
            "Symbol: the plan's operating point, with confidence intervals of both rates.",
            "Bars on the curve: sensitivity at the false positive rates that the plan names.",
        ),
    )
    return (plot, table)


def _curve(view: AuditView, version: str, target: str) -> FrocLine | None:
    frame = view.curves
    mine = frame[(frame["curve"] == "froc") & (frame["version"] == version) & (frame["target"] == target)]
    if mine.empty:
        return None
    mine = mine.sort_values("point")
    points = _thinned(list(zip(mine["x"].astype(float), mine["y"].astype(float), strict=True)))
    return FrocLine(
        with_role(view, version), points, _operating_point(view, version, target), _read_off(view, version, target)
    )


def _thinned(points: list[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """One point per cell of a fine grid: what a page can show of a curve with many thousands."""
    end = max(points[-1][0], 1e-9)
    kept = {(round(GRID * x / end), round(GRID * y)): (x, y) for x, y in points}
    return tuple(kept.values())


def _operating_point(view: AuditView, version: str, target: str) -> FrocPoint | None:
    found = [view.plain.get((version, name, target, OVERALL, ALL)) for name in (FALSE_POSITIVES, SENSITIVITY)]
    across, up = found
    if across is None or up is None or across.value is None or up.value is None:
        return None
    return FrocPoint(across.value, up.value, _interval(across), _interval(up))


def _read_off(view: AuditView, version: str, target: str) -> tuple[FrocPoint, ...]:
    points = []
    for rate in view.plan.targets[target].at_false_positives:
        row = view.plain.get((version, f"{READ_OFF}{rate:g}", target, OVERALL, ALL))
        if row is not None and row.value is not None:
            points.append(FrocPoint(rate, row.value, None, _interval(row)))
    return tuple(points)


def _interval(row: EstimateRow) -> tuple[float, float] | None:
    return None if row.low is None or row.high is None else (row.low, row.high)


def _end(curves: tuple[FrocLine, ...]) -> float:
    """Far enough for every operating point and stated rate, and for most of each curve."""
    marked = [p.x_limits[1] if p.x_limits else p.x for c in curves for p in (c.operating_point, *c.read_off) if p]
    reach = [curve.points[-1][0] for curve in curves]
    return max([min(max(reach), 2.0), *(1.15 * x for x in marked)]) or 1.0


def _rows(view: AuditView, target: str) -> tuple[Row, ...]:
    names = [*MEASURES, *(f"{READ_OFF}{rate:g}" for rate in view.plan.targets[target].at_false_positives)]
    rows = []
    for name in names:
        for version in view.versions:
            row = view.plain.get((version, name, target, OVERALL, ALL))
            if row is not None:
                rows.append(_row(view, row, version))
    return tuple(rows)


def _row(view: AuditView, row: EstimateRow, version: str) -> Row:
    title = view.measure(row.measure).title
    head: tuple[Runs, ...] = (
        text(title[:1].upper() + title[1:]), text(version_label(view, version), "quiet"), size(view, row, "n_cases"),
    )  # fmt: skip
    if row.value is None:
        return Row((*head, estimate(view, row)), (1, 1, 1, 2))
    return Row((*head, estimate(view, row), limits(view, row)))


ENTRY = Block("froc", NoParameters, _build)
