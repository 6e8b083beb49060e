"""Cases decided otherwise: the list follows its rule, numbers are the evidence's, sequestered cases stay unnamed."""

from dataclasses import replace

import pandas as pd
import pytest
from dossier_example import make_view

from audit.decision_tables import MAP_AGREEMENT
from audit.dossier.blocks.changed_cases import ENTRY
from audit.dossier.changed import changed_cases, listed_cases
from audit.dossier.content import Paragraph, Table, Value, plain
from audit.dossier.pointers import look_up
from audit.dossier.rounding import prints_as

# case, reference, (score, decision) of the candidate, of the comparator
DECIDED = [
    ("both_right", 1, (0.9, 1), (0.8, 1)),
    ("gained_far", 0, (0.0, 0), (1.0, 1)),
    ("lost_near", 0, (0.5, 1), (0.4, 0)),
    ("lost_far", 1, (0.1, 0), (0.9, 1)),
    ("lost_unscored", 1, (None, 0), (0.9, 1)),
    ("excluded", 1, (0.1, 0), (0.9, 1)),
    ("no_reference", None, (0.1, 0), (0.9, 1)),
]


def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    rows, fates = [], []
    for place, version in enumerate(("candidate", "comparator"), start=2):
        for each in DECIDED:
            case, reference, (score, decision) = each[0], each[1], each[place]
            fate = "excluded" if case == "excluded" and version == "comparator" else "analysed"
            about = {"version": version, "case_id": case, "target": "lesion"}
            rows.append({**about, "reference": reference, "score": score, "decision": decision})
            fates.append({**about, "fate": fate})
    return pd.DataFrame(rows), pd.DataFrame(fates)


def test_losses_come_first_and_the_larger_difference_of_scores_before_the_smaller():
    observations, dispositions = tables()
    found = changed_cases(observations, dispositions, "lesion")
    assert found["case_id"].tolist() == ["lost_far", "lost_near", "lost_unscored", "gained_far"]
    assert found["way"].tolist() == ["lost", "lost", "lost", "gained"]
    for row in found.to_dict("records"):
        for side in ("candidate", "comparator"):
            place = observations.iloc[row[side]]
            assert (place["version"], place["case_id"]) == (side, row["case_id"])
    again = observations.sample(frac=1, random_state=4)
    assert changed_cases(again, dispositions, "lesion")["case_id"].tolist() == found["case_id"].tolist()


@pytest.fixture(scope="module")
def compared():
    """The comparator says no to every case, so that every called case is changed; one of them was explained."""
    view = make_view()
    observations = view.observations.copy()
    observations.loc[observations["version"] == "comparator", "decision"] = 0.0
    first = changed_cases(observations, view.dispositions, "lesion")["case_id"][0]
    row = {**dict.fromkeys(MAP_AGREEMENT.columns), "agreement_id": "m1", "case_id": first, "target": "lesion"}
    maps = pd.DataFrame([{**row, "patient_id": "P", "method": "grad_cam", "agreement": 0.4321}])
    return replace(view, observations=observations, map_agreement=MAP_AGREEMENT.conform(maps))


def test_every_number_of_the_list_is_the_evidences(compared):
    counts, table = ENTRY.build(compared, ENTRY.parameters())
    changed = changed_cases(compared.observations, compared.dispositions, "lesion")
    ways = changed["way"].value_counts()
    assert f"{ways['lost']} lost, {ways['gained']} gained. The first 20 are listed, {len(changed) - 20} are not." in (
        plain(counts.runs)
    )
    assert [plain(row.cells[0]) for row in table.rows] == changed["case_id"].tolist()[:20]
    kinds = {each.id: kind for kind, each in compared.statements.items()}
    bound = [run for row in table.rows for cell in row.cells for run in cell if isinstance(run, Value)]
    assert len(bound) == 20 * 6 + 1
    assert all(prints_as(look_up(compared.payload(kinds[run.statement]), run.pointer), run.text) for run in bound)
    assert plain(table.rows[0].cells[-1]) == "grad cam 0.432"
    assert plain(table.rows[0].cells[-2]) == "lost: false positive"


def test_cases_of_a_sequestered_set_are_counted_and_not_named(compared):
    listed = list(listed_cases(compared.observations, compared.dispositions, compared.plan))
    assert len(listed) == 20
    nodes = ENTRY.build(replace(compared, hidden=frozenset(listed[:3])), ENTRY.parameters())
    [table] = [node for node in nodes if isinstance(node, Table)]
    assert [plain(row.cells[0]) for row in table.rows] == listed[3:]
    assert isinstance(nodes[-1], Paragraph)
    assert "3 of these cases are not named: their set is sequestered" in plain(nodes[-1].runs)


def test_without_a_comparator_there_is_no_list():
    view = make_view()
    alone = replace(view, plan=view.plan.model_copy(update={"comparator": None}), comparator=None)
    [node] = ENTRY.build(alone, ENTRY.parameters())
    assert plain(node.runs) == "Cases decided otherwise: not assessed, there is no comparator with a decision."
    assert not list(listed_cases(alone.observations, alone.dispositions, alone.plan))
