# ruff: noqa: E501
"""A synthetic audit: 60 cases of 48 patients, three fictional makers, two versions, some things undefined."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from audit.datafolders import data_folder
from audit.dossier.device import read_device
from audit.dossier.view import CITABLE, AuditView, ConcernView, MeasureFacts, SetView
from audit.plan import Plan
from audit.records import Finding, ModelVersion, Statement
from audit.tables import ACCESSES, CASES, DISPOSITIONS, ESTIMATES, EXPLANATIONS, IMPORTANCE, OBSERVATIONS

PPA, NPA = "positive percent agreement", "negative percent agreement"
MAKERS = ("Aurelia", "Borealis", "Corvid")
MEASURES = {
    "auroc": MeasureFacts("auroc", "AUROC", source="DeLong et al., Biometrics 1988;44:837"),
    "sensitivity": MeasureFacts("sensitivity", "sensitivity", source="Wilson, JASA 1927;22:209", agreement_title=PPA),
    "specificity": MeasureFacts("specificity", "specificity", source="Wilson, JASA 1927;22:209", agreement_title=NPA),
    "dice": MeasureFacts("dice", "Dice", source="Dice, Ecology 1945;26:297"),
    "calibration_slope": MeasureFacts(
        "calibration_slope", "calibration slope", low=None, high=None, direction="nearer"
    ),
}


MAIN = [data_folder("templates") / f"{name}.yaml" for name in ("eu_ai_act_annex_iv", "fda_performance_testing")]
"""The two main documents, in which every kind of block stands."""


def digest(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()


def a_plan(**changes: Any) -> Plan:
    raw: dict[str, Any] = {
        "id": "lesions-v2",
        "title": "Lesion audit",
        "intended_purpose": "Marks slices with possible lesions",
        "model": {"kind": "mlflow", "name": "lesions", "version": "2"},
        "comparator": {"kind": "mlflow", "name": "lesions", "version": "1"},
        "validation_sets": ["brain_simulated"],
        "targets": {
            "lesion": {
                "task": "classification", "output": "lesion", "reference": "lesion_present",
                "operating_point": {"threshold": 0.42, "chosen_on": "brain_simulated", "how": "Youden index"},
            },
            "lesion_mask": {"task": "segmentation", "output": "mask", "reference": "mask"},
        },
        "strata": {"manufacturer": {"baseline": "Aurelia"}, "sex": {"baseline": "F"}, "age_band": {}},
        "intersections": [["manufacturer", "sex"]],
        "endpoints": [
            {"id": "P1", "role": "primary", "measure": "specificity", "target": "lesion", "rationale": "False alarms cost readers time",
             "criterion": {"kind": "minimum", "value": 0.8}, "hazards": ["H-07"]},
            {"id": "P2", "role": "primary", "measure": "dice", "target": "lesion_mask", "criterion": {"kind": "minimum", "value": 0.6}},
            {"id": "S1", "role": "secondary", "measure": "auroc", "target": "lesion", "criterion": {"kind": "minimum", "value": 0.9}},
            {"id": "S2", "role": "secondary", "measure": "sensitivity", "target": "lesion",
             "group": {"attribute": "age_band", "level": "80-120"}, "criterion": {"kind": "minimum", "value": 0.7}},
        ],
        "perturbation_arms": [{"name": "noise", "kind": "rician_noise", "size": 0.1}],
        "explanations": {"target": "lesion", "cases": {"attribute": "manufacturer", "per_level": 2}, "features": ["age_band", "manufacturer"]},
        "seed": 7,
    }  # fmt: skip
    return Plan.model_validate({**raw, **changes})


def the_cases() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    count = 60
    frame = pd.DataFrame(
        {
            "case_id": [f"C{index:03d}" for index in range(count)],
            "patient_id": [f"P{min(index, 47):03d}" for index in range(count)],
            "image": [f"images/C{index:03d}.dcm" for index in range(count)],
            "sha256": [digest(f"C{index}") for index in range(count)],
            "lesion_present": rng.integers(0, 2, count),
            "stratum:manufacturer": [MAKERS[index % 3] for index in range(count)],
            "stratum:sex": [("F", "M", "unknown")[index % 7 % 3] for index in range(count)],
            "stratum:age_band": [
                ("18-40", "40-80", "80-120")[0 if index < 20 else 1 if index < 57 else 2] for index in range(count)
            ],
        }
    )
    return CASES.conform(frame)


def the_dispositions(cases: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for version in ("candidate", "comparator"):
        for target in ("lesion", "lesion_mask"):
            for index, case in enumerate(cases["case_id"]):
                fate, reason = {
                    5: ("failed", "the image could not be decoded"),
                    9: ("excluded", "motion, by plan"),
                }.get(index, ("analysed", None))
                rows.append((version, case, target, fate, reason))
    return DISPOSITIONS.conform(pd.DataFrame(rows, columns=list(DISPOSITIONS.columns)))


def the_observations(cases: pd.DataFrame) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    rows = []
    for version in ("candidate", "comparator"):
        for row in cases.itertuples(index=False):
            score = float(np.clip(0.5 * row.lesion_present + 0.5 * rng.random(), 0, 1))
            decision = float(score >= 0.42)
            rows.append(
                (
                    version,
                    row.case_id,
                    row.patient_id,
                    "lesion",
                    score,
                    float(row.lesion_present),
                    decision,
                    None,
                    None,
                    None,
                )
            )
            rows.append(
                (
                    version,
                    row.case_id,
                    row.patient_id,
                    "lesion_mask",
                    None,
                    float(row.lesion_present),
                    None,
                    0.7,
                    3.1,
                    2.9,
                )
            )
    known = ["version", "case_id", "patient_id", "target", "score", "reference", "decision", "dice"]
    return OBSERVATIONS.conform(pd.DataFrame(rows, columns=[*known, "volume_predicted_ml", "volume_reference_ml"]))


def the_estimates(cases: pd.DataFrame) -> pd.DataFrame:
    """Plain estimates of both versions by group; the comparator falls short on Corvid; the oldest have no positives."""
    groups = [("overall", "all")]
    for name in ("manufacturer", "sex", "age_band"):
        groups += [(name, level) for level in sorted(set(cases[f"stratum:{name}"]))]
    groups += [("manufacturer & sex", f"{maker} & {sex}") for maker in MAKERS for sex in ("F", "M")]
    rows: list[tuple[Any, ...]] = []
    for version in ("candidate", "comparator", "candidate + noise"):
        for target, measures in (
            ("lesion", ("auroc", "sensitivity", "specificity", "calibration_slope")),
            ("lesion_mask", ("dice",)),
        ):
            for measure in measures:
                for attribute, level in groups:
                    if " + " in version and attribute != "overall":
                        continue
                    rows.append(an_estimate(len(rows), "value", version, measure, target, attribute, level))
    for measure in ("specificity", "dice"):
        target = "lesion_mask" if measure == "dice" else "lesion"
        rows.append(an_estimate(len(rows), "change", "candidate - comparator", measure, target, "overall", "all"))
        rows.append(an_estimate(len(rows), "worst case", "candidate", measure, target, "overall", "all"))
        for level in ("Borealis", "Corvid"):
            rows.append(
                an_estimate(len(rows), "contrast", "candidate", measure, target, "manufacturer", level, "Aurelia")
            )
    return ESTIMATES.conform(pd.DataFrame(rows, columns=list(ESTIMATES.columns)))


def an_estimate(
    index: int,
    kind: str,
    version: str,
    measure: str,
    target: str,
    attribute: str,
    level: str,
    baseline: str | None = None,
) -> tuple[Any, ...]:
    n = {"overall": 58, "age_band": 20}.get(attribute, 18 if " & " not in attribute else 7)
    undefined = None
    value: float | None = {
        "auroc": 0.962,
        "sensitivity": 0.914,
        "specificity": 0.931,
        "dice": 0.781,
        "calibration_slope": 1.084,
    }[measure]
    if version == "comparator" and "Corvid" in level and measure in ("specificity", "dice"):
        value = 0.118
    if kind in ("contrast", "change"):
        value = -0.031 + 0.017 * (index % 5)
    half = 0.04 + 0.01 * (index % 4)
    low, high = (value - half, value + half) if value is not None else (None, None)
    if kind in ("value", "worst case") and measure != "calibration_slope":
        high = min(high or 1.0, 0.999)
    if level == "80-120":
        n, value, low, high, undefined = 3, None, None, None, "no reference-positive cases"
    if " & " in attribute and measure == "auroc":
        low, high, undefined = None, None, "fewer than 10 patients"
    return (
        f"E{index:04d}", kind, version, measure, target, attribute, level, baseline, value, low, high, 0.95, "Wilson",
        n - 2, n, n // 3, 1, 0, undefined,
    )  # fmt: skip


def png(width: int = 240, height: int = 120, shade: int = 120) -> bytes:
    rows = b"".join(
        b"\0" + bytes((x * 255 // width + shade * y // height) % 256 for x in range(width)) for y in range(height)
    )

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    out = io.BytesIO(b"\x89PNG\r\n\x1a\n")
    out.seek(0, io.SEEK_END)
    for part in (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")):
        out.write(part)
    return out.getvalue()


def the_explanations() -> pd.DataFrame:
    rows = []
    for index, maker in enumerate((*MAKERS, MAKERS[0])):
        for method in ("integrated_gradients", "grad_cam"):
            broken = index == 3 and method == "grad_cam"
            rows.append(
                (
                    "candidate", f"C{index:03d}", f"P{index:03d}", "lesion", method,
                    None if broken else f"explanations/{method}-C{index:03d}.png", None, None if broken else 0.41, 0.02,
                    0.03 if method == "integrated_gradients" else None, "decoder.2" if method == "grad_cam" else None,
                    None if broken else f"The model gave this {maker} slice a score above its operating point. "
                    "Most of the attribution lies on the lesion marked by the reference.",
                    "no layer of a usable shape" if broken else None,
                )
            )  # fmt: skip
    return EXPLANATIONS.conform(pd.DataFrame(rows, columns=list(EXPLANATIONS.columns)[:13]))


def the_importance() -> pd.DataFrame:
    rows = []
    for version in ("candidate", "comparator"):
        for index, feature in enumerate(("manufacturer", "lesion_volume_ml", "age_years", "sex")):
            value = None if feature == "sex" else 0.09 / (index + 1)
            rows.append(
                (
                    f"I-{version}-{feature}", version, "lesion", "false alarms", feature, value, value and 0.6 * value,
                    value and 1.5 * value, "random forest, patient bootstrap", "more errors on Corvid" if index == 0 else "higher values",
                    0.81, 58, 9, "one level only" if value is None else None,
                )
            )  # fmt: skip
    return IMPORTANCE.conform(pd.DataFrame(rows, columns=list(IMPORTANCE.columns)[:14]))


def the_findings(plan: Plan) -> tuple[Finding, ...]:
    return (
        Finding("P1", "primary", "Specificity, lesion, whole set", "lower limit at least 0.800", "met", "the interval is above", "E0030"),
        Finding("P2", "primary", "Dice, lesion mask, whole set", "lower limit at least 0.600", "failed", "the interval is below", "E0060"),
        Finding("S1", "secondary", "AUROC, lesion, whole set", "lower limit at least 0.900", "not shown", "it straddles", "E0000"),
        Finding("S2", "secondary", "Sensitivity, lesion, ages 80-120", "lower limit at least 0.700", "not assessed", "no positives", None),
    )  # fmt: skip


def the_statements() -> dict[str, Statement]:
    return {
        kind: Statement(
            digest(kind),
            kind,
            {f"tables/{kind}.parquet": digest(kind + "-file")},
            (digest("lock"),),
            {"version": "0.1"},
            "2026-11-20T10:00:00Z",
            {},
        )
        for kind in CITABLE
    }


def make_view(**changes: Any) -> AuditView:
    plan = changes.pop("plan", None) or a_plan()
    cases = the_cases()
    explanations = the_explanations()
    statements = the_statements()
    accesses = pd.DataFrame(
        [("lock", "A1", plan.id, digest("p"), "brain_simulated", digest("set"), "2026-11-19T09:00:00Z", "validation", None),
         ("run started", "A1", plan.id, digest("p"), "brain_simulated", digest("set"), "2026-11-20T09:00:00Z", None, None)],
        columns=list(ACCESSES.columns),
    )  # fmt: skip
    version = ModelVersion("lesions", "2", "mlflow", "models:/lesions/2", {"data/model.pt2": digest("m2")}, ("lesion", "mask"),
                           "a1b2c3d4", digest("train"), {"epochs": "12"})  # fmt: skip
    facts = {
        "simulated": True, "dates": "none, simulated", "countries": ("none",), "sampling": {"kind": "enriched", "how": "half with lesions"},
        "reference": {"kind": "exact", "how": "the simulator knows"}, "training_sets": (), "description": "Simulated axial FLAIR slices",
    }  # fmt: skip
    view = AuditView(
        audit_id="20261120-lesions-v2-7f3a", run_id="0f" * 16, plan=plan, plan_sha256=digest("p"), mode="confirmatory", mode_reason="",
        recorded_predictions=False, locked_at="2026-11-19T09:00:00Z", accesses=ACCESSES.conform(accesses),
        sets=(SetView("brain_simulated", "1.0", "CC0-1.0", facts, digest("set")),),
        concerns=(ConcernView("moderate", "two patients have no recorded sex", 2, "complete the manifest"),),
        candidate=version, comparator=replace(version, version="1", uri="models:/lesions/1", digests={"data/model.pt2": digest("m1")}),
        cases=cases, dispositions=the_dispositions(cases), observations=the_observations(cases), estimates=the_estimates(cases),
        importance=the_importance(), explanations=explanations, findings=the_findings(plan), verdict="failed",
        verdict_sentence="One of two primary endpoints failed.",
        pictures={path: png(shade=40 * index) for index, path in enumerate(explanations["overlay"].dropna())},
        statements=statements, ledger=tuple(statements.values()), ledger_root=digest("head"),
        device=read_device(data_folder("templates") / "device.example.yaml"), simulated=True,
        environment={"package": "imaging-audit 0.1", "python": "3.11.9", "packages": {"torch": "2.13.0", "mlflow": "3.17.2"}, "dirty": False},
        created="2026-11-20T10:30:00Z", measures=MEASURES,
    )  # fmt: skip
    return replace(view, **changes)
