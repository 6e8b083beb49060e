"""Whether candidate and comparator look at the same places of the explained cases."""

from __future__ import annotations

from audit.analyses.analysis import Analysis, Row
from audit.analyses.case_values import case_values, decision_table, mean_row, plain_groups
from audit.analyses.study import Study
from audit.decision_tables import MAP_AGREEMENT
from audit.tables import OVERALL

QUANTITIES = (("agreement", "agreement of maps"), ("shared", "shared tenth of most attribution"))


def run(study: Study) -> list[Row]:
    """Each method, overall and by the attribute by which the explained cases were drawn; a mean without interval from
    few patients."""
    table = decision_table(study, MAP_AGREEMENT)
    drawn_by = study.plan.explanations.cases.attribute if study.plan.explanations else OVERALL
    rows: list[Row] = []
    for (target, method), part in table.groupby(["target", "method"], sort=True):
        for column, quantity in QUANTITIES:
            values = case_values(study, "candidate - comparator", str(target), part, column)
            rows += [
                mean_row(values, str(method), quantity, group, least=1)
                for group in plain_groups(study)
                if group.attribute in (OVERALL, drawn_by)
            ]
    return rows


ENTRY = Analysis(
    name="map_agreement",
    title="Where both versions look",
    question="Do candidate and comparator place their attribution alike in the same cases?",
    source="Spearman, Am J Psychol 1904;15:72, over a grid of 16 x 16 cells",
    run=run,
)
