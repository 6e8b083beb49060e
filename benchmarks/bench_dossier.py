"""What documents cost: those of the example in all four formats, and one PDF of 500 pages and more.

    python benchmarks/bench_dossier.py --home HOME

``HOME``: a home with a finished audit (``audit demo`` makes one); nothing is written there. The large document is the
performance testing report of the same audit with one more attribute, a centre of 950 levels, whose estimates are
those of the manufacturers over and over: as many groups as a study of that size would have. Each measurement runs in a
process of its own, so that its peak of memory is its own. Results: benchmarks/results/dossier.json.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pypdfium2
from machine import machine_facts, peak_memory_gib

from audit.documents.view import audit_view, chosen_templates
from audit.dossier.building import applicable_templates, build_documents, template_at
from audit.dossier.content import Document
from audit.dossier.pdf import paginated
from audit.dossier.resolve import resolve
from audit.dossier.serial import to_json
from audit.dossier.view import AuditView
from audit.evidence.store import open_audit
from audit.plan import Stratum

RESULTS = Path(__file__).resolve().parent / "results" / "dossier.json"
WHEN = "2026-01-01T00:00:00Z"
CENTRES, MODEL_ATTRIBUTE, REPORT = 950, "manufacturer", "fda_performance_testing"


def enlarged(view: AuditView, levels: int, attribute: str = "centre") -> AuditView:
    """``view`` with one more attribute of so many levels; their estimates are the manufacturers' in turn."""
    rows = view.estimates
    parts = [part for _, part in rows[rows["attribute"] == MODEL_ATTRIBUTE].groupby("level", sort=True)]
    made = []
    for number in range(levels):
        level, part = f"Centre {number + 1:04d}", parts[number % len(parts)]
        ids = [f"C{number:04d}{each}" for each in part["estimate_id"]]
        made.append(part.assign(attribute=attribute, level=level, estimate_id=ids))
    plan = view.plan.model_copy(update={"strata": {**view.plan.strata, attribute: Stratum()}})
    return replace(view, plan=plan, estimates=pd.concat([rows, *made], ignore_index=True))


def all_documents(view: AuditView) -> dict[str, Any]:
    """Every document that applies, as PDF, Word, HTML and JSON."""
    built = build_documents(view, applicable_templates(view))
    return {"documents": len(built), "files": sum(len(each.files) for each in built)}


def long_report(view: AuditView, levels: int = CENTRES) -> dict[str, Any]:
    """One report with all its results bound, as JSON and PDF."""
    document = resolve(template_at(chosen_templates([REPORT])[0]), enlarged(view, levels))
    return {"results": len(document.values), **_written(document)}


def _written(document: Document) -> dict[str, Any]:
    json_bytes = len(to_json(document))
    data, _ = paginated(document)
    with pypdfium2.PdfDocument(data) as read:
        return {"pages": len(read), "pdf_bytes": len(data), "json_bytes": json_bytes}


MEASURED: dict[str, Callable[[AuditView], dict[str, Any]]] = {"all": all_documents, "long": long_report}


def measured(name: str, home: Path) -> dict[str, Any]:
    """Seconds, from the evidence to the files' bytes, and the process's largest memory."""
    wall, cpu = time.perf_counter(), time.process_time()
    view = audit_view(open_audit(home, None), WHEN)
    found = MEASURED[name](view)
    return {
        **found, "wall_s": round(time.perf_counter() - wall, 1), "processor_s": round(time.process_time() - cpu, 1),
        "peak_memory_gib": round(peak_memory_gib(), 2),
    }  # fmt: skip


def _apart(name: str, home: Path) -> dict[str, Any]:
    """The measurement in a process of its own."""
    command = [sys.executable, __file__, "--home", str(home), "--only", name]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main(arguments: list[str]) -> None:
    if "--home" not in arguments:
        print("bench_dossier: left as the last run measured it; name a home with a finished audit by --home")
        return
    home = Path(arguments[arguments.index("--home") + 1])
    if "--only" in arguments:
        print(json.dumps(measured(arguments[arguments.index("--only") + 1], home)))
        return
    found = {"machine": machine_facts(), **{name: _apart(name, home) for name in MEASURED}}
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main(sys.argv[1:])
