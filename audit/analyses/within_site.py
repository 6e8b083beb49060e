"""AUROC with pairs inside levels only, beside the pooled one that also ranks cases of different levels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from audit.analyses.analysis import About, Analysis, Row, missing, stated
from audit.analyses.study import Panel, Split, Study
from audit.measures.answers import constant
from audit.measures.counting import one_case_per_patient
from audit.records import FloatArray, IntArray, Interval, Undefined
from audit.statistics.resampling import percentile_interval
from audit.statistics.roc_within import within_site_auroc

RAISED = "pooled AUROC raised by differences between levels"
LOWERED = "pooled AUROC lowered by differences between levels"
NOT_SHOWN = "no effect of pooling shown (inconclusive)"


def run(study: Study) -> list[Row]:
    """Pooled and within-level AUROC of every stratum on the same cases, and their difference."""
    return [
        row
        for panel in study.panels
        if panel.measure.name == "auroc"
        for name in study.plan.strata
        for row in _rows(panel, name)
    ]


def _rows(panel: Panel, attribute: str) -> Iterator[Row]:
    split = panel.split(attribute)
    about = About(panel.version, panel.target, "auroc", attribute).at("all", *split.sizes)
    if split.too_few:
        yield missing(about, "within-level AUROC", split.too_few)
        return
    codes, names = panel.study.codes(attribute)
    kept = [names.index(level.name) for level in split.levels]
    members = np.isin(codes, kept)
    pooled = panel.level(attribute, "pooled", members)
    weights = np.array([level.weight for level in split.levels]) / sum(level.weight for level in split.levels)
    value = float(weights @ [level.value for level in split.levels])
    inner = panel.draws(split.levels) @ weights
    outer = panel.replicates_of([pooled])[0]
    confidence = panel.study.plan.confidence
    yield stated(about, "pooled AUROC", pooled.side.point, pooled.side.interval)
    interval = _within(pooled.rows.columns, codes[panel.usable & members], split, inner, confidence)
    method = f"{interval.method}{split.note}" if isinstance(interval, Interval) else None
    yield stated(about, "within-level AUROC", value, interval, method=method)
    difference = _percentiles(outer - inner, confidence)
    yield stated(about, "pooled minus within", pooled.value - value, difference, verdict=_verdict(difference))


def _within(
    columns: object, site: IntArray, split: Split, inner: FloatArray, confidence: float
) -> Interval | Undefined:
    """DeLong within levels where each patient has one case in all, else the patient bootstrap."""
    assert isinstance(columns, dict)
    patients = np.concatenate([level.rows.patient for level in split.levels])
    if np.unique(patients).size == patients.size and all(one_case_per_patient(level.rows) for level in split.levels):
        found = within_site_auroc(columns["score"], columns["reference"], site, confidence)
        if not isinstance(found, Undefined) and isinstance(found.interval, Interval):
            return found.interval
    return _percentiles(inner, confidence)


def _percentiles(replicates: FloatArray, confidence: float) -> Interval | Undefined:
    if constant(replicates):
        return Undefined("no resample differs from the estimate")
    return percentile_interval(replicates, confidence)


def _verdict(difference: Interval | Undefined) -> str:
    if isinstance(difference, Undefined):
        return NOT_SHOWN
    return RAISED if difference.low > 0 else LOWERED if difference.high < 0 else NOT_SHOWN


ENTRY = Analysis(
    name="within_site",
    title="AUROC within levels",
    question="Does the pooled AUROC owe something to levels that differ in prevalence and in score?",
    source="Janes & Pepe, Biometrika 2009;96:371",
    run=run,
)
