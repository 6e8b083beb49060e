"""Candidate beside comparator by group, each read against the endpoint's own limit: what the first pages tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from audit.dossier.view import AuditView, EstimateRow
from audit.plan import Endpoint

Reading = Literal["met", "failed", "not shown", "not assessed"]


@dataclass(frozen=True, slots=True)
class Question:
    """A measure of a target with the limit that the plan sets for it."""

    measure: str
    target: str
    kind: Literal["minimum", "maximum"]
    limit: float


def questions(view: AuditView) -> tuple[Question, ...]:
    """The plan's limits, one per measure and target, primary endpoints first."""
    order = {"primary": 0, "secondary": 1, "descriptive": 2}
    found: dict[tuple[str, str], Question] = {}
    for endpoint in sorted(view.plan.endpoints, key=lambda each: order[each.role]):
        question = _question(endpoint)
        if question:
            found.setdefault((question.measure, question.target), question)
    return tuple(found.values())


def _question(endpoint: Endpoint) -> Question | None:
    criterion = endpoint.criterion
    if criterion is None or criterion.value is None or criterion.kind not in ("minimum", "maximum"):
        return None
    kind: Literal["minimum", "maximum"] = "minimum" if criterion.kind == "minimum" else "maximum"
    return Question(endpoint.measure, endpoint.target, kind, criterion.value)


def read_against(row: EstimateRow | None, question: Question) -> Reading:
    """The interval against the limit: wholly at or beyond it, wholly short of it, or straddling."""
    if row is None or row.value is None or row.low is None or row.high is None:
        return "not assessed"
    if question.kind == "minimum":
        return "met" if row.low >= question.limit else "failed" if row.high < question.limit else "not shown"
    return "met" if row.high <= question.limit else "failed" if row.low > question.limit else "not shown"


def find(view: AuditView, version: str, question: Question, attribute: str, level: str) -> EstimateRow | None:
    """The version's plain estimate of this measure in this group."""
    return view.plain.get((version, question.measure, question.target, attribute, level))


def levels(view: AuditView, attribute: str) -> tuple[str, ...]:
    """Levels of an attribute that have estimates, in the order of the table."""
    return view.levels.get(attribute, ())


def failing(view: AuditView, version: str, question: Question, attribute: str) -> tuple[str, ...]:
    """The levels on which the version's whole interval falls short of the limit."""
    return reading(view, version, question, attribute, "failed")


def reading(view: AuditView, version: str, question: Question, attribute: str, wanted: Reading) -> tuple[str, ...]:
    """The levels that read as ``wanted`` against the limit."""
    return tuple(
        level
        for level in levels(view, attribute)
        if read_against(find(view, version, question, attribute, level), question) == wanted
    )


def most_failing_first(view: AuditView, attribute: str) -> tuple[Question, ...]:
    """The plan's limits, those first that most levels fall short of; ties in the order of the plan."""
    asked = questions(view)
    short = {each: sum(len(failing(view, version, each, attribute)) for version in view.versions) for each in asked}
    return tuple(sorted(asked, key=lambda each: -short[each]))


def telling_attribute(view: AuditView) -> str | None:
    """The stratum that tells the story: the one whose levels differ most in how they read against the limits.

    Counted are pairs of levels of which one fails and the other meets a limit, over all versions and limits; then
    failing levels; then the order of the plan.
    """
    names = [name for name in view.plan.strata if levels(view, name)]
    if not names:
        return None
    return max(names, key=lambda name: (*_contrast(view, name), -names.index(name)))


def _contrast(view: AuditView, attribute: str) -> tuple[int, int]:
    pairs = failing_levels = 0
    for version in view.versions:
        for question in questions(view):
            found = [
                read_against(find(view, version, question, attribute, level), question)
                for level in levels(view, attribute)
            ]
            pairs += found.count("failed") * found.count("met")
            failing_levels += found.count("failed")
    return pairs, failing_levels
