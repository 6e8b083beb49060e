"""FROC and precision curves over resamples; average precision against MONAI's COCO evaluation."""

import math

import numpy as np
import pytest
from monai.apps.detection.metrics.coco import COCOMetric

from audit.records import Undefined
from audit.statistics import froc
from audit.statistics.froc_curves import average_precision, precision_replicates, sensitivity_replicates
from audit.statistics.resampling import patient_counts
from tests.statistics.test_froc_areas import drawn_again, simulated

RATES = (0.05, 0.125, 0.25, 0.5, 1.0, 4.0)


def once(data: froc.Marks) -> tuple[np.ndarray, np.ndarray]:
    return np.ones((1, data.n_cases), dtype=np.uint8), np.arange(data.n_cases)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("seed", range(3))
def test_sensitivity_is_read_off_the_froc_curve(rate: float, seed: int) -> None:
    data = simulated(50, seed, step=1e-9)
    expected = froc.sensitivity_at(froc.froc_curve(data), rate)
    assert sensitivity_replicates(*once(data), data, rate) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("rule", ["voc", "coco"])
def test_a_resample_is_the_same_cases_drawn_again(rule: str) -> None:
    data, counts = simulated(30, 4), patient_counts(30, 20, 3)
    precision = precision_replicates(counts, np.arange(30), data, rule)
    sensitivity = sensitivity_replicates(counts, np.arange(30), data, 0.4)
    for row, area, share in zip(counts, precision, sensitivity, strict=True):
        again = drawn_again(data, row)
        assert average_precision(again, rule) == pytest.approx(area, rel=1e-12)
        assert sensitivity_replicates(*once(again), again, 0.4) == pytest.approx(share, rel=1e-12)


@pytest.mark.parametrize("seed", [6, 8, 12, 16])
def test_coco_rule_is_monais(seed: int) -> None:
    """Marks without ties. The number of lesions has no common divisor with 100: MONAI rounds sensitivities to float32,
    which moves those that equal one of the 101 points.
    """
    data = simulated(40, seed, step=1e-9)
    assert math.gcd(data.lesion_case.size, 100) == 1
    metric = COCOMetric(classes=["lesion"], iou_list=[0.5], iou_range=(0.5, 0.5, 0.05), max_detection=[100])
    found = metric([each for case in range(40) if (each := _matched(data, case))])[0]
    assert average_precision(data, "coco") == pytest.approx(found["AP_IoU_0.50_MaxDet_100"], abs=1e-9)


def _matched(data: froc.Marks, case: int) -> dict[int, dict[str, np.ndarray]] | None:
    rating = data.lesion_rating[data.lesion_case == case]
    hits, false = rating[np.isfinite(rating)], data.false_rating[data.false_case == case]
    scores = np.concatenate([hits, false])
    if not scores.size and not rating.size:
        return None
    order = np.argsort(-scores, kind="stable")
    is_hit = np.repeat([1, 0], [hits.size, false.size])[order]
    return {
        0: {
            "dtMatches": is_hit[None].astype(float),
            "gtMatches": np.repeat([1.0, 0.0], [hits.size, rating.size - hits.size])[None],
            "dtScores": scores[order],
            "gtIgnore": np.zeros(rating.size),
            "dtIgnore": np.zeros((1, scores.size)),
        }
    }


def test_voc_rule_by_hand() -> None:
    """Hit, false, hit, miss: precision 1, 1/2, 2/3 at sensitivity 1/3, 1/3, 2/3."""
    data = froc.marks([1, 1, 1], [0], [3.0], [0, 1, 2], [4.0, 2.0, -np.inf])
    assert average_precision(data, "voc") == pytest.approx(1 / 3 + 2 / 9)
    assert average_precision(data, "coco") == pytest.approx((34 * 1 + 33 * 2 / 3) / 101)


def test_order_of_tied_marks_does_not_matter() -> None:
    data = froc.marks([1, 1], [0, 1], [1.0, 1.0], [0, 1], [1.0, 1.0])
    assert average_precision(data, "voc") == pytest.approx(0.5)
    assert average_precision(data, "coco") == pytest.approx(0.5)


def test_no_marks_find_nothing_and_no_lesions_are_undefined() -> None:
    silent = froc.marks([1, 0], [], [], [0], [-np.inf])
    assert average_precision(silent, "voc") == 0
    assert average_precision(silent, "coco") == 0
    assert sensitivity_replicates(*once(silent), silent, 1.0) == 0
    healthy = froc.marks([0, 0], [0], [1.0], [], [])
    assert average_precision(healthy, "voc") == Undefined("no lesions")
    assert np.isnan(sensitivity_replicates(*once(healthy), healthy, 1.0)).all()
