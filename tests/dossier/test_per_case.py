"""Segmentation case by case: order statistics and worst cases are those of the table; sequestered ones stay unnamed."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from audit.dossier.blocks.per_case import ENTRY
from audit.dossier.content import Paragraph, Table, plain
from audit.dossier.pointers import look_up
from audit.dossier.view import OBSERVATIONS
from audit.dossier.worst import WORST, analysed_rows, worst_cases, worst_rows


def tables(view):
    nodes = ENTRY.build(view, ENTRY.parameters())
    return [n for n in nodes if isinstance(n, Table)], [n for n in nodes if isinstance(n, Paragraph)]


def segmented(view):
    return next(name for name, target in view.plan.targets.items() if target.task == "segmentation")


def test_every_entry_is_a_score_of_a_case(view):
    spread = tables(view)[0][0]
    rows = analysed_rows(view.observations, view.dispositions, next(iter(view.versions)), segmented(view))
    dice = np.sort(rows["dice"].dropna().to_numpy(dtype=float))
    line = spread.rows[0]
    expected = np.quantile(dice, [0, 0.25, 0.5, 0.75, 1], method="inverted_cdf")
    printed = [cell[0] for cell in line.cells[2:]]
    values = [float(look_up(view.payload(OBSERVATIONS), run.pointer)) for run in printed]
    np.testing.assert_allclose(values, expected)
    assert [run.text for run in printed] == [f"{value:.3f}" for value in expected]


def test_the_worst_cases_are_named_by_the_score(view):
    rows = analysed_rows(view.observations, view.dispositions, next(iter(view.versions)), segmented(view))
    worst = worst_rows(rows)
    assert len(worst) == WORST
    assert worst["dice"].max() <= rows.drop(index=worst.index)["dice"].min()
    named = tables(view)[0][1]
    assert [plain(row.cells[0]) for row in named.rows] == list(worst["case_id"])
    assert set(worst["case_id"]) <= set(worst_cases(view.observations, view.dispositions, view.plan))


def test_of_equal_scores_the_larger_error_of_volume_comes_first():
    rows = pd.DataFrame(
        {
            "case_id": ["a", "b", "c"],
            "dice": [0.0, 0.0, 0.5],
            "volume_predicted_ml": [1.0, 5.0, 1.0],
            "volume_reference_ml": [0.0, 0.0, 1.0],
        }
    )
    assert list(worst_rows(rows)["case_id"]) == ["b", "a", "c"]


@pytest.mark.parametrize("hidden", [1, WORST])
def test_cases_of_a_sequestered_set_are_not_named(view, hidden):
    rows = analysed_rows(view.observations, view.dispositions, next(iter(view.versions)), segmented(view))
    withheld = frozenset(worst_rows(rows)["case_id"][:hidden])
    found, notes = tables(replace(view, hidden=withheld))
    for table in found:
        for row in table.rows:
            assert plain(row.cells[0]) not in withheld
    assert any(f"{hidden} are not named: their set is sequestered" in plain(note.runs) for note in notes)
