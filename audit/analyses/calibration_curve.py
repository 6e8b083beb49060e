"""The smooth calibration curve of each version with its band, and how its scores are spread."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from audit.analyses.analysis import About, Analysis, Row, missing, stated
from audit.analyses.study import Study
from audit.measures.probability import not_probabilities
from audit.measures.smooth import lacking_class
from audit.records import FloatArray, Rows, Undefined
from audit.statistics.calibration_band import METHOD, calibration_band

CURVE, POSITIVE, NEGATIVE = "smoothed outcome", "positive cases", "negative cases"
POINTS, BINS = 21, 20
ENDS = (0.005, 0.995)
TOPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


def run(study: Study) -> list[Row]:
    """Points of the curve and counts of scores, of every version and every target whose score may be a probability."""
    return [
        row
        for name, target in study.plan.targets.items()
        if target.binary
        for version in study.plan.versions
        for row in _rows(study, version, name)
    ]


def _rows(study: Study, version: str, target: str) -> Iterator[Row]:
    sample = study.sample(version, target)
    known = np.isfinite(sample.rows.columns["score"]) & np.isfinite(sample.rows.columns["reference"])
    rows = sample.rows.where(sample.analysed & known)
    about = About(version, target, "calibration").at("all", rows.n_patients, len(rows))
    few = [f"fewer than {study.rules.too_few} {what}" for what, n in _sizes(rows).items() if n < study.rules.too_few]
    problem = lacking_class(rows) or not_probabilities(rows)
    if problem is not None or few:
        yield missing(about, CURVE, problem.reason if problem is not None else few[0])
        return
    score, reference = rows.columns["score"], rows.columns["reference"]
    low, high = np.quantile(score, ENDS)
    grid = _told_apart(np.unique(np.linspace(low, high, POINTS)))
    curve = calibration_band(score, reference, rows.patient, grid, study.rules.confidence)
    if isinstance(curve, Undefined):
        yield missing(about, CURVE, curve.reason)
        return
    for point in curve:
        here = about.at(_label(point.at), rows.n_patients, len(rows))
        yield stated(here, CURVE, point.value, point.interval, method=METHOD)
    yield from _histogram(about, score, reference)


def _label(score: float) -> str:
    return f"{score:.6g}"


def _told_apart(grid: FloatArray) -> FloatArray:
    """The points without those whose label an earlier one bears: the scores of a nearly constant model."""
    first = {_label(point): place for place, point in reversed(list(enumerate(grid.tolist())))}
    return grid[sorted(first.values())]


def _sizes(rows: Rows) -> dict[str, int]:
    positive = int(rows.columns["reference"].sum())
    return {"reference-positive cases": positive, "reference-negative cases": len(rows) - positive}


def _histogram(about: About, score: FloatArray, reference: FloatArray) -> Iterator[Row]:
    """Counts in bins of equal width up to the first round number above nearly all scores; the last takes the rest."""
    top = next(each for each in TOPS if each >= min(float(np.quantile(score, ENDS[1])), 1.0))
    edges = np.linspace(0.0, top, BINS + 1)
    place = np.clip(np.searchsorted(edges, score, side="right") - 1, 0, BINS - 1)
    for quantity, value in ((POSITIVE, 1.0), (NEGATIVE, 0.0)):
        counted = np.bincount(place[reference == value], minlength=BINS)
        for low, high, n in zip(edges, edges[1:], counted, strict=False):
            yield stated(
                about.at(f"{low:.6g} to {high:.6g}", about.n_patients, int(n)), quantity, float(n), method="count"
            )


ENTRY = Analysis(
    name="calibration_curve",
    title="Calibration curve",
    question="Does the outcome occur as often as the score says, over the whole range of scores?",
    source="Van Calster et al., BMC Med 2019;17:230; Austin & Steyerberg, Stat Med 2014;33:517",
    run=run,
)
