"""Patient bootstrap of group metrics, side by side with fairlearn's ``MetricFrame(n_boot=...)`` in one run.

    python benchmarks/bench_bootstrap.py

Writes ``results/bootstrap.json``, ``results/scaling.svg`` and the tables of ``docs/benchmarks.md``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import audit_case
import numpy as np
import torch
import torch_kernels
from bench_report import report, scaling_plot
from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate, true_positive_rate
from machine import machine_facts, peak_memory_gib
from simulated_decisions import Decisions, simulate
from sklearn.metrics import roc_auc_score

from audit.records import BoolArray, FloatArray
from audit.statistics.resampling import auroc_replicates, patient_counts, ratio_replicates

HERE = Path(__file__).parent
ROWS = 100_000
LAYOUTS = {"63k patients": 100_000, "26k patients": 26_400}
RATES = ("selection_rate", "true_positive_rate", "false_positive_rate")
TARGETS = {"threshold": 1000, "auroc": 500}
MEMORY_TARGET_GIB = 2.0
CASES = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
RESAMPLE_NUMBERS = (125, 250, 500, 1_000, 2_000, 4_000)


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is run: resamples of ours and of fairlearn's, and how often each is timed."""

    resamples: int = 2000
    fairlearn_resamples: int = 5
    repeats: int = 5


def per_patient(found: Decisions) -> tuple[FloatArray, FloatArray]:
    """Numerators and denominators of the three rates of every group, (patients, 3 x groups), rate by rate."""
    counted = (np.ones(found.rows, dtype=bool), found.reference, ~found.reference)
    top = np.hstack([_by_group(found, kept & found.decision) for kept in counted])
    return top, np.hstack([_by_group(found, kept) for kept in counted])


def _by_group(found: Decisions, kept: BoolArray) -> FloatArray:
    """Cases under ``kept`` per patient and group."""
    cell = found.patient[kept] * found.groups + found.group[kept]
    return np.bincount(cell, minlength=found.n_patients * found.groups).reshape(-1, found.groups).astype(np.float64)


def our_rates(found: Decisions, resamples: int, seed: int) -> FloatArray:
    """All rates of all groups in every resample of patients (resamples, 96); drawing and counting included."""
    return ratio_replicates(patient_counts(found.n_patients, resamples, seed), *per_patient(found))


def our_aurocs(found: Decisions, resamples: int, seed: int) -> FloatArray:
    """AUROC of every group in every resample of patients (resamples, groups); drawing and sorting included."""
    counts = patient_counts(found.n_patients, resamples, seed)
    return np.column_stack([_group_aurocs(found, counts, group) for group in range(found.groups)])


def _group_aurocs(found: Decisions, counts: Any, group: int) -> FloatArray:
    kept = found.group == group
    return auroc_replicates(counts, found.patient[kept], found.score[kept], found.reference[kept], compiled=True)


def fairlearn_frame(found: Decisions, kind: str, n_boot: int | None) -> MetricFrame:
    """fairlearn's own answer; its resamples are rows, not patients."""
    rates = dict(zip(RATES, (selection_rate, true_positive_rate, false_positive_rate), strict=True))
    return MetricFrame(
        metrics=rates if kind == "threshold" else {"auroc": roc_auc_score},
        y_true=found.reference.astype(int),
        y_pred=found.decision.astype(int) if kind == "threshold" else found.score,
        sensitive_features=found.group,
        n_boot=n_boot,
        ci_quantiles=[0.025, 0.975] if n_boot else None,
        random_state=1 if n_boot else None,
    )


def largest_gap(found: Decisions, kind: str) -> float:
    """Largest absolute difference between our point values (every patient drawn once) and fairlearn's."""
    once = np.ones((1, found.n_patients), dtype=np.uint8)
    theirs = fairlearn_frame(found, kind, None).by_group
    if kind == "threshold":
        ours = ratio_replicates(once, *per_patient(found)).reshape(len(RATES), found.groups).T
        return float(np.abs(ours - theirs[list(RATES)].to_numpy(dtype=float)).max())
    ours = np.array([_group_aurocs(found, once, group)[0] for group in range(found.groups)])
    return float(np.abs(ours - theirs["auroc"].to_numpy(dtype=float)).max())


