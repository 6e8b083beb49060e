"""What a plan may say about resampling: the interval that is read off, and the strata that keep their size."""

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from audit.catalogue import entries
from audit.measures.answers import Kind, Rules, Side, answer, bootstrapped, leave_one_out, resampled
from audit.measures.groups import Group
from audit.measures.resampled_patients import resampled_patients, resampling_strata
from audit.measures.samples import Order, Sample
from audit.plan import Plan, Resampling, parse_plan
from audit.records import BadInput, BoolArray, Rows
from audit.sharing.asking import _without_strata
from audit.statistics.resampling import patient_counts

PATIENT = np.array([0, 0, 1, 2, 3, 3, 4, 5])
MAKERS = np.array(["A", "A", "A", "B", "A", "B", "B", "A"], dtype=object)
REFERENCE = np.array([0.0, 1.0, 0.0, 1.0, 0.0, 0.0, np.nan, 0.0])
PLAN = b"""
id: p
title: t
intended_purpose: i
model: {kind: mlflow, name: m, version: 1}
validation_sets: [s]
targets: {lesion: {task: classification, output: o, reference: r}}
strata: {maker: {}}
resamples: 150
"""


def plan_with(text: bytes = b"") -> Plan:
    return parse_plan(PLAN + text, "plan.yaml")


def order() -> Order:
    return Order(np.arange(8).astype(str), PATIENT, np.arange(6).astype(str))  # type: ignore[arg-type]


def groups() -> list[Group]:
    return [Group("maker", level, None, level == MAKERS) for level in ("A", "B")]


def samples() -> dict[tuple[str, str], Sample]:
    every: BoolArray = np.ones(8, dtype=np.bool_)
    return {("candidate", "lesion"): Sample(Rows(PATIENT, {"reference": REFERENCE}), every, ~every)}


def strata(plan: Plan) -> list[int]:
    found = resampling_strata(plan, order(), groups(), samples())
    assert found is not None
    return found.tolist()


def test_patients_of_several_levels_are_a_stratum_and_lonely_ones_are_joined() -> None:
    labels = strata(plan_with(b"resampling: {stratified_by: maker}"))
    assert labels[0] == labels[1] == labels[5], "patients of A"
    assert labels[2] == labels[4], "patients of B"
    assert labels[3] == -1, "the one patient of both"


def test_a_target_stratifies_by_the_patients_class() -> None:
    labels = strata(plan_with(b"resampling: {stratified_by: lesion}"))
    assert labels[0] == labels[2], "a positive case makes the patient positive"
    assert labels[1] == labels[3] == labels[5]
    assert labels[4] == -1, "no reference at all"


def test_every_resample_holds_as_many_patients_of_each_stratum_as_the_set() -> None:
    plan = plan_with(b"resampling: {stratified_by: lesion}")
    counts, labels = resampled_patients(plan, order(), groups(), samples()), np.array(strata(plan))
    assert counts.shape == (150, 6)
    for label in np.unique(labels):
        assert (counts[:, labels == label].sum(axis=1) == (labels == label).sum()).all()


def test_without_strata_the_resamples_are_those_of_the_seed() -> None:
    found = resampled_patients(plan_with(), order(), groups(), samples())
    np.testing.assert_array_equal(found, patient_counts(6, 150, 0))


def test_a_name_that_is_no_stratum_and_no_target_is_refused() -> None:
    with pytest.raises(BadInput, match=r"stratified_by.*'age'.*neither.*maker.*nor.*lesion"):
        plan_with(b"resampling: {stratified_by: age}")


def test_an_unknown_interval_is_refused() -> None:
    with pytest.raises(BadInput, match=r"resampling\.interval"):
        plan_with(b"resampling: {interval: basic}")


def sides(resampling: Resampling, rows: Rows, other: Rows | None = None) -> tuple[Side, ...]:
    rules = Rules(10, 0.95, resampling)
    return tuple(Side(entries("measures")["dice"], each, rules) for each in (rows, other) if each is not None)


def printed(kind: Kind, asked: tuple[Side, ...], n_patients: int, resamples: int = 800) -> SimpleNamespace:
    found = resampled(bootstrapped(kind, asked), patient_counts(n_patients, resamples, 4))
    answered = answer(kind, asked, found.__getitem__)
    assert answered.interval is not None
    interval = answered.interval
    return SimpleNamespace(low=interval.low, high=interval.high, method=interval.method, value=answered.value)


def test_percentile_and_bca_of_a_mean_as_scipy_has_them(rows: Rows) -> None:
    drawn = patient_counts(60, 800, 4) @ rows.columns["dice"] / 60
    plain = printed("value", sides(Resampling(interval="percentile"), rows), 60)
    assert plain.method == "patient bootstrap, percentile (800 resamples)"
    assert (plain.low, plain.high) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])), rel=1e-12)
    bca = printed("value", sides(Resampling(interval="bca"), rows), 60)
    assert bca.method == "patient bootstrap, BCa (800 resamples)"
    scipy = stats.bootstrap(
        (rows.columns["dice"],), np.mean, method="BCa", n_resamples=9999, rng=np.random.default_rng(3)
    ).confidence_interval
    assert (bca.low, bca.high) == pytest.approx((scipy.low, scipy.high), abs=0.006)


@pytest.mark.parametrize("interval", ["percentile", "bca"])
def test_a_change_is_read_off_the_shared_resamples(interval: str, rows: Rows, rows_of: Callable[..., Rows]) -> None:
    other = Rows(rows.patient, {**rows.columns, "dice": 0.9 * rows.columns["dice"]})
    found = printed("change", sides(Resampling.model_validate({"interval": interval}), rows, other), 60)
    assert f"patient bootstrap, {'BCa' if interval == 'bca' else interval}" in found.method
    assert found.low <= found.value <= found.high
    assert found.high - found.low < 0.05, "paired: each patient loses a tenth"


def test_the_method_says_how_resamples_were_stratified(rows: Rows) -> None:
    found = printed("value", sides(Resampling(stratified_by="maker"), rows), 60)
    assert found.method == "patient bootstrap-t, 800 resamples, stratified by maker"


def test_leaving_each_patient_out_in_turn(clustered: Rows) -> None:
    measure = entries("measures")["dice"]
    found = leave_one_out(measure, clustered, np.arange(40), 40)
    direct = [measure.point(clustered.where(clustered.patient != patient)) for patient in range(40)]
    assert found == pytest.approx(direct, rel=1e-12)


def test_a_question_about_one_group_is_resampled_without_the_strata_that_its_plan_lacks() -> None:
    by_maker = _without_strata(plan_with(b"resampling: {interval: bca, stratified_by: maker}"))
    assert by_maker == Resampling(interval="bca")
    assert _without_strata(plan_with(b"resampling: {stratified_by: lesion}")).stratified_by == "lesion"
