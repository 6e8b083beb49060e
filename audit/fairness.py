"""Fairlearn's figures, each with what chance alone would give.

A largest-minus-smallest gap is positive even when all groups are equal, so it is never shown without its null
distribution. Groups that lack the denominator of a rate are left out by name: fairlearn would count them as 0.
Sources: Hardt, Price & Srebro, NeurIPS 2016 (equalized odds); Bird et al., Fairlearn, 2020.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate, true_positive_rate
from numpy.typing import NDArray

from audit.measures.measure import Counts
from audit.measures.samples import UNUSABLE
from audit.plan import Plan
from audit.records import BoolArray, FloatArray, IntArray, Undefined
from audit.statistics.resampling import ratio_replicates
from audit.tables import ALL, UNKNOWN, stratum_column

PERMUTATIONS = 200
RATES: Mapping[str, tuple[Callable[..., float], str]] = {
    "true positive rate": (true_positive_rate, "reference-positive cases"),
    "false positive rate": (false_positive_rate, "reference-negative cases"),
    "selection rate": (selection_rate, "cases"),
}
GAPS: Mapping[str, tuple[str, ...]] = {
    "equalized_odds_difference": ("true positive rate", "false positive rate"),
    "selection_rate_difference": ("selection rate",),
}


@dataclass(frozen=True, slots=True)
class Decisions:
    """Analysed cases of one version and target with a known level, one entry per case."""

    reference: BoolArray
    decision: BoolArray
    level: NDArray[Any]
    patient: NDArray[Any]

    def where(self, keep: BoolArray) -> Decisions:
        return Decisions(self.reference[keep], self.decision[keep], self.level[keep], self.patient[keep])

    def denominator(self, rate: str) -> BoolArray:
        """The cases that count in ``rate``."""
        if rate == "selection rate":
            return np.ones(self.reference.size, dtype=np.bool_)
        return self.reference if rate == "true positive rate" else ~self.reference


def decisions(observations: pd.DataFrame, cases: pd.DataFrame, attribute: str, version: str, target: str) -> Decisions:
    """The rows of ``observations`` (analysed cases) that have reference, decision and a known level of
    ``attribute``.
    """
    rows = observations[(observations["version"] == version) & (observations["target"] == target)]
    rows = rows[rows["reference"].notna() & rows["decision"].notna()].sort_values(["patient_id", "case_id"])
    level = rows["case_id"].map(cases.set_index("case_id")[stratum_column(attribute)]).astype("string").fillna(UNKNOWN)
    known = (level != UNKNOWN).to_numpy(dtype=bool)
    return Decisions(
        rows["reference"].to_numpy(dtype=np.float64)[known] == 1,
        rows["decision"].to_numpy(dtype=np.float64)[known] == 1,
        level.to_numpy(dtype=object)[known].astype(str),
        rows["patient_id"].to_numpy(dtype=object)[known].astype(str),
    )


def fairlearn_figures(
    observations: pd.DataFrame, cases: pd.DataFrame, attribute: str, version: str, target: str, fewest: int = 1
) -> dict[str, Any]:
    """``equalized_odds_difference`` and ``selection_rate_difference`` (float or ``Undefined``) between known levels.

    Also ``by_group`` (rate -> level -> value or ``Undefined``) and ``left_out`` (rate -> levels with fewer than
    ``fewest`` cases in its denominator). ``observations`` must hold analysed cases only.
    """
    return figures(decisions(observations, cases, attribute, version, target), fewest)


def figures(found: Decisions, fewest: int = 1) -> dict[str, Any]:
    """``fairlearn_figures`` of decisions at hand."""
    by_group = {rate: _empty(found, rate, fewest) for rate in RATES}
    spread: dict[str, float | Undefined] = {
        rate: Undefined(f"fewer than two groups have {fewest} or more {counted}")
        for rate, (_, counted) in RATES.items()
    }
    for rates, levels in _by_levels(by_group):
        frame = _metric_frame(found.where(np.isin(found.level, levels)), rates)
        gaps = frame.difference(method="between_groups")
        for rate in rates:
            by_group[rate] |= {str(level): float(value) for level, value in frame.by_group[rate].items()}
            spread[rate] = float(gaps[rate])
    left_out = {
        rate: tuple(level for level, value in values.items() if isinstance(value, Undefined))
        for rate, values in by_group.items()
    }
    largest = {name: _largest([spread[rate] for rate in rates]) for name, rates in GAPS.items()}
    return {**largest, "by_group": by_group, "left_out": left_out}


def _empty(found: Decisions, rate: str, fewest: int) -> dict[str, float | Undefined]:
    """Every level: NaN where it has enough cases for ``rate``, else undefined with the number it has."""
    levels, level = np.unique(found.level, return_inverse=True)
    sizes = np.bincount(level[found.denominator(rate)], minlength=levels.size)
    return {
        str(name): float("nan") if n >= fewest else Undefined(f"fewer than {fewest} {RATES[rate][1]} ({n})")
        for name, n in zip(levels, sizes.tolist(), strict=True)
    }


def _by_levels(by_group: Mapping[str, Mapping[str, float | Undefined]]) -> list[tuple[list[str], list[str]]]:
    """Rates that are defined at the same levels, two or more, together with these levels."""
    together: dict[tuple[str, ...], list[str]] = {}
    for rate, values in by_group.items():
        enough = tuple(level for level, value in values.items() if not isinstance(value, Undefined))
        together.setdefault(enough, []).append(rate)
    return [(rates, list(levels)) for levels, rates in together.items() if len(levels) > 1]


def _metric_frame(found: Decisions, rates: list[str]) -> MetricFrame:
    cells, number_of = _table_of(found)
    return MetricFrame(
        metrics={rate: RATES[rate][0] for rate in rates},
        y_true=cells["reference"],
        y_pred=cells["decision"],
        sensitive_features=cells["level"],
        sample_params={rate: {"sample_weight": number_of} for rate in rates},
    )


def _table_of(found: Decisions) -> tuple[pd.DataFrame, pd.Series]:
    """The distinct combinations of level, reference and decision, and how many cases each has: MetricFrame's
    weights.
    """
    frame = pd.DataFrame({"level": found.level, "reference": found.reference, "decision": found.decision})
    cells = frame.astype({"reference": int, "decision": int}).value_counts(sort=False).rename("cases").reset_index()
    return cells, cells["cases"]


def _largest(spreads: list[float | Undefined]) -> float | Undefined:
    for spread in spreads:
        if isinstance(spread, Undefined):
            return spread
    return max(spread for spread in spreads if not isinstance(spread, Undefined))


@dataclass(frozen=True, slots=True)
class Null:
    """Distribution of a gap when all groups are equal: mean, 95th percentile, share at or above the observed gap."""

    mean: float
    percentile95: float
    p: float
    how: str


def null_of(
    name: str, observed: float, found: Decisions, fewest: int, resamples: Callable[[], Counts], columns: Any, seed: int
) -> Null | Undefined:
    """The null distribution of the gap called ``name``, on the groups that enter it.

    Patients' levels are permuted where each patient has one level. Where patients occur in several, permuting would
    break their cases apart: the patient bootstrap, each group centred on its own rate, takes its place. ``columns``
    maps patient ids to columns of the resample counts. Undefined when no gap could be computed.
    """
    patients, codes = np.unique(found.patient, return_inverse=True)
    pairs = np.unique(np.column_stack([codes, np.unique(found.level, return_inverse=True)[1]]), axis=0)
    if len(pairs) == patients.size:
        gaps, how = _permuted(name, found, fewest, seed), f"{PERMUTATIONS} permutations of patients"
    else:
        gaps, how = _centred(name, found, fewest, resamples(), columns), "centred patient bootstrap"
    gaps = gaps[np.isfinite(gaps)]
    if not gaps.size:
        return Undefined("the null distribution of the gap could not be computed")
    p = (1 + int((gaps >= observed - 1e-12).sum())) / (1 + gaps.size)
    return Null(float(gaps.mean()), float(np.quantile(gaps, 0.95)), p, how)


def _permuted(name: str, found: Decisions, fewest: int, seed: int) -> FloatArray:
    rates = {rate: _entering(found, rate, fewest) for rate in GAPS[name]}
    return np.asarray(np.max([_permuted_spread(kept, rate, seed) for rate, kept in rates.items()], axis=0))


def _entering(found: Decisions, rate: str, fewest: int) -> Decisions:
    """Cases that count in ``rate``, of the levels that have enough of them."""
    kept = found.where(found.denominator(rate))
    levels, sizes = np.unique(kept.level, return_counts=True)
    return kept.where(np.isin(kept.level, levels[sizes >= fewest]))


def _permuted_spread(kept: Decisions, rate: str, seed: int) -> FloatArray:
    patients, codes = np.unique(kept.patient, return_inverse=True)
    levels, level = np.unique(kept.level, return_inverse=True)
    of_patient = np.zeros(patients.size, dtype=np.int64)
    of_patient[codes] = level
    events, cases = (np.bincount(codes, w, patients.size) for w in (kept.decision, np.ones(codes.size)))
    generator = np.random.default_rng([seed, _number(rate)])
    shuffled = generator.permuted(np.tile(of_patient, (PERMUTATIONS, 1)), axis=1)
    top, bottom = (np.stack([(shuffled == k) @ sums for k in range(levels.size)]) for sums in (events, cases))
    with np.errstate(divide="ignore", invalid="ignore"):
        return _spread(np.where(bottom > 0, top / bottom, np.nan))


def _centred(name: str, found: Decisions, fewest: int, counts: Counts, columns: Any) -> FloatArray:
    spreads = []
    for rate in GAPS[name]:
        kept = _entering(found, rate, fewest)
        column = np.asarray(columns.get_indexer(kept.patient), dtype=np.int64)
        levels, level = np.unique(kept.level, return_inverse=True)
        top, bottom = _table(column, level, kept, (counts.shape[1], levels.size))
        own = top.sum(axis=0) / bottom.sum(axis=0)
        spreads.append(_spread((ratio_replicates(counts, top, bottom) - own).T))
    return np.asarray(np.max(spreads, axis=0))


def _table(column: IntArray, level: IntArray, kept: Decisions, shape: tuple[int, int]) -> tuple[FloatArray, FloatArray]:
    top, bottom = np.zeros(shape), np.zeros(shape)
    np.add.at(top, (column, level), kept.decision.astype(np.float64))
    np.add.at(bottom, (column, level), 1.0)
    return top, bottom


def _spread(rates: FloatArray) -> FloatArray:
    """Largest minus smallest over groups (first axis); NaN where a group has no value."""
    return np.asarray(rates.max(axis=0) - rates.min(axis=0))


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def gap_rows(
    plan: Plan,
    cases: pd.DataFrame,
    observations: pd.DataFrame,
    dispositions: pd.DataFrame,
    resamples: Callable[[], Counts],
    patients: pd.Index,
) -> Iterator[dict[str, Any]]:
    """ESTIMATES rows of kind 'gap': fairlearn's figures by version, target and stratum, with the null in ``method``.

    ``patients`` are the patient ids in the order of the columns of the resample counts.
    """
    keys = ["version", "target", "case_id"]
    kept = observations.merge(dispositions.loc[dispositions["fate"] == "analysed", keys], on=keys)
    unusable = dispositions[dispositions["fate"].isin(UNUSABLE)].groupby(keys[:2]).size()
    for target, facts in plan.targets.items():
        if not facts.binary or facts.operating_point is None:
            continue
        for version in plan.versions:
            for attribute in plan.strata:
                found = decisions(kept, cases, attribute, version, target)
                shown = figures(found, plan.too_few)
                for name in GAPS:
                    about = {"kind": "gap", "version": version, "measure": name, "target": target}
                    row = _gap_row(plan, name, shown, found, resamples, patients)
                    failed = int(unusable.get((version, target), 0))
                    yield {**about, "attribute": attribute, "level": ALL, "baseline": None, **row, "n_failed": failed}


def _gap_row(
    plan: Plan,
    name: str,
    shown: Mapping[str, Any],
    found: Decisions,
    resamples: Callable[[], Counts],
    patients: pd.Index,
) -> dict[str, Any]:
    gap: float | Undefined = shown[name]
    null = (
        gap if isinstance(gap, Undefined) else null_of(name, gap, found, plan.too_few, resamples, patients, plan.seed)
    )
    lost = isinstance(gap, Undefined) or isinstance(null, Undefined)
    reason = (
        null.reason if isinstance(null, Undefined) else "a largest-minus-smallest gap has no interval: see its null"
    )
    return {
        "value": None if lost else gap,
        "low": None,
        "high": None,
        "confidence": plan.confidence,
        "method": None if isinstance(null, Undefined) else _words(null, shown["left_out"], GAPS[name], plan.too_few),
        "n_patients": int(np.unique(found.patient).size),
        "n_cases": int(found.reference.size),
        "n_events": int(found.reference.sum()),
        "n_undefined_resamples": None,
        "undefined": reason,
    }


def _words(null: Null, left_out: Mapping[str, tuple[str, ...]], rates: tuple[str, ...], fewest: int) -> str:
    parts = [
        "fairlearn MetricFrame",
        f"null ({null.how}): mean {null.mean:.3f}, 95th percentile {null.percentile95:.3f}, "
        + (f"p = {null.p:.3f}" if null.p >= 0.001 else "p < 0.001"),
    ]
    for rate in rates:
        if left_out[rate]:
            parts.append(f"{rate}: left out {', '.join(left_out[rate])} (fewer than {fewest} {RATES[rate][1]})")
    return "; ".join(parts)
