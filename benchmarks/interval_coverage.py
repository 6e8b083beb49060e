"""Coverage of the 95 % intervals that the product prints, on simulated sets with known true values.

    python benchmarks/interval_coverage.py                    # 1,000 sets a cell; about half an hour of one core
    python benchmarks/interval_coverage.py --minutes 20       # as many of them as 20 minutes allow
    python benchmarks/interval_coverage.py --processes 2      # the same numbers, sooner
    python benchmarks/interval_coverage.py --seed 5 --measures auroc dice      # more sets for some measures

Blocks of 50 sets that are done stand in ``results/coverage_blocks.jsonl``, those of the quick cells (50 and 200
patients) first: a run that was broken off goes on from there. Writes ``results/coverage.json`` beside this file and
``docs/coverage.md`` from all blocks that are done, of every seed.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from coverage_designs import Design, designs, draw, fewest_events, true_values
from coverage_report import report
from coverage_study import LINES, MEASURES, Asked, study
from machine import machine_facts

from audit.measures.answers import Answer
from audit.measures.measure import Measure
from audit.statistics.resampling import patient_counts

HERE = Path(__file__).parent
RESAMPLES = 1000
BLOCK = 50
LINES_EVERY = 4
ALL = tuple(measure.name for measure in MEASURES)


@dataclass(slots=True)
class Tally:
    """How often an interval was printed, on which side it missed the true value, and by which method."""

    sets: int = 0
    printed: int = 0
    below: int = 0
    above: int = 0
    width: float = 0.0
    methods: dict[str, list[int]] = field(default_factory=dict)

    def add(self, found: Answer, truth: float) -> None:
        self.sets += 1
        if found.interval is None:
            return
        below, above = found.interval.high < truth - 1e-12, found.interval.low > truth + 1e-12
        self.printed += 1
        self.below += int(below)
        self.above += int(above)
        self.width += found.interval.high - found.interval.low
        of_method = self.methods.setdefault(method_name(found.interval.method), [0, 0])
        of_method[0] += 1
        of_method[1] += int(below or above)

    def merge(self, other: dict[str, Any]) -> None:
        for name in ("sets", "printed", "below", "above", "width"):
            setattr(self, name, getattr(self, name) + other[name])
        for name, (printed, missed) in other["methods"].items():
            of_method = self.methods.setdefault(name, [0, 0])
            of_method[0] += printed
            of_method[1] += missed

    def row(self) -> dict[str, Any]:
        """Facts for the report; methods with how often they printed and missed."""
        printed = self.printed
        return {
            "sets": self.sets,
            "printed": printed,
            "coverage": round(1 - (self.below + self.above) / printed, 6) if printed else None,
            "interval_below_truth": self.below,
            "interval_above_truth": self.above,
            "mean_width": round(self.width / printed, 6) if printed else None,
            "methods": {name: self.methods[name] for name in sorted(self.methods)},
        }


def method_name(method: str) -> str:
    """Without the number of resamples."""
    return method.split(", 1000 resamples")[0].split(" (1000 resamples")[0]


def cover(task: tuple[Design, int], seed: int, names: tuple[str, ...], resamples: int = RESAMPLES) -> dict[str, Any]:
    """Block ``task[1]`` of a design: tallies of ``BLOCK`` sets, which share resamples that no other block has."""
    design, block = task
    first, second = true_values(design), true_values(design, version=1)
    tallies: dict[Asked, Tally] = {}
    counts = patient_counts(design.patients, resamples, seed, first=block * resamples)
    for number in range(block * BLOCK, (block + 1) * BLOCK):
        drawn = draw(design, np.random.default_rng([seed, number, *_key(design)]))
        for asked, found in study(drawn, counts, design.clustered, _measures(names, number)):
            tallies.setdefault(asked, Tally()).add(found, _truth(asked, first, second))
    rows = [{**asdict(asked), **asdict(tally)} for asked, tally in tallies.items()]
    return {"design": design.name, "block": block, "seed": seed, "measures": list(names), "tallies": rows}


def _measures(names: tuple[str, ...], number: int) -> list[Measure]:
    """Those of these ``names``; the calibration line, the slowest, only in every fourth set."""
    lines = number % LINES_EVERY == 0
    return [each for each in MEASURES if each.name in names and (lines or each not in LINES)]


def _key(design: Design) -> tuple[int, ...]:
    return design.patients, int(design.clustered), round(1000 * design.prevalence), round(1000 * design.device.auroc)


def _truth(asked: Asked, first: dict[str, float], second: dict[str, float]) -> float:
    if asked.kind == "value":
        return first[asked.measure]
    return first[asked.measure] - second[asked.measure] if asked.kind == "change" else 0.0


def rows_of(design: Design, blocks: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """One row per question: facts of the design, then the tally over the blocks."""
    tallies: dict[Asked, Tally] = {}
    for block in blocks:
        for part in block["tallies"]:
            tallies.setdefault(Asked(part["kind"], part["measure"]), Tally()).merge(part)
    facts = {
        "device": design.device.name,
        "patients": design.patients,
        "clustered": design.clustered,
        "prevalence": design.prevalence,
    }
    for asked, tally in tallies.items():
        events = round(fewest_events(design, asked.kind, asked.measure), 1)
        yield {**facts, **asdict(asked), "fewest_events": events, **tally.row()}


def run(
    sets: int,
    seed: int,
    cells: list[Design],
    kept: Path,
    names: tuple[str, ...] = ALL,
    processes: int = 1,
    minutes: float = math.inf,
) -> list[dict[str, Any]]:
    """Blocks of all cells up to ``sets``, those in ``kept`` left as they are, the rest computed and added to it until
    ``minutes`` have passed; all blocks in ``kept``.
    """
    began = time.monotonic()
    done = {(b["design"], b["block"]) for b in stored(kept) if (b["seed"], tuple(b["measures"])) == (seed, names)}
    wanted = sorted(((design, block) for block in range(sets // BLOCK) for design in cells), key=_turn)
    open_tasks = [task for task in wanted if (task[0].name, task[1]) not in done]
    with kept.open("a", encoding="utf-8") as file, multiprocessing.Pool(processes) as pool:
        for found in pool.imap_unordered(partial(cover, seed=seed, names=names), open_tasks):
            file.write(json.dumps(found, ensure_ascii=False) + "\n")
            file.flush()
            if time.monotonic() - began > 60 * minutes:
                break
    return stored(kept)


def _turn(task: tuple[Design, int]) -> int:
    """A block of 1,000 patients takes as long as several of fewer patients and waits for three of theirs."""
    return task[1] * (3 if task[0].patients == 1000 else 1)


def stored(kept: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()] if kept.exists() else []


def summed(blocks: list[dict[str, Any]], cells: list[Design]) -> dict[str, Any]:
    """The whole study as one JSON-ready value."""
    of = {design.name: [block for block in blocks if block["design"] == design.name] for design in cells}
    rows = [row for design in cells for row in rows_of(design, of[design.name])]
    runs: dict[str, list[str]] = {str(block["seed"]): block["measures"] for block in blocks}
    return {"resamples": RESAMPLES, "runs": runs, "machine": machine_facts(), "rows": rows}


def as_json(found: dict[str, Any]) -> str:
    """The study with one row a line."""
    lines = ",\n".join(json.dumps(row, sort_keys=True, ensure_ascii=False) for row in found["rows"])
    head = json.dumps({name: value for name, value in found.items() if name != "rows"}, sort_keys=True)
    return f'{head[:-1]}, "rows": [\n{lines}\n]}}\n'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=int, default=1000, help=f"simulated sets per cell, a multiple of {BLOCK}")
    parser.add_argument("--seed", type=int, default=20261, help="seed of sets and resamples")
    parser.add_argument("--measures", nargs="+", choices=ALL, default=ALL, help="only these")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after so long; 0: after one block")
    parser.add_argument("--results", type=Path, default=HERE / "results" / "coverage.json")
    parser.add_argument("--document", type=Path, default=HERE.parent / "docs" / "coverage.md")
    given = parser.parse_args()
    given.results.parent.mkdir(parents=True, exist_ok=True)
    began, cells = time.perf_counter(), designs()
    kept = given.results.with_name("coverage_blocks.jsonl")
    blocks = run(given.sets, given.seed, cells, kept, tuple(given.measures), given.processes, given.minutes)
    print(f"{len(blocks)} blocks, {time.perf_counter() - began:.0f} s")
    study_ = summed(blocks, cells)
    given.results.write_text(as_json(study_), encoding="utf-8")
    compared = json.loads((HERE / "results" / "auroc_intervals.json").read_text(encoding="utf-8"))
    given.document.write_text(report({**study_, "auroc_methods": compared}), encoding="utf-8")


if __name__ == "__main__":
    main()
