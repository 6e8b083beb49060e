"""Bootstrap over patients: how often each patient is drawn, and what follows for ratios and AUROCs.

One ``SeedSequence`` child per resample, so that results depend neither on blocks nor on threads. Versions,
groups and measures computed from the same counts are paired. Sources: Efron & Tibshirani, An Introduction
to the Bootstrap, 1993; Efron, JASA 1987;82:171 (BCa).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse, stats

from audit.records import BadInput, BoolArray, FloatArray, IntArray, Interval, Undefined
from audit.statistics.checks import dense_codes, score_and_reference

Counts = NDArray[np.uint8]
BLOCK = 64
COMPILE_FROM = 5_000_000
LARGEST_UNDEFINED_SHARE = 0.05


def patient_counts(
    n_patients: int, resamples: int, seed: int, strata: ArrayLike | None = None, first: int = 0
) -> Counts:
    """How often each patient is drawn: uint8 (resamples, n_patients), rows ``first`` to ``first + resamples
    - 1``.

    ``strata`` (one label per patient) keeps the number of draws within each stratum fixed, for case-control
    sets. The same seed gives the same row whatever the block in which it is asked for.
    """
    if n_patients < 1 or resamples < 0:
        raise BadInput(f"a bootstrap needs patients and resamples, got {n_patients} and {resamples}.")
    members = _stratum_members(n_patients, strata)
    counts = np.empty((resamples, n_patients), dtype=np.uint8)
    for row in range(resamples):
        child = np.random.SeedSequence(seed, spawn_key=(first + row,))
        counts[row] = _draw(np.random.Generator(np.random.PCG64(child)), members, n_patients)
    return counts


def _stratum_members(n_patients: int, strata: ArrayLike | None) -> list[IntArray] | None:
    if strata is None:
        return None
    codes, labels = dense_codes(strata)
    if codes.size != n_patients:
        raise BadInput(f"'strata' must hold one label for each of {n_patients} patients, got {codes.size}.")
    return [np.flatnonzero(codes == code) for code in range(labels.size)]


def _draw(generator: np.random.Generator, members: list[IntArray] | None, n_patients: int) -> IntArray:
    if members is None:
        return np.bincount(generator.integers(0, n_patients, n_patients), minlength=n_patients)
    counts = np.zeros(n_patients, dtype=np.int64)
    for group in members:
        counts[group] = np.bincount(generator.integers(0, group.size, group.size), minlength=group.size)
    return counts


def ratio_replicates(counts: Counts, numerator: ArrayLike, denominator: ArrayLike) -> FloatArray:
    """Sum of numerators over sum of denominators in every resample: (resamples, k), NaN where the latter is
    0.

    ``numerator`` and ``denominator`` hold sums per patient, shape (n_patients, k) or (n_patients,) for k =
    1; any rate, mean or Brier score of a group is such a ratio, with zeros for patients outside the group.
    Sums run in patient order whatever the number of threads.
    """
    top, bottom = per_patient(numerator, counts), per_patient(denominator, counts)
    if top.shape != bottom.shape:
        raise BadInput(f"numerator {top.shape} and denominator {bottom.shape} must have the same shape.")
    sums = resampled_sums(counts, np.hstack([top, bottom]))
    width = top.shape[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(sums[:, width:] == 0, np.nan, sums[:, :width] / sums[:, width:]))


def resampled_sums(counts: Counts, values: FloatArray) -> FloatArray:
    """Column sums of ``values`` (n_patients, k) in every resample: (resamples, k), in patient order on any machine."""
    columns = sparse.csr_array(values).T
    blocks = [
        columns @ np.ascontiguousarray(counts[i : i + BLOCK].T).astype(np.float64) for i in range(0, len(counts), BLOCK)
    ]
    return np.hstack(blocks).T if blocks else np.zeros((0, columns.shape[0]))


def per_patient(values: ArrayLike, counts: Counts) -> FloatArray:
    """Sums per patient as (n_patients, k); raises ``BadInput`` when the patients are not those of ``counts``."""
    array = np.asarray(values, dtype=np.float64)
    array = array[:, None] if array.ndim == 1 else array
    if array.shape[0] != counts.shape[1]:
        raise BadInput(f"expected sums for {counts.shape[1]} patients, got {array.shape[0]} rows.")
    return array


def sums_by_patient(values: ArrayLike, patient: IntArray, n_patients: int) -> FloatArray:
    """Column sums within patients: ``values`` (n_cases,) or (n_cases, k) to (n_patients, k)."""
    array = np.asarray(values, dtype=np.float64)
    array = array[:, None] if array.ndim == 1 else array
    columns = [np.bincount(patient, array[:, column], n_patients) for column in range(array.shape[1])]
    return np.column_stack(columns) if columns else np.zeros((n_patients, 0))


def auroc_replicates(
    counts: Counts, patient: IntArray, score: ArrayLike, positive: ArrayLike, compiled: bool | None = None
) -> FloatArray:
    """AUROC (ties 1/2) in every resample: (resamples,), NaN where a resample lacks a class.

    ``patient`` holds, per case, the column of ``counts``. ``compiled`` chooses the numba kernel or numpy;
    None takes numba for large problems (it compiles for about two seconds, then needs a tenth of numpy's
    time: pass True when many calls follow). Both compute in integers and give equal results.
    """
    scores, reference = score_and_reference(score, positive)
    order = np.argsort(scores, kind="stable")
    columns = np.asarray(patient, dtype=np.int64)[order]
    ordered, labels = scores[order], reference[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])) if ordered.size else columns
    if compiled is None:
        compiled = ordered.size * len(counts) >= COMPILE_FROM
    return (
        _compiled_aurocs(counts, columns, labels, starts)
        if compiled
        else _numpy_aurocs(counts, columns, labels, starts)
    )


def _numpy_aurocs(counts: Counts, columns: IntArray, labels: BoolArray, starts: IntArray) -> FloatArray:
    out = np.full(len(counts), np.nan)
    if not labels.any() or labels.all():
        return out
    for begin in range(0, len(counts), BLOCK):
        drawn = counts[begin : begin + BLOCK][:, columns].astype(np.int64)
        hits = np.add.reduceat(np.where(labels, drawn, 0), starts, axis=1)
        alarms = np.add.reduceat(np.where(labels, 0, drawn), starts, axis=1)
        through = np.cumsum(alarms, axis=1)
        doubled = (hits * (2 * through - alarms)).sum(axis=1)
        out[begin : begin + BLOCK] = _area(doubled, hits.sum(axis=1), through[:, -1])
    return out


def _compiled_aurocs(counts: Counts, columns: IntArray, labels: BoolArray, starts: IntArray) -> FloatArray:
    from audit.statistics.auroc_kernel import doubled_areas  # numba takes a second to import

    out = np.full(len(counts), np.nan)
    ends = np.append(starts[1:], columns.size)
    present, places = np.unique(columns, return_inverse=True)  # a group holds few of all patients
    for begin in range(0, len(counts), BLOCK):
        drawn = np.ascontiguousarray(counts[begin : begin + BLOCK, present].T)
        out[begin : begin + BLOCK] = _area(*doubled_areas(drawn, places, labels, starts, ends))
    return out


def _area(doubled: IntArray, positives: IntArray, negatives: IntArray) -> FloatArray:
    pairs = (positives * negatives).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(pairs == 0, np.nan, doubled / (2 * pairs)))


def percentile_interval(
    replicates: ArrayLike, confidence: float = 0.95, largest_undefined_share: float = LARGEST_UNDEFINED_SHARE
) -> Interval | Undefined:
    """Percentile bootstrap limits (type-7 quantiles) of ``replicates`` (resamples,).

    NaN marks a resample in which the quantity is undefined; the method name counts them. Undefined when
    more than ``largest_undefined_share`` of them are, since the rest would no longer represent the sampling
    distribution.
    """
    found = defined_replicates(replicates, largest_undefined_share)
    if isinstance(found, Undefined):
        return found
    values, note = found
    tail = (1 - confidence) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return Interval(float(low), float(high), f"patient bootstrap, percentile ({note})", confidence)


def bca_interval(
    point: float,
    replicates: ArrayLike,
    jackknife: ArrayLike,
    confidence: float = 0.95,
    largest_undefined_share: float = LARGEST_UNDEFINED_SHARE,
) -> Interval | Undefined:
    """Bias-corrected accelerated bootstrap limits.

    ``jackknife`` holds the quantity with each patient left out in turn. Undefined when too many resamples
    are, when all replicates lie on one side of ``point``, or when the jackknife values do not vary.
    """
    found = defined_replicates(replicates, largest_undefined_share)
    if isinstance(found, Undefined):
        return found
    values, note = found
    share = float(((values < point).sum() + 0.5 * (values == point).sum()) / values.size)
    acceleration = _acceleration(np.asarray(jackknife, dtype=np.float64))
    if share in (0.0, 1.0) or acceleration is None:
        return Undefined("the bias-corrected bootstrap needs variation on both sides of the estimate")
    bias = float(stats.norm.ppf(share))
    levels = []
    for z in stats.norm.ppf([(1 - confidence) / 2, (1 + confidence) / 2]):
        shifted = bias + float(z)
        levels.append(float(stats.norm.cdf(bias + shifted / (1 - acceleration * shifted))))
    low, high = np.quantile(values, levels)
    return Interval(float(low), float(high), f"patient bootstrap, BCa ({note})", confidence)


def _acceleration(jackknife: FloatArray) -> float | None:
    deviation = jackknife[np.isfinite(jackknife)]
    deviation = deviation.mean() - deviation if deviation.size else deviation
    scale = float(np.square(deviation).sum()) ** 1.5
    return float((deviation**3).sum()) / (6 * scale) if scale > 0 else None


def defined_replicates(replicates: ArrayLike, largest_share: float) -> tuple[FloatArray, str] | Undefined:
    """The replicates that are not NaN and a note of their numbers; undefined beyond ``largest_share`` of NaN."""
    values = np.asarray(replicates, dtype=np.float64)
    if values.size == 0:
        return Undefined("no resamples were drawn")
    kept = values[~np.isnan(values)]
    missing = values.size - kept.size
    if missing > math.floor(largest_share * values.size) or kept.size == 0:
        return Undefined(f"the quantity is undefined in {missing} of {values.size} resamples")
    return kept, f"{values.size} resamples" + (f", {missing} undefined" if missing else "")
