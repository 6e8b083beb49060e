"""Signed differences between groups and their baseline, for the measures that the plan sets a limit for."""

from __future__ import annotations

from audit.dossier.block import Block, Parameters
from audit.dossier.blocks.estimates_table import ENTRY as ESTIMATES_TABLE
from audit.dossier.blocks.estimates_table import EstimatesParameters
from audit.dossier.comparison import questions
from audit.dossier.content import Node, Paragraph, text
from audit.dossier.view import AuditView


class FairnessParameters(Parameters):
    """``every_measure`` lists the differences of all measures, not only of those with a limit."""

    every_measure: bool = False


WORDS = (
    "Differences are signed and taken from the baseline level that the plan declares. "
    "A largest-minus-smallest gap is positive by chance alone and is not shown as evidence of unequal performance."
)


def _build(view: AuditView, given: FairnessParameters) -> tuple[Node, ...]:
    measures = () if given.every_measure else tuple(dict.fromkeys(each.measure for each in questions(view)))
    table = ESTIMATES_TABLE.build(view, EstimatesParameters(show="contrasts", measures=measures))
    return (Paragraph(text(WORDS)), *table)


ENTRY = Block("fairness", FairnessParameters, _build)
