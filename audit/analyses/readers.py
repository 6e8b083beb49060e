"""How far the truthers agree among themselves, and whether the device agrees with them as well as they do.

A reference made of readings is no truth: its own spread bounds what agreement with it can mean. Cases on which the
combination rule gives no reference take part here, for they are those on which readers differ. Sources: Fleiss,
Psychol Bull 1971;76:378; Krippendorff, Content Analysis, 2004; Obuchowski et al., Acad Radiol
2014;21:1483 (interchangeability).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from audit.analyses.analysis import About, Analysis, Row, missing, stated
from audit.analyses.study import Study
from audit.catalogue import entry
from audit.measures.measure import Measure
from audit.plan import Target
from audit.records import BoolArray, FloatArray, IntArray, Interval, Rows, Undefined
from audit.statistics.agreement_sums import (
    OfSums,
    alpha,
    coincidences,
    fleiss_kappa,
    fleiss_terms,
    interval_alpha,
    interval_terms,
)
from audit.statistics.jackknife import jackknife_interval
from audit.statistics.resampling import patient_counts, percentile_interval, sums_by_patient
from audit.tables import NO_REFERENCE

COMBINED = "reference"
NONE = "not assessed: set.yaml keeps no readings of two or more readers"
PAIRED = {
    "classification": ("kappa", "exact_agreement"), "triage": ("kappa", "exact_agreement"),
    "ordinal": ("kappa_quadratic", "exact_agreement"), "measurement": ("icc", "bias"),
}  # fmt: skip
"""What is asked of every pair; the first is compared between device and readers."""
AMONG, WITH_DEVICE = "reader with reader", "device with reader"
GAIN = "device with readers minus readers among themselves"
LESS, MORE, OPEN = (
    "agrees less with the readers than they do among themselves",
    "agrees more with the readers than they do among themselves",
    "no difference shown (inconclusive)",
)


@dataclass(frozen=True, slots=True)
class _Read:
    """Readings of one target: (cases, readers) with NaN for what was not read, and each case's patient."""

    target: str
    facts: Target
    readers: tuple[str, ...]
    ratings: FloatArray
    patient: IntArray
    cases: tuple[str, ...]

    def about(self, version: str = "set", measure: str = "all", level: str = "all", rows: Rows | None = None) -> About:
        seen = rows.patient if rows is not None else self.patient
        return About(version, self.target, measure, level=level, n_patients=np.unique(seen).size, n_cases=seen.size)


def run(study: Study) -> list[Row]:
    """Every target with readings of two or more readers."""
    rows = [row for target, facts in study.plan.targets.items() for row in _target(study, target, facts)]
    return rows or [missing(About("set"), "reader agreement", NONE, "not assessed")]


def _target(study: Study, target: str, facts: Target) -> Iterator[Row]:
    read = _readings(study, target, facts) if facts.task in PAIRED else None
    if read is None:
        return
    yield from _together(study, read)
    among = {f"{a} - {b}": (i, j) for (i, a), (j, b) in combinations(enumerate(read.readers), 2)}
    pairs = {level: (read.ratings[:, i], read.ratings[:, j]) for level, (i, j) in among.items()}
    yield from _pairs(study, read, "set", AMONG, pairs)
    for version in study.plan.versions:
        device = _device(study, read, version)
        seen = {name: (device, read.ratings[:, i]) for i, name in enumerate(read.readers)}
        yield from _pairs(study, read, version, WITH_DEVICE, seen)
        yield _gain(study, read, version, seen, pairs)


def _readings(study: Study, target: str, facts: Target) -> _Read | None:
    table = study.references[study.references["target"] == target]
    readers = tuple(dict.fromkeys(str(name) for name in table["reader"] if name != COMBINED))
    if len(readers) < 2:
        return None
    wide = table[table["reader"] != COMBINED].pivot(index="case_id", columns="reader", values="value")
    kept = study.cases[["patient_id", "case_id"]].astype(str)
    kept = kept[kept["case_id"].isin(_population(study, target))].sort_values(["patient_id", "case_id"])
    ratings = wide.reindex(index=kept["case_id"], columns=list(readers)).to_numpy(dtype=np.float64, na_value=np.nan)
    if facts.task == "ordinal":
        ratings = _places(ratings, facts)
    patient = np.unique(kept["patient_id"].to_numpy(dtype=object), return_inverse=True)[1]
    return _Read(target, facts, readers, ratings, patient.astype(np.int64), tuple(kept["case_id"]))


def _population(study: Study, target: str) -> set[str]:
    """Cases that the plan's analysis population keeps, with a combined reading or without."""
    fates = study.dispositions[study.dispositions["target"] == target]
    kept = fates[(fates["fate"] != "excluded") | (fates["reason"] == NO_REFERENCE)]
    return set(kept["case_id"].astype(str))


def _places(values: FloatArray, facts: Target) -> FloatArray:
    place = np.full(values.shape, np.nan)
    for number, grade in enumerate(facts.grade_numbers):
        place[values == grade] = number
    return place


def _device(study: Study, read: _Read, version: str) -> FloatArray:
    column = {"ordinal": "grade_predicted", "measurement": "value_predicted"}.get(read.facts.task, "decision")
    rows = study.observations
    rows = rows[(rows["version"] == version) & (rows["target"] == read.target)]
    values = rows.set_index(rows["case_id"].astype(str))[column].reindex(list(read.cases))
    return np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan))


