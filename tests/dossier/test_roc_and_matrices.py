"""ROC curves, confusion matrices and heat tables: drawn as the evidence has them, every printed number bound."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from dossier_example import a_plan, make_view
from reportlab.graphics.shapes import Line
from sklearn.metrics import confusion_matrix, roc_auc_score, roc_curve

from audit.analyses.analysing import analyses_table, answered
from audit.analyses.study import new_study
from audit.catalogue import entries
from audit.curves import curves
from audit.dossier.block import NoParameters
from audit.dossier.blocks.confusion_matrix import ENTRY as MATRIX
from audit.dossier.blocks.heat_table import ENTRY as HEAT
from audit.dossier.blocks.heat_table import HeatParameters
from audit.dossier.blocks.roc import ENTRY as ROC
from audit.dossier.blocks.two_by_two import ENTRY as TWO_BY_TWO
from audit.dossier.content import HeatTable, MatrixPlot, Paragraph, RocPlot, Table, Value, plain
from audit.dossier.pdf import figure
from audit.dossier.pdf_heat import hatched
from audit.dossier.pdf_style import register_fonts
from audit.dossier.pdf_text import Layout
from audit.dossier.pointers import look_up
from audit.dossier.rounding import prints_as
from audit.dossier.svg_canvas import svg_of
from audit.dossier.view import AuditView

N = 240


def observed(fates: list[str]) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Cases, observations and dispositions of two versions; scores with ties, graded besides."""
    rng = np.random.default_rng(11)
    ids = [f"c{i:03d}" for i in range(N)]
    truth = (rng.uniform(size=N) < 0.4).astype(float)
    parts = []
    for version, sharpness in (("candidate", 1.6), ("comparator", 0.7)):
        score = np.round(1 / (1 + np.exp(-rng.normal(sharpness * (2 * truth - 1)))), 2)
        common = {"version": version, "case_id": ids, "patient_id": ids}
        decision = (score >= 0.42).astype(float)
        parts.append(
            pd.DataFrame({**common, "target": "lesion", "score": score, "reference": truth, "decision": decision})
        )
        grade, seen = (rng.integers(0, 3, N).astype(float) for _ in range(2))
        parts.append(pd.DataFrame({**common, "target": "grade", "grade_reference": grade, "grade_predicted": seen}))
    table = pd.concat(parts, ignore_index=True)
    fate = table[["version", "case_id", "target"]].assign(fate=np.tile(fates, 4), reason=None)
    return pd.DataFrame({"case_id": ids, "patient_id": ids}), table, fate


@pytest.fixture(scope="module")
def evidence() -> AuditView:
    """The example with scores, grades, curves and counts of its own; every tenth case is excluded by the plan."""
    fates = ["excluded" if i % 10 == 0 else "analysed" for i in range(N)]
    targets = {
        **a_plan().model_dump(mode="json")["targets"],
        "grade": {"task": "ordinal", "output": "grade", "reference": "grade", "grades": [0, 1, 2]},
    }
    view = make_view(plan=a_plan(targets=targets))
    cases, table, fate = observed(fates)
    bare = a_plan(targets=targets, strata={}, intersections=[], endpoints=[], explanations=None)
    study = new_study(bare, cases, table, fate, view.estimates, {})
    rows = analyses_table(answered(entries("analyses")["decision_matrix"], study))
    drawn = curves(view.plan, cases, table, fate, None)
    return replace(view, observations=table, dispositions=fate, analyses=rows, curves=drawn)


def analysed(view: AuditView, version: str, target: str) -> pd.DataFrame:
    rows = view.observations[(view.observations["version"] == version) & (view.observations["target"] == target)]
    return rows[np.arange(len(rows)) % 10 != 0]


def values(part: Any) -> Iterator[Value]:
    if isinstance(part, Value):
        yield part
    elif isinstance(part, tuple):
        for item in part:
            yield from values(item)
    elif is_dataclass(part):
        for each in fields(part):
            yield from values(getattr(part, each.name))


