"""Each endpoint with its criterion, its estimate and its verdict."""

from __future__ import annotations

from audit.dossier.block import Block, NoParameters, nothing
from audit.dossier.citing import cite, estimate, limits
from audit.dossier.content import Column, Node, Row, Run, Runs, Table, Text, text
from audit.dossier.pointers import pointer
from audit.dossier.view import FINDINGS, AuditView
from audit.dossier.words import endpoint_id, endpoint_title, verdict_mark
from audit.records import Finding


def _build(view: AuditView, _given: NoParameters) -> tuple[Node, ...]:
    if not view.findings:
        return nothing("The plan sets no endpoint: nothing was judged.")
    columns = (
        Column("Endpoint", 2.45), Column("Criterion", 2.05), Column("Estimate", 0.75, "right"),
        Column("Interval", 1.25, "right"), Column("Verdict", 0.95),
    )  # fmt: skip
    rows = [row for index, finding in enumerate(view.findings) for row in _rows(view, index, finding)]
    note = text(
        "Met: the whole interval is at or beyond the limit. Failed: wholly short of it. "
        "Not shown: it straddles the limit."
    )
    return (Table("Endpoints", columns, tuple(rows), note),)


def _rows(view: AuditView, index: int, finding: Finding) -> list[Row]:
    row = view.by_id.get(finding.estimate_id or "")
    descriptive = finding.role == "descriptive"
    verdict: tuple[Run, ...] = (Text("descriptive", "quiet") if descriptive else verdict_mark(finding.verdict),)
    title: Runs = (
        Text(f"{endpoint_id(finding)} ", "strong"),
        Text(endpoint_title(view, finding)),
        Text(f"  {finding.role}", "quiet"),
    )
    criterion: Runs = (cite(view, FINDINGS, pointer(index, "criterion"), finding.criterion or "none (descriptive)"),)
    if row is None:
        return [
            Row(
                (title, criterion, (cite(view, FINDINGS, pointer(index, "reason"), finding.reason, "quiet"),), verdict),
                (1, 1, 2, 1),
            )
        ]
    if row.value is None:
        return [Row((title, criterion, estimate(view, row), verdict), (1, 1, 2, 1))]
    return [Row((title, criterion, estimate(view, row), limits(view, row), verdict))]


ENTRY = Block("endpoints", NoParameters, _build)
