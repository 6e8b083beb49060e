"""The tables of what each method's maps are worth."""

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from audit.dossier.blocks import estimates_table
from audit.dossier.blocks.explanation_quality import ENTRY, QualityParameters
from audit.dossier.content import Paragraph, Table, plain
from audit.dossier.pointers import look_up
from audit.dossier.view import AuditView
from audit.tables import ESTIMATES

VERDICTS = pd.DataFrame({
    "version": "candidate", "target": "lesion", "method": ["grad_cam", "integrated_gradients"],
    "verdict": ["not usable", "with care"], "sanity": ["not passed", "not shown"], "reasons": "r",
})  # fmt: skip


def an_estimate(
    number: int, method: str, score: str, attribute: str, level: str, value: float | None
) -> dict[str, Any]:
    known = value is not None and attribute == "overall"
    return dict.fromkeys(ESTIMATES.columns) | {
        "estimate_id": f"M{number}", "kind": "value", "version": "candidate", "measure": score,
        "target": f"lesion: {method}", "attribute": attribute, "level": level, "value": value,
        "low": 0.11 if known else None, "high": 0.29 if known else None, "confidence": 0.95, "n_patients": 31,
        "n_cases": 33, "n_failed": 0, "undefined": "the map is zero (3 of 3 cases)" if value is None else None,
    }  # fmt: skip


@pytest.fixture
def examined(view: AuditView) -> AuditView:
    groups = [("overall", "all"), *(("manufacturer", name) for name in "ABCDEFG"), ("sex", "F")]
    rows = [an_estimate(100 * m + 10 * s + g, method, score, *group, None if score == "energy_inside" else 0.2)
            for m, method in enumerate(VERDICTS["method"])
            for s, score in enumerate(("deletion_gain", "energy_inside"))
            for g, group in enumerate(groups)]  # fmt: skip
    added = ESTIMATES.conform(pd.DataFrame(rows))
    together = ESTIMATES.conform(pd.concat([view.estimates, added], ignore_index=True))
    return replace(view, explanation_verdicts=VERDICTS, estimates=together)


def cells(table: Table) -> list[list[str]]:
    return [[plain(cell) for cell in row.cells] for row in table.rows]


def tables(view: AuditView) -> list[Table]:
    return [node for node in ENTRY.build(view, QualityParameters()) if isinstance(node, Table)]


def test_verdict_criterion_estimate_interval_and_size_stand_in_one_table(examined: AuditView) -> None:
    whole = cells(tables(examined)[0])
    assert whole[0][0].endswith("lesion, grad cam: not usable; randomisation check: not passed")
    assert whole[1] == ["Deletion gain", "at least 0", "31", "0.200", "[0.110 to 0.290]"]
    assert whole[2][-1] == "undefined: the map is zero (3 of 3 cases)"
    assert len(whole) == 2 * 3


def test_groups_stand_beside_one_another_five_at_a_time_judged_scores_alone(examined: AuditView) -> None:
    found = tables(examined)[1:]
    assert [each.caption for each in found] == [
        *["Quality of the maps by manufacturer"] * 2,
        "Quality of the maps by sex",
    ]
    assert [column.title for column in found[0].columns] == ["Score", "A", "B", "C", "D", "E"]
    assert cells(found[1])[1] == ["Deletion gain", "0.200 (31)", "0.200 (31)"]
    assert not any("nergy" in line[0] for each in found for line in cells(each))


def test_every_number_is_bound_to_what_the_evidence_holds(examined: AuditView) -> None:
    runs = [run for table in tables(examined) for row in table.rows for cell in row.cells for run in cell
            if hasattr(run, "pointer")]  # fmt: skip
    kinds = {statement.id: kind for kind, statement in examined.statements.items()}
    assert {kinds[run.statement] for run in runs} == {"estimates", "explanation_verdicts", "plan"}
    for run in runs:
        found = look_up(examined.payload(kinds[run.statement]), run.pointer)
        assert str(found) in run.text or float(run.text) == pytest.approx(float(found), abs=5e-4)


def test_scores_of_maps_do_not_stand_among_the_devices_own_results(examined: AuditView) -> None:
    given = estimates_table.EstimatesParameters(show="overall")
    table = next(node for node in estimates_table.ENTRY.build(examined, given) if isinstance(node, Table))
    assert not any("grad" in line[0] for line in cells(table))


def test_maps_that_were_not_examined_say_so(view: AuditView) -> None:
    nodes = ENTRY.build(replace(view, explanation_verdicts=pd.DataFrame()), QualityParameters())
    assert [plain(node.runs) for node in nodes if isinstance(node, Paragraph)] == [
        "Quality of the maps: not assessed, no map was examined."
    ]