def all_bound(view: AuditView, node: Any) -> int:
    """How many results the node prints; each is what its address holds."""
    kinds = {statement.id: kind for kind, statement in view.statements.items()}
    found = list(values(node))
    for one in found:
        assert prints_as(look_up(view.payload(kinds[one.statement]), one.pointer), one.text.removeprefix("undefined: "))
    return len(found)


def test_the_curve_turns_where_that_of_scikit_learn_does(evidence):
    for version in ("candidate", "comparator"):
        rows = analysed(evidence, version, "lesion")
        mine = evidence.curves[evidence.curves["version"] == version]
        alarms, found, threshold = roc_curve(rows["reference"], rows["score"], drop_intermediate=False)
        every = set(zip(alarms.round(12), found.round(12), strict=True))
        kept = [(round(float(x), 12), round(float(y), 12)) for x, y in zip(mine["x"], mine["y"], strict=True)]
        assert set(kept) <= every
        assert len(kept) < len(every)
        area = np.trapezoid(mine["y"].astype(float), mine["x"].astype(float))
        assert area == pytest.approx(roc_auc_score(rows["reference"], rows["score"]), abs=1e-12)
        assert set(mine["threshold"].dropna()) <= set(threshold)


def test_no_curve_without_both_classes():
    plan = a_plan()
    cases, table, fate = observed(["analysed"] * N)
    table.loc[table["target"] == "lesion", "reference"] = 1.0
    assert len(curves(plan, cases, table[table["target"] == "lesion"], fate[fate["target"] == "lesion"], None)) == 0


def test_roc_figure(evidence):
    (plot,) = ROC.build(evidence, NoParameters())
    assert isinstance(plot, RocPlot)
    assert [curve.label for curve in plot.curves] == ["lesions v2 (candidate)", "lesions v1 (comparator)"]
    for curve, version in zip(plot.curves, ("candidate", "comparator"), strict=True):
        rows = {
            name: evidence.plain[version, name, "lesion", "overall", "all"] for name in ("sensitivity", "specificity")
        }
        point = curve.operating_point
        assert point is not None
        assert (point.x, point.y) == (1 - rows["specificity"].value, rows["sensitivity"].value)
        assert point.x_limits == (1 - rows["specificity"].high, 1 - rows["specificity"].low)
        assert curve.points[0] == (0.0, 0.0)
        assert curve.points[-1] == (1.0, 1.0)
    assert all_bound(evidence, plot) == 2 * (9 + 1 + 2)


def test_an_audit_without_curves_says_so(evidence):
    (said,) = ROC.build(replace(evidence, curves=evidence.curves.iloc[:0]), NoParameters())
    assert isinstance(said, Paragraph)
    assert plain(said.runs) == "ROC curve, lesion: no curve stands in the evidence."


def test_matrices_count_analysed_cases_alone(evidence):
    found = {plot.caption.split(",")[1].split(":")[0].strip(): plot for plot in _matrices(evidence)}
    for target, columns in (("lesion", ("reference", "decision")), ("grade", ("grade_reference", "grade_predicted"))):
        labels = [1.0, 0.0] if target == "lesion" else [0.0, 1.0, 2.0]
        for matrix, version in zip(found[target].matrices, ("candidate", "comparator"), strict=True):
            rows = analysed(evidence, version, target)
            expected = confusion_matrix(rows[columns[0]], rows[columns[1]], labels=labels)
            assert [[int(plain(cell.printed)) for cell in row] for row in matrix.rows] == expected.tolist()
            assert [sum(cell.share for cell in row) for row in matrix.rows] == pytest.approx([1.0] * len(labels))
    assert all_bound(evidence, tuple(found.values())) == 2 * (4 + 9)


def _matrices(view: AuditView) -> list[MatrixPlot]:
    raw = view.plan.model_dump(mode="json")
    claim = {"id": "G", "role": "primary", "measure": "kappa", "target": "grade"}
    raw["endpoints"] += [{**claim, "criterion": {"kind": "minimum", "value": 0.1}}]
    plan = view.plan.model_validate(raw)
    return [node for node in MATRIX.build(replace(view, plan=plan), NoParameters()) if isinstance(node, MatrixPlot)]


