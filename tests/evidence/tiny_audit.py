"""A tiny finished audit: four cases, one target, no model library."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from audit.evidence.keys import SigningKey
from audit.evidence.locks import finish, lock, start
from audit.evidence.parquet import table_bytes
from audit.evidence.statements import sha256, to_json
from audit.evidence.store import AuditStore, open_audit
from audit.plan import StoredPlan, parse_plan
from audit.tables import ESTIMATES, OBSERVATIONS, PREDICTIONS

AT = "2026-03-01T08:00:00.000000+00:00"
SETS = {"four_cases": "a" * 64}
DIGEST = "ab" * 32
PRODUCER = {"package": "imaging-audit", "version": "test", "commit": None, "dirty": None, "python": "3.11.7"}
PRODUCER |= {"dependencies": {}, "platform": "Linux", "cpu": None, "cpu_count": None, "torch": None, "device": None}
PLAN = """\
id: tiny
title: Four cases
intended_purpose: a test of the evidence
model: {{kind: recorded, name: device, version: 1, scores: s.csv}}
validation_sets: [four_cases]
targets: {{finding: {{task: classification, output: o, reference: r}}}}
seed: {seed}
"""


def make_plan(seed: int = 0) -> StoredPlan:
    data = PLAN.format(seed=seed).encode()
    return StoredPlan(parse_plan(data, "plan.yaml"), data, Path("plan.yaml"))


class Clock:
    """Ticks one second a call, so that statements have known times."""

    def __init__(self, second: int = 0) -> None:
        self.second = second

    def __call__(self) -> str:
        self.second += 1
        minute, second = divmod(self.second, 60)
        return f"2026-03-01T{9 + minute // 60:02d}:{minute % 60:02d}:{second:02d}+00:00"


def predictions(scores: tuple[float, ...] = (0.1, 0.4, 0.7, 0.9)) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "version": "candidate",
            "case_id": [f"c{n}" for n in range(len(scores))],
            "target": "finding",
            "score": scores,
            "artifact": None,
            "seconds": 0.01,
            "error": None,
        }
    )


def recompute(store: AuditStore) -> dict[str, pd.DataFrame | bytes]:
    rows = store.read_table(PREDICTIONS, "shards/00000.parquet")
    observations = rows[["version", "case_id", "target", "score"]].assign(
        patient_id="p" + rows["case_id"].str[1:],
        reference=[0.0, 0.0, 1.0, 1.0],
        decision=(rows["score"] >= 0.5).astype("Float64"),
        dice=None,
        volume_predicted_ml=None,
        volume_reference_ml=None,
    )
    value = float(observations["score"].mean())
    estimates = pd.DataFrame(
        [
            {
                "estimate_id": f"e{n}",
                "kind": "value",
                "version": "candidate",
                "measure": measure,
                "target": "finding",
                "attribute": "overall",
                "level": "all",
                "baseline": None,
                "value": number,
                "low": None,
                "high": None,
                "confidence": 0.95,
                "method": None,
                "n_patients": 4,
                "n_cases": 4,
                "n_events": 2,
                "n_failed": 0,
                "n_undefined_resamples": None,
                "undefined": reason,
            }
            for n, (measure, number, reason) in enumerate([("mean", value, None), ("auroc", None, "no positives")])
        ]
    )
    findings = to_json([{"endpoint": "P1", "verdict": "met" if value > 0.5 else "failed", "value": value}])
    return {"observations": observations, "estimates": estimates, "findings.json": findings}


@dataclass(frozen=True)
class Finished:
    """A finished audit with the registered model's folder."""

    home: Path
    model: Path
    audit_id: str

    @property
    def store(self) -> AuditStore:
        return open_audit(self.home, self.audit_id, PRODUCER, Clock(3600))

    def model_digests(self) -> dict[str, dict[str, str]]:
        return {"candidate": {path.name: sha256(path.read_bytes()) for path in sorted(self.model.iterdir())}}


def run_tiny(
    home: Path,
    model: Path,
    plan: StoredPlan | None = None,
    key: SigningKey | None = None,
    digests: dict[str, str] | None = None,
    before_the_end: Callable[[AuditStore], None] = lambda _: None,
) -> Finished:
    """Locks and runs the tiny audit to its end; ``key`` signs it, ``digests`` are the model's files where it has other
    ones than ``model``."""
    plan = plan or make_plan()
    clock = Clock()
    model.mkdir(parents=True, exist_ok=True)
    (model / "model.pt2").write_bytes(b"weights")
    files = {"candidate": digests or {"model.pt2": sha256(b"weights")}}
    lock(home, plan, SETS, files, "A. Assessor", AT, PRODUCER, clock, key)
    store = start(home, plan, SETS, files, "A. Assessor", clock(), PRODUCER, clock, key)
    shard = store.put_files(
        "shard",
        {"shards/00000.parquet": table_bytes(PREDICTIONS, predictions()), "shards/00000.npz": b"masks"},
        [store.latest("lock")],
        {"index": 0},
    )
    results = recompute(store)
    observations = store.put_table(OBSERVATIONS, results["observations"], [shard])
    estimates = store.put_table(ESTIMATES, results["estimates"], [observations])
    findings = store.put_bytes("findings", "findings.json", results["findings.json"], [estimates])
    store.put_bytes("figure", "figures/forest.svg", b"<svg/>", [estimates])
    before_the_end(store)
    finish(store, "complete", clock())
    store.put_bytes("document", "documents/eu.pdf", b"%PDF-1.4 tiny", [findings])
    return Finished(home, model, store.audit_id)
