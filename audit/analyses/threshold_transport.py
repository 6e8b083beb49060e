"""Would a level be better served by a threshold of its own: the locked threshold against each level's Youden point.

A threshold chosen on the very cases flatters them; sensitivity and specificity at a level's own threshold are therefore
cross-fitted over patients. Sources: Youden, Cancer 1950;3:32; Fluss et al., Biom J 2005;47:458.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from audit.analyses.analysis import About, Analysis, Row, missing, stated
from audit.analyses.study import Panel, Study
from audit.analyses.thresholds import cross_fitted, patient_folds, resampled_youden, youden_thresholds
from audit.measures.answers import constant
from audit.records import BoolArray, FloatArray, Interval, Rows, Undefined
from audit.statistics.clusters import clustered_proportion
from audit.statistics.resampling import percentile_interval, sums_by_patient

RESAMPLES = 200
FOLDS = 5
DIFFERS, NOT_SHOWN = "own threshold differs from the whole set's", "no shift of the threshold shown (inconclusive)"


def run(study: Study) -> list[Row]:
    """For every stratum of every classification target with an operating point."""
    rows: list[Row] = []
    for panel in study.panels:
        facts = study.plan.targets[panel.target]
        if panel.measure.name != "auroc" or not facts.binary:
            continue
        point = facts.operating_point_of(panel.version)
        about = About(panel.version, panel.target, "auroc")
        if point is None:
            rows.append(missing(about, "own threshold", "the plan sets no operating point"))
            continue
        rows += _target(panel, point.threshold)
    return rows


@dataclass(frozen=True, eq=False)
class _Own:
    """Cases of a group with their Youden threshold and its replicates."""

    rows: Rows
    threshold: float
    replicates: FloatArray

    @classmethod
    def of(cls, panel: Panel, rows: Rows) -> _Own:
        score, positive = rows.columns["score"], rows.columns["reference"] == 1
        found = float(youden_thresholds(score, positive, np.ones((1, len(rows))))[0])
        counts = panel.study.counts[: min(RESAMPLES, len(panel.study.counts))]
        return cls(rows, found, resampled_youden(score, positive, rows.patient, counts))


def _target(panel: Panel, threshold: float) -> Iterator[Row]:
    about = About(panel.version, panel.target, "auroc")
    about = about.at("all", panel.overall.n_patients, panel.overall.n_cases)
    if isinstance(panel.overall.side.point, Undefined):
        yield missing(about, "own threshold", panel.overall.side.point.reason)
        return
    whole = _Own.of(panel, panel.overall.rows)
    confidence = panel.study.plan.confidence
    yield stated(about, "own threshold", whole.threshold, _limits(whole.replicates, confidence))
    for attribute in panel.study.plan.strata:
        split = panel.split(attribute)
        at = About(panel.version, panel.target, "auroc", attribute)
        for reason in split.left_out:
            yield missing(at.at(reason.split(": ")[0], 0, 0), "own threshold", reason.split(": ", 1)[1])
        for level in split.levels:
            place = at.at(level.name, level.n_patients, level.n_cases)
            yield from _level(panel, place, _Own.of(panel, level.rows), whole, threshold)


def _level(panel: Panel, about: About, own: _Own, whole: _Own, threshold: float) -> Iterator[Row]:
    confidence = panel.study.plan.confidence
    positive = own.rows.columns["reference"] == 1
    yield from _rates(about, own.rows, own.rows.columns["score"] >= threshold, "the locked threshold", confidence,
                      f"threshold {threshold:g}")  # fmt: skip
    generator = panel.study.generator("folds", panel.version, panel.target, about.attribute, about.level)
    fold = patient_folds(own.rows.patient, positive, FOLDS, generator)
    decision = cross_fitted(own.rows.columns["score"], positive, fold)
    if decision is None:
        yield missing(about, "sensitivity at own threshold", "too few positive or negative patients to cross-fit")
    else:
        yield from _rates(about, own.rows, decision, "own threshold", confidence,
                          f"Youden, cross-fitted over patients in {FOLDS} folds")  # fmt: skip
    yield stated(about, "own threshold", own.threshold, _limits(own.replicates, confidence))
    yield stated(about, "own threshold minus locked", own.threshold - threshold,
                 _limits(own.replicates - threshold, confidence))  # fmt: skip
    shift = _limits(own.replicates - whole.replicates, confidence)
    excluded = isinstance(shift, Interval) and (shift.low > 0 or shift.high < 0)
    yield stated(about, "own threshold minus the whole set's own", own.threshold - whole.threshold, shift,
                 verdict=DIFFERS if excluded else NOT_SHOWN)  # fmt: skip


def _rates(about: About, rows: Rows, decision: BoolArray, at: str, confidence: float, note: str) -> Iterator[Row]:
    positive = rows.columns["reference"] == 1
    for name, counted, right in (("sensitivity", positive, decision), ("specificity", ~positive, ~decision)):
        patients, codes = np.unique(rows.patient[counted], return_inverse=True)
        tallies = np.column_stack([right[counted], np.ones(codes.size)]).astype(np.float64)
        sums = sums_by_patient(tallies, codes.astype(np.int64), patients.size)
        found = clustered_proportion(sums[:, 0], sums[:, 1], confidence)
        place = about.at(about.level, patients.size, int(counted.sum()))
        if isinstance(found, Undefined):
            yield missing(place, f"{name} at {at}", found.reason)
            continue
        method = found.interval.method if isinstance(found.interval, Interval) else ""
        yield stated(place, f"{name} at {at}", found.value, found.interval, method=f"{method}; {note}")


def _limits(replicates: FloatArray, confidence: float) -> Interval | Undefined:
    if constant(replicates):
        return Undefined("the threshold is the same in every resample, which cannot show its uncertainty")
    return percentile_interval(replicates, confidence)


ENTRY = Analysis(
    name="threshold_transport",
    title="One threshold for all levels",
    question="Does each level do as well at the locked threshold as it would at its own?",
    source="Youden, Cancer 1950;3:32; Fluss et al., Biom J 2005;47:458; Hardt, Price & Srebro, NeurIPS 2016",
    run=run,
)
