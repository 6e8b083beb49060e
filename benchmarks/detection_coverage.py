"""How often the intervals of detection measures hold the true value, in simulated free-response data.

``python benchmarks/detection_coverage.py`` writes ``results/detection_coverage.json`` (about ten minutes of one core);
``few`` after it adds the cells of fifty patients with more sets.
A case with the condition has 1 + Poisson(0.5) lesions. A lesion is marked with probability 0.9 and rated N(1.5, 1), a
case gets Poisson(0.8) false marks rated N(0, 1); a patient's effects (SD 0.5 each) move the ratings of all own lesions
and of all own false marks, and the rate of false marks by a factor. True values come from 400,000 patients.
"""

from __future__ import annotations

import json
import math
import sys
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import norm

from audit.measures.answers import Rules, Side, answer, bootstrapped, resampled
from audit.measures.choice import measures_for
from audit.measures.measure import Measure
from audit.plan import Plan
from audit.records import FloatArray, Rows
from audit.statistics.resampling import patient_counts

RESULTS = Path(__file__).parent / "results" / "detection_coverage.json"
PATIENTS, SHARES, IMAGES = (50, 200), (0.1, 0.3, 0.5), (1, 2)
SETS, RESAMPLES, TRUTH_PATIENTS, TRUTH_PARTS = 300, 400, 20_000, 20
THRESHOLD, TOO_FEW = 0.75, 10
SLOTS = 6
"""At most so many lesions, and so many false marks, in a case."""


@dataclass(frozen=True, slots=True)
class Design:
    """Patients, share of cases with the condition, images per patient."""

    patients: int
    share: float
    images: int


def simulate(design: Design, rng: np.random.Generator) -> Rows:
    """One set as rows of a detection target."""
    patient = np.repeat(np.arange(design.patients), design.images)
    n = patient.size
    easy, noisy, busy = rng.normal(0, 0.5, (3, design.patients))[:, patient]
    ill = rng.normal(0, math.sqrt(0.5), design.patients)[patient] + rng.normal(0, math.sqrt(0.5), n)
    diseased = ill > _quantile(design.share)
    count = np.where(diseased, np.minimum(1 + rng.poisson(0.5, n), SLOTS), 0)
    slot = np.arange(SLOTS)[None]
    rating = rng.normal(1.5, 1, (n, SLOTS)) + easy[:, None]
    rating = np.where(rng.uniform(size=rating.shape) < 0.9, rating, -np.inf)
    rating = np.where(slot < count[:, None], rating, np.nan)
    marks = np.minimum(rng.poisson(0.8 * np.exp(busy - 0.125)), SLOTS)
    false = np.where(slot < marks[:, None], rng.normal(0, 1, (n, SLOTS)) + noisy[:, None], np.nan)
    return Rows(patient, _columns(diseased, count, rating, false))


def _columns(diseased: Any, count: Any, rating: FloatArray, false: FloatArray) -> dict[str, FloatArray]:
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = np.where(np.isnan(rating), np.nan, 1.0 / np.maximum(count, 1)[:, None])
    return {
        "reference": diseased.astype(np.float64),
        "lesions_reference": count.astype(np.float64),
        "marks": (np.isfinite(rating).sum(axis=1) + np.isfinite(false).sum(axis=1)).astype(np.float64),
        "lesions_found": (rating >= THRESHOLD).sum(axis=1).astype(np.float64),
        "lesions_false": (false >= THRESHOLD).sum(axis=1).astype(np.float64),
        "lesion_rating": rating,
        "lesion_weight": weight,
        "false_rating": false,
    }


def _quantile(share: float) -> float:
    return float(norm.ppf(1 - share))


def true_values(design: Design, measures: dict[str, Measure]) -> dict[str, float]:
    """Means over large sets; curves and areas hardly depend on their size."""
    large = Design(TRUTH_PATIENTS, design.share, design.images)
    rng = np.random.default_rng(99)
    found = [
        [float(m.point(rows)) for m in measures.values()] for rows in (simulate(large, rng) for _ in range(TRUTH_PARTS))
    ]
    return dict(zip(measures, np.mean(found, axis=0).tolist(), strict=True))