def test_the_table_and_the_matrix_print_the_same_counts(evidence):
    (table,) = TWO_BY_TWO.build(evidence, NoParameters())
    assert isinstance(table, Table)
    plot = MATRIX.build(evidence, NoParameters())[0]
    assert [list(values(row)) for row in table.rows] == [list(values(matrix)) for matrix in plot.matrices]


def test_an_empty_reference_level_has_no_share(evidence):
    rows = evidence.analyses.copy()
    rows.loc[rows["level"].str.startswith("reference 0"), "value"] = 0.0
    plot = MATRIX.build(replace(evidence, analyses=rows), NoParameters())[0]
    assert {cell.share for cell in plot.matrices[0].rows[1]} == {None}


def test_heat_table(view):
    (plot,) = HEAT.build(view, HeatParameters())
    assert isinstance(plot, HeatTable)
    assert plot.columns[0] == "Specificity, lesion"
    whole, *groups = [row for row in plot.rows if row.cells]
    assert {cell.shade for cell in whole.cells} == {0.0}
    lost = next(row for row in groups if row.label == "80-120")
    assert {cell.shade for cell in lost.cells} == {None}
    assert plain(lost.cells[0].printed) == "undefined: no reference-positive cases"
    assert all_bound(view, plot) > 100
    below = HEAT.build(_worse(view), HeatParameters(against="criterion"))[0]
    row = next(each for each in below.rows if each.label == "Corvid")
    assert row.cells[0].shade == -1.0, "0.1 is more than 0.2 short of 0.8"
    assert next(each for each in below.rows if each.label == "Aurelia").cells[0].shade == pytest.approx(0.131 / 0.2)


def _worse(view: AuditView) -> AuditView:
    estimates = view.estimates.copy()
    here = (estimates["version"] == "candidate") & (estimates["level"] == "Corvid") & (estimates["kind"] == "value")
    estimates.loc[here & (estimates["measure"] == "specificity"), "value"] = 0.1
    return replace(view, estimates=estimates)


def test_less_is_better_where_the_measure_says_so(view):
    facts = {**view.measures, "specificity": replace(view.measures["specificity"], direction="lower")}
    turned = HEAT.build(replace(_worse(view), measures=facts), HeatParameters())[0]
    assert next(each for each in turned.rows if each.label == "Corvid").cells[0].shade == 1.0


def test_hatching_stays_inside_its_cell():
    x, y, width, height = 10.0, 20.0, 61.0, 17.0
    lines = [shape for shape in hatched((x, y, width, height)) if isinstance(shape, Line)]
    assert len(lines) > 10
    for line in lines:
        assert min(line.x1, line.x2) >= x - 1e-9
        assert max(line.x1, line.x2) <= x + width + 1e-9
        assert min(line.y1, line.y2) >= y - 1e-9
        assert max(line.y1, line.y2) <= y + height + 1e-9


def test_a_long_heat_table_breaks_between_rows_and_repeats_its_head(view):
    register_fonts()
    (plot,) = HEAT.build(view, HeatParameters())
    drawn = figure(plot, Layout())
    whole = drawn.wrap(480, 1000)[1]
    first, second = drawn.split(480, 0.6 * whole)
    assert max(first.wrap(480, 1000)[1], second.wrap(480, 1000)[1]) <= 0.7 * whole
    assert len(first.rows) + len(second.rows) == len(plot.rows)
    assert second.part == " (continued)"


def test_each_figure_is_drawn_with_its_links(evidence):
    nodes = (*ROC.build(evidence, NoParameters()), *_matrices(evidence), *HEAT.build(evidence, HeatParameters()))
    for node in nodes:
        svg = svg_of(figure(node, Layout()), 480, node.alt)
        links = svg.count("data-evidence=")
        assert links >= len(list(values(node))), node.caption
