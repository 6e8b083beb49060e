"""Which decisions the candidate changed against the comparator: wrong to right and right to wrong, group by group.

The test is McNemar's exact one where every patient has one case, Obuchowski's over patients otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from audit.analyses.analysis import Analysis, Row, missing, stated
from audit.analyses.case_values import CaseValues, paired_difference, plain_groups, share_row, too_few
from audit.analyses.study import Study
from audit.measures.groups import Group
from audit.records import FloatArray, Interval, Undefined
from audit.statistics.clusters_paired import obuchowski, pairs_by_patient
from audit.statistics.differences_paired import PairedTable, mcnemar_exact
from audit.statistics.resampling import sums_by_patient

VERSIONS = "candidate - comparator"
CLASSES = (("accuracy", None), ("sensitivity", 1.0), ("specificity", 0.0))


def run(study: Study) -> list[Row]:
    """Every target that decides for or against: all cases, reference-positive and reference-negative ones."""
    if study.plan.comparator is None:
        return []
    rows: list[Row] = []
    for name, target in study.plan.targets.items():
        if target.binary and target.operating_point is not None:
            for measure, side in CLASSES:
                new, old = (_right(study, version, name, side) for version in ("candidate", "comparator"))
                rows += [row for group in plain_groups(study) for row in _group(new, old, measure, group)]
    return rows


def _right(study: Study, version: str, target: str, side: float | None) -> CaseValues:
    """1 where the version decided as the reference, 0 where not, over cases of one class or all."""
    sample = study.sample(version, target)
    reference, decision = sample.rows.columns["reference"], sample.rows.columns["decision"]
    kept = sample.analysed & np.isfinite(reference) & np.isfinite(decision)
    kept &= (reference == side) if side is not None else True
    return CaseValues(study, VERSIONS, target, np.where(kept, (reference == decision).astype(float), np.nan))


def _group(candidate: CaseValues, comparator: CaseValues, measure: str, group: Group) -> Iterator[Row]:
    new, old = _both(candidate, comparator, group)
    better, worse = new.values > old.values, new.values < old.values
    for quantity, turned in (("wrong to right", better), ("right to wrong", worse)):
        values = np.where(new.known, turned.astype(float), np.nan)
        yield share_row(CaseValues(new.study, VERSIONS, new.target, values), measure, quantity, group)
    yield _net(new, old, measure, group)


def _both(candidate: CaseValues, comparator: CaseValues, group: Group) -> tuple[CaseValues, CaseValues]:
    known = candidate.known & comparator.known & group.members
    made = (np.where(known, each.values, np.nan) for each in (candidate, comparator))
    new, old = (CaseValues(candidate.study, VERSIONS, candidate.target, values) for values in made)
    return new, old


def _net(new: CaseValues, old: CaseValues, measure: str, group: Group) -> Row:
    about = new.about(measure, group)
    few = too_few(new, about)
    if few is not None:
        return missing(about, "net change", few)
    value, interval = paired_difference(new, old)
    p, test = _p(new, old)
    method = f"{interval.method}; {test}" if isinstance(interval, Interval) else test
    return stated(about, "net change", value, interval, p=p, verdict=_verdict(interval), method=method)


def _p(new: CaseValues, old: CaseValues) -> tuple[float | None, str]:
    known = new.known
    one, other, patient = new.values[known], old.values[known], new.study.order.patient[known]
    cells = [(one == a) & (other == b) for a, b in ((1, 1), (1, 0), (0, 1), (0, 0))]
    if np.unique(patient).size == patient.size:
        return mcnemar_exact(PairedTable(*(int(cell.sum()) for cell in cells))), "McNemar, exact"
    found = obuchowski(pairs_by_patient(*_by_patient(cells, patient)))
    return (None, found.reason) if isinstance(found, Undefined) else (found.p, f"{found.method}, patients as clusters")


def _by_patient(cells: list[np.ndarray], patient: np.ndarray) -> list[FloatArray]:
    dense = np.unique(patient, return_inverse=True)[1]
    return [sums_by_patient(cell, dense, int(dense.max()) + 1)[:, 0] for cell in cells]


def _verdict(interval: Interval | Undefined) -> str:
    if isinstance(interval, Undefined) or interval.low <= 0 <= interval.high:
        return "no change shown"
    return "better" if interval.low > 0 else "worse"


ENTRY = Analysis(
    name="changed_decisions",
    title="Decisions changed between versions",
    question="Which cases does the candidate decide otherwise than the comparator, and does it gain?",
    source="McNemar, Psychometrika 1947;12:153; Tango, Stat Med 1998;17:891; Obuchowski, Stat Med 1998;17:1495",
    run=run,
)
