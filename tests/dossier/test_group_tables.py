"""Tables about groups: one row per attribute for heterogeneity, shrunken beside raw, looks counted, nothing empty."""

from dataclasses import replace

import pandas as pd
from dossier_example import make_view

from audit.dossier.block import NoParameters
from audit.dossier.blocks.analyses import ENTRY as ANALYSES_BLOCK
from audit.dossier.blocks.estimates_table import ENTRY as ESTIMATES_BLOCK
from audit.dossier.blocks.estimates_table import EstimatesParameters
from audit.dossier.blocks.fairness import ENTRY as FAIRNESS_BLOCK
from audit.dossier.blocks.fairness import FairnessParameters
from audit.dossier.content import Paragraph, Table, plain
from audit.tables import ANALYSES


def row(analysis, quantity, value, **changes):
    about = {
        "analysis_id": f"{analysis}-{quantity}-{changes.get('attribute', '')}-{changes.get('level', '')}",
        "analysis": analysis, "quantity": quantity, "value": value, "version": "candidate", "target": "lesion",
        "measure": "specificity", "attribute": "manufacturer", "level": "all", "n_patients": 48, "n_cases": 60,
    }  # fmt: skip
    return {**dict.fromkeys(ANALYSES.columns), **about, **changes}


ROWS = [
    row("heterogeneity", "Q", 7.2),
    row("heterogeneity", "chi-square", 6.9, p=0.03, verdict="heterogeneity shown"),
    row("heterogeneity", "I2", 72.5, low=10.0, high=90.0),
    row("heterogeneity", "tau", 0.11),
    row("heterogeneity", "prediction interval", 0.8, low=0.4, high=0.95),
    row("heterogeneity", "Q", None, attribute="sex", undefined="fewer than two levels can be compared"),
    row("contrasts", "looks", 12.0, target="all", measure="all", attribute="overall", method="4 tests, 8 contrasts"),
    row("leave_one_out", "change", 0.02, level="without Corvid", low=0.0, high=0.05),
    row("leave_one_out", "change", None, level="without Borealis", undefined="no cases"),
    row(
        "equivalence",
        "difference",
        None,
        measure="all",
        target="all",
        version="all",
        attribute="sex",
        undefined="not assessed: the plan declares no margin for sex",
    ),
    row(
        "equivalence",
        "difference",
        None,
        measure="all",
        target="all",
        version="all",
        undefined="not assessed: the plan declares no margin for manufacturer",
    ),
    row("worst_group", "shrunken estimate", 0.77, level="Corvid"),
]


def view():
    return replace(make_view(), analyses=pd.DataFrame(ROWS))


def printed(table):
    return [["".join(run.text for run in cell) for cell in line.cells] for line in table.rows]


def tables(nodes):
    return {node.caption: node for node in nodes if isinstance(node, Table)}


def test_heterogeneity_has_one_row_per_attribute():
    table = tables(ANALYSES_BLOCK.build(view(), NoParameters()))["Heterogeneity between levels"]
    assert printed(table) == [
        ["Specificity, lesion"],
        ["manufacturer", "chi² 6.900", "0.030", "72.500 [10.000 to 90.000]", "0.110", "[0.400 to 0.950]",
         "heterogeneity shown"],
        ["sex", "undefined: fewer than two levels can be compared"],
    ]  # fmt: skip


def test_the_number_of_looks_is_printed():
    nodes = ANALYSES_BLOCK.build(view(), NoParameters())
    words = ["".join(run.text for run in node.runs) for node in nodes if isinstance(node, Paragraph)]
    assert "Looks at differences between groups, over all targets and measures: 12 (4 tests, 8 contrasts)." in words


def test_what_was_not_assessed_is_said():
    nodes = ANALYSES_BLOCK.build(view(), NoParameters())
    words = ["".join(run.text for run in node.runs) for node in nodes if isinstance(node, Paragraph)]
    assert (
        "No relevant difference (two one-sided tests): not assessed: the plan declares no margin for sex or "
        "manufacturer."
    ) in words


def test_columns_without_content_are_left_out():
    table = tables(ANALYSES_BLOCK.build(view(), NoParameters()))["Change without each level in turn"]
    assert [column.title for column in table.columns] == ["Group", "Value", "Interval"]
    assert printed(table)[1:] == [
        ["manufacturer: without Corvid", "0.020", "[0.000 to 0.050]"],
        ["manufacturer: without Borealis", "undefined: no cases"],
    ]
    assert table.rows[2].spans == (1, 2)


def test_shrunken_estimates_stand_beside_raw_ones():
    (table, *_) = ESTIMATES_BLOCK.build(view(), EstimatesParameters(show="subgroups", measures=("specificity",)))
    place = [column.title for column in table.columns].index("Partly pooled")
    (of_corvid,) = (line for line in table.rows if plain(line.cells[0]) == "Corvid")
    cells = {sum(of_corvid.spans[:number]): plain(cell) for number, cell in enumerate(of_corvid.cells)}
    assert cells[place] == "0.770"
    assert all(sum(line.spans) == len(table.columns) for line in table.rows)
    assert "best linear unbiased prediction" in "".join(run.text for run in table.note)


def test_without_shrunken_estimates_there_is_no_such_column():
    (table, *_) = ESTIMATES_BLOCK.build(make_view(), EstimatesParameters(show="subgroups"))
    assert "Partly pooled" not in [column.title for column in table.columns]
    assert "not adjusted for the number of groups" in "".join(run.text for run in table.note)


def test_two_versions_stand_side_by_side():
    both = make_view()
    single = replace(both, estimates=both.estimates[both.estimates["version"] == "candidate"], comparator=None)
    rows = {}
    for shown, titles in (
        (both, ["Candidate", "Interval", "Comparator", "Interval"]),
        (single, ["Estimate", "Interval"]),
    ):
        (table, *_) = ESTIMATES_BLOCK.build(shown, EstimatesParameters(show="overall"))
        assert [column.title for column in table.columns][4:] == titles
        rows[len(titles)] = [plain(line.cells[0]) for line in table.rows]
    assert rows[4] == rows[2], "a quantity has one row, however many versions"


def test_gaps_of_targets_without_a_claim_stay_in_the_evidence():
    shown = make_view()
    gap = shown.estimates.iloc[0].to_dict() | {
        "kind": "gap", "measure": "selection_rate_difference", "attribute": "sex", "level": "all", "method": "null",
    }  # fmt: skip
    rows = pd.DataFrame([{**gap, "estimate_id": f"G{target}", "target": target} for target in ("lesion", "other")])
    shown = replace(shown, estimates=pd.concat([shown.estimates, rows], ignore_index=True))
    caption = next(name for name in tables(FAIRNESS_BLOCK.build(shown, FairnessParameters())) if "gaps" in name)
    claimed = tables(FAIRNESS_BLOCK.build(shown, FairnessParameters()))[caption]
    every = tables(FAIRNESS_BLOCK.build(shown, FairnessParameters(every_measure=True)))[caption]
    assert len(every.rows) == len(claimed.rows) + 1
    assert "1 gaps of other targets stand in the evidence" in "".join(run.text for run in claimed.note)
