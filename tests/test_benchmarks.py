"""The benchmarks compute what they claim, at tiny sizes; nothing here is timed."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from scipy.special import logit

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import audit_case
import bench_bootstrap
import bench_report
import coverage_designs
import coverage_methods
import coverage_report
import coverage_study
import interval_coverage
import torch_kernels
from simulated_decisions import simulate

from audit.records import Rows
from audit.statistics.resampling import auroc_replicates, patient_counts, ratio_replicates


@pytest.fixture(scope="module")
def small():
    return simulate(1500, 1200, seed=3, groups=4)


class TestBootstrapBenchmark:
    def test_point_values_equal_fairlearn(self, small):
        assert bench_bootstrap.largest_gap(small, "threshold") < 1e-12
        assert bench_bootstrap.largest_gap(small, "auroc") < 1e-12

    def test_nothing_is_timed_where_point_values_differ(self, monkeypatch):
        for gap in (1e-6, float("nan")):
            monkeypatch.setattr(bench_bootstrap, "largest_gap", lambda *_args, gap=gap: gap)
            with pytest.raises(SystemExit, match="point values differ"):
                bench_bootstrap.compare("tiny", 500, 400, bench_bootstrap.Effort(2, 1, 1))

    def test_every_patient_has_a_case_and_one_group(self, small):
        assert np.array_equal(np.unique(small.patient), np.arange(small.n_patients))
        pairs = np.unique(np.column_stack([small.patient, small.group]), axis=0)
        assert len(pairs) == small.n_patients

    def test_rates_of_a_resample_equal_a_count_over_its_cases(self, small):
        found = bench_bootstrap.our_rates(small, 2, seed=5)
        drawn = patient_counts(small.n_patients, 2, 5)[1][small.patient]
        member = (small.group == 2) & small.reference
        expected = drawn[member & small.decision].sum() / drawn[member].sum()
        assert found[1, small.groups + 2] == pytest.approx(expected, abs=1e-14)

    def test_aurocs_are_those_of_each_group(self, small):
        found = bench_bootstrap.our_aurocs(small, 3, seed=5)
        counts, kept = patient_counts(small.n_patients, 3, 5), small.group == 1
        rows = small.patient[kept], small.score[kept], small.reference[kept]
        assert np.array_equal(found[:, 1], auroc_replicates(counts, *rows, compiled=False))

    def test_torch_kernels_equal_the_product(self, small):
        counts = patient_counts(small.n_patients, 70, 1)
        there = torch.as_tensor(counts)
        top, bottom = bench_bootstrap.per_patient(small)
        rates = torch_kernels.ratio_replicates(there, torch.as_tensor(top), torch.as_tensor(bottom))
        np.testing.assert_allclose(rates.numpy(), ratio_replicates(counts, top, bottom), rtol=0, atol=1e-12)
        aurocs = bench_bootstrap.torch_aurocs(small, there)
        np.testing.assert_array_equal(aurocs.numpy(), bench_bootstrap.our_aurocs(small, 70, 1))

    def test_torch_auroc_is_undefined_without_a_class(self):
        counts = torch.tensor([[1, 0], [1, 1]], dtype=torch.uint8)
        found = torch_kernels.auroc_replicates(counts, np.array([0, 1]), np.array([0.5, 0.5]), np.array([True, False]))
        assert math.isnan(found[0])
        assert found[1] == 0.5

    def test_slope_of_a_straight_line_is_one(self):
        rows = [{"n": n, "t": 3.0 * n} for n in (1, 10, 100)]
        assert bench_bootstrap.slope(rows, "n", "t") == pytest.approx(1)

    def test_document_and_plot_hold_what_was_measured(self, tmp_path):
        effort = bench_bootstrap.Effort(resamples=8, fairlearn_resamples=1, repeats=1)
        layout = bench_bootstrap.compare("tiny", 2000, 1500, effort)
        scaled = bench_bootstrap.scaling((300, 600), (8, 16), resamples=8, repeats=1)
        found = {
            "effort": {"resamples": 8, "fairlearn": 1, "repeats": 1},
            "machine": bench_bootstrap.machine_facts(),
            "layouts": [layout],
            "audit": audit_case.ABSENT,
            "peak_memory_gib": {"side by side": 0.5, "whole run": 2.5, "target": 2.0},
            "scaling": scaled,
            "exponents": {"auroc over cases": 1.0},
        }
        found["runs"] = bench_bootstrap.ratios({**found, "layouts": [layout]}) * 2
        text = bench_report.report(json.loads(json.dumps(found)))
        assert f"{layout['auroc']['wall']['ours_ms']:.3f}" in text
        assert text.count("| 1 x 1 |") == 4
        assert "Not measured in this run: the recorded predictions are not here." in text
        assert "2.50 GiB after the runs to 1,000,000 cases. Target: under 2 GiB: missed" in text
        bench_report.scaling_plot(scaled, tmp_path / "a.svg")
        bench_report.scaling_plot(scaled, tmp_path / "b.svg")
        assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def _recorded_audit(folder: Path) -> Path:
    """A plan on 60 recorded scores of 40 patients."""
    rng = np.random.default_rng(1)
    rows = pd.DataFrame({"case_id": [f"c{i}" for i in range(60)], "patient_id": [f"p{i % 40}" for i in range(60)]})
    rows = rows.assign(y=rng.integers(0, 2, 60), sex=rng.choice(["F", "M"], 60))
    rows["s"] = np.clip(0.3 * rows["y"] + 0.7 * rng.uniform(size=60), 0.01, 0.99)
    rows.drop(columns="s").to_csv(folder / "manifest.csv", index=False)
    rows[["case_id", "s"]].to_csv(folder / "scores.csv", index=False)
    facts = {"name": "tiny", "version": "1", "licence": "CC0", "description": "drawn", "simulated": True}
    facts |= {"sampling": {"kind": "convenience", "how": "drawn"}, "reference": {"kind": "exact", "how": "drawn"}}
    (folder / "set.yaml").write_text(yaml.safe_dump({**facts, "manifest": "manifest.csv"}))
    target = {"task": "classification", "output": "s", "reference": "y"}
    target |= {"operating_point": {"threshold": 0.5, "chosen_on": "elsewhere"}, "measures": ["auroc", "sensitivity"]}
    plan = {"id": "tiny", "title": "t", "intended_purpose": "t", "validation_sets": ["."], "targets": {"t": target}}
    plan |= {"strata": {"sex": {}}, "model": {"kind": "recorded", "name": "m", "version": 1, "scores": "scores.csv"}}
    (folder / "plan.yaml").write_text(yaml.safe_dump(plan))
    return folder / "plan.yaml"


class TestAuditCase:
    def test_every_measure_group_and_resample_is_counted(self, tmp_path):
        found = audit_case.measured(resamples=100, repeats=1, plan_path=_recorded_audit(tmp_path))
        assert (found["cases"], found["patients"], found["targets"]) == (60, 40, 1)
        assert found["replicates"]["numbers"] == 2 * 3 * 100, "two measures, three groups"
        assert found["estimates"]["rows"] >= 6
        assert "600 values" in bench_report._audit(found)

    def test_without_the_recorded_table_nothing_is_measured(self, tmp_path):
        plan = _recorded_audit(tmp_path)
        (tmp_path / "scores.csv").unlink()
        assert audit_case.measured(plan_path=plan) == audit_case.ABSENT


def _design(clustered: bool, patients: int = 200, device: int = 0) -> coverage_designs.Design:
    return coverage_designs.Design(coverage_designs.DEVICES[device], patients, clustered, 0.3)


class TestSimulatedSets:
    @pytest.mark.parametrize("version", [0, 1])
    def test_true_values_agree_with_a_large_sample(self, version):
        design = _design(True, 20_000, device=1)
        drawn = coverage_designs.draw(design, np.random.default_rng(11))
        rows = (drawn.candidate, drawn.comparator)[version]
        truth = coverage_designs.true_values(design, version)
        for measure in (*coverage_study.COMPARED, *(coverage_study.LINES if version == 0 else ())):
            kept = coverage_study._rows(measure, rows)
            assert measure.point(kept) == pytest.approx(truth[measure.name], abs=0.03), measure.name

    def test_scores_have_the_stated_slope(self):
        design = _design(False)
        latent = np.array([-1.0, 0.0, 1.0])
        odds = logit(coverage_designs.probability(design, latent))
        np.testing.assert_allclose(np.diff(odds), coverage_designs.OVERCONFIDENCE * design.device.shift, rtol=1e-12)

    def test_equal_devices_have_no_true_change(self):
        design = _design(True)
        same = coverage_designs.true_values(design, 1)
        assert all(coverage_designs.true_values(design)[name] == value for name, value in same.items())

    @pytest.mark.parametrize("clustered", [True, False])
    def test_cases_per_patient(self, clustered):
        drawn = coverage_designs.draw(_design(clustered), np.random.default_rng(1))
        sizes = np.bincount(drawn.candidate.patient)
        assert (sizes.min(), sizes.max()) == ((1, 5) if clustered else (1, 1))


class TestOtherMethods:
    def test_bootstrap_t_equals_the_ratio_of_each_resample(self):
        generator = np.random.default_rng(2)
        bottom = generator.integers(1, 4, 25).astype(float)
        top = bottom * generator.random(25)
        counts = patient_counts(25, 200, 1)
        point = coverage_methods.ratio(top, bottom)
        ts = []
        for drawn in counts:
            again = np.repeat(np.arange(25), drawn)
            one = coverage_methods.ratio(top[again], bottom[again])
            ts.append((one.value - point.value) / one.error)
        low, high = np.quantile(ts, [0.025, 0.975])
        found = coverage_methods.bootstrap_t(point, counts.astype(float))
        assert found == pytest.approx((point.value - high * point.error, point.value - low * point.error))

    def test_separate_patients_make_the_linearised_error_that_of_two_samples(self):
        generator = np.random.default_rng(4)
        x, first = generator.random(4000), np.arange(4000) < 1500
        one = x * first, first.astype(float)
        two = x * ~first, (~first).astype(float)
        shared = coverage_methods.linearised_difference_t(one, two)
        welch = coverage_methods.difference_t(coverage_methods.ratio(*one), coverage_methods.ratio(*two))
        assert shared == pytest.approx(welch, rel=5e-3)

    def test_no_interval_without_variation(self):
        same = np.ones(12), np.ones(12)
        assert coverage_methods.linearised_difference_t(same, same) is None
        assert coverage_methods.percentile(np.ones(50)) is None


class TestStudy:
    def test_bench_replicates_equal_the_measures_own(self):
        drawn = coverage_designs.draw(_design(True, 60), np.random.default_rng(3))
        counts = patient_counts(60, 40, 9)
        bench = coverage_study.Bench(counts)
        sides = [s for m in coverage_study.COMPARED for s in coverage_study._questions(m, drawn, True)["change"]]
        bench.prepare(sides)
        for side in sides:
            own = side.measure.replicates(side.rows, counts)
            np.testing.assert_allclose(bench.replicates(side), own, rtol=0, atol=1e-12, err_msg=side.measure.name)

    def test_an_error_of_the_product_is_recorded_and_not_swallowed(self, monkeypatch):
        def broken(*_args):
            raise ValueError("limits out of order")

        monkeypatch.setattr(coverage_study, "_values", broken)
        rows = coverage_designs.draw(_design(False, 60), np.random.default_rng(3)).candidate
        (found,) = coverage_study._or_failure(coverage_study.LINES[0], rows, coverage_study.Bench(np.ones((2, 60))))
        assert found.limits is None
        row = {"measure": "calibration_slope", "names": [found.name]}
        assert "calibration_slope: fails: limits out of order" in coverage_report._failures([row])

    def test_below_the_gate_nothing_is_printed(self):
        drawn = coverage_designs.draw(_design(False, 60), np.random.default_rng(3))
        reference = drawn.candidate.columns["reference"]
        nine = np.flatnonzero(reference == 1)[:9]
        kept = np.isin(np.arange(60), nine) | (reference == 0)
        few = Rows(drawn.candidate.patient[kept], {k: v[kept] for k, v in drawn.candidate.columns.items()})
        bench = coverage_study.Bench(patient_counts(60, 40, 9))
        found = list(coverage_study._values(coverage_study._side(coverage_study.auroc.ENTRY, few), bench))
        assert [one.limits for one in found] == [None]

    def test_same_seed_same_tallies_and_a_document(self):
        cells = [_design(True, 60), _design(False, 60)]
        first, again = (interval_coverage.run(6, 1, cells) for _ in range(2))
        assert first["rows"] == again["rows"]
        text = coverage_report.report({**first, "rows": [{**r, "printed": r["printed"] * 100} for r in first["rows"]]})
        assert "| value | brier |" in text
        asked = {(row["kind"], row["measure"]) for row in first["rows"] if row["method"] == coverage_study.PRODUCT}
        assert {kind for kind, _ in asked} == set(coverage_report.KINDS)
        assert {measure for _, measure in asked} == set(coverage_report.MEASURES)

    def test_the_recommended_method_is_shown_also_where_it_fails(self):
        cell = {"kind": "change", "measure": "dice", "device": "d", "clustered": True, "patients": 50}
        row = {**cell, "prevalence": 0.1, "sets": 500, "printed": 500}
        out = {**row, "method": coverage_study.PRODUCT, "coverage": 0.90}
        rows = [
            out,
            {**row, "method": "linearised t", "coverage": 0.80},
            {**row, "method": "percentile", "coverage": 0.95},
        ]
        assert coverage_report._there(rows, out) == "linearised t: 80.0"

    def test_tally_counts_the_side_that_missed(self):
        tally = interval_coverage.Tally()
        asked = coverage_study.Asked("value", "auroc")
        for limits in ((0.1, 0.2), (0.4, 0.6), (0.7, 0.8), None):
            tally.add(coverage_study.Found(asked, "m", limits, "name"), truth=0.5)
        row = tally.row()
        assert (row["sets"], row["printed"], row["interval_below_truth"], row["interval_above_truth"]) == (4, 3, 1, 1)
        assert row["coverage"] == pytest.approx(1 / 3)
