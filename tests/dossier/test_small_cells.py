"""Public documents withhold small cells, and nothing that they print gives them away."""

import dataclasses
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.datafolders import data_folder
from audit.dossier.content import Document, ForestPlot, Row, Table, Value, plain
from audit.dossier.resolve import resolve
from audit.dossier.serial import to_json
from audit.dossier.small_cells import FEWEST, SmallCells, complemented
from audit.dossier.templates import read_template
from audit.dossier.view import CASES, ESTIMATES, AuditView
from audit.tables import stratum_column

PUBLIC = ("fda_public_summary", "fda_model_card", "fda_510k_summary", "hospital_summary")
LEVELS = st.dictionaries(st.sampled_from("abcdefg"), st.integers(0, 40), min_size=1)


@given(LEVELS, st.randoms(use_true_random=False), st.integers(1, 20))
@settings(max_examples=300)
def test_no_hidden_count_follows_by_subtraction(counts: dict[str, int], chance: Any, fewest: int) -> None:
    """A total is known; so are all other counts of the trait and of a finding within it."""
    found = {level: chance.randint(0, number) for level, number in counts.items()}
    hidden = complemented([counts, found], fewest)
    for trait in (counts, found):
        small = {level for level, number in trait.items() if 0 < number < fewest}
        assert small <= hidden
        left = [trait[level] for level in hidden if trait[level]]
        everything = {level for level, number in counts.items() if number} <= hidden
        assert not left or everything or (len(left) > 1 and sum(left) >= fewest)
    if not any(0 < number < fewest for trait in (counts, found) for number in trait.values()):
        assert not hidden, "nothing is withheld without need"


@pytest.fixture(scope="module")
def small(view: AuditView) -> AuditView:
    """The synthetic audit with one level of the first stratum made up of few patients."""
    column = stratum_column(next(iter(view.plan.strata)))
    cases = view.cases.copy()
    level = str(cases[column].value_counts().index[0])
    mine = cases.index[cases[column] == level]
    others = sorted(set(cases[column].dropna()) - {level})
    cases.loc[mine[4:], column] = others[0]
    return dataclasses.replace(view, cases=cases)


def document(name: str, view: AuditView) -> Document:
    return resolve(read_template(data_folder("templates") / f"{name}.yaml"), view)


def rows(document: Document) -> Iterator[tuple[Table, Row]]:
    for node in document.nodes:
        if isinstance(node, Table):
            yield from ((node, row) for row in node.rows)


def stated(view: AuditView, value: Value) -> str:
    return next((kind for kind, one in view.statements.items() if one.id == value.statement), "")


@pytest.mark.parametrize("name", PUBLIC)
def test_no_result_of_a_small_group_is_printed(small: AuditView, name: str) -> None:
    made, cells = document(name, small), SmallCells(small, FEWEST)
    assert made.public
    assert any(cells.levels.values())
    for value in made.values:
        assert cells.withholds(value) == ""
        row = small.by_id.get(value.pointer.split("/")[1]) if stated(small, value) == ESTIMATES else None
        if row is not None:
            assert row.level not in cells.levels.get(row.attribute, ()), value
    for node in made.nodes:
        if isinstance(node, ForestPlot):
            marks = [mark for row in node.rows for mark in row.marks if mark and mark.undefined.startswith("withheld")]
            assert all(mark.value is mark.low is mark.high is None for mark in marks)


def test_an_attacker_with_the_printed_table_finds_no_small_count(small: AuditView) -> None:
    made = document("fda_public_summary", small)
    attribute = next(iter(small.plan.strata))
    groups: dict[str, list[tuple[str, str, str]]] = {}
    for table, row in rows(made):
        if table.caption == "Cases and patients by characteristic":
            if row.kind == "group":
                groups[plain(row.cells[0])] = []
            elif groups:
                groups[list(groups)[-1]].append(tuple(plain(cell) for cell in row.cells))  # type: ignore[arg-type]
    total = len(small.cases)
    hit = 0
    for title, lines in groups.items():
        unknown = [line for line in lines if not line[1].replace(",", "").isdigit()]
        assert not [line for line in unknown if line[0].strip() == "unknown"], "nobody shares it as a trait"
        hit += len(unknown)
        if title != "Reference-positive" and unknown:
            known = sum(int(line[1].replace(",", "")) for line in lines if line not in unknown)
            assert len(unknown) > 1
            assert total - known >= FEWEST
        for label, number, share in unknown:
            assert number in (f"fewer than {FEWEST}", "withheld"), label
            assert not re.search(r"\d", share), "a share would give it away"
    assert hit > 1, attribute


def test_what_is_withheld_is_said_and_other_documents_keep_it(small: AuditView) -> None:
    made = document("fda_public_summary", small)
    words = " ".join(plain(cell) for _, row in rows(made) for cell in row.cells)
    assert not re.search(r"fewer than \d+ [^()]* \(\d+\)", to_json(made).decode()), "nor in a reason"
    assert f"withheld: fewer than {FEWEST} patients" in words
    said = [
        plain(item.runs) for node in made.front for item in getattr(node, "items", ()) if item.label == "Small groups"
    ]
    assert said == [said[0]]
    assert f"fewer than {FEWEST} patients" in said[0]
    attribute = next(iter(small.plan.strata))
    for other in ("fda_performance_testing", "eu_ai_act_annex_iv"):
        full = document(other, small)
        assert not full.public
        counted = [v.pointer for v in full.values if stated(small, v) == CASES and f"stratum:{attribute}=" in v.pointer]
        assert len(counted) >= small.cases[stratum_column(attribute)].nunique()


def test_the_device_declares_the_fewest_patients(small: AuditView) -> None:
    device = small.device
    assert device is not None
    assert device.small_cells == FEWEST
    lax = dataclasses.replace(small, device=device.model_copy(update={"small_cells": 1}))
    assert "withheld" not in str(document("fda_public_summary", lax))
    strict = dataclasses.replace(small, device=device.model_copy(update={"small_cells": len(small.cases) + 1}))
    assert not [v for v in document("fda_public_summary", strict).values if stated(small, v) == ESTIMATES]
