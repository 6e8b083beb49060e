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
import auroc_intervals
import bench_bootstrap
import bench_report
import coverage_designs
import coverage_report
import coverage_study
import interval_coverage
import machine
import torch_kernels
from simulated_decisions import simulate

from audit.measures.answers import Answer
from audit.records import Interval
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
        for measure in coverage_study.MEASURES:
            kept = coverage_study.rows_for(measure, rows)
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

    def test_expected_events_are_those_of_the_smaller_side(self):
        design = _design(False)
        drawn = coverage_designs.draw(_design(False, 20_000), np.random.default_rng(2)).candidate.columns
        missed = ((drawn["reference"] == 1) & (drawn["decision"] == 0)).mean()
        whole = coverage_designs.fewest_events(design, "value", "sensitivity")
        assert whole == pytest.approx(200 * missed, rel=0.1)
        split = coverage_designs.fewest_events(design, "contrast of patients", "sensitivity")
        assert split == pytest.approx(0.4 * whole)
        assert coverage_designs.fewest_events(_design(True), "change", "auroc") == pytest.approx(3 * 60)


class TestStudy:
    def test_every_question_is_answered_as_the_product_answers_it(self):
        drawn = coverage_designs.draw(_design(True, 60), np.random.default_rng(3))
        counts = patient_counts(60, 40, 9)
        found = dict(coverage_study.study(drawn, counts, clustered=True))
        assert {asked.kind for asked in found} == set(coverage_report.KINDS)
        assert {asked.measure for asked in found} == set(coverage_report.MEASURES)
        own = coverage_study.side(coverage_study.auroc.ENTRY, drawn.candidate)
        assert found[coverage_study.Asked("value", "auroc")].interval == own.interval
        brier = found[coverage_study.Asked("value", "brier")].interval
        assert brier is not None
        assert brier.method == "patient bootstrap-t, 40 resamples"

    def test_below_the_gate_nothing_is_printed(self):
        drawn = coverage_designs.draw(_design(False, 60), np.random.default_rng(3))
        reference = drawn.candidate.columns["reference"]
        nine = np.flatnonzero(reference == 1)[:9]
        few = drawn.candidate.where(np.isin(np.arange(60), nine) | (reference == 0))
        side = coverage_study.side(coverage_study.auroc.ENTRY, few)
        assert coverage_study.printed("value", (side,), patient_counts(60, 40, 9)).interval is None

    def test_a_broken_off_run_goes_on_and_gives_the_same_numbers(self, tmp_path, monkeypatch):
        monkeypatch.setattr(interval_coverage, "BLOCK", 3)
        cells = [_design(True, 40), _design(False, 40)]
        whole = interval_coverage.run(6, 1, cells, tmp_path / "whole.jsonl")
        part = interval_coverage.run(6, 1, cells, tmp_path / "part.jsonl", minutes=0)
        assert 0 < len(part) < len(whole) == 4
        resumed = interval_coverage.run(6, 1, cells, tmp_path / "part.jsonl")
        assert interval_coverage.summed(resumed, cells)["rows"] == interval_coverage.summed(whole, cells)["rows"]

    def test_another_seed_adds_sets_for_the_measures_it_asks(self, tmp_path, monkeypatch):
        monkeypatch.setattr(interval_coverage, "BLOCK", 2)
        cells, kept = [_design(False, 40)], tmp_path / "blocks.jsonl"
        interval_coverage.run(2, 1, cells, kept)
        both = interval_coverage.summed(interval_coverage.run(4, 2, cells, kept, ("auroc",)), cells)
        sets = {row["measure"]: row["sets"] for row in both["rows"] if row["kind"] == "value"}
        assert (sets["auroc"], sets["sensitivity"]) == (6, 2)
        assert both["runs"]["2"] == ["auroc"]

    def test_tally_counts_the_side_that_missed(self):
        tally = interval_coverage.Tally()
        for limits in ((0.1, 0.2), (0.4, 0.6), (0.7, 0.8)):
            tally.add(Answer(0.5, Interval(*limits, "patient bootstrap-t, 1000 resamples", 0.95)), truth=0.5)
        tally.add(Answer(0.5, None, "too few"), truth=0.5)
        row = tally.row()
        assert (row["sets"], row["printed"], row["interval_below_truth"], row["interval_above_truth"]) == (4, 3, 1, 1)
        assert row["coverage"] == pytest.approx(1 / 3, abs=1e-5)
        assert row["methods"] == {"patient bootstrap-t": [3, 2]}


def _cell(coverage: float, events: float = 50.0, printed: int = 1000) -> dict[str, object]:
    missed = round((1 - coverage) * printed)
    return {
        "device": "strong", "patients": 50, "clustered": False, "prevalence": 0.5, "kind": "value", "measure": "auroc",
        "fewest_events": events, "sets": 1000, "printed": printed, "coverage": coverage, "interval_below_truth": missed,
        "interval_above_truth": 0, "methods": {"binormal score": [printed, missed]},
    }  # fmt: skip


class TestCoverageReport:
    @pytest.mark.parametrize(
        ("coverage", "events", "expected"),
        [
            (0.90, 50, "low"),
            (0.92, 50, "in"),
            (0.95, 50, "in"),
            (0.975, 50, "in"),
            (0.99, 50, "high"),
            (0.99, 9, "few events"),
        ],
    )
    def test_a_cell_is_judged_beyond_simulation_error(self, coverage, events, expected):
        assert coverage_report.verdict(_cell(coverage, events)) == expected

    def test_the_first_page_counts_and_names_the_worst(self):
        rows = [_cell(0.90), {**_cell(0.95), "patients": 200}, {**_cell(0.99), "measure": "brier"}]
        text = coverage_report.report(
            {"rows": rows, "resamples": 10, "runs": {"1": ["auroc"]}, "machine": machine.machine_facts()}
        )
        assert "1 cell lies below 93 %" in text
        assert "1 cell lies above 97 %" in text
        assert "| value | auroc | 2 | 1 | 0 | 0 | 92.5 (2,000) | · | 90.0 (1000) |" in text
        assert "| value | auroc | strong, 50 patients, 1 case, 50 % | binormal score | 90.0 | 100 | 0 |" in text

    def test_cells_that_hardly_print_are_not_judged(self):
        assert coverage_report.judged([_cell(0.5, printed=20)]) == []


class TestAurocIntervals:
    @pytest.mark.parametrize("name", list(auroc_intervals.FAMILIES))
    def test_every_family_has_the_auroc_that_is_asked_for(self, name):
        assert auroc_intervals.true_area(auroc_intervals.FAMILIES[name], 0.9) == pytest.approx(0.9, abs=0.002)

    def test_the_summary_counts_cells_outside(self):
        cells = [{"coverage": {"a": value}} for value in (0.90, 0.95, 0.98, 0.96)]
        found = auroc_intervals.summary(cells)["methods"]["a"]
        assert (found["low"], found["high"], found["smallest"], found["largest"]) == (1, 1, 0.90, 0.98)

    def test_a_small_run(self):
        found = auroc_intervals.cell(auroc_intervals.FAMILIES["normal"], 0.9, (12, 30), sets=20, seed=1)
        assert found["as printed"] >= 0.8
        assert set(found) > {"DeLong, logit", "Newcombe method 5"}
