"""Whether a version decides better than its own copies with random weights: what it learned, beyond its architecture.

A Monte Carlo test (Barnard, JRSS B 1963;25:294; Phipson & Smyth, SAGMB 2010;9:39): were the version's weights random
too, its place among the copies would be as likely as any other. p = (1 + copies that do as well) / (1 + copies).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from audit.analyses.analysis import About, Analysis, Row, missing, stated
from audit.analyses.case_values import decision_table
from audit.analyses.study import Study
from audit.decision_tables import RANDOM_WEIGHTS
from audit.plan import Target
from audit.records import FloatArray, Undefined
from audit.statistics.roc import auroc

QUANTITY = "better than random weights"
LEVEL = 0.05
NO_INTERVAL = "no interval: what counts is the place among the copies"
BETTER, NOT_BETTER = "better", "not better"
ONE_CLASS = "the drawn cases are all reference-positive or all reference-negative"


def run(study: Study) -> list[Row]:
    """One row for every version and explained target whose copies stand in RANDOM_WEIGHTS."""
    table = decision_table(study, RANDOM_WEIGHTS)
    groups = table.groupby(["version", "target"], sort=True)
    return [_row(study, str(version), str(target), part) for (version, target), part in groups]


def _row(study: Study, version: str, target: str, part: pd.DataFrame) -> Row:
    wide = _by_case(part)
    about = About(version, target, n_patients=_patients(part, wide), n_cases=len(wide))
    if not len(wide):
        reasons = part["undefined"].dropna()
        return missing(about, QUANTITY, str(reasons.mode().iloc[0]) if len(reasons) else "no case was drawn")
    own, *others = _statistics(study, version, target, wide)
    if isinstance(own, Undefined):
        return missing(about, QUANTITY, own.reason)
    known = [each for each in others if not isinstance(each, Undefined)]
    p = (1 + sum(each >= own for each in known) + len(others) - len(known)) / (1 + len(others))
    method, no_interval = _method(study.plan.targets[target], version, known, others), Undefined(NO_INTERVAL)
    verdict = BETTER if p <= LEVEL else NOT_BETTER
    return stated(about, QUANTITY, own, no_interval, p=p, verdict=verdict, method=method)


def _by_case(part: pd.DataFrame) -> pd.DataFrame:
    """Values by case (rows) and copy (columns) of the cases that have one under the version's own weights."""
    wide = part.pivot(index="case_id", columns="copy", values="value").astype(float).sort_index()
    return wide[wide[0].notna()]


def _patients(part: pd.DataFrame, wide: pd.DataFrame) -> int:
    return int(part.loc[part["case_id"].isin(wide.index), "patient_id"].nunique())


def _method(target: Target, version: str, known: list[float], others: list[float | Undefined]) -> str:
    what = "mean Dice of reference-positive cases"
    if target.binary:
        decides = target.operating_point_of(version) is not None
        what = "mean of AUROC and balanced accuracy" if decides else "AUROC"
    spread = f": {min(known):.3f} to {max(known):.3f}" if known else ": none gives a number"
    return f"{what}, Monte Carlo test against {len(others)} copies with random weights{spread}"


def _statistics(study: Study, version: str, target: str, wide: pd.DataFrame) -> Iterator[float | Undefined]:
    """How well the version and each copy do on the cases, in the order of the copies."""
    facts = study.plan.targets[target]
    if not facts.binary:
        yield from (_mean(wide[copy].to_numpy()) for copy in sorted(wide.columns))
        return
    seen = study.observations
    seen = seen[(seen["version"] == version) & (seen["target"] == target)].set_index("case_id")
    reference = seen["reference"].reindex(wide.index).to_numpy(dtype=float, na_value=np.nan)
    point = facts.operating_point_of(version)
    for copy in sorted(wide.columns):
        yield _binary(wide[copy].to_numpy(), reference, None if point is None else point.threshold)


def _mean(values: FloatArray) -> float | Undefined:
    kept = values[np.isfinite(values)]
    return float(kept.mean()) if kept.size else Undefined("no case has a value")


def _binary(score: FloatArray, reference: FloatArray, threshold: float | None) -> float | Undefined:
    kept = np.isfinite(score) & np.isfinite(reference)
    score, positive = score[kept], reference[kept] == 1
    if positive.all() or not positive.any():
        return Undefined(ONE_CLASS)
    area = auroc(score, positive)
    if isinstance(area, Undefined) or threshold is None:
        return area
    balanced = (np.mean(score[positive] >= threshold) + np.mean(score[~positive] < threshold)) / 2
    return float(area + balanced) / 2


ENTRY = Analysis(
    name="random_weights",
    title="Better than random weights",
    question="Does the version decide better than the same network with random weights?",
    source="Barnard, JRSS B 1963;25:294; Phipson & Smyth, Stat Appl Genet Mol Biol 2010;9:39; Adebayo et al. 2018",
    run=run,
)
