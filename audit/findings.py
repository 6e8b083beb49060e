"""Estimates against the plan's criteria: each endpoint met, failed, not shown or not assessed, and why.

A criterion is tested on the confidence limit, never on the estimate (ICH E9, section 3.5; FDA Statistical Guidance on
Reporting Results from Diagnostic Tests, 2007). *Failed*: the whole interval lies beyond the limit. *Not shown*: it
straddles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from audit.measures.choice import checked, measures_for
from audit.measures.criteria import one_sided, verdict
from audit.measures.groups import JOIN
from audit.measures.measure import Measure
from audit.measures.setting import USUAL, Setting
from audit.plan import ADJUSTED, Criterion, Endpoint, Group, Plan
from audit.records import BadInput, Finding, Verdict
from audit.tables import ALL, OVERALL, UNKNOWN

_Table = Mapping[tuple[Any, ...], Mapping[Any, Any]]
EACH = "each"
CANDIDATE, CHANGE = "candidate", "candidate - comparator"


def judge(plan: Plan, estimates: pd.DataFrame, analyses: pd.DataFrame, setting: Setting = USUAL) -> list[Finding]:
    """One finding per endpoint, one per known level for ``level: each`` (id 'P2/Cedar Systems'), in the plan's order.

    ``claim_families`` are applied: after the first endpoint of a fixed sequence that is not met nothing is claimed; in
    a family that adjusts, what is met alone must also be met at the adjusted level that stands in ``analyses``.
    ``setting`` decides the words for measures.
    """
    rows = estimates.astype(object).where(estimates.notna(), None)
    table: _Table = {
        (r["kind"], r["version"], r["measure"], r["target"], r["attribute"], r["level"]): r
        for r in rows.to_dict("records")
    }
    found = {endpoint.id: _judged(endpoint, table, plan, setting) for endpoint in plan.endpoints}
    for family in plan.claim_families:
        if family.method == "fixed_sequence":
            _stop(family.name, family.endpoints, found)
        if family.method in ADJUSTED:
            _adjust(family.endpoints, found, analyses)
    return [finding for findings in found.values() for finding in findings]


def overall_verdict(findings: Sequence[Finding], plan: Plan) -> tuple[Verdict, str]:
    """The plan's success rule over the primary endpoints, and one sentence that says how it came out.

    An endpoint with ``level: each`` is met when it is met at every level.
    """
    primary = [endpoint.id for endpoint in plan.endpoints if endpoint.role == "primary"]
    if not primary:
        return "not assessed", "The plan sets no primary endpoint."
    verdicts = {name: _combined([f.verdict for f in findings if f.endpoint.split("/")[0] == name]) for name in primary}
    overall = (
        _combined(list(verdicts.values())) if plan.success_rule == "all_primary" else _any(list(verdicts.values()))
    )
    rule = (
        "all primary endpoints must be met"
        if plan.success_rule == "all_primary"
        else "one primary endpoint must be met"
    )
    listed = "; ".join(
        f"{verdict}: {', '.join(names)}"
        for verdict in ("met", "failed", "not shown", "not assessed")
        if (names := [name for name, each in verdicts.items() if each == verdict])
    )
    return overall, f"Success rule: {rule}. Primary endpoints {listed}. Outcome: {overall}."


def check_plan(plan: Plan, levels: Mapping[str, Sequence[str]]) -> None:
    """Refuses endpoints that cannot be judged, before any image is loaded.

    ``levels`` holds the levels that occur, by attribute. Raises ``BadInput`` for an unknown measure, a measure the
    target does not offer, a level that no case has, and a criterion that the measure's direction does not allow.
    """
    for name in plan.targets:
        measures_for(plan, name) if plan.targets[name].measures is not None else None
    for endpoint in plan.endpoints:
        where = f"endpoint {endpoint.id}"
        measure = checked(endpoint.measure, plan.targets[endpoint.target], where)
        _check_criterion(endpoint.criterion, measure, where)
        _check_level(endpoint.group, levels, where)


def criterion_text(criterion: Criterion | None, measure: Measure, confidence: float) -> str:
    """The criterion in words, for example 'lower 95 % limit of sensitivity ≥ 0.85'; empty where there is none."""
    if criterion is None:
        return ""
    percent = f"{100 * confidence:g} %"
    if criterion.kind == "minimum":
        return f"lower {percent} limit of {measure.title} ≥ {criterion.value:g}"
    if criterion.kind == "maximum":
        return f"upper {percent} limit of {measure.title} ≤ {criterion.value:g}"
    what = f"candidate − comparator in {measure.title}"
    if criterion.kind == "equivalence":
        return f"{percent} limits of {what} within ±{criterion.margin:g}"
    margin = criterion.margin if criterion.kind == "non_inferiority" and criterion.margin else 0.0
    if measure.direction == "lower":
        return f"upper {percent} limit of {what} < {margin:g}"
    return f"lower {percent} limit of {what} > {f'−{margin:g}' if margin else '0'}"


def _judged(endpoint: Endpoint, table: _Table, plan: Plan, setting: Setting) -> list[Finding]:
    group = endpoint.group
    if group.level != EACH:
        return [_finding(endpoint, endpoint.id, group.level, table, plan, setting)]
    levels = dict.fromkeys(
        key[5]
        for key in table
        if (key[0], key[1], key[4]) == ("value", CANDIDATE, group.attribute) and UNKNOWN not in key[5].split(JOIN)
    )
    return [_finding(endpoint, f"{endpoint.id}/{level}", level, table, plan, setting) for level in levels]


def _finding(endpoint: Endpoint, name: str, level: str, table: _Table, plan: Plan, setting: Setting) -> Finding:
    measure = checked(endpoint.measure, plan.targets[endpoint.target], f"endpoint {endpoint.id}", setting)
    criterion = endpoint.criterion
    kind, version = ("change", CHANGE) if criterion and criterion.compares else ("value", CANDIDATE)
    row = table.get((kind, version, endpoint.measure, endpoint.target, endpoint.group.attribute, level))
    reading, reason = _verdict(criterion, measure, row)
    return Finding(
        endpoint=name,
        role=endpoint.role,
        title=_title(measure, endpoint, level),
        criterion=criterion_text(criterion, measure, plan.confidence),
        verdict=reading,
        reason=reason,
        estimate_id=None if row is None else str(row["estimate_id"]),
    )


def _title(measure: Measure, endpoint: Endpoint, level: str) -> str:
    title = f"{measure.title[:1].upper()}{measure.title[1:]}, {endpoint.target.replace('_', ' ')}"
    if endpoint.group.attribute == OVERALL:
        return title
    return f"{title}, {endpoint.group.attribute.replace('_', ' ')} {level}"


def _verdict(criterion: Criterion | None, measure: Measure, row: Mapping[Any, Any] | None) -> tuple[Verdict, str]:
    if criterion is None:
        return "not assessed", "descriptive: the plan sets no criterion"
    if row is None:
        return "not assessed", "no such estimate stands in the evidence"
    value, low, high = (row[name] for name in ("value", "low", "high"))
    if not isinstance(value, float) or not isinstance(low, float) or not isinstance(high, float):
        return "not assessed", str(row["undefined"] or "no interval")
    found = verdict(one_sided(criterion, measure), low, high)
    return found, f"{value:.3f} ({low:.3f} to {high:.3f}): {_WORDS[found]}"


_WORDS: Mapping[Verdict, str] = {
    "met": "the whole interval meets the criterion",
    "failed": "the whole interval lies beyond the criterion",
    "not shown": "the interval straddles the criterion",
    "not assessed": "",
}


def _combined(verdicts: Sequence[Verdict]) -> Verdict:
    order: tuple[Verdict, ...] = ("failed", "not shown", "not assessed")
    for worst in order:
        if worst in verdicts:
            return worst
    return "met" if verdicts else "not assessed"


def _any(verdicts: Sequence[Verdict]) -> Verdict:
    order: tuple[Verdict, ...] = ("met", "not shown", "not assessed")
    for best in order:
        if best in verdicts:
            return best
    return "failed"


def _stop(family: str, endpoints: Sequence[str], found: dict[str, list[Finding]]) -> None:
    """A result met after the stop is no claim; one that failed keeps its warning."""
    stopped: str | None = None
    for name in endpoints:
        if stopped is not None:
            why = f"claim family '{family}' ended at {stopped}, which was not met; no claim follows"
            found[name] = [
                replace(f, verdict="not assessed", reason=f"{why} ({f.reason})") if f.verdict == "met" else f
                for f in found[name]
            ]
        elif _combined([f.verdict for f in found[name]]) != "met":
            stopped = name


def _adjust(endpoints: Sequence[str], found: dict[str, list[Finding]], analyses: pd.DataFrame) -> None:
    """Only 'met' can change: an adjustment never removes a warning."""
    claims = analyses[analyses["analysis"] == "claims"]
    for name in endpoints:
        rows = claims[claims["quantity"] == f"claim {name}"].astype(object)
        by_level = {str(row["level"]): row for row in rows.where(rows.notna(), None).to_dict("records")}
        found[name] = [
            _within_family(f, by_level.get(f.endpoint.partition("/")[2] or _only(by_level))) for f in found[name]
        ]


def _only(by_level: Mapping[str, Any]) -> str:
    return next(iter(by_level)) if len(by_level) == 1 else ""


def _within_family(finding: Finding, row: Mapping[Any, Any] | None) -> Finding:
    if row is None:
        why = f"{finding.reason}; its adjusted limit does not stand in the evidence"
        return replace(finding, alone=finding.verdict, reason=why, verdict=_kept(finding.verdict, None))
    verdict_within = _kept(finding.verdict, row["verdict"])
    limits = "no adjusted limit" if row["low"] is None else f"{row['low']:.3f} to {row['high']:.3f}"
    words = f"{finding.reason}; {row['method'] or row['undefined']}: {limits}, {verdict_within}"
    return replace(
        finding,
        verdict=verdict_within,
        reason=words,
        alone=finding.verdict,
        family=str(row["method"] or "").partition(":")[0],
        adjusted_id=str(row["analysis_id"]),
    )


def _kept(alone: Verdict, within: str | None) -> Verdict:
    return "not shown" if alone == "met" and within != "met" else alone


def _check_criterion(criterion: Criterion | None, measure: Measure, where: str) -> None:
    if criterion is None:
        return
    if criterion.kind in ("superiority", "non_inferiority") and measure.direction == "nearer":
        best = "a value the plan declares" if measure.ideal is None else f"{measure.ideal:g}"
        raise BadInput(
            f"{where}: {criterion.kind} needs a measure that is better when higher or lower, but '{measure.name}' "
            f"is best at {best}; use minimum, maximum or equivalence."
        )
    value = criterion.value
    too_low = value is not None and measure.low is not None and value < measure.low
    too_high = value is not None and measure.high is not None and value > measure.high
    if too_low or too_high:
        raise BadInput(
            f"{where}: {value:g} lies outside the range of '{measure.name}' "
            f"({measure.low} to {measure.high}, {measure.unit}); correct the criterion."
        )


def _check_level(group: Group, levels: Mapping[str, Sequence[str]], where: str) -> None:
    if group.attribute == OVERALL:
        if group.level != ALL:
            raise BadInput(f"{where}: level '{group.level}' needs an attribute; name it under 'group'.")
        return
    names = group.attribute.split(JOIN)
    parts = [EACH] * len(names) if group.level == EACH else group.level.split(JOIN)
    if len(parts) != len(names):
        raise BadInput(f"{where}: '{group.level}' is no level of '{group.attribute}'; give one level per attribute.")
    for name, part in zip(names, parts, strict=True):
        known = [level for level in levels.get(name, ()) if level != UNKNOWN]
        if part not in (*known, EACH, UNKNOWN):
            raise BadInput(f"{where}: no case has {name} '{part}'; levels: {', '.join(known) or 'none'}.")
