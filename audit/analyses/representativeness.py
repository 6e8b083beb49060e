"""Does the set look like the patients the device is for: its make-up against the declared target population."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from scipy import stats

from audit.analyses.analysis import About, Analysis, Row, missing, stated
from audit.analyses.study import Populations, Study
from audit.statistics.proportions import score_interval
from audit.tables import UNKNOWN, stratum_column

SET, SHARE = "set", "share"
TOO_FEW = 10
NOTABLE = 0.2
SMALLEST_EXPECTED = 5.0
VERDICTS = {
    "absent": "absent from the set",
    "few": "too few to conclude",
    "extra": "not in the target population",
    "apart": "share differs notably",
    "near": "share near the target",
}


def run(study: Study) -> list[Row]:
    """Every declared attribute of every set's target population."""
    return representativeness(study.cases, study.populations, study.plan.too_few)


def representativeness(cases: pd.DataFrame, facts: Populations, too_few: int = TOO_FEW) -> list[Row]:
    """Standardised difference of every level, chi-square of every attribute, absent and too small levels.

    ``facts`` maps a set's name to attribute -> level -> share in the target population. A patient counts 1, split over
    the levels of their cases. 'unknown' is a level of its own, outside the chi-square. Source: Austin, Stat Med
    2009;28:3083 (a standardised difference beyond 0.2 is called notable here).
    """
    declared = [(name, attribute, shares) for name in sorted(facts) for attribute, shares in facts[name].items()]
    if not declared:
        reason = "not assessed: set.yaml declares no target_population"
        return [missing(About(SET, measure=SHARE), "chi-square", reason, "not assessed")]
    several = len(facts) > 1
    rows: list[Row] = []
    for name, attribute, shares in declared:
        target = name if several else "all"
        rows += _attribute(_of_set(cases, name), About(SET, target, SHARE, attribute), shares, too_few)
    return rows


def _of_set(cases: pd.DataFrame, name: str) -> pd.DataFrame:
    if "validation_set" not in cases or not (cases["validation_set"] == name).any():
        return cases
    return cases[cases["validation_set"] == name]


def _attribute(cases: pd.DataFrame, about: About, shares: Mapping[str, float], too_few: int) -> Iterator[Row]:
    column = next((c for c in (stratum_column(about.attribute), about.attribute) if c in cases), None)
    if column is None:
        yield missing(about, "chi-square", f"neither a stratum nor a column '{about.attribute}' exists")
        return
    level = cases[column].astype("string").fillna(UNKNOWN).astype(str)
    weights = 1 / cases.groupby("patient_id")["case_id"].transform("size").to_numpy(dtype=np.float64)
    found = pd.Series(weights, index=level.to_numpy()).groupby(level=0).sum()
    sizes = level.value_counts()
    patients = cases.groupby(level.to_numpy())["patient_id"].nunique()
    total = float(found.sum())
    names = [*shares, *sorted(set(found.index) - set(shares) - {UNKNOWN}), UNKNOWN]
    for name in names:
        at = about.at(name, int(patients.get(name, 0)), int(sizes.get(name, 0)))
        yield from _level(at, float(found.get(name, 0.0)) / total, total, shares.get(name), too_few)
    whole = about.at("all", int(cases["patient_id"].nunique()), len(cases))
    yield _chi_square(whole, np.array([found.get(name, 0.0) for name in shares]), np.array(list(shares.values())))


def _level(about: About, share: float, patients: float, target: float | None, too_few: int) -> Iterator[Row]:
    interval = score_interval(share, patients, 0.95, "Wilson on patients")
    if about.level == UNKNOWN:
        yield stated(about, "share", share, interval, verdict="missing attribute" if share else "none missing")
        return
    expected = target or 0.0
    difference = standardised_difference(share, expected)
    yield stated(about, "share", share, interval, method=f"target {expected:g}; {interval.method}")
    yield stated(about, "standardised difference", difference, method="(share - target) / pooled SD",
                 verdict=VERDICTS[_position(about, difference, expected, too_few)])  # fmt: skip


def _position(about: About, difference: float, expected: float, too_few: int) -> str:
    if expected == 0:
        return "extra"
    if about.n_cases == 0:
        return "absent"
    if about.n_patients < too_few:
        return "few"
    return "apart" if abs(difference) > NOTABLE else "near"


def standardised_difference(share: float, target: float) -> float:
    """Difference of two shares over the root of their mean binomial variance; 0 where both are 0 or both 1."""
    spread = math.sqrt((share * (1 - share) + target * (1 - target)) / 2)
    return (share - target) / spread if spread else math.copysign(math.inf, share - target) if share != target else 0.0


def _chi_square(about: About, found: np.ndarray, shares: np.ndarray) -> Row:
    """Goodness of fit over the levels that the target population has."""
    total, kept = float(found.sum()), shares > 0
    if kept.sum() < 2 or not total:
        return missing(about, "chi-square", "fewer than two levels with a target share, or no patient in them")
    expected = total * shares[kept] / float(shares.sum())
    if expected.min() < SMALLEST_EXPECTED:
        return missing(about, "chi-square", f"fewer than {SMALLEST_EXPECTED:g} patients expected in a level")
    statistic = float((np.square(found[kept] - expected) / expected).sum())
    df = int(kept.sum()) - 1
    p = float(stats.chi2.sf(statistic, df))
    verdict = "set differs from the target population" if p < 0.05 else "no difference shown (inconclusive)"
    return stated(about, "chi-square", statistic, p=p, verdict=verdict, method=f"goodness of fit, {df} df, patients")


ENTRY = Analysis(
    name="representativeness",
    title="The set against the target population",
    question="Which groups of the intended patients are absent, too few, or over- and under-represented in the set?",
    source="Regulation (EU) 2024/1689, Art. 10(3); Austin, Stat Med 2009;28:3083",
    run=run,
)
