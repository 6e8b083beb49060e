"""The largest minus the smallest level, beside what chance alone gives when all levels are equal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from audit.analyses.analysis import About, Analysis, Row, missing, stated
from audit.analyses.study import Level, Panel, Study, shared_patients
from audit.records import FloatArray, IntArray, Interval, Rows, Undefined

PERMUTATIONS = 499
ROUNDING = 1e-10


def run(study: Study) -> list[Row]:
    """The gap of every stratum with its p, and the gap expected by chance."""
    return [row for panel in study.panels for name in study.plan.strata for row in _rows(panel, name)]


def _rows(panel: Panel, attribute: str) -> list[Row]:
    split = panel.split(attribute)
    about = About(panel.version, panel.target, panel.measure.name, attribute).at("all", *split.sizes)
    if split.too_few:
        return [missing(about, "gap", split.too_few)]
    values = np.array([level.value for level in split.levels])
    observed = float(np.ptp(values))
    null, how = null_gaps(panel, split.levels)
    if isinstance(null, Undefined):
        return [stated(about, "gap", observed, undefined=null.reason)]
    p = (1 + int((null >= observed - ROUNDING).sum())) / (1 + null.size)
    shown = p < 1 - panel.study.plan.confidence
    ends = np.quantile(null, [0.05, 0.95])
    return [
        stated(about, "gap", observed, p=p, method=f"largest minus smallest; null: {how}{split.note}",
               verdict="gap beyond chance" if shown else "gap within chance (inconclusive)"),
        stated(about, "gap by chance", float(null.mean()), Interval(float(ends[0]), float(ends[1]), how, 0.9)),
    ]  # fmt: skip


def null_gaps(panel: Panel, levels: Sequence[Level]) -> tuple[FloatArray | Undefined, str]:
    """Gaps under equality, and how they were made.

    Patients' labels are permuted (among patients with, and among those without, a positive case) where each patient
    has one level; else the shared resamples are centred on each level's own value. Undefined when none is defined.
    """
    if shared_patients(levels):
        centred = panel.draws(levels) - np.array([level.value for level in levels])
        return _defined(np.ptp(centred, axis=1)), "centred patient bootstrap"
    return _defined(_permuted(panel, levels)), f"{PERMUTATIONS} permutations of patients"


def _defined(gaps: FloatArray) -> FloatArray | Undefined:
    kept = gaps[np.isfinite(gaps)]
    return kept if kept.size else Undefined("the null distribution of the gap could not be computed")


def _permuted(panel: Panel, levels: Sequence[Level]) -> FloatArray:
    rows, labels = _joined(levels)
    patients, first, places = np.unique(rows.patient, return_index=True, return_inverse=True)
    dense = Rows(places.astype(np.int64), rows.columns)
    generator = panel.study.generator("gap", panel.target, panel.measure.name, levels[0].attribute)
    shuffled = _shuffle(labels[first], _classes(dense, patients.size), generator)
    found = [panel.measure.replicates(dense, (shuffled == k).astype(np.uint8)) for k in range(len(levels))]
    return np.asarray(np.ptp(np.column_stack(found), axis=1))


def _joined(levels: Sequence[Level]) -> tuple[Rows, IntArray]:
    columns = {name: np.concatenate([x.rows.columns[name] for x in levels]) for name in levels[0].rows.columns}
    labels = np.repeat(np.arange(len(levels)), [level.n_cases for level in levels])
    return Rows(np.concatenate([level.rows.patient for level in levels]), columns), labels


def _classes(rows: Rows, n_patients: int) -> IntArray:
    """Whether each patient has a reference-positive case; all alike where the measure needs no reference."""
    if "reference" not in rows.columns:
        return np.zeros(n_patients, dtype=np.int64)
    return (np.bincount(rows.patient, rows.columns["reference"], n_patients) > 0).astype(np.int64)


def _shuffle(labels: IntArray, classes: IntArray, generator: np.random.Generator) -> IntArray:
    """(permutations, patients): labels permuted within classes, whose sizes by label stay as they are."""
    out = np.tile(labels, (PERMUTATIONS, 1))
    for each in np.unique(classes):
        members = np.flatnonzero(classes == each)
        out[:, members] = generator.permuted(out[:, members], axis=1)
    return out


ENTRY = Analysis(
    name="gap",
    title="Largest gap between levels",
    question="Is the distance between the best and the worst level larger than chance gives among equal ones?",
    source="Westfall & Young, Resampling-Based Multiple Testing, 1993; Ernst, Stat Sci 2004;19:676",
    run=run,
)
