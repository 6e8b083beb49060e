"""Which interval of an AUROC holds when positive cases are few, whatever the scores look like.

    python benchmarks/auroc_intervals.py            # 1,000 sets a cell, about three minutes of one core

Candidates meet the same simulated sets of independent cases from six families of score distributions, so that the
choice does not rest on the family that the printed interval assumes. Writes ``results/auroc_intervals.json``.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

from audit.records import FloatArray, Interval, Undefined
from audit.statistics.proportions import score_interval
from audit.statistics.roc import auroc, logit_interval, newcombe5, score_limits
from audit.statistics.roc_score import auroc_over_patients, auroc_score_interval, binormal_variance
from audit.statistics.roc_sums import PatientSums, covariance_of, patient_sums

HERE = Path(__file__).parent
AUROCS = (0.80, 0.90, 0.95)
SIZES = ((10, 40), (15, 200), (25, 25), (30, 170), (50, 50), (100, 400))
MISSED = 0.04
CUTS = (-0.3, 0.5, 1.2, 1.9)
MANY = 400_000
Draw = Callable[[np.random.Generator, int], FloatArray]


@dataclass(frozen=True, slots=True)
class Family:
    """Scores of positive cases at a given AUROC, and of negative ones."""

    positive: Callable[[float], Draw]
    negative: Draw


def _normal(spread: float) -> Callable[[float], Draw]:
    return lambda a: lambda rng, n: rng.normal(math.hypot(1, spread) * norm.ppf(a), spread, n)


def _standard(rng: np.random.Generator, n: int) -> FloatArray:
    return rng.normal(0, 1, n)


def _with_misses(a: float) -> Draw:
    shift = math.sqrt(2) * norm.ppf((a - MISSED / 2) / (1 - MISSED))
    return lambda rng, n: rng.normal(np.where(rng.random(n) < MISSED, 0.0, shift), 1)


def _exponential(a: float) -> Draw:
    return lambda rng, n: rng.exponential(a / (1 - a), n)


def _five_points(a: float) -> Draw:
    """The shift at which the five-point scale itself has this AUROC."""
    edges = np.array([-math.inf, *CUTS, math.inf])
    negative = np.diff(norm.cdf(edges))

    def area(shift: float) -> float:
        positive = np.diff(norm.cdf(edges - shift))
        return float(positive @ (np.cumsum(negative) - negative / 2))

    shift = brentq(lambda s: area(s) - a, 0, 9)
    return lambda rng, n: np.searchsorted(CUTS, rng.normal(shift, 1, n)).astype(np.float64)


FAMILIES = {
    "normal": Family(_normal(1.0), _standard),
    "normal, positives spread 1.6": Family(_normal(1.6), _standard),
    "normal, positives spread 0.6": Family(_normal(0.6), _standard),
    "exponential": Family(_exponential, lambda rng, n: rng.exponential(1, n)),
    "normal, 4 % missed": Family(_with_misses, _standard),
    "five-point scale": Family(_five_points, lambda rng, n: np.searchsorted(CUTS, rng.normal(0, 1, n)).astype(float)),
}


def candidates(sums: PatientSums) -> Iterator[tuple[str, Interval]]:
    """Every candidate's interval; where one has none (no variance) the printed one stands in."""
    printed = auroc_over_patients(sums)
    covariance = covariance_of(sums)
    value, variance = float(sums.value[0]), 0.0 if isinstance(covariance, Undefined) else float(covariance[0, 0])
    yield "as printed", printed
    yield "binormal score throughout", auroc_score_interval(sums)
    yield (
        "binormal score, never scaled",
        score_limits(value, lambda t: binormal_variance(t, sums.m, sums.n), 0, 0.95, ""),
    )
    yield "Newcombe method 5", newcombe5(value, sums.m, sums.n)
    usable = variance > 1e-15 and 0 < value < 1
    yield "DeLong, logit", logit_interval(value, variance) if usable else printed
    yield "DeLong, logit, t", logit_interval(value, variance, df=sums.fewest - 1) if usable else printed
    effective = value * (1 - value) / variance if usable else 1.0
    yield "Wilson on the effective number", score_interval(value, effective, 0.95, "") if usable else printed


def cell(family: Family, area: float, sizes: tuple[int, int], sets: int, seed: int) -> dict[str, float]:
    """Coverage of each candidate."""
    rng, (m, n) = np.random.default_rng([seed, *sizes, round(1000 * area)]), sizes
    positive, inside = family.positive(area), dict[str, int]()
    reference = np.repeat([1.0, 0.0], [m, n])
    for _ in range(sets):
        score = np.concatenate([positive(rng, m), family.negative(rng, n)])
        sums = patient_sums((score,), reference, None)
        assert not isinstance(sums, Undefined)
        for name, interval in candidates(sums):
            inside[name] = inside.get(name, 0) + int(interval.low <= area + 1e-12 and area <= interval.high + 1e-12)
    return {name: count / sets for name, count in inside.items()}


def run(sets: int, seed: int) -> dict[str, Any]:
    """All cells, and what they say of each candidate."""
    cells = [
        {"family": name, "auroc": area, "positives": sizes[0], "negatives": sizes[1]}
        | {"coverage": cell(family, area, sizes, sets, seed)}
        for (name, family), area, sizes in product(FAMILIES.items(), AUROCS, SIZES)
    ]
    return {"sets": sets, "seed": seed, **summary(cells), "rows": cells}


def summary(cells: list[dict[str, Any]]) -> dict[str, Any]:
    """How each candidate fares over the cells."""
    methods = {}
    for name in cells[0]["coverage"]:
        found = sorted(each["coverage"][name] for each in cells)
        low, high = sum(value < 0.93 for value in found), sum(value > 0.97 for value in found)
        middle = {"smallest": found[0], "median": found[len(found) // 2], "largest": found[-1]}
        methods[name] = {"low": low, "high": high, **middle}
    return {"cells": len(cells), "families": len(FAMILIES), "methods": methods}


def true_area(family: Family, area: float, seed: int = 1) -> float:
    """The AUROC of a large sample of the family, which must be the one that was asked for."""
    rng = np.random.default_rng(seed)
    score = np.concatenate([family.positive(area)(rng, MANY), family.negative(rng, MANY)])
    found = auroc(score, np.repeat([1.0, 0.0], MANY))
    assert isinstance(found, float)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=int, default=1000, help="simulated sets per cell")
    parser.add_argument("--seed", type=int, default=31)
    parser.add_argument("--results", type=Path, default=HERE / "results" / "auroc_intervals.json")
    given = parser.parse_args()
    found = run(given.sets, given.seed)
    rows = ",\n".join(json.dumps(row) for row in found.pop("rows"))
    given.results.write_text(f'{json.dumps(found)[:-1]}, "rows": [\n{rows}\n]}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
