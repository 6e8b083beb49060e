"""Do levels still differ when their cases are made alike: adjusted differences in correct calls.

Separately in reference-positive (sensitivity) and reference-negative cases (specificity), on the covariates that the
plan declares under ``case_mix``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.analyses.analysis import About, Analysis, Row, missing, stated
from audit.analyses.comparing import REST
from audit.analyses.standardised import standardise
from audit.analyses.study import PROPORTIONS, Panel, Split, Study
from audit.measures.ratio import Proportion
from audit.records import BoolArray, FloatArray, IntArray, Interval, Rows, Undefined
from audit.statistics.checks import normal_quantile, two_sided_p
from audit.statistics.multiplicity import versus_one, versus_rest
from audit.tables import UNKNOWN, stratum_column

NOT_ASSESSED = "not assessed: the plan declares no case-mix covariates (case_mix)"
QUARTERS = (0.25, 0.5, 0.75)


def run(study: Study) -> list[Row]:
    """Crude and adjusted difference of every level from the baseline (or the rest), and the cases left out."""
    if not study.plan.case_mix:
        return [missing(About(), "adjusted difference", NOT_ASSESSED, "not assessed")]
    rows: list[Row] = []
    for panel in study.panels:
        if panel.measure.name in PROPORTIONS:
            for name in study.plan.strata:
                rows += _attribute(panel, name)
    return rows


@dataclass(frozen=True, eq=False)
class _Covariates:
    """``cells`` numbers the combination of covariate levels (numbers by quarters) of each case; -1 where missing."""

    design: FloatArray
    cells: IntArray


def _attribute(panel: Panel, attribute: str) -> Iterator[Row]:
    split = panel.split(attribute)
    about = About(panel.version, panel.target, panel.measure.name, attribute).at("all", *split.sizes)
    names = [name for name in panel.study.plan.case_mix if name != attribute]
    unknown = [name for name in names if _column(panel.study, name) is None]
    reason = split.too_few or (None if names else "the only case-mix covariate is the attribute itself")
    reason = f"case-mix covariate '{unknown[0]}' is neither a stratum nor a column" if unknown else reason
    if reason:
        yield missing(about, "adjusted difference", reason)
        return
    yield from _adjusted(panel, split, about, names)


def _adjusted(panel: Panel, split: Split, about: About, names: list[str]) -> Iterator[Row]:
    rows, correct, level, place = _cases(panel, split)
    found = _covariates(panel.study, names, place)
    keep = overlap(level, found.cells, len(split.levels))
    dropped = int((~keep).sum())
    yield stated(about, "cases outside the overlap", float(dropped),
                 method="missing covariate, or a covariate cell that lacks one of the levels")  # fmt: skip
    if not keep.any():
        yield missing(about, "adjusted difference", "no covariate cell holds cases of all levels")
        return
    design = found.design[keep]
    design = design[:, np.ptp(design, axis=0) > 0]
    answer = standardise(correct[keep], level[keep], design, rows.patient[keep], len(split.levels))
    if isinstance(answer, Undefined):
        yield missing(about, "adjusted difference", answer.reason)
        return
    kept = np.bincount(level[keep], minlength=len(split.levels)).astype(np.float64)
    baseline = panel.study.plan.strata[about.attribute].baseline
    crude = np.array([level.value for level in split.levels])
    yield from _differences(split, about, baseline, crude, kept, answer.values, answer.covariance,
                            f"g-computation over {', '.join(names)}; sandwich over patients; {dropped} cases outside "
                            f"the overlap{split.note}", panel.study.plan.confidence)  # fmt: skip


def _differences(
    split: Split,
    about: About,
    baseline: str | None,
    crude: FloatArray,
    weights: FloatArray,
    values: FloatArray,
    covariance: FloatArray,
    method: str,
    confidence: float,
) -> Iterator[Row]:
    names = [level.name for level in split.levels]
    at = names.index(baseline) if baseline in names else None
    matrix = versus_rest(weights) if at is None else versus_one(len(names), at)
    contrasted = [level for i, level in enumerate(split.levels) if i != at]
    errors = np.sqrt(np.diag(matrix @ covariance @ matrix.T))
    for level, row, error in zip(contrasted, matrix, errors.tolist(), strict=True):
        against = REST if at is None else names[at]
        place = about.at(f"{level.name} - {against}", level.n_patients, level.n_cases)
        value, half = float(row @ values), normal_quantile(confidence) * error
        interval = Interval(value - half, value + half, method, confidence)
        p = two_sided_p(value / error) if error > 0 else None
        yield stated(place, "crude difference", float(row @ crude))
        yield stated(place, "adjusted difference", value, interval, p=p)


def _cases(panel: Panel, split: Split) -> tuple[Rows, BoolArray, IntArray, IntArray]:
    """Counted cases of the compared levels: rows, whether the call is right, level number, place in the order."""
    codes, names = panel.study.codes(split.levels[0].attribute)
    number = np.full(len(names) + 1, -1, dtype=np.int64)
    for i, each in enumerate(split.levels):
        number[names.index(each.name)] = i
    level = number[codes]
    usable = np.flatnonzero(panel.usable & (level >= 0))
    rows = panel.whole.where(panel.usable & (level >= 0))
    estimator = panel.measure.estimator
    assert isinstance(estimator, Proportion)
    events, counted = estimator.per_case(rows)
    keep = counted > 0
    return rows.where(keep), events[keep] > 0, level[usable][keep], usable[keep]


def _column(study: Study, name: str) -> pd.Series | None:
    """The covariate in the study's order of cases."""
    column = stratum_column(name) if name in study.plan.strata else name
    if column not in study.cases:
        return None
    values = study.cases.set_index(study.cases["case_id"].astype(str))[column]
    return values.reindex(study.order.case_ids)


