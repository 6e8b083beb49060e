"""The examination of explanations, from networks and pictures in memory to the verdicts.

The walk's own functions in its own order, without files and evidence between them; for ``real_explanations.py`` and
tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import torch

from audit.analyses.analysing import analyse
from audit.cases.flow import dispositions
from audit.decision_tables import COPIES, MAP_REGIONS, RANDOM_WEIGHTS
from audit.engines.copies import Asked, Copy, run_copies
from audit.engines.local import case_generator
from audit.engines.repeating import drawn_to_repeat
from audit.estimates import estimate
from audit.explanation_estimates import estimate_explanations
from audit.explanation_plan import ExplainedCases
from audit.explanations.drawing import draw_cases
from audit.explanations.explaining import CaseFacts, explain_cases
from audit.explanations.map_regions import map_of, map_regions_table
from audit.explanations.masking import MASKED, masked_by
from audit.explanations.random_copies import Reading, random_copies_table
from audit.explanations.verdicts import verdicts
from audit.plan import Plan
from audit.records import BoolArray, Image, Pixels
from audit.tables import CASES, PREDICTIONS, REFERENCES, stratum_column
from audit.tasks.observations import observe

BATCH, COPIED = 64, 60


@dataclass(frozen=True)
class Pictures:
    """Cases in memory: ``pixels`` by case, ``positive`` by case, ``masks`` of findings where known, strata by case."""

    pixels: Mapping[str, Pixels]
    positive: Mapping[str, bool]
    masks: Mapping[str, BoolArray] = field(default_factory=dict)
    strata: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    patients: Mapping[str, str] = field(default_factory=dict)

    def image(self, case: str) -> Image:
        return Image(self.pixels[case], (1.0,) * self.pixels[case].ndim)

    def mask(self, case: str, shape: tuple[int, ...] | None = None) -> BoolArray | None:  # noqa: ARG002
        return self.masks.get(case)

    def patient(self, case: str) -> str:
        return self.patients.get(case, case)

    def cases(self, names: Sequence[str]) -> pd.DataFrame:
        rows = pd.DataFrame({"case_id": list(self.pixels), "image": "i", "sha256": "0"})
        rows["patient_id"] = [self.patient(case) for case in rows["case_id"]]
        for name in names:
            rows[stratum_column(name)] = [self.strata[name][case] for case in rows["case_id"]]
        return CASES.conform(rows)

    def references(self, plan: Plan) -> pd.DataFrame:
        rows = [
            {"case_id": case, "target": name, "reader": "reference", "value": float(positive),
             "artifact": case if target.task == "segmentation" else None, "grid": None}
            for name, target in plan.targets.items() for case, positive in self.positive.items()
        ]  # fmt: skip
        return REFERENCES.conform(pd.DataFrame(rows))


@dataclass(frozen=True)
class Examined:
    """What came out: tables as an audit keeps them."""

    verdicts: pd.DataFrame
    analyses: pd.DataFrame
    estimates: pd.DataFrame
    scores: pd.DataFrame
    explanations: pd.DataFrame
    files: Mapping[str, bytes]

    def verdict(self, method: str, version: str = "candidate") -> str:
        rows = self.verdicts
        rows = rows[(rows["method"] == method) & (rows["version"] == version)]
        return str(rows["verdict"].iloc[0])

    def reasons(self, method: str) -> str:
        return str(self.verdicts.loc[self.verdicts["method"] == method, "reasons"].iloc[0])

    def shortcuts(self, attribute: str = "overall", level: str = "all") -> dict[str, str]:
        """Region -> verdict of the masking, or why it has none."""
        rows = self.analyses
        rows = rows[(rows["analysis"] == "shortcuts") & (rows["quantity"] == "decisions turned")]
        rows = rows[(rows["attribute"] == attribute) & (rows["level"] == level)]
        return {
            r["measure"]: r["verdict"] if pd.notna(r["verdict"]) else r["undefined"] for r in rows.to_dict("records")
        }

    def mean(self, score: str, method: str, attribute: str = "overall") -> pd.DataFrame:
        """Rows of ESTIMATES with this score of this method."""
        rows = self.estimates
        rows = rows[(rows["measure"] == score) & rows["target"].str.endswith(f": {method}")]
        return rows[(rows["attribute"] == attribute) & (rows["kind"] == "value")]


def plan_of(**changes: Any) -> Plan:
    """A plan with one classification target, 'finding' from the output 'score'; ``changes`` replace parts."""
    point = {"threshold": 0.5, "chosen_on": "tuning"}
    finding = {"task": "classification", "output": "score", "reference": "finding", "operating_point": point,
               "measures": ["auroc", "balanced_accuracy"]}  # fmt: skip
    whole = {
        "id": "examined", "title": "t", "intended_purpose": "i", "model": {"kind": "mlflow", "name": "m", "version": 1},
        "validation_sets": ["s"], "targets": {"finding": finding}, "seed": 7, "resamples": 400, "too_few": 5,
    }  # fmt: skip
    return Plan.model_validate({**whole, **changes})


def examine(plan: Plan, pictures: Pictures, network: torch.nn.Module, outputs: Sequence[str] = ("score",)) -> Examined:
    """The candidate's decisions, explanations, copies with random weights and masked copies, where ``plan`` asks."""
    asked = plan.explanations
    cases, references = pictures.cases(list(plan.strata)), pictures.references(plan)
    predict = _predictor(network)
    masks, predictions = _predictions(plan, pictures, predict)
    observations = pd.concat(
        [observe("candidate", name, target, cases, references, predictions, masks.__getitem__,
                 lambda case: pictures.masks.get(case, np.zeros(pictures.pixels[case].shape, bool)))
         for name, target in plan.targets.items()], ignore_index=True)  # fmt: skip
    fates = dispositions(cases, references, predictions, plan)
    estimates = estimate(plan, cases, observations, fates)
    decisions: dict[str, pd.DataFrame] = {}
    rows, scores, files = _explained(plan, pictures, cases, references, predictions, network, outputs)
    if asked is not None:
        estimates = pd.concat([estimates, estimate_explanations(plan, cases, rows, scores)], ignore_index=True)
        decisions[RANDOM_WEIGHTS.name] = _random_copies(plan, pictures, cases, references, network, outputs)
        decisions[MAP_REGIONS.name] = map_regions_table(
            rows, lambda path: map_of(files[path]), pictures.image, pictures.mask, lambda _: None, plan.shortcuts
        )
    if plan.shortcuts is not None:
        decisions[COPIES.name] = _masked(plan, pictures, predict)
    analyses = analyse(plan, cases, observations, fates, estimates, decisions=decisions)
    decided = verdicts(plan, estimates, analyses, rows) if asked is not None else pd.DataFrame()
    return Examined(decided, analyses, estimates, scores, rows, files)


