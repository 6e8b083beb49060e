"""The plan as locked: digest, time, targets with operating points, endpoints with their rationale."""

from __future__ import annotations

from audit.dossier.block import Block, NoParameters
from audit.dossier.citing import cite, fact
from audit.dossier.content import Column, Node, Row, Run, Runs, Table, Text, text
from audit.dossier.pointers import pointer
from audit.dossier.view import LOCK, PLAN, AuditView
from audit.plan import OperatingPoint

COLUMNS = (Column("Item", 1.2), Column("As planned", 3))


def _build(view: AuditView, _given: NoParameters) -> tuple[Node, ...]:
    return (_lock(view), _targets(view), _endpoints(view))


def _lock(view: AuditView) -> Table:
    rows = [
        Row((text("Plan"), (fact(view, PLAN, "id"), Text(": "), fact(view, PLAN, "title")))),
        Row((text("Intended purpose"), (fact(view, PLAN, "intended_purpose"),))),
        Row((text("Plan digest (SHA-256)"), (fact(view, LOCK, "plan_sha256", style="mono"),))),
        Row((text("Mode"), (fact(view, LOCK, "mode"), *text(f" ({view.mode_reason})" if view.mode_reason else "")))),
        Row((text("Locked at"), (fact(view, LOCK, "at"),))),
        Row((text("Success rule"), (_words(view, "success_rule"),))),
        *_families(view),
        Row((text("Missing data"), (_words(view, "missing_data"),))),
        Row((text("Confidence, resamples, seed"), _three(view, "confidence", "resamples", "seed"))),
        Row((text("Too few patients to judge"), (Text("fewer than "), fact(view, PLAN, "too_few")))),
    ]
    return Table("The statistical analysis plan", COLUMNS, tuple(rows))


def _families(view: AuditView) -> list[Row]:
    """One row per claim family: its endpoints and how they are judged together."""
    rows = []
    for index, family in enumerate(view.plan.claim_families):
        method = cite(view, PLAN, pointer("claim_families", index, "method"), family.method.replace("_", " "))
        endpoints = fact(view, PLAN, "claim_families", index, "endpoints")
        rows.append(Row((text(f"Claim family: {family.name}"), (method, Text(" of "), endpoints))))
    return rows


def _words(view: AuditView, name: str) -> Run:
    return cite(view, PLAN, pointer(name), getattr(view.plan, name).replace("_", " "))


def _three(view: AuditView, *names: str) -> Runs:
    first, second, third = (fact(view, PLAN, name) for name in names)
    return (first, Text(", "), second, Text(", "), third)


def _targets(view: AuditView) -> Table:
    rows = []
    for name, target in view.plan.targets.items():
        task: Runs = (
            fact(view, PLAN, "targets", name, "task"),
            Text(" on output "),
            fact(view, PLAN, "targets", name, "output"),
        )
        reference: Runs = (Text("reference column "), fact(view, PLAN, "targets", name, "reference"))
        rows.append(Row((text(name.replace("_", " ")), task, reference)))
        for field, label in (("operating_point", "candidate"), ("comparator_operating_point", "comparator")):
            point: OperatingPoint | None = getattr(target, field)
            if point:
                rows.append(
                    Row(
                        (
                            text(f"   operating point, {label}", "quiet"),
                            _point(view, name, field),
                            _chosen(view, name, field, point),
                        )
                    )
                )
    return Table(
        "Targets",
        (Column("Target", 1.3), Column("Task", 1.6), Column("Reference; choice of threshold", 2.2)),
        tuple(rows),
    )


def _point(view: AuditView, name: str, field: str) -> Runs:
    return (Text("positive at or above "), fact(view, PLAN, "targets", name, field, "threshold"))


def _chosen(view: AuditView, name: str, field: str, point: OperatingPoint) -> Runs:
    chosen: Runs = (Text("chosen on "), fact(view, PLAN, "targets", name, field, "chosen_on"))
    return (*chosen, Text(f": {point.how}")) if point.how else chosen


def _endpoints(view: AuditView) -> Table:
    rows = []
    for index, endpoint in enumerate(view.plan.endpoints):
        rationale = endpoint.rationale or "no rationale stated"
        hazards = f" Hazards: {', '.join(endpoint.hazards)}." if endpoint.hazards else ""
        name = (fact(view, PLAN, "endpoints", index, "id"), Text(f", {endpoint.role}", "quiet"))
        rows.append(Row((name, text(rationale + hazards))))
    return Table("Endpoints, why they were chosen", COLUMNS, tuple(rows))


ENTRY = Block("plan", NoParameters, _build)
