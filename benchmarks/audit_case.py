"""A whole audit's resampling on real rows: 14 findings, every measure, every stratum and intersection.

The rows are recorded predictions on 11,127 chest radiographs of 3,060 patients, which stand beside the checkout or
not at all; without them there is no result, and the report says so.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from machine import peak_memory_gib

from audit.cases.flow import dispositions
from audit.estimates import estimate
from audit.measures.choice import measures_for
from audit.measures.groups import Group, declared_groups
from audit.measures.samples import Sample, case_order, samples
from audit.model_refs import RecordedPredictions
from audit.models.recorded import read_recorded
from audit.plan import Plan, read_plan
from audit.run import gather
from audit.statistics.resampling import patient_counts
from audit.tasks.observations import observe

PLAN = Path(__file__).parents[1] / "tests" / "real" / "nih_cxr_preds" / "plan.yaml"
ABSENT = "the recorded predictions are not here"


@dataclass(frozen=True)
class AuditTables:
    """What the second half of an audit starts from."""

    plan: Plan
    cases: pd.DataFrame
    observations: pd.DataFrame
    dispositions: pd.DataFrame


def open_audit(resamples: int, plan_path: Path = PLAN) -> AuditTables:
    """Plan, cases, observations and dispositions of the recorded predictions, with all measures for every target."""
    inputs = gather(plan_path)
    plan = inputs.plan.model_copy(update={"resamples": resamples})
    cases, references = inputs.cases.cases, inputs.references
    assert isinstance(plan.model, RecordedPredictions)
    predictions = read_recorded(plan.model, inputs.stored.locate(plan.model.scores), plan.targets, cases)
    seen = [
        observe("candidate", name, target, cases, references, predictions, _no_mask, _no_mask)
        for name, target in plan.targets.items()
    ]
    fates = dispositions(cases, references, predictions, plan)
    return AuditTables(plan, cases, pd.concat(seen, ignore_index=True), fates)


def _no_mask(name: str) -> Any:
    raise LookupError(f"{name}: no masks are recorded")


def replicates(tables: AuditTables) -> int:
    """Every measure of every target in every group, in every resample of patients; how many numbers that is."""
    plan = tables.plan
    order = case_order(tables.cases, tables.dispositions)
    groups = declared_groups(plan, tables.cases, order)
    found = samples(order, tables.observations, tables.dispositions)
    counts = patient_counts(order.n_patients, plan.resamples, plan.seed)
    return sum(_of_target(plan, target, found["candidate", target], groups, counts) for target in plan.targets)


def _of_target(plan: Plan, target: str, sample: Sample, groups: list[Group], counts: Any) -> int:
    done = 0
    for measure in measures_for(plan, target):
        usable = sample.analysed & measure.complete(sample.rows)
        asked = [sample.rows.where(usable & group.members) for group in groups]
        done += sum(column.size for column in measure.replicates_of_many(asked, counts))
    return done


def measured(resamples: int = 2000, repeats: int = 3, plan_path: Path = PLAN) -> dict[str, Any] | str:
    """Median wall and processor seconds of all replicates and of the table of estimates, or why there are none."""
    if not _present(plan_path):
        return ABSENT
    tables = open_audit(resamples, plan_path)
    replicates(AuditTables(tables.plan.model_copy(update={"resamples": 100}), *_rest(tables)))
    numbers, of_replicates = _timed(lambda: replicates(tables), repeats)
    rows, of_estimates = _timed(
        lambda: len(estimate(tables.plan, tables.cases, tables.observations, tables.dispositions)), repeats
    )
    return {
        "cases": len(tables.cases),
        "patients": int(tables.cases["patient_id"].nunique()),
        "targets": len(tables.plan.targets),
        "resamples": resamples,
        "replicates": {"numbers": numbers, **of_replicates},
        "estimates": {"rows": rows, **of_estimates},
        "peak_memory_gib": peak_memory_gib(),
    }


def _rest(tables: AuditTables) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    return tables.cases, tables.observations, tables.dispositions


def _present(plan_path: Path) -> bool:
    """Whether the table that the plan names stands where it says."""
    stored = read_plan(plan_path)
    return isinstance(stored.plan.model, RecordedPredictions) and stored.locate(stored.plan.model.scores).exists()


def _timed(task: Callable[[], int], repeats: int) -> tuple[int, dict[str, float]]:
    clocks = []
    size = 0
    for _ in range(repeats):
        wall, processor = time.perf_counter(), time.process_time()
        size = task()
        clocks.append((time.perf_counter() - wall, time.process_time() - processor))
    wall_s, processor_s = (statistics.median(column) for column in zip(*clocks, strict=True))
    return size, {"wall_s": wall_s, "processor_s": processor_s}
