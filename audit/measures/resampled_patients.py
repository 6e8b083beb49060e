"""The patient resamples of an audit, which all versions, groups, measures and analyses share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from audit.measures.groups import Group
from audit.measures.measure import Counts
from audit.measures.samples import Order, Sample
from audit.plan import Plan
from audit.records import BoolArray, IntArray
from audit.statistics.resampling import patient_counts

CANDIDATE = "candidate"
Samples = Mapping[tuple[str, str], Sample]


def resampled_patients(plan: Plan, order: Order, groups: Sequence[Group], samples: Samples) -> Counts:
    """How often each patient is drawn (resamples, patients), within the plan's strata where it declares some."""
    strata = resampling_strata(plan, order, groups, samples)
    return patient_counts(order.n_patients, plan.resamples, plan.seed, strata)


def resampling_strata(plan: Plan, order: Order, groups: Sequence[Group], samples: Samples) -> IntArray | None:
    """One label per patient, None without ``stratified_by``.

    Patients with cases in several levels are a stratum of their own kind. Strata of one patient are joined, since a
    patient alone would be drawn once into every resample.
    """
    name = plan.resampling.stratified_by
    if name is None:
        return None
    if name in plan.strata:
        members = [group.members for group in groups if group.attribute == name]
    else:
        members = _classes(samples[CANDIDATE, name]) if (CANDIDATE, name) in samples else []
    signs = [_patients_with(cases, order) for cases in members]
    return _joined(np.column_stack(signs)) if signs else None


def _classes(sample: Sample) -> list[BoolArray]:
    """Cases with a positive reference, and cases with any."""
    reference = sample.rows.columns["reference"]
    return [reference == 1, np.isfinite(reference)]


def _patients_with(cases: BoolArray, order: Order) -> BoolArray:
    return np.asarray(np.bincount(order.patient[cases], minlength=order.n_patients) > 0)


def _joined(signs: BoolArray) -> IntArray:
    labels, sizes = np.unique(signs, axis=0, return_inverse=True, return_counts=True)[1:]
    return np.where(sizes[labels] < 2, -1, labels).astype(np.int64)
