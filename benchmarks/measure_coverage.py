"""Coverage of the intervals of the classification measures beyond those of ``coverage_study``: values and differences.

    python benchmarks/measure_coverage.py --sets 400 --out benchmarks/results/measure_coverage.json

Sets come from ``coverage_designs``. True values are the measures themselves on a million cases of the same design.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from coverage_designs import Design, Drawn, designs, draw

from audit.catalogue import entries
from audit.measures.answers import Kind, Rules, Side, answer, resampled
from audit.measures.family import Family
from audit.measures.measure import Measure
from audit.plan import Target
from audit.records import Undefined
from audit.statistics.resampling import patient_counts

RULES = Rules(too_few=10, confidence=0.95)
ELSEWHERE = ("auroc", "sensitivity", "specificity", "ppv", "npv", "accuracy", "brier", "selection_rate", "prevalence")
RESAMPLES = 400
LARGE = 1_000_000
POINT = {"threshold": 0.5, "chosen_on": "tuning set"}
TARGET = Target.model_validate(
    {
        "task": "classification", "output": "p", "reference": "r", "operating_point": POINT, "prevalence": 0.05,
        "at_specificity": 0.9, "at_sensitivity": 0.9, "partial_auroc": {"specificity": [0.8, 1]},
        "net_benefit_thresholds": [0.1, 0.3],
    }
)  # fmt: skip
KINDS: tuple[Kind, ...] = ("value", "contrast", "change")


def studied() -> list[Measure]:
    """The measures of this study: all of classification that have intervals and are not studied elsewhere."""
    found = [m for e in entries("measures").values() for m in (e.of(TARGET) if isinstance(e, Family) else (e,))]
    return [
        m
        for m in found
        if m.tasks == ("classification",) and m.name not in (*ELSEWHERE, "ici", "e50", "e90") and "line" not in m.name
        if not m.name.startswith("calibration")
    ]


def sides(measure: Measure, drawn: Drawn, kind: Kind) -> tuple[Side, ...]:
    """What ``answer`` is asked about: a version, two groups of patients, or two versions."""
    mine = Side(measure, drawn.candidate, RULES)
    if kind == "value":
        return (mine,)
    if kind == "change":
        return Side(measure, drawn.comparator, RULES), mine
    return tuple(Side(measure, drawn.candidate.where(drawn.group == level), RULES) for level in (1, 0))


def truths(design: Design, measures: list[Measure]) -> dict[tuple[str, Kind], float]:
    """True value of each measure, of its contrast (0: groups differ in nothing) and its change."""
    large = draw(replace(design, patients=LARGE, clustered=False), np.random.default_rng(7))
    out: dict[tuple[str, Kind], float] = {}
    for measure in measures:
        new, old = measure.point(large.candidate), measure.point(large.comparator)
        assert not isinstance(new, Undefined)
        assert not isinstance(old, Undefined)
        out[measure.name, "value"], out[measure.name, "contrast"] = new, 0.0
        out[measure.name, "change"] = old - new if design.device.loss else 0.0
    return out


def one_set(measures: list[Measure], drawn: Drawn, seed: int) -> dict[tuple[str, Kind], tuple[float, float] | str]:
    """The limits of every question on one set, or why there are none."""
    counts = patient_counts(drawn.candidate.n_patients, RESAMPLES, seed)
    out: dict[tuple[str, Kind], tuple[float, float] | str] = {}
    for measure in measures:
        for kind in KINDS:
            asked = sides(measure, drawn, kind)
            found = answer(kind, asked, lambda side: resampled([side], counts)[side])
            interval = found.interval
            out[measure.name, kind] = (interval.low, interval.high) if interval else str(found.undefined)
    return out


def studied_design(design: Design, sets: int) -> list[dict[str, Any]]:
    """Rows of one design: coverage among printed intervals, how many were printed, misses on either side."""
    measures = studied()
    true = truths(design, measures)
    seen: dict[tuple[str, Kind], list[tuple[float, float] | str]] = defaultdict(list)
    for index in range(sets):
        drawn = draw(design, np.random.default_rng([11, index]))
        for key, limits in one_set(measures, drawn, index).items():
            seen[key].append(limits)
    return [_row(design, key, limits, true[key]) for key, limits in seen.items()]


def _row(design: Design, key: tuple[str, Kind], limits: list[tuple[float, float] | str], true: float) -> dict[str, Any]:
    printed = [each for each in limits if not isinstance(each, str)]
    reasons = sorted({each.split("(")[0].strip() for each in limits if isinstance(each, str)})
    below = sum(high < true for _, high in printed)
    above = sum(low > true for low, _ in printed)
    n = len(printed)
    return {
        "design": design.name, "measure": key[0], "kind": key[1], "true": true, "printed": n,
        "coverage": (n - below - above) / n if n else None, "below": below, "above": above, "reasons": reasons[:2],
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=400)
    parser.add_argument("--patients", type=int, nargs="*", default=[200])
    parser.add_argument("--devices", nargs="*", default=["moderate"])
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/measure_coverage.json"))
    asked = parser.parse_args()
    chosen = [
        d for d in designs() if d.patients in asked.patients and d.device.name in asked.devices and d.prevalence > 0.05
    ]
    rows: list[dict[str, Any]] = []
    for design in chosen:
        rows += studied_design(design, asked.sets)
        asked.out.write_text(json.dumps({"sets": asked.sets, "resamples": RESAMPLES, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