def covered(design: Design, measures: dict[str, Measure], sets: int, seed: int) -> dict[str, dict[str, float]]:
    """Per measure: truth, sets with an interval, coverage, mean width, sets below and above the truth."""
    truth, tally = true_values(design, measures), {name: [0, 0, 0, 0.0] for name in measures}
    rng = np.random.default_rng(seed)
    for number in range(sets):
        rows = simulate(design, rng)
        counts = patient_counts(design.patients, RESAMPLES, number)
        for name, measure in measures.items():
            interval = _interval(measure, rows, counts)
            if interval is not None:
                below, above = interval.high < truth[name], interval.low > truth[name]
                tally[name] = [
                    a + b for a, b in zip(tally[name], (1, below, above, interval.high - interval.low), strict=True)
                ]
    return {
        name: {
            "truth": truth[name],
            "printed": int(n),
            "coverage": 1 - (below + above) / n if n else math.nan,
            "too_low": int(below),
            "too_high": int(above),
            "width": width / n if n else math.nan,
        }
        for name, (n, below, above, width) in tally.items()
    }


def _interval(measure: Measure, rows: Rows, counts: Any) -> Any:
    side = Side(measure, rows.where(measure.complete(rows)), Rules(TOO_FEW, 0.95))
    found = resampled(list(bootstrapped("value", (side,))), counts)
    return answer("value", (side,), found.__getitem__).interval


def measures() -> dict[str, Measure]:
    """The entries of task detection with their plan values."""
    plan = Plan.model_validate(PLAN)
    return {m.name: m for m in measures_for(plan, "lesion") if m.name not in ("sensitivity", "specificity")}


PLAN = {
    "id": "coverage",
    "title": "Coverage",
    "intended_purpose": "None.",
    "model": {"kind": "recorded", "name": "simulated", "version": "1", "marks": "marks.csv"},
    "validation_sets": ["simulated"],
    "targets": {
        "lesion": {
            "task": "detection",
            "output": "lesion",
            "reference": "lesions",
            "localisation": {"rule": "iou", "at_least": 0.5, "further_marks": "ignored"},
            "operating_point": {"threshold": THRESHOLD, "chosen_on": "simulated"},
            "at_false_positives": [0.125, 0.5],
        }
    },
}


def few() -> None:
    """Fifty patients, 1,500 sets: where the first table is least sure; kept beside it as ``few``."""
    chosen = ("false_positives_per_image", "average_precision_voc", "wafroc")
    wanted = {name: measure for name, measure in measures().items() if name in chosen}
    known = json.loads(RESULTS.read_text())
    known["few"] = []
    for design in (Design(50, 0.3, 1), Design(50, 0.15, 2)):
        result = covered(design, wanted, 1500, seed=12345)
        facts = {"patients": design.patients, "share": design.share, "images": design.images, "sets": 1500}
        known["few"].append(facts | {"measures": result})
        print(design, {name: round(each["coverage"], 3) for name, each in result.items()}, flush=True)
    RESULTS.write_text(json.dumps(known, indent=1) + "\n")


def main(sets: int = SETS) -> None:
    found = []
    for design in (Design(*each) for each in product(PATIENTS, SHARES, IMAGES)):
        result = covered(design, measures(), sets, seed=7)
        found.append({"patients": design.patients, "share": design.share, "images": design.images, "measures": result})
        print(design, {name: round(each["coverage"], 3) for name, each in result.items()}, flush=True)
    RESULTS.write_text(json.dumps({"sets": sets, "resamples": RESAMPLES, "cells": found}, indent=1) + "\n")


if __name__ == "__main__":
    if sys.argv[1:] == ["few"]:
        few()
    else:
        main(*map(int, sys.argv[1:]))
