"""A small finished audit of recorded scores: 48 cases of 40 patients, one classification target, two documents.

Written for what comes after a run: documents, sign-offs, erasure, bill of materials. No images and no network.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from audit.cli import main
from audit.documents.view import make_documents
from audit.evidence.keys import SigningKey
from audit.evidence.store import AuditStore, open_audit

CASES, PATIENTS = 48, 40
BUILT = "2026-03-02T10:00:00Z"
TEMPLATE = """\
id: {id}
title: {title}
instrument: fda_ai_dsf
vocabulary: fda
page: Letter
sections:
- title: Results
  requirements:
  - {{id: fda.aidsf.x.a.4, evidence: [subgroup estimates]}}
  blocks:
  - {{kind: population_table}}
  - {{kind: estimates_table, show: overall, measures: [sensitivity, auroc]}}
  - {{kind: estimates_table, show: subgroups, measures: [sensitivity]}}
  - {{kind: signatures}}
"""
SET = {
    "name": "scores",
    "version": "1",
    "licence": "CC0",
    "description": "Scores made by code for tests.",
    "simulated": True,
    "sampling": {"kind": "enriched", "how": "half of the cases are positive"},
    "reference": {"kind": "exact", "how": "known by construction"},
}
POINT = {"threshold": 0.5, "chosen_on": "tuning scores", "how": "set by hand"}
PLAN = {
    "id": "scores",
    "title": "Scores of a closed device",
    "intended_purpose": "Finds the finding, so that what comes after a run can be tested.",
    "model": {"kind": "recorded", "name": "closed device", "version": "1", "scores": "scores.csv"},
    "validation_sets": ["scores"],
    "targets": {
        "finding": {"task": "classification", "output": "score", "reference": "finding", "operating_point": POINT}
    },
    "strata": {"manufacturer": {"baseline": "Aurora"}, "sex": {"baseline": "F"}},
    "endpoints": [
        {
            "id": "P1",
            "role": "primary",
            "measure": "sensitivity",
            "target": "finding",
            "criterion": {"kind": "minimum", "value": 0.5},
        }
    ],
    "too_few": 3,
    "resamples": 100,
    "seed": 7,
}
DEVICE = {"manufacturer": "Maker", "name": "Device", "version": "1"}


def maker(patient: int) -> str:
    """30 patients of Aurora, 6 of Borealis, 4 of Corvid."""
    return "Aurora" if patient < 30 else "Borealis" if patient < 36 else "Corvid"


def write_inputs(folder: Path, plan_id: str = "scores") -> Path:
    """Set, scores and plan in ``folder``; returns the plan's path."""
    (folder / "scores").mkdir(parents=True)
    generator = np.random.default_rng(3)
    rows, scores = [], []
    for number in range(CASES):
        patient, positive = number % PATIENTS, number % 2
        rows.append(
            {
                "case_id": f"case-{number:03d}",
                "patient_id": f"patient-{patient:03d}",
                "finding": positive,
                "manufacturer": maker(patient),
                "sex": "FM"[patient % 3 % 2],
            }
        )
        scores.append({"case_id": f"case-{number:03d}", "score": round(0.3 * positive + 0.7 * generator.random(), 3)})
    for path, table in ((folder / "scores" / "manifest.csv", rows), (folder / "scores.csv", scores)):
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, list(table[0]))
            writer.writeheader()
            writer.writerows(table)
    (folder / "scores" / "set.yaml").write_text(yaml.safe_dump(SET), encoding="utf-8")
    (folder / "plan.yaml").write_text(yaml.safe_dump({**PLAN, "id": plan_id}, sort_keys=False), encoding="utf-8")
    for name, title in (("summary", "Summary of results"), ("report", "Report on results")):
        (folder / f"{name}.yaml").write_text(TEMPLATE.format(id=name, title=title), encoding="utf-8")
    return folder / "plan.yaml"


@dataclass(frozen=True)
class Answer:
    """What the command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def audit(*words: object) -> Answer:
    """Runs ``audit WORDS`` in this process, through the function that the console script calls."""
    out, err, before = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ["audit", *map(str, words)]
    code: Any = 0
    try:
        with redirect_stdout(out), redirect_stderr(err):
            main()
    except SystemExit as leaving:
        code = leaving.code
    finally:
        sys.argv = before
    return Answer(int(code or 0), out.getvalue(), err.getvalue())


@dataclass(frozen=True)
class Small:
    """A folder with set, plan, templates and home, and the audit in it."""

    folder: Path
    audit_id: str

    @property
    def home(self) -> Path:
        return self.folder / "evidence"

    @property
    def store(self) -> AuditStore:
        return open_audit(self.home, self.audit_id)

    @property
    def documents(self) -> Path:
        return self.store.folder / "documents"

    def build(
        self, *names: str, reason: str = "", key: SigningKey | None = None, at: str = "2026-03-02T10:00:00Z"
    ) -> None:
        """Builds the named documents (both where none is named) again."""
        paths = [self.folder / f"{name}.yaml" for name in names or ("summary", "report")]
        store = open_audit(self.home, self.audit_id, key=key)
        make_documents(store, at, templates=paths, who="Tester", acknowledged=reason)

    def verify(self, what: object = None) -> Answer:
        """``audit verify``, as JSON."""
        return audit("verify", self.audit_id if what is None else what, "--home", self.home, "--json")


def run_small(folder: Path, plan_id: str = "scores") -> Small:
    """Locked, run and documented beside an existing home in ``folder``."""
    path = write_inputs(folder, plan_id)
    home = ("--home", folder / "evidence")
    assert audit("lock", path, *home, "--who", "Tester").code == 0
    run = audit("run", path, *home, "--device", "cpu", "--json")
    assert run.code in (0, 1), run.err
    small = Small(folder, run.json["audit"])
    small.build()
    return small