def _predictor(network: torch.nn.Module) -> Callable[[Pixels], dict[str, np.ndarray]]:
    def predict(batch: Pixels) -> dict[str, np.ndarray]:
        with torch.inference_mode():
            found = network(torch.from_numpy(np.ascontiguousarray(batch, dtype=np.float32)))
        return {name: value.numpy() for name, value in found.items()}

    return predict


def _predictions(
    plan: Plan, pictures: Pictures, predict: Callable[[Pixels], dict[str, np.ndarray]]
) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
    masks, rows = {}, []
    ids = list(pictures.pixels)
    for start in range(0, len(ids), BATCH):
        chunk = ids[start : start + BATCH]
        found = predict(np.stack([pictures.pixels[case] for case in chunk])[:, None])
        for name, target in plan.targets.items():
            for case, value in zip(chunk, found[target.output], strict=True):
                segments = target.task == "segmentation"
                row = {
                    "version": "candidate",
                    "case_id": case,
                    "target": name,
                    "seconds": 0.0,
                    "error": None,
                    "grid": None,
                }
                if segments:
                    masks[case] = value.reshape(pictures.pixels[case].shape)
                rows.append(row | {"score": None if segments else float(value), "artifact": case if segments else None})
    return masks, PREDICTIONS.conform(pd.DataFrame(rows))


def _explained(
    plan: Plan, pictures: Pictures, cases: pd.DataFrame, references: pd.DataFrame, predictions: pd.DataFrame,
    network: torch.nn.Module, outputs: Sequence[str],
) -> tuple[pd.DataFrame, pd.DataFrame, Mapping[str, bytes]]:  # fmt: skip
    asked = plan.explanations
    if asked is None:
        return pd.DataFrame(), pd.DataFrame(), {}
    target = plan.targets[asked.target]
    point = target.operating_point_of("candidate")
    score = predictions[predictions["target"] == asked.target].set_index("case_id")["score"]
    facts = [
        CaseFacts(case, pictures.patient(case), score=None if pd.isna(score[case]) else float(score[case]),
                  threshold=point.threshold if point else None, reference=pictures.positive[case])
        for case in draw_cases(cases, references, asked.cases, asked.target, plan.seed)
    ]  # fmt: skip
    made = explain_cases(
        "candidate", network, outputs, asked.target, target, facts, pictures.image, pictures.mask, asked.methods, False,
        seed=plan.seed, examination=asked.examine,
    )  # fmt: skip
    return made.rows, made.scores, made.files


def _random_copies(
    plan: Plan, pictures: Pictures, cases: pd.DataFrame, references: pd.DataFrame, network: torch.nn.Module,
    outputs: Sequence[str],
) -> pd.DataFrame:  # fmt: skip
    assert plan.explanations is not None
    name = plan.explanations.target
    drawn = draw_cases(cases, references, ExplainedCases(per_level=COPIED), name, plan.seed)
    reading = Reading("candidate", name, plan.targets[name], network, tuple(outputs))
    return random_copies_table(
        reading, [(case, pictures.patient(case)) for case in drawn], pictures.image, pictures.mask,
        plan.explanations.examine.random_copies, plan.seed)  # fmt: skip


def _masked(plan: Plan, pictures: Pictures, predict: Callable[[Pixels], dict[str, np.ndarray]]) -> pd.DataFrame:
    assert plan.shortcuts is not None
    paint = masked_by(plan.shortcuts, lambda _: None, lambda case: case_generator(plan.seed, MASKED, case),
                      pictures.mask)  # fmt: skip
    ids = drawn_to_repeat(list(pictures.pixels), plan.shortcuts.cases, plan.seed)
    asked = Asked("candidate", plan.shortcuts.target, plan.targets[plan.shortcuts.target].output,
                  [(case, pictures.patient(case)) for case in ids])  # fmt: skip

    def make(case: str, image: Image):  # type: ignore[no-untyped-def]
        return (Copy(MASKED, p.name, p.pixels, p.area, p.how, p.undefined) for p in paint(case, image))

    return run_copies(asked, pictures.image, predict, [make], BATCH)
