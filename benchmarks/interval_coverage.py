"""Coverage of the 95 % intervals that the product prints, on simulated sets with known true values.

    python benchmarks/interval_coverage.py            # 1,000 sets a cell; about 20 minutes of one core
    python benchmarks/interval_coverage.py --quick    # 200 sets a cell

Writes ``results/coverage.json`` beside this file and ``docs/coverage.md``.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from coverage_designs import Design, designs, draw, true_values
from coverage_report import report
from coverage_study import Asked, Bench, Found, study
from machine import machine_facts

from audit.statistics.resampling import patient_counts

HERE = Path(__file__).parent
RESAMPLES = 1000
BLOCK = 20
LINES_EVERY = 2


@dataclass(slots=True)
class Tally:
    """How often a method gave limits, and on which side these missed the true value."""

    sets: int = 0
    printed: int = 0
    too_low: int = 0
    too_high: int = 0
    width: float = 0.0
    names: set[str] = field(default_factory=set)

    def add(self, found: Found, truth: float) -> None:
        self.sets += 1
        if found.name:
            self.names.add(found.name)
        if found.limits is None:
            return
        low, high = found.limits
        self.printed += 1
        self.too_low += int(high < truth - 1e-12)
        self.too_high += int(low > truth + 1e-12)
        self.width += float(high - low)

    def row(self) -> dict[str, Any]:
        covered = (self.printed - self.too_low - self.too_high) / self.printed if self.printed else None
        return {
            "sets": self.sets,
            "printed": self.printed,
            "coverage": covered,
            "interval_below_truth": self.too_low,
            "interval_above_truth": self.too_high,
            "mean_width": self.width / self.printed if self.printed else None,
            "names": sorted(self.names),
        }


Tallies = dict[tuple[Asked, str], Tally]


def cover(design: Design, sets: int, seed: int, resamples: int = RESAMPLES) -> Tallies:
    """``sets`` simulated sets of one design; every block of 20 sets meets resamples of its own."""
    first, second = true_values(design), true_values(design, version=1)
    tallies: Tallies = defaultdict(Tally)
    for number in range(sets):
        if number % BLOCK == 0:
            bench = Bench(patient_counts(design.patients, resamples, seed, first=number * resamples))
        generator = np.random.default_rng([seed, number, *_key(design)])
        drawn = draw(design, generator)
        for found in study(drawn, bench, design.clustered, lines=number % LINES_EVERY == 0):
            tallies[found.asked, found.method].add(found, _truth(found.asked, first, second))
    return tallies


def _key(design: Design) -> tuple[int, ...]:
    return design.patients, int(design.clustered), round(1000 * design.prevalence), round(1000 * design.device.auroc)


def _truth(asked: Asked, first: dict[str, float], second: dict[str, float]) -> float:
    if asked.kind == "value":
        return first[asked.measure]
    return first[asked.measure] - second[asked.measure] if asked.kind == "change" else 0.0


def rows_of(design: Design, tallies: Tallies) -> Iterator[dict[str, Any]]:
    """One row per question and method: facts of the design, then the tally."""
    facts = {**asdict(design), "device": design.device.name}
    for (asked, method), tally in tallies.items():
        yield {**facts, **asdict(asked), "method": method, **tally.row()}


def run(sets: int, seed: int, cells: Iterable[Design]) -> dict[str, Any]:
    """The whole study as one JSON-ready value."""
    rows: list[dict[str, Any]] = []
    began = time.perf_counter(), time.process_time()
    for design in cells:
        started = time.process_time()
        rows += rows_of(design, cover(design, sets, seed))
        print(f"{design.name}: {time.process_time() - started:.0f} s", flush=True)
    seconds = {"wall": round(time.perf_counter() - began[0]), "processor": round(time.process_time() - began[1])}
    return {
        "sets_per_cell": sets,
        "resamples": RESAMPLES,
        "seed": seed,
        "seconds": seconds,
        "machine": machine_facts(),
        "rows": rows,
    }


def as_json(found: dict[str, Any]) -> str:
    """The study with one row a line, widths and coverages to six digits."""
    rows = [{name: round(v, 6) if isinstance(v, float) else v for name, v in row.items()} for row in found["rows"]]
    lines = ",\n".join(json.dumps(row, sort_keys=True, ensure_ascii=False) for row in rows)
    head = json.dumps({name: value for name, value in found.items() if name != "rows"}, sort_keys=True)
    return f'{head[:-1]}, "rows": [\n{lines}\n]}}\n'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=int, default=1000, help="simulated sets per cell")
    parser.add_argument("--quick", action="store_true", help="200 sets per cell")
    parser.add_argument("--seed", type=int, default=20260, help="seed of sets and resamples")
    parser.add_argument("--results", type=Path, default=HERE / "results" / "coverage.json")
    parser.add_argument("--document", type=Path, default=HERE.parent / "docs" / "coverage.md")
    given = parser.parse_args()
    study_ = run(200 if given.quick else given.sets, given.seed, designs())
    given.results.parent.mkdir(parents=True, exist_ok=True)
    given.results.write_text(as_json(study_), encoding="utf-8")
    given.document.write_text(report(study_), encoding="utf-8")


if __name__ == "__main__":
    main()
