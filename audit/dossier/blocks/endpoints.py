"""Each endpoint with its criterion, its estimate and its verdict."""

from __future__ import annotations

from audit.dossier.analysis_cells import limits_of, p_of
from audit.dossier.block import Block, NoParameters, nothing
from audit.dossier.citing import cite, estimate, limits
from audit.dossier.content import Column, Node, Row, Run, Runs, Table, Text, text
from audit.dossier.pointers import pointer
from audit.dossier.view import ANALYSES, FINDINGS, AuditView
from audit.dossier.words import endpoint_id, endpoint_title, verdict_mark
from audit.records import Finding

ADJUSTED = (
    " Where several claims are judged in one family, the first line is the claim alone and the second decides: its "
    "interval is at the level that the number of claims leaves it. It can only take a claim away."
)


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
    if any(finding.family for finding in view.findings):
        note = (*note, Text(ADJUSTED))
    return (Table("Endpoints", columns, tuple(rows), note),)


def _rows(view: AuditView, index: int, finding: Finding) -> list[Row]:
    row = view.by_id.get(finding.estimate_id or "")
    verdict = (_mark(finding),)
    title: Runs = (
        Text(f"{endpoint_id(finding)} ", "strong"),
        Text(endpoint_title(view, finding)),
        Text("" if finding.role == "descriptive" else f"  {finding.role}", "quiet"),
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
    return [Row((title, criterion, estimate(view, row), limits(view, row), verdict)), *_within_family(view, finding)]


def _mark(finding: Finding) -> Run:
    if finding.role == "descriptive":
        return Text("descriptive", "quiet")
    return Text(finding.alone, "quiet") if finding.alone else verdict_mark(finding.verdict)


def _within_family(view: AuditView, finding: Finding) -> list[Row]:
    """The claim at the level that its family leaves it."""
    claim = view.analysis(finding.adjusted_id)
    if claim is None:
        return []
    family = str(claim["method"]).partition(":")[0].partition(",")[0]
    words: Runs = (
        Text("within its family: "),
        cite(view, ANALYSES, pointer(claim["analysis_id"], "method"), family, "quiet"),
        Text("; p "), *p_of(view, claim, "p"), Text(", adjusted "), *p_of(view, claim, "p_adjusted"),
    )  # fmt: skip
    return [Row((words, limits_of(view, claim), (verdict_mark(finding.verdict),)), (3, 1, 1))]


ENTRY = Block("endpoints", NoParameters, _build)
