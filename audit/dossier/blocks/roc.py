"""ROC curves of binary targets with the locked operating point and its limits, both versions in one plot."""

from __future__ import annotations

from audit.dossier.block import Block, NoParameters
from audit.dossier.citing import cite, fact, size, with_limits
from audit.dossier.comparison import questions
from audit.dossier.content import FrocPoint, Node, Paragraph, RocLine, RocPlot, Runs, Text, text
from audit.dossier.pointers import pointer
from audit.dossier.view import ESTIMATES, PLAN, AuditView, EstimateRow
from audit.dossier.words import with_role
from audit.tables import ALL, OVERALL

CURVE, AREA, SENSITIVITY, SPECIFICITY = "roc", "auroc", "sensitivity", "specificity"
SHOWN = 2
"""Targets without a limit of their own are many in a label set: of those, the first."""
NONE = "ROC curve, {}: no curve stands in the evidence."
NOTE = "Symbol: the locked operating point, its bars the confidence limits of both rates. Dotted: chance."


def _build(view: AuditView, _given: NoParameters) -> tuple[Node, ...]:
    binary = [name for name, target in view.plan.targets.items() if target.binary]
    claimed = {each.target for each in questions(view)}
    targets = [name for name in binary if name in claimed] or binary[:SHOWN]
    return tuple(_of_target(view, name) for name in targets)


def _of_target(view: AuditView, target: str) -> Node:
    words = target.replace("_", " ")
    curves = tuple(curve for version in view.versions if (curve := _curve(view, version, target)))
    if not curves:
        return _why_not(view, target)
    across, up = (view.measure(name).title for name in (SPECIFICITY, SENSITIVITY))
    return RocPlot(
        caption=f"ROC curve with the locked operating point, {words}",
        alt=f"ROC curves of {len(curves)} version(s) for {words}, with operating points.",
        x_axis=f"1 \u2212 {across}",
        y_axis=up,
        curves=curves,
        note=text(NOTE),
    )


def _why_not(view: AuditView, target: str) -> Paragraph:
    words = target.replace("_", " ")
    row = _row(view, "candidate", AREA, target)
    if row is None or not row.undefined:
        return Paragraph(nothing_said(words), "note")
    why = cite(view, ESTIMATES, pointer(row.estimate_id, "undefined"), row.undefined)
    return Paragraph((Text(f"ROC curve, {words}: undefined, "), why, Text(".")), "note")


def nothing_said(words: str) -> Runs:
    """What stands in place of a curve that an audit does not hold."""
    return text(NONE.format(words))


def _curve(view: AuditView, version: str, target: str) -> RocLine | None:
    frame = view.curves
    mine = frame[(frame["curve"] == CURVE) & (frame["version"] == version) & (frame["target"] == target)]
    if mine.empty:
        return None
    mine = mine.sort_values("point")
    points = tuple(zip(mine["x"].astype(float).tolist(), mine["y"].astype(float).tolist(), strict=True))
    printed = tuple(_printed(view, version, target))
    return RocLine(with_role(view, version), points, _operating_point(view, version, target), printed)


def _printed(view: AuditView, version: str, target: str) -> list[Runs]:
    found: list[Runs] = []
    for name in (AREA, SENSITIVITY, SPECIFICITY):
        row = _row(view, version, name, target)
        if row is not None:
            title = view.measure(name).title
            found.append((Text(f"{title[:1].upper()}{title[1:]} "), *with_limits(view, row)))
    return [*found, *_threshold(view, version, target), *_sizes(view, version, target)]


def _threshold(view: AuditView, version: str, target: str) -> list[Runs]:
    facts = view.plan.targets[target]
    if facts.operating_point_of(version) is None:
        return [text("No operating point in the plan")]
    own = version == "comparator" and facts.comparator_operating_point is not None
    place = "comparator_operating_point" if own else "operating_point"
    return [(Text("At the threshold "), fact(view, PLAN, "targets", target, place, "threshold"))]


def _sizes(view: AuditView, version: str, target: str) -> list[Runs]:
    row = _row(view, version, AREA, target)
    if row is None:
        return []
    return [(*size(view, row, "n_cases"), Text(" cases, "), *size(view, row, "n_events"), Text(" of them positive"))]


def _operating_point(view: AuditView, version: str, target: str) -> FrocPoint | None:
    across, up = (_row(view, version, name, target) for name in (SPECIFICITY, SENSITIVITY))
    if across is None or up is None or across.value is None or up.value is None:
        return None
    beside = None if across.low is None or across.high is None else (1 - across.high, 1 - across.low)
    upright = None if up.low is None or up.high is None else (up.low, up.high)
    return FrocPoint(1 - across.value, up.value, beside, upright)


def _row(view: AuditView, version: str, measure: str, target: str) -> EstimateRow | None:
    return view.plain.get((version, measure, target, OVERALL, ALL))


ENTRY = Block("roc", NoParameters, _build)