def _covariates(study: Study, names: list[str], place: IntArray) -> _Covariates:
    parts: list[FloatArray] = []
    cells = np.zeros(place.size, dtype=np.int64)
    lost = np.zeros(place.size, dtype=np.bool_)
    for name in names:
        column = _column(study, name)
        assert column is not None
        values = column.iloc[place]
        if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
            part, codes, absent = _number(values.to_numpy(dtype=np.float64, na_value=np.nan))
            lost |= absent
        else:
            part, codes = _category(values)
        parts.append(part)
        cells = cells * (int(codes.max(initial=0)) + 1) + codes
    return _Covariates(np.column_stack(parts), np.where(lost, -1, cells))


def _number(values: FloatArray) -> tuple[FloatArray, IntArray, BoolArray]:
    """Standardised value with its square; quarters for the overlap; which are missing."""
    absent = ~np.isfinite(values)
    known = values[~absent]
    if not known.size:
        return np.zeros((values.size, 0)), np.zeros(values.size, dtype=np.int64), absent
    spread = float(known.std()) or 1.0
    z = np.where(absent, 0.0, (values - known.mean()) / spread)
    quarter = np.searchsorted(np.quantile(known, QUARTERS), np.where(absent, known[0], values), side="right")
    return np.column_stack([z, z * z]), quarter.astype(np.int64), absent


def _category(values: pd.Series) -> tuple[FloatArray, IntArray]:
    """One column per level but the first; missing is the level 'unknown'."""
    texts: NDArray[np.object_] = values.astype("string").fillna(UNKNOWN).to_numpy(dtype=object)
    levels, codes = np.unique(texts.astype(str), return_inverse=True)
    return np.eye(levels.size)[codes][:, 1:], codes.astype(np.int64)


def overlap(level: IntArray, cells: IntArray, n_levels: int) -> BoolArray:
    """Cases in covariate cells that hold every level; cell -1 never counts."""
    distinct, code = np.unique(cells, return_inverse=True)
    table = np.zeros((distinct.size, n_levels), dtype=np.int64)
    np.add.at(table, (code, level), 1)
    full = (table > 0).all(axis=1) & (distinct >= 0)
    return np.asarray(full[code])


ENTRY = Analysis(
    name="case_mix",
    title="Differences adjusted for case mix",
    question="Do levels still differ when the cases they saw are made alike on the plan's covariates?",
    source="Robins, Math Modelling 1986;7:1393; Localio et al., J Clin Epidemiol 2007;60:874; Liang & Zeger 1986",
    run=run,
)
