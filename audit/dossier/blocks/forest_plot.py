"""Forest plots: a measure by stratum, both versions, the overall line and the plan's limit."""

from __future__ import annotations

from audit.dossier.block import Block, Parameters, nothing
from audit.dossier.citing import size, with_limits
from audit.dossier.comparison import Question, levels, questions
from audit.dossier.content import ForestMark, ForestPlot, ForestRow, Node, Text
from audit.dossier.rounding import number, undefined
from audit.dossier.view import AuditView, EstimateRow
from audit.dossier.words import attribute_label, level_label, quantity, with_role
from audit.tables import ALL, OVERALL


class ForestParameters(Parameters):
    """``measures`` to plot; where empty, every measure and target that the plan sets a limit for."""

    measures: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()


def _build(view: AuditView, given: ForestParameters) -> tuple[Node, ...]:
    pairs = _pairs(view, given)
    plots = tuple(plot for measure, target in pairs if (plot := _plot(view, measure, target, given.attributes)))
    return plots or nothing("Forest plots: no estimates of the measures asked for stand in the evidence.")


def _pairs(view: AuditView, given: ForestParameters) -> list[tuple[str, str]]:
    asked = [(each.measure, each.target) for each in questions(view)]
    if given.measures:
        asked = [
            (row.measure, row.target) for row in view.rows if row.measure in given.measures and row.kind == "value"
        ]
    elif not asked:
        asked = [(row.measure, row.target) for row in view.rows if row.kind == "value" and row.is_overall][:2]
    return list(dict.fromkeys(asked))


def _plot(view: AuditView, measure: str, target: str, attributes: tuple[str, ...]) -> ForestPlot | None:
    rows = _rows(view, measure, target, attributes or tuple(view.plan.strata))
    marks = [mark for row in rows for mark in row.marks if mark]
    if not marks:
        return None
    overall = view.plain.get(("candidate", measure, target, OVERALL, ALL))
    question = _question(view, measure, target)
    low, high = _range(view, measure, marks, question)
    title = quantity(view, measure, target)
    unit = view.unit(measure, target)
    return ForestPlot(
        caption=f"{title}: by group, with confidence intervals",
        alt=f"Forest plot of {title.lower()} by group for {len(marks)} estimates.",
        axis=title + (f" ({unit})" if unit else ""),
        low=low,
        high=high,
        versions=tuple(with_role(view, version) for version in view.versions),
        rows=rows,
        overall=overall.value if overall else None,
        criterion=question.limit if question else None,
        criterion_text=f"{question.kind} {number(question.limit, unit)}" if question else "",
    )


def _question(view: AuditView, measure: str, target: str) -> Question | None:
    return next((each for each in questions(view) if (each.measure, each.target) == (measure, target)), None)


def _rows(view: AuditView, measure: str, target: str, attributes: tuple[str, ...]) -> tuple[ForestRow, ...]:
    rows = [_row(view, measure, target, OVERALL, ALL, "Whole set")]
    for attribute in attributes:
        here = levels(view, attribute)
        if here:
            title = attribute_label(attribute)
            rows.append(ForestRow(title[:1].upper() + title[1:]))
            rows += [_row(view, measure, target, attribute, level, level_label(level)) for level in here]
    return tuple(rows)


def _row(view: AuditView, measure: str, target: str, attribute: str, level: str, label: str) -> ForestRow:
    found = [view.plain.get((version, measure, target, attribute, level)) for version in view.versions]
    marks = tuple(_mark(view, row) if row else None for row in found)
    first = next((row for row in found if row), None)
    return ForestRow(label, size(view, first, "n_cases") if first else (Text("–"),), marks)


def _mark(view: AuditView, row: EstimateRow) -> ForestMark:
    reason = undefined(row.undefined or "no value") if row.value is None else ""
    return ForestMark(row.value, row.low, row.high, with_limits(view, row), reason)


def _range(view: AuditView, measure: str, marks: list[ForestMark], question: Question | None) -> tuple[float, float]:
    facts = view.measure(measure)
    seen = [value for mark in marks for value in (mark.value, mark.low, mark.high) if value is not None]
    seen = [value for value in seen if abs(value) != float("inf")] + ([question.limit] if question else [])
    if facts.low is not None and facts.high is not None:
        floor = min(seen, default=facts.low)
        return (facts.low if floor < 0.5 * (facts.low + facts.high) else 0.5 * (facts.low + facts.high)), facts.high
    low, high = min(seen, default=0.0), max(seen, default=1.0)
    pad = 0.05 * (high - low or 1.0)
    return low - pad, high + pad


ENTRY = Block("forest_plot", ForestParameters, _build)
