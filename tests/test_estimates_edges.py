"""Awkward tables through the product: every row is a value inside its interval, or says in words why there is none."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from audit.estimates import estimate
from audit.tables import stratum_column
from tests.test_estimates import POINT, one, plan_of, tables

VALUES = {
    "prevalence": 0.1,
    "at_specificity": [0.9],
    "at_sensitivity": [0.9],
    "partial_auroc": {"specificity": [0.8, 1.0]},
    "net_benefit_thresholds": [0.1, 0.5],
}
TARGET = {"task": "classification", "output": "p", "reference": "lesion", "operating_point": POINT, **VALUES}
Tables = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]


def estimated(found: Tables) -> pd.DataFrame:
    return estimate(plan_of(targets={"lesion": TARGET}, resamples=100, too_few=1), *found)


def scored(found: Tables, score: Callable[[pd.DataFrame], object]) -> Tables:
    cases, observations, fates = found
    observations["score"] = score(observations)
    observations["decision"] = (observations["score"] >= 0.5).astype(float).where(observations["score"].notna())
    return cases, observations, fates


def one_class() -> Tables:
    cases, observations, fates = tables(20)
    return cases, observations.assign(reference=1.0), fates


def a_case_per_level() -> Tables:
    cases, observations, fates = tables(6)
    cases[stratum_column("maker")] = ["Alder", *(f"maker {k}" for k in range(1, 6))]
    return cases, observations, fates


def nothing_usable() -> Tables:
    cases, observations, fates = tables(20)
    return cases, observations.assign(score=np.nan, decision=np.nan), fates.assign(fate="failed")


AWKWARD = {
    "one patient": lambda: tables(1),
    "one patient, 20 images": lambda: tables(1, 20),
    "two patients, 20 images": lambda: tables(2, 20),
    "one case per level": a_case_per_level,
    "one class": one_class,
    "constant score": lambda: scored(tables(20), lambda _: 0.5),
    "classes apart": lambda: scored(tables(20), lambda o: 0.1 + 0.8 * o["reference"]),
    "scores of 0 and 1": lambda: scored(tables(20), lambda o: o["reference"]),
    "scores that are no probabilities": lambda: scored(tables(20), lambda o: 10 * o["score"] - 3),
    "scores missing": lambda: scored(tables(20), lambda o: o["score"].where(np.arange(len(o)) % 3 > 0)),
    "nothing usable": nothing_usable,
}


@pytest.mark.parametrize("name", AWKWARD)
def test_every_row_is_a_value_in_its_interval_or_a_reason(name: str) -> None:
    found = estimated(AWKWARD[name]())
    assert len(found)
    no_value, no_interval = found["value"].isna(), found["low"].isna()
    assert not (no_value & ~no_interval).any()
    assert (no_interval == found["high"].isna()).all()
    assert (no_interval == found["undefined"].notna()).all(), "a reason stands where there is no interval, only there"
    shown = found[~no_interval]
    assert ((shown["low"] <= shown["value"] + 1e-9) & (shown["value"] <= shown["high"] + 1e-9)).all()
    assert (shown["low"] < shown["high"]).all()


def test_one_patient_has_no_interval() -> None:
    """Nothing varies between patients where there is one, however many images it has."""
    found = estimated(tables(1, 20))
    assert found["value"].notna().any()
    assert found["low"].isna().all()
    auroc = one(found, kind="value", version="candidate", measure="auroc", attribute="overall")
    assert auroc["undefined"] == "the variance over patients needs at least two patients with cases"
