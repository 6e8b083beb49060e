"""Tables of a small audit from rows of cases, so that every analysis runs as it does on a real one."""

from typing import Any

import numpy as np
import pandas as pd

from audit.analyses.analysing import analyse
from audit.estimates import estimate
from audit.plan import Plan
from audit.tables import CASES, DISPOSITIONS, OBSERVATIONS, stratum_column

POINT = {"threshold": 0.5, "chosen_on": "elsewhere"}


def plan_of(strata: dict[str, Any], threshold: float = 0.5, **more: Any) -> Plan:
    return Plan.model_validate(
        {
            "id": "small",
            "title": "small",
            "intended_purpose": "test",
            "model": {"kind": "recorded", "name": "m", "version": 1, "scores": "s.csv"},
            "validation_sets": ["."],
            "targets": {
                "t": {
                    "task": "classification",
                    "output": "s",
                    "reference": "y",
                    "operating_point": {**POINT, "threshold": threshold},
                    "measures": ["auroc", "sensitivity", "specificity"],
                }
            },
            "strata": strata,
            "resamples": 400,
            "seed": 5,
            **more,
        }
    )


def tables(frame: pd.DataFrame, plan: Plan) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """CASES, OBSERVATIONS, DISPOSITIONS of ``frame``: y, score (other: the comparator's), attributes, patient."""
    ids = [f"c{i:05d}" for i in frame.index]
    patients = frame["patient"].astype(str) if "patient" in frame else pd.Series(ids, index=frame.index)
    cases = frame.drop(columns=["y", "score"]).assign(
        case_id=ids, patient_id=patients.to_numpy(), image=None, sha256=None
    )
    for name in plan.strata:
        cases[stratum_column(name)] = frame[name].astype("string")
    parts = []
    for version in plan.versions:
        score = frame["score" if version == "candidate" else "other"].to_numpy(dtype=float)
        threshold = plan.targets["t"].operating_point.threshold
        part = pd.DataFrame({"version": version, "case_id": ids, "patient_id": patients.to_numpy(), "target": "t"})
        part = part.assign(score=score, reference=frame["y"].to_numpy(dtype=float), decision=(score >= threshold) * 1.0)
        parts.append(part.assign(dice=np.nan, volume_predicted_ml=np.nan, volume_reference_ml=np.nan))
    observations = pd.concat(parts, ignore_index=True)
    fates = observations[["version", "case_id", "target"]].assign(fate="analysed", reason=None)
    return CASES.conform(cases), OBSERVATIONS.conform(observations), DISPOSITIONS.conform(fates)


def analysed(frame: pd.DataFrame, plan: Plan, populations: Any = None) -> pd.DataFrame:
    cases, observations, fates = tables(frame, plan)
    estimates = estimate(plan, cases, observations, fates)
    return analyse(plan, cases, observations, fates, estimates, populations)


def one(rows: pd.DataFrame, **about: Any) -> pd.Series:
    """The only row with these entries."""
    for name, wanted in about.items():
        rows = rows[rows[name] == wanted]
    assert len(rows) == 1, f"{len(rows)} rows for {about}"
    return rows.iloc[0]


def simulated(seed: int, sizes: dict[str, int], shift: dict[str, float] | None = None, images: int = 1) -> pd.DataFrame:
    """Scores with an AUROC of 0.83; ``shift`` moves a maker's positives down (probit units)."""
    generator = np.random.default_rng(seed)
    makers = np.repeat(list(sizes), list(sizes.values()))
    y = (generator.uniform(size=makers.size) < 0.4).astype(int)
    base = generator.normal(size=-(-makers.size // images)).repeat(images)[: makers.size]
    z = 0.5 * base + generator.normal(size=makers.size) * 0.87 + 1.35 * y
    z = z - y * np.array([(shift or {}).get(maker, 0.0) for maker in makers])
    return pd.DataFrame(
        {
            "y": y,
            "score": 1 / (1 + np.exp(-(z - 0.7))),
            "manufacturer": makers,
            "sex": np.where(generator.uniform(size=makers.size) < 0.5, "F", "M"),
            "patient": [f"p{i // images:05d}" for i in range(makers.size)],
        }
    )
