"""FROC figures of merit and their significance test against RJafroc."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from audit.records import BadInput, Undefined
from audit.statistics import froc
from audit.statistics.obuchowski_rockette import jackknife_covariance, reader_study

FIGURES = {
    "wAFROC": froc.wafroc,
    "AFROC": froc.afroc,
    "HrAuc": froc.inferred_roc_auc,
    "MaxLLF": froc.marked_lesions,
    "MaxNLF": lambda data: froc.false_marks_per_case(data, all_cases=False),
    "MaxNLFAllCases": froc.false_marks_per_case,
    "wAFROC1": lambda data: froc.wafroc(data, false_marks_on_diseased=True),
    "AFROC1": lambda data: froc.afroc(data, false_marks_on_diseased=True),
    "HrSe": froc.case_sensitivity,
    "HrSp": froc.case_specificity,
}


def _fed(case) -> dict[tuple[int, int], froc.Marks]:
    table, truth = case.table("marks"), case.table("truth")
    cases = {case_id: index for index, case_id in enumerate(sorted(truth["case"].unique()))}
    diseased = truth.groupby("case")["diseased"].first().sort_index()
    lesions = truth[truth["diseased"] == 1]
    out = {}
    for key, rows in table.groupby(["treatment", "reader"]):
        false = rows[rows["mark"] == "NL"]
        hits = rows[rows["mark"] == "LL"].set_index(["case", "lesion"])["rating"]
        rating = [
            hits.get((case_id, lesion), -np.inf)
            for case_id, lesion in zip(lesions["case"], lesions["lesion"], strict=True)
        ]
        out[key] = froc.marks(
            diseased,
            false["case"].map(cases),
            false["rating"],
            lesions["case"].map(cases),
            rating,
            lesions["weight"],
        )
    return out


def test_curve(reference) -> None:
    case = reference("04-froc-fed-curve")
    curve = froc.froc_curve(_fed(case)[4, 1])
    got: dict[str, Any] = {"froc.nlf": curve.false_positives_per_case, "froc.llf": curve.lesion_sensitivity}
    for rate in (0.01, 0.05, 0.125, 0.25, 0.5):
        got[f"sens_at_fppi_{rate}.interpolated"] = froc.sensitivity_at(curve, rate)
    for rate in (0.05, 0.25):
        got[f"sens_at_fppi_{rate}.attained"] = froc.sensitivity_at(curve, rate, interpolated=False)
    case.check(got)


def test_figures_of_merit_and_significance(reference) -> None:
    case = reference("04-froc-fed-fom")
    data = _fed(case)
    got: dict[str, Any] = {}
    for (treatment, reader), one in data.items():
        values = {f"{name}.treatment{treatment}.reader{reader}": figure(one) for name, figure in FIGURES.items()}
        got |= {name: value for name, value in values.items() if name in case.expected}
    for name in ("wAFROC", "HrAuc"):
        got |= _significance(name, data)
    case.check(got)


def _significance(name: str, data) -> dict[str, Any]:
    figure = FIGURES[name]
    merit = np.array([[figure(data[t, r]) for r in range(1, 5)] for t in (4, 5)])
    n_cases = data[4, 1].n_cases
    left_out = [[[figure(data[t, r].without(k)) for r in range(1, 5)] for t in (4, 5)] for k in range(n_cases)]
    study = reader_study(merit, jackknife_covariance(np.array(left_out)))
    parts, difference = study.components, study.differences[0, 1]
    found = {
        "VarR": parts.reader,
        "VarTR": parts.treatment_reader,
        "Cov1": parts.cov1,
        "Cov2": parts.cov2,
        "Cov3": parts.cov3,
        "Var": parts.error,
        "F": study.f,
        "df1": study.df1,
        "df2": study.df2,
        "p": study.p,
        "diff": difference.value,
        "se": difference.standard_error,
        "ci_lower": difference.interval.low,
        "ci_upper": difference.interval.high,
    }
    for index, treatment in enumerate((4, 5)):
        mean = study.means[index]
        found |= {
            f"mean.trt{treatment}": mean.value,
            f"mean.trt{treatment}.se": mean.standard_error,
            f"mean.trt{treatment}.ci_lower": mean.interval.low,
            f"mean.trt{treatment}.ci_upper": mean.interval.high,
        }
    return {f"or_trt4_vs_5.{name}.{key}": value for key, value in found.items()}


def _toy() -> froc.Marks:
    return froc.marks(
        diseased=[0, 0, 0, 1, 1],
        false_case=[0, 1, 1, 3],
        false_rating=[0.5, 0.2, 1.4, 1.2],
        lesion_case=[3, 3, 4, 4],
        lesion_rating=[1.0, -np.inf, 1.6, 0.5],
        lesion_weight=[0.7, 0.3, 0.5, 0.5],
    )


def test_toy(reference) -> None:
    case = reference("04-froc-toy")
    case.check({name: figure(_toy()) for name, figure in FIGURES.items()})


def test_toy_by_hand() -> None:
    assert froc.wafroc(_toy()) == pytest.approx(3.8 / 6)


def test_monotone_ratings_change_nothing() -> None:
    data = _toy()
    stretched = froc.marks(
        data.diseased,
        data.false_case,
        np.exp(data.false_rating),
        data.lesion_case,
        np.where(np.isinf(data.lesion_rating), -np.inf, np.exp(data.lesion_rating)),
        data.lesion_weight,
    )
    for figure in FIGURES.values():
        assert figure(stretched) == figure(data)


def test_undefined_and_refused() -> None:
    normal = froc.marks([0, 0], [0], [1.0], [], [], None)
    for name in ("wAFROC", "AFROC", "HrAuc", "MaxLLF", "HrSe"):
        assert isinstance(FIGURES[name](normal), Undefined)
    assert isinstance(froc.froc_curve(normal), Undefined)
    with pytest.raises(BadInput, match="lesion"):
        froc.marks([0, 1], [], [], [], [])
    with pytest.raises(BadInput, match="add up"):
        froc.marks([1], [], [], [0, 0], [1.0, 2.0], [0.5, 0.6])
    with pytest.raises(BadInput):
        reader_study(np.ones((1, 3)), np.ones((1, 3, 1, 3)))
