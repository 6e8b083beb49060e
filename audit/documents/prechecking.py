"""``audit precheck``: what a reviewer would ask about an audit, before anybody sends it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from audit.documents.view import audit_view
from audit.dossier.content import Value, plain
from audit.dossier.device import read_device
from audit.dossier.precheck import Asked, precheck
from audit.evidence.store import AuditStore
from audit.records import BadInput


def prechecked(store: AuditStore, created: str, device: Path | None = None) -> tuple[Asked, ...]:
    """Every question about a finished audit; ``device`` stands in for the device.yaml that the audit holds."""
    if store.state != "complete":
        raise BadInput(
            f"audit {store.audit_id} is {store.state or 'not started'}; run 'audit run PLAN' to the end first."
        )
    view = audit_view(store, created)
    return precheck(replace(view, device=read_device(device)) if device else view)


def as_dict(audit: str, asked: Sequence[Asked]) -> dict[str, Any]:
    """The answers for machines; ``evidence`` holds the address of each number in ``what``."""
    return {"audit": audit, "deficiencies": len(_of(asked, "deficient")), "questions": [_one(each) for each in asked]}


def _one(each: Asked) -> dict[str, Any]:
    eu, fda = each.clauses
    return {
        "name": each.check.name,
        "question": each.check.question,
        "outcome": each.outcome,
        "severity": each.check.severity,
        "what": plain(each.what).strip(),
        "clauses": {each.check.eu: eu, each.check.fda: fda},
        "remedy": each.check.remedy,
        "evidence": [run.reference for run in each.what if isinstance(run, Value)],
    }


def as_text(audit: str, asked: Sequence[Asked]) -> str:
    """The answers for people: deficiencies with clause and remedy, what cannot be told, how many are silent."""
    return "\n".join(_lines(audit, asked))


def _lines(audit: str, asked: Sequence[Asked]) -> Iterator[str]:
    deficient, untold = _of(asked, "deficient"), _of(asked, "cannot be told")
    yield f"audit {audit}: {len(deficient)} deficiencies, {len(untold)} questions that cannot be told."
    for each in (*deficient, *untold):
        grave = each.check.severity if each.outcome == "deficient" else "open"
        yield f"- [{grave}] {each.check.question}"
        yield f"    {plain(each.what).strip()}"
        yield "    Clauses: EU {}; FDA {}. Remedy: {}".format(*each.clauses, each.check.remedy)
    yield f"Nothing to ask: {', '.join(each.check.name for each in _of(asked, 'nothing to ask')) or 'none'}."


def _of(asked: Sequence[Asked], outcome: str) -> list[Asked]:
    return [each for each in asked if each.outcome == outcome]
