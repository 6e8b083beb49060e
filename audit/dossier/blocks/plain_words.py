"""What the main figures say, in a sentence each, for readers who do not compute; every figure is bound."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from audit.dossier.block import Block, NoParameters, nothing
from audit.dossier.citing import with_limits
from audit.dossier.content import Node, Paragraph, Runs, Text
from audit.dossier.view import AuditView, EstimateRow
from audit.tables import ALL, OVERALL

Sentence = Callable[[str], tuple[str, str]]


def _said(begin: str, end: str) -> Sentence:
    return lambda finding: (begin.format(finding=finding), end.format(finding=finding))


ACCURATE: dict[str, Sentence] = {
    "sensitivity": _said("Of cases with {finding}, the device marks a share of ", "; the rest it misses."),
    "specificity": _said("Of cases without {finding}, it leaves unmarked a share of ", "; the rest are false alarms."),
}
AGREEING: dict[str, Sentence] = {
    "sensitivity": _said("Of cases that the reference calls {finding}, the device agrees on a share of ", "."),
    "specificity": _said("Of cases that the reference does not call {finding}, it agrees on a share of ", "."),
}


def _build(view: AuditView, _given: NoParameters) -> tuple[Node, ...]:
    made = tuple(_sentences(view))
    if not made:
        return nothing("No share of marked or unmarked cases was estimated; see the estimates on the whole set.")
    return tuple(Paragraph(runs) for runs in made)


def _sentences(view: AuditView) -> Iterator[Runs]:
    for target in view.plan.targets:
        finding = target.replace("_", " ")
        for measure, sentence in (ACCURATE if view.has_standard else AGREEING).items():
            row = view.plain.get(("candidate", measure, target, OVERALL, ALL))
            if row is not None and row.value is not None:
                begin, end = sentence(finding)
                yield _runs(view, row, begin, end)
        for row in _predictive(view, target):
            yield _runs(view, row, *_in_words(row, finding))


def _predictive(view: AuditView, target: str) -> Iterator[EstimateRow]:
    for row in view.rows:
        plain = row.kind == "value" and row.version == "candidate" and row.is_overall and row.target == target
        if plain and row.value is not None and row.measure[:3] in ("ppv", "npv"):
            yield row


def _in_words(row: EstimateRow, finding: str) -> tuple[str, str]:
    _, at, prevalence = row.measure.partition("_at_prevalence_")
    where = f" where the prevalence is {prevalence}" if at else " at the prevalence of this set"
    if row.measure.startswith("ppv"):
        return "Of marked cases, a share of ", f" truly have {finding}{where}."
    return "Of unmarked cases, a share of ", f" truly have none{where}."


def _runs(view: AuditView, row: EstimateRow, begin: str, end: str) -> Runs:
    return (Text(begin), *with_limits(view, row), Text(end))


ENTRY = Block("plain_words", NoParameters, _build)