def seconds(task: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor seconds of one call."""
    wall, processor = time.perf_counter(), time.process_time()
    task()
    return time.perf_counter() - wall, time.process_time() - processor


def side_by_side(found: Decisions, kind: str, effort: Effort) -> dict[str, Any]:
    """Median milliseconds per resample of both, taken in turns, and their ratio.

    fairlearn's time without resamples is subtracted, so that its point values do not count against it.
    """
    ours_of = our_rates if kind == "threshold" else our_aurocs
    ours_of(found, 2, 0)
    ours: list[tuple[float, ...]] = []
    theirs: list[tuple[float, ...]] = []
    for repeat in range(effort.repeats):
        task = seconds(lambda seed=repeat: ours_of(found, effort.resamples, seed))
        ours.append(tuple(value / effort.resamples for value in task))
        plain = seconds(lambda: fairlearn_frame(found, kind, None))
        full = seconds(lambda: fairlearn_frame(found, kind, effort.fairlearn_resamples))
        theirs.append(tuple((a - b) / effort.fairlearn_resamples for a, b in zip(full, plain, strict=True)))
    wall, processor = (
        {"ours_ms": 1e3 * _median(ours, clock), "fairlearn_ms": 1e3 * _median(theirs, clock)} for clock in (0, 1)
    )
    for clock in (wall, processor):
        clock["ratio"] = clock["fairlearn_ms"] / clock["ours_ms"]
    return {"wall": wall, "processor": processor, "target": TARGETS[kind]}


def _median(values: list[tuple[float, ...]], clock: int) -> float:
    return statistics.median(value[clock] for value in values)


def compare(name: str, rows: int, most_patients: int, effort: Effort) -> dict[str, Any]:
    """One layout: point values must agree before anything is timed."""
    found = simulate(rows, most_patients, seed=7)
    out: dict[str, Any] = {"layout": name, "rows": rows, "patients": found.n_patients, "groups": found.groups}
    for kind in TARGETS:
        gap = largest_gap(found, kind)
        if not gap <= 1e-12:
            raise SystemExit(f"{kind}: point values differ from fairlearn's by {gap}.")
        out[kind] = {"largest_point_difference": gap, **side_by_side(found, kind, effort)}
        print(name, kind, out[kind]["wall"], out[kind]["processor"], flush=True)
    out["graphics"] = on_graphics_processor(found, effort.resamples)
    return out


def on_graphics_processor(found: Decisions, resamples: int) -> dict[str, Any] | str:
    """Milliseconds per resample of the torch kernels on CUDA and their largest difference to ours; or 'no GPU'."""
    if not torch.cuda.is_available():
        return "no GPU"
    counts = patient_counts(found.n_patients, resamples, 1)
    top, bottom = per_patient(found)
    device = torch.device("cuda")
    there = torch.as_tensor(counts, device=device)
    sums = [torch.as_tensor(part, device=device) for part in (top, bottom)]
    torch_kernels.ratio_replicates(there[:64], *sums)
    rates = _cuda_timed(lambda: torch_kernels.ratio_replicates(there, *sums))
    aurocs = _cuda_timed(lambda: torch_aurocs(found, there))
    gaps = (
        np.nanmax(np.abs(rates[1].cpu().numpy() - ratio_replicates(counts, top, bottom))),
        np.nanmax(np.abs(aurocs[1].cpu().numpy() - our_aurocs(found, resamples, 1))),
    )
    return {
        "device": torch.cuda.get_device_name(0),
        "threshold_ms": 1e3 * rates[0] / resamples,
        "auroc_ms": 1e3 * aurocs[0] / resamples,
        "largest_difference": float(max(gaps)),
    }


def torch_aurocs(found: Decisions, counts: torch.Tensor) -> torch.Tensor:
    """AUROC of every group in every resample (resamples, groups) on the device of ``counts``."""
    columns = []
    for group in range(found.groups):
        kept = found.group == group
        rows = found.patient[kept], found.score[kept], found.reference[kept]
        columns.append(torch_kernels.auroc_replicates(counts, *rows))
    return torch.stack(columns, dim=1)


def _cuda_timed(task: Callable[[], torch.Tensor]) -> tuple[float, torch.Tensor]:
    torch.cuda.synchronize()
    began = time.perf_counter()
    found = task()
    torch.cuda.synchronize()
    return time.perf_counter() - began, found


def scaling(cases: tuple[int, ...], resample_numbers: tuple[int, ...], resamples: int, repeats: int) -> dict[str, Any]:
    """Processor seconds against the number of cases, and at 100,000 cases (or the most) against resamples."""
    by_cases = [_scaled(_scaling_set(n), resamples, repeats) for n in cases]
    middle = _scaling_set(min(ROWS, max(cases)))
    return {"cases": by_cases, "resamples": [_scaled(middle, number, repeats) for number in resample_numbers]}


def _scaling_set(cases: int) -> Decisions:
    return simulate(cases, cases * LAYOUTS["26k patients"] // ROWS, seed=7)


def _scaled(found: Decisions, resamples: int, repeats: int) -> dict[str, Any]:
    times: dict[str, list[float]] = {"threshold": [], "auroc": []}
    for repeat in range(repeats):
        times["threshold"].append(seconds(lambda seed=repeat: our_rates(found, resamples, seed))[1])
        times["auroc"].append(seconds(lambda seed=repeat: our_aurocs(found, resamples, seed))[1])
    medians = {f"{kind}_s": statistics.median(values) for kind, values in times.items()}
    print(found.rows, resamples, medians, flush=True)
    return {"cases": found.rows, "patients": found.n_patients, "resamples": resamples, **medians}


def slope(rows: list[dict[str, Any]], over: str, of: str) -> float:
    """Exponent of a power law through the points, by least squares on logarithms; 1 is linear."""
    x, y = (np.log([float(row[name]) for row in rows]) for name in (over, of))
    return float(np.polyfit(x, y, 1)[0])


def run(effort: Effort, rows: int = ROWS) -> dict[str, Any]:
    """The whole benchmark as one JSON-ready value."""
    layouts = [compare(name, rows, patients * rows // ROWS, effort) for name, patients in LAYOUTS.items()]
    memory = peak_memory_gib()
    audit = audit_case.measured(effort.resamples, repeats=1)
    print(audit, flush=True)
    scaled = scaling(CASES, RESAMPLE_NUMBERS, resamples=256, repeats=effort.repeats)
    large = [row for row in scaled["cases"] if row["cases"] >= 10_000]
    exponents = {
        f"{kind} over {over}": slope(points, over, f"{kind}_s")
        for kind in TARGETS
        for over, points in (("cases", large), ("resamples", scaled["resamples"]))
    }
    return {
        "effort": {"resamples": effort.resamples, "fairlearn": effort.fairlearn_resamples, "repeats": effort.repeats},
        "machine": machine_facts(),
        "layouts": layouts,
        "audit": audit,
        "peak_memory_gib": {"side by side": memory, "whole run": peak_memory_gib(), "target": MEMORY_TARGET_GIB},
        "scaling": scaled,
        "exponents": exponents,
    }


def ratios(found: dict[str, Any]) -> list[dict[str, Any]]:
    """What one run contributes to the list of all runs."""
    effort = f"{found['effort']['fairlearn']} x {found['effort']['repeats']}"
    return [
        {
            "effort": effort,
            "patients": layout["patients"],
            "kind": kind,
            "wall": layout[kind]["wall"]["ratio"],
            "processor": layout[kind]["processor"]["ratio"],
            "target": layout[kind]["target"],
        }
        for layout in found["layouts"]
        for kind in TARGETS
    ]


def earlier_runs(results: Path) -> list[dict[str, Any]]:
    """The runs that the results on file already list; none where there is no file."""
    return list(json.loads(results.read_text(encoding="utf-8")).get("runs", [])) if results.exists() else []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=HERE / "results")
    parser.add_argument("--document", type=Path, default=HERE.parent / "docs" / "benchmarks.md")
    given = parser.parse_args()
    found = run(Effort())
    found["runs"] = earlier_runs(given.results / "bootstrap.json") + ratios(found)
    given.results.mkdir(parents=True, exist_ok=True)
    (given.results / "bootstrap.json").write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    scaling_plot(found["scaling"], given.results / "scaling.svg")
    given.document.write_text(report(found), encoding="utf-8")


if __name__ == "__main__":
    main()
