"""How uncertain single decisions are: spread over augmented copies, conformal prediction sets.

Made from stored scores alone, so that it can be done again. A patient's cases are all calibration or all evaluated.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from audit.decision_tables import UNCERTAINTY
from audit.plan_decisions import CalibrationCases, Conformal
from audit.plan_decisions import Uncertainty as Asked
from audit.records import BadInput, Undefined
from audit.statistics.conformal import conformal_bounds
from audit.tables import stratum_column

CALIBRATION, EVALUATED, AUGMENTED = "calibration", "evaluated", "augmented"
VERSIONS = ("candidate", "comparator")


def uncertainty_table(
    asked: Asked,
    thresholds: Mapping[str, float | None],
    cases: pd.DataFrame,
    observations: pd.DataFrame,
    copies: pd.DataFrame,
    seed: int,
) -> pd.DataFrame:
    """UNCERTAINTY of each version's cases of the target; ``thresholds``: operating point by version.

    Cases with a score and a reference enter conformal sets; those drawn for augmentation have a spread. A case with
    neither has no row.
    """
    parts = []
    for version in VERSIONS:
        seen = observations[(observations["version"] == version) & (observations["target"] == asked.target)]
        if not len(seen):
            continue
        rows = seen[["case_id", "patient_id", "score", "reference", "decision"]].sort_values("case_id")
        rows = rows.astype({"score": float, "reference": float, "decision": float}).reset_index(drop=True)
        rows = rows.assign(threshold=thresholds.get(version))
        mine = copies[(copies["version"] == version) & (copies["target"] == asked.target)]
        parts.append(_of_version(asked, version, cases, rows, mine[mine["purpose"] == AUGMENTED], seed))
    columns = list(UNCERTAINTY.columns)
    return UNCERTAINTY.conform(pd.concat(parts)[columns] if parts else pd.DataFrame(columns=columns))


def _of_version(
    asked: Asked, version: str, cases: pd.DataFrame, rows: pd.DataFrame, copies: pd.DataFrame, seed: int
) -> pd.DataFrame:
    out = rows.assign(version=version, target=asked.target, **dict.fromkeys(_EMPTY, None))
    if asked.conformal is not None:
        out = _with_sets(asked.conformal, cases, out, seed)
    if asked.augmented is not None:
        out = _with_spread(out, copies)
    out = out[out["part"].notna() | out["copies"].notna() | out["undefined"].notna()]
    keys = version + "|" + asked.target + "|" + out["case_id"].astype(str)
    return out.assign(uncertainty_id=["u" + hashlib.sha256(key.encode()).hexdigest()[:10] for key in keys])


_EMPTY = ("part", "with_positive", "with_negative", "covered", "copies", "spread", "turned", "undefined")


def _with_sets(asked: Conformal, cases: pd.DataFrame, rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    known = rows["score"].notna() & rows["reference"].notna()
    calibrates = calibration_patients(asked.calibration, cases, seed)
    part = np.where(rows["patient_id"].astype(str).isin(calibrates), CALIBRATION, EVALUATED)
    rows = rows.assign(part=pd.Series(part, index=rows.index).where(known, None))
    chosen = rows[rows["part"] == CALIBRATION]
    bounds = conformal_bounds(chosen["score"], chosen["reference"], asked.error_rate, asked.per_class)
    here = rows["part"] == EVALUATED
    if isinstance(bounds, Undefined):
        reasons = [f"no prediction set: {bounds.reason}" if each else None for each in here]
        return rows.assign(undefined=pd.Series(reasons, rows.index, dtype=object))
    negative, positive = bounds.sets(rows["score"])
    covered = np.where(rows["reference"] == 1, positive, negative)
    made = {"with_negative": negative, "with_positive": positive, "covered": covered.astype(float)}
    return rows.assign(**{name: pd.Series(value, rows.index).where(here, None) for name, value in made.items()})


def calibration_patients(asked: CalibrationCases, cases: pd.DataFrame, seed: int) -> frozenset[str]:
    """Patients whose cases calibrate: those with any case of the declared levels, or a seeded half of all.

    Raises ``BadInput`` for a column or level that no case has, and where a patient has cases on both sides.
    """
    patients = cases["patient_id"].astype(str)
    if asked.column is None:
        names = np.array(sorted(patients.unique()), dtype=object)
        drawn = np.random.default_rng([seed, 271828]).permutation(len(names))[: len(names) // 2]
        return frozenset(names[drawn])
    column = asked.column if asked.column in cases else stratum_column(asked.column)
    if column not in cases:
        raise BadInput(
            f"uncertainty.conformal.calibration names column '{asked.column}', which is no column of the manifest and "
            "no stratum; correct it."
        )
    inside = cases[column].astype("string").isin(list(asked.equals)).fillna(False).astype(bool)
    if not inside.any() or inside.all():
        raise BadInput(
            f"uncertainty.conformal.calibration: {'no' if not inside.any() else 'every'} case has {asked.column} in "
            f"{', '.join(asked.equals)}; some must calibrate and others be evaluated."
        )
    both = set(patients[inside]) & set(patients[~inside])
    if both:
        raise BadInput(
            f"uncertainty.conformal.calibration: {len(both)} patients have cases on both sides of {asked.column}; a "
            "patient calibrates or is evaluated: choose another column."
        )
    return frozenset(patients[inside])


def _with_spread(rows: pd.DataFrame, copies: pd.DataFrame) -> pd.DataFrame:
    """Spread over the copies and the image itself, and the share of the copies with another decision."""
    scored = {
        str(case): part["score"].to_numpy(dtype=float, na_value=np.nan) for case, part in copies.groupby("case_id")
    }
    reasons = copies[copies["undefined"].notna()].drop_duplicates("case_id").set_index("case_id")["undefined"]
    found = [_spread(row, scored.get(str(row["case_id"])), reasons) for row in rows.to_dict("records")]
    frame = pd.DataFrame(found, columns=["copies", "spread", "turned", "undefined"], index=rows.index)
    both = [_joined(one, other) for one, other in zip(rows["undefined"], frame["undefined"], strict=True)]
    rows = rows.assign(undefined=pd.Series(both, rows.index, dtype=object))
    return rows.assign(**{name: frame[name].astype(object) for name in ("copies", "spread", "turned")})


def _spread(row: dict[Any, Any], scores: Any, reasons: pd.Series) -> tuple[Any, Any, Any, Any]:
    if scores is None:
        return None, None, None, None
    kept = scores[np.isfinite(scores)]
    if kept.size < 2 or not np.isfinite(row["score"]):
        why = reasons.get(row["case_id"], "the image itself has no score")
        return int(kept.size), None, None, f"no spread: {why}"
    spread = float(np.std([row["score"], *kept], ddof=1))
    threshold = row["threshold"]
    turned = None if pd.isna(threshold) else float(np.mean((kept >= threshold) != (row["decision"] == 1)))
    return int(kept.size), spread, turned, None


def _joined(one: Any, other: Any) -> str | None:
    words = [str(each) for each in (one, other) if isinstance(each, str) and each]
    return "; ".join(words) or None
