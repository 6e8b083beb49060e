"""Does a subgroup fall below a criterion that the whole set meets?"""

from __future__ import annotations

from audit.dossier.citing import with_limits
from audit.dossier.comparison import Question, find, questions, read_against
from audit.dossier.content import Run, Runs, Text
from audit.dossier.deficiencies.check import CannotTell, Check
from audit.dossier.view import AuditView, EstimateRow
from audit.dossier.words import attribute_label, quantity
from audit.tables import ALL, OVERALL

SHOWN = 4


def _find(view: AuditView) -> Runs | CannotTell | None:
    asked = questions(view)
    if not asked:
        return CannotTell("the plan sets no limit that a group could be read against")
    if not any(row.kind == "value" and row.version == "candidate" and not row.is_overall for row in view.rows):
        return CannotTell("no subgroup was estimated")
    short = [(question, row) for question in asked if _met(view, question) for row in _short(view, question)]
    if not short:
        return None
    found: list[Run] = [Text("Wholly short of a limit that the whole set meets: ")]
    for index, (question, row) in enumerate(short[:SHOWN]):
        what = f"{quantity(view, question.measure, question.target)}, {attribute_label(row.attribute)} {row.level} "
        found += [Text(f"{'; ' if index else ''}{what}"), *with_limits(view, row)]
    more = f"; and {len(short) - SHOWN} more" if len(short) > SHOWN else ""
    return (*found, Text(f"{more}."))


def _met(view: AuditView, question: Question) -> bool:
    return read_against(find(view, "candidate", question, OVERALL, ALL), question) == "met"


def _short(view: AuditView, question: Question) -> list[EstimateRow]:
    """Groups whose whole interval lies beyond the limit, for a criterion is tested on the confidence limit."""
    return [
        row
        for (version, measure, target, _, _), row in view.plain.items()
        if (version, measure, target) == ("candidate", question.measure, question.target)
        and not row.is_overall
        and read_against(row, question) == "failed"
    ]


ENTRY = Check(
    name="subgroup below criterion",
    question="Which patients or scanners get less than the criterion that the whole set meets?",
    severity="serious",
    eu="aia.annex4.3.2",
    fda="fda.aidsf.x.a.4",
    remedy="Warn in the labelling, restrict the intended purpose, or test more cases of these groups.",
    find=_find,
)