def _together(study: Study, read: _Read) -> Iterator[Row]:
    """Fleiss' kappa on the cases that all readers read, Krippendorff's alpha on all that two read."""
    complete = np.asarray(~np.isnan(read.ratings).any(axis=1))
    if read.facts.task != "measurement":
        name = f"Fleiss kappa, {len(read.readers)} readers"
        yield _coefficient(study, read, name, complete, fleiss_terms, fleiss_kappa)
    twice = np.asarray((~np.isnan(read.ratings)).sum(axis=1) > 1)
    if read.facts.task == "measurement":
        yield _coefficient(study, read, "Krippendorff alpha, interval", twice, interval_terms, interval_alpha)
    else:
        level: Literal["nominal", "ordinal"] = "ordinal" if read.facts.task == "ordinal" else "nominal"
        yield _coefficient(study, read, f"Krippendorff alpha, {level}", twice, coincidences, alpha(level))


def _coefficient(
    study: Study, read: _Read, name: str, kept: BoolArray, terms: Callable[[FloatArray], FloatArray], value: OfSums
) -> Row:
    patient, ratings = read.patient[kept], read.ratings[kept]
    about = About("set", read.target, n_patients=np.unique(patient).size, n_cases=int(kept.sum()))
    if about.n_cases < study.plan.too_few:
        return missing(about, name, f"fewer than {study.plan.too_few} cases with the readings it needs")
    sums = sums_by_patient(terms(ratings), patient, int(patient.max()) + 1)
    found = float(value(sums.sum(axis=0)))
    if not np.isfinite(found):
        return missing(about, name, "all readings are equal")
    interval = jackknife_interval(value, sums, study.plan.confidence, (-1.0, 1.0))
    left = f"; {len(kept) - about.n_cases} cases without the readings it needs" if about.n_cases < len(kept) else ""
    method = f"{interval.method}{left}" if isinstance(interval, Interval) else None
    return stated(about, name, found, interval, method=method)


Pairs = dict[str, tuple[FloatArray, FloatArray]]


def _pairs(study: Study, read: _Read, version: str, quantity: str, pairs: Pairs) -> Iterator[Row]:
    for name in PAIRED[read.facts.task]:
        measure: Measure = entry("measures", name, "readers")
        for level, (first, second) in pairs.items():
            rows = _rows(read, first, second)
            about = read.about(version, name, level, rows)
            if len(rows) < study.plan.too_few:
                yield missing(about, quantity, f"fewer than {study.plan.too_few} cases with both readings")
            else:
                yield stated(about, quantity, *measure.both(rows, study.plan.confidence))


def _rows(read: _Read, first: FloatArray, second: FloatArray) -> Rows:
    """Two readings as prediction and reference, on the cases that have both."""
    kept = np.isfinite(first) & np.isfinite(second)
    if read.facts.task == "measurement":
        columns = {"value_predicted": first[kept], "value_reference": second[kept]}
    else:
        grades = float(len(read.facts.grades) or 2)
        columns = {"grade_predicted": first[kept], "grade_reference": second[kept]}
        columns["n_grades"] = np.full(int(kept.sum()), grades)
    return Rows(read.patient[kept], columns)


def _gain(study: Study, read: _Read, version: str, device: Pairs, among: Pairs) -> Row:
    """Mean agreement of the device with each reader minus the mean over pairs of readers, on shared resamples."""
    measure: Measure = entry("measures", PAIRED[read.facts.task][0], "readers")
    sides = [[_rows(read, *pair) for pair in pairs.values()] for pairs in (device, among)]
    about = read.about(version, measure.name)
    if min(len(rows) for side in sides for rows in side) < study.plan.too_few:
        return missing(about, GAIN, f"fewer than {study.plan.too_few} cases with both readings of a pair")
    device_mean, among_mean = (_mean([measure.point(rows) for rows in side]) for side in sides)
    for mean in (device_mean, among_mean):
        if isinstance(mean, Undefined):
            return missing(about, GAIN, mean.reason)
    assert isinstance(device_mean, float)
    assert isinstance(among_mean, float)
    counts = patient_counts(int(read.patient.max()) + 1, study.plan.resamples, study.plan.seed)
    drawn = [np.mean(measure.replicates_of_many(side, counts), axis=0) for side in sides]
    interval = percentile_interval(drawn[0] - drawn[1], study.plan.confidence)
    return stated(about, GAIN, device_mean - among_mean, interval, verdict=_verdict(interval))


def _mean(points: list[float | Undefined]) -> float | Undefined:
    numbers = [point for point in points if not isinstance(point, Undefined)]
    lost = next((point for point in points if isinstance(point, Undefined)), None)
    return lost or float(np.mean(numbers))


def _verdict(interval: Interval | Undefined) -> str:
    if isinstance(interval, Undefined):
        return OPEN
    return LESS if interval.high < 0 else MORE if interval.low > 0 else OPEN


ENTRY = Analysis(
    name="readers",
    title="Readers among themselves and the device among them",
    question="How far does the reference depend on who read it, and does the device agree with readers as they do?",
    source="Fleiss, Psychol Bull 1971;76:378; Krippendorff, Content Analysis, 2004; Obuchowski et al. 2014",
    run=run,
)
