"""Calibration plots and decision curves: every printed number is bound, lines end where they leave the plot."""

from dataclasses import replace

import numpy as np
import pandas as pd
from dossier_example import make_view
from reportlab.graphics.shapes import Drawing

from audit.analyses.analysing import analyses_table, answered
from audit.analyses.study import new_study
from audit.catalogue import entries
from audit.dossier.block import NoParameters
from audit.dossier.blocks.calibration_plot import ENTRY as CALIBRATION
from audit.dossier.blocks.decision_curve import ENTRY as DECISION
from audit.dossier.content import CurvePlot, Paragraph, Table, Value
from audit.dossier.curves import curve_drawing, inside
from audit.dossier.pdf_style import register_fonts
from audit.dossier.view import AuditView
from audit.estimates import estimate
from audit.measures.setting import Setting
from audit.plan import Plan


def view_of(thresholds: list[float]) -> AuditView:
    rng = np.random.default_rng(2)
    p = rng.beta(1, 3, 300)
    ids = [f"c{i}" for i in range(300)]
    cases = pd.DataFrame({"case_id": ids, "patient_id": ids})
    columns = {"reference": (rng.uniform(size=300) < p).astype(float), "decision": (p >= 0.3).astype(float)}
    versions = [
        pd.DataFrame(
            {"version": version, "case_id": ids, "patient_id": ids, "target": "lesion", "score": score, **columns}
        )
        for version, score in (("candidate", p), ("comparator", np.sqrt(p)))
    ]
    observed = pd.concat(versions, ignore_index=True)
    fates = observed[["version", "case_id", "target"]].assign(fate="analysed", reason=None)
    target = {
        "task": "classification", "output": "p", "reference": "lesion", "net_benefit_thresholds": thresholds,
        "prevalence": 0.2, "operating_point": {"threshold": 0.3, "chosen_on": "tuning set"},
    }  # fmt: skip
    own = make_view()
    plan = Plan.model_validate(
        {
            "id": "p", "title": "t", "intended_purpose": "x", "validation_sets": ["v"], "targets": {"lesion": target},
            "model": {"kind": "mlflow", "name": "m", "version": 2}, "resamples": 100,
            "comparator": {"kind": "mlflow", "name": "m", "version": 1},
        }
    )  # fmt: skip
    estimates = estimate(plan, cases, observed, fates, Setting())
    study = new_study(plan, cases, observed, fates, estimates, {})
    analyses = analyses_table(answered(entries("analyses")["calibration_curve"], study))
    statements = {**own.statements, "analyses": own.statements["estimates"]}
    return replace(own, plan=plan, estimates=estimates, analyses=analyses, statements=statements)


def test_calibration_plot() -> None:
    view = view_of([])
    plot, *notes = CALIBRATION.build(view, NoParameters())
    assert isinstance(plot, CurvePlot)
    assert len(plot.series) == 2
    assert all(len(each.points) == len(each.band) == 21 for each in plot.series)
    assert sum(up + down for _, _, up, down in plot.counts) == 300
    candidate, comparator = (np.array(each.points) for each in plot.series)
    assert np.abs(candidate[:, 1] - candidate[:, 0]).mean() < 0.06
    assert (comparator[:, 0] - comparator[:, 1]).mean() > 0.1
    assert all(isinstance(note, Paragraph) and any(isinstance(run, Value) for run in note.runs) for note in notes)
    register_fonts()
    assert isinstance(curve_drawing(plot, 300, 220), Drawing)


def test_decision_curve() -> None:
    plot, table = DECISION.build(view_of([0.1, 0.2, 0.4]), NoParameters())
    assert isinstance(plot, CurvePlot)
    assert isinstance(table, Table)
    assert [line.label for line in plot.lines] == ["treat nobody", "treat everybody"]
    everybody = dict(plot.lines[1].points)
    assert abs(everybody[0.2]) < 1e-12
    assert len(table.rows) == 6
    (note,) = DECISION.build(view_of([]), NoParameters())
    assert "names no threshold" in note.runs[0].text


def test_a_line_ends_where_it_leaves_the_plot() -> None:
    assert inside(((0.0, 1.0), (1.0, -1.0), (2.0, -1.0)), (0.0, 2.0)) == ((0.0, 1.0), (0.5, 0.0))
    assert inside(((0.0, 5.0), (1.0, 1.0)), (0.0, 2.0)) == ((1.0, 1.0),)
