"""Fairlearn's figures: groups without a denominator left out by name, gaps never without their null."""

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

from audit.fairness import decisions, fairlearn_figures, null_of
from audit.records import Undefined
from audit.statistics.resampling import patient_counts
from audit.tables import stratum_column


def case(level: str, reference: int, decision: int, count: int) -> list[tuple[str, int, int]]:
    return [(level, reference, decision)] * count


def tables(rows: list[tuple[str, int, int]], images: int = 1) -> tuple[pd.DataFrame, pd.DataFrame]:
    frame = pd.DataFrame(rows, columns=["level", "reference", "decision"])
    ids = [f"c{i:05d}" for i in range(len(frame))]
    patients = [f"p{i // images:05d}" for i in range(len(frame))]
    cases = pd.DataFrame({"case_id": ids, "patient_id": patients, stratum_column("maker"): frame["level"]})
    observations = frame.drop(columns="level").astype(float)
    return observations.assign(version="candidate", target="t", case_id=ids, patient_id=patients), cases


def both(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> list[tuple[str, int, int]]:
    out = []
    for level, (tp, fn, fp, tn) in (("A", a), ("B", b)):
        out += case(level, 1, 1, tp) + case(level, 1, 0, fn) + case(level, 0, 1, fp) + case(level, 0, 0, tn)
    return out


def test_by_hand() -> None:
    observations, cases = tables(both((80, 20, 10, 90), (60, 40, 5, 95)))
    found = fairlearn_figures(observations, cases, "maker", "candidate", "t")
    assert found["equalized_odds_difference"] == pytest.approx(0.2)
    assert found["selection_rate_difference"] == pytest.approx(90 / 200 - 65 / 200)
    assert found["by_group"]["true positive rate"] == pytest.approx({"A": 0.8, "B": 0.6})


def test_a_group_without_positives_is_left_out_not_zero() -> None:
    rows = both((80, 20, 10, 90), (78, 22, 10, 90)) + case("C", 0, 0, 40) + case("unknown", 1, 0, 50)
    found = fairlearn_figures(*tables(rows), "maker", "candidate", "t", fewest=10)
    assert found["equalized_odds_difference"] == pytest.approx(0.1), (
        "0.1 - 0 in false positives; fairlearn alone says 0.8"
    )
    assert found["left_out"]["true positive rate"] == ("C",)
    assert found["by_group"]["true positive rate"]["C"] == Undefined("fewer than 10 reference-positive cases (0)")
    assert "unknown" not in found["by_group"]["selection rate"]


def test_one_group_has_no_gap() -> None:
    found = fairlearn_figures(*tables(case("A", 1, 1, 20) + case("A", 0, 0, 20)), "maker", "candidate", "t")
    assert isinstance(found["equalized_odds_difference"], Undefined)
    assert isinstance(found["selection_rate_difference"], Undefined)


def null(rows: list[tuple[str, int, int]], images: int = 1) -> Any:
    observations, cases = tables(rows, images)
    found = decisions(observations, cases, "maker", "candidate", "t")
    gap = fairlearn_figures(observations, cases, "maker", "candidate", "t")["equalized_odds_difference"]
    columns = pd.Index(np.unique(found.patient))
    return null_of("equalized_odds_difference", gap, found, 1, lambda: patient_counts(len(columns), 300, 2), columns, 7)


def test_equal_groups_lie_within_their_null_and_unequal_ones_beyond() -> None:
    equal = null(both((40, 10, 10, 40), (41, 9, 9, 41)))
    apart = null(both((48, 2, 10, 40), (25, 25, 9, 41)))
    assert equal.mean > 0.05, "a largest-minus-smallest gap is positive by chance"
    assert equal.p > 0.2
    assert apart.p < 0.02
    assert re.fullmatch("200 permutations of patients", equal.how)
    assert null(both((40, 10, 10, 40), (41, 9, 9, 41))) == equal, "the seed decides"


def test_patients_in_several_levels_get_the_centred_bootstrap() -> None:
    rng = np.random.default_rng(3)
    rows = [("AB"[i % 2], int(rng.uniform() < 0.5), int(rng.uniform() < 0.5)) for i in range(400)]
    found = null(rows, images=2)
    assert found.how == "centred patient bootstrap"
    assert 0.02 < found.mean < 0.3
    assert found.p > 0.05
