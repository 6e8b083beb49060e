"""Cases a claim needs and what a set can show, by hand, against the reference set, and at the command line."""

import csv
import io
import json
import math
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from audit.cli import main
from audit.planning.power import (
    ClassCount,
    Design,
    Expected,
    HalfWidth,
    Margin,
    Minimum,
    detectable,
    half_width,
    minimum_power,
    needed,
    patients_for,
)
from audit.planning.set_power import Assumed, Shown, read_assumptions, what_set_shows
from audit.records import BadInput, Undefined
from audit.statistics.proportions import wilson

EXAMPLE = Path(__file__).resolve().parents[1] / "validation_sets" / "brain_mri_simulated" / "plan.yaml"


def reference(shared: Path, name: str) -> dict[str, Any]:
    text = (shared / "reference" / "cases" / f"{name}.json").read_text()
    return dict(json.loads(text)["expected"])


def test_half_widths_are_those_of_presize(shared: Path) -> None:
    wanted = reference(shared, "09-samplesize-sensitivity")
    need = needed(Expected("sensitivity", 0.9), HalfWidth(0.05), Design(prevalence=0.2))
    assert need.classes[0].independent == pytest.approx(wanted["n_positive.wilson_width0.10_p0.90"], rel=1e-4)
    assert need.recruited == math.ceil(wanted["n_total.wilson_width0.10_p0.90_prev0.20"])
    wanted = reference(shared, "09-samplesize-auroc")
    need = needed(Expected("auroc", 0.85), HalfWidth(0.05), Design(prevalence=0.2))
    assert sum(each.images for each in need.classes) == wanted["n_total_ceiling.auc0.85_prev0.2_width0.10"]
    need = needed(Expected("auroc", 0.8), HalfWidth(0.06), Design(prevalence=0.5))
    assert sum(each.images for each in need.classes) == wanted["n_total_ceiling.auc0.80_prev0.5_width0.12"]


def test_prevalence_design_effect_and_strata_by_hand() -> None:
    """144 independent positives; two images per patient, ICC 0.5: 216 images of 108 patients, 540 at 20 %."""
    plain = needed(Expected("sensitivity", 0.93), Minimum(0.85, 0.8), Design(prevalence=0.2))
    n = plain.classes[0].images
    assert plain.recruited == math.ceil(n / 0.2)
    clustered = Design(prevalence=0.2, images_per_patient=2, icc=0.5, strata=4)
    need = needed(Expected("sensitivity", 0.93), Minimum(0.85, 0.8), clustered)
    assert (need.classes[0].images, need.classes[0].patients) == (math.ceil(1.5 * n), math.ceil(0.75 * n))
    assert need.recruited == math.ceil(0.75 * n / 0.2)
    assert need.joint == pytest.approx(need.attained**4)
    other = needed(Expected("specificity", 0.93), Minimum(0.85, 0.8), Design(prevalence=0.2))
    assert other.classes[0].counted == "reference-negative"
    assert other.recruited == math.ceil(n / 0.8)
    together = needed(Expected("sensitivity", 0.93), Minimum(0.85, 0.8), replace(clustered, together=True))
    assert together.joint is not None
    assert together.joint >= 0.8
    worst = needed(Expected("sensitivity", 0.93), Minimum(0.85, 0.8), Design(images_per_patient=3, icc=1))
    assert worst.classes[0].patients == n
    assert worst.recruited is None


def test_assured_patients_hold_the_needed_ones_with_ninety_percent() -> None:
    enough = patients_for(141, 0.2)
    assert stats.binom.sf(140, enough, 0.2) >= 0.9 > stats.binom.sf(140, enough - 1, 0.2)


def test_attained_is_what_was_asked_for() -> None:
    design = Design(prevalence=0.3)
    for expected, aim in (
        (Expected("sensitivity", 0.93), Minimum(0.85, 0.8)),
        (Expected("auroc", 0.92), Minimum(0.85, 0.8)),
        (Expected("dice", 0.7, 0.2), Minimum(0.6, 0.8)),
        (Expected("specificity", 0.9), Margin(0.05, 0.8, 0.1)),
    ):
        assert 0.8 <= needed(expected, aim, design).attained < 0.87
    for expected in (Expected("specificity", 0.9), Expected("auroc", 0.9), Expected("dice", 0.7, 0.2)):
        attained = needed(expected, HalfWidth(0.04), design).attained
        assert 0.037 < attained <= 0.04


@settings(max_examples=40, deadline=None)
@given(st.floats(0.6, 0.97), st.floats(0.02, 0.2), st.floats(0.02, 0.6), st.floats(0, 1), st.integers(1, 4))
def test_laws_of_planning(value: float, width: float, prevalence: float, icc: float, images: int) -> None:
    """Narrower, rarer and more correlated need more patients; whole counts give the printed Wilson interval."""
    design = Design(prevalence, images, icc)
    expected = Expected("sensitivity", value)
    need = needed(expected, HalfWidth(width), design)
    assert need.recruited is not None
    assert need.assured is not None
    for harder in (
        needed(expected, HalfWidth(width / 2), design),
        needed(expected, HalfWidth(width), replace(design, prevalence=prevalence / 2)),
        needed(expected, HalfWidth(width), replace(design, icc=min(icc + 0.3, 1.0))),
    ):
        assert harder.recruited is not None
        assert harder.recruited >= need.recruited
    interval = wilson(9 * images, 10 * images)
    assert not isinstance(interval, Undefined)
    found = half_width(Expected("sensitivity", 0.9), [10 * images], 0.95)
    assert found == pytest.approx((interval.high - interval.low) / 2)


def test_detectable_value_has_just_the_power() -> None:
    for measure, sizes in (("sensitivity", [80]), ("auroc", [80, 120]), ("dice", [40])):
        found = detectable(Expected(measure, 0.9, 0.15), 0.8, sizes, 0.95, 0.8)
        assert isinstance(found, float)
        assert minimum_power(Expected(measure, found, 0.15), 0.8, sizes, 0.95) == pytest.approx(0.8, abs=1e-3)
    assert isinstance(detectable(Expected("sensitivity", 0.9), 0.8, [5], 0.95, 0.8), Undefined)


def test_clusters_are_counted_by_kish() -> None:
    count = ClassCount.of(["a", "a", "a", "b"])
    assert (count.images, count.patients, count.mean_cluster) == (4, 2, 2.5)
    assert [count.effective(icc) for icc in (0.0, 0.5, 1.0)] == [4, 2, 1]
    assert ClassCount.of([]).effective(1.0) == 0


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Expected("kappa", 0.5), "no planning formula"),
        (lambda: Expected("auroc", 1.0), "strictly between"),
        (lambda: Expected("dice", 0.5), "--sd"),
        (lambda: Design(images_per_patient=2), "--icc"),
        (lambda: Design(strata=0), "at least 1"),
        (lambda: needed(Expected("auroc", 0.9), HalfWidth(0.1), Design()), "--prevalence"),
        (lambda: needed(Expected("auroc", 0.9), Margin(0.1, 0.8, 0.1), Design(0.5)), "sensitivity and specificity"),
        (lambda: needed(Expected("sensitivity", 0.9), HalfWidth(0.7), Design()), "half-width"),
        (lambda: needed(Expected("sensitivity", 0.9), Minimum(0.95, 0.8), Design()), "lie above it"),
        (lambda: read_assumptions(["P1"]), "ENDPOINT=VALUE"),
    ],
)
def test_bad_questions_are_refused(make: Any, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        make()


PLAN: dict[str, Any] = {
    "id": "small",
    "title": "Small",
    "intended_purpose": "Test.",
    "model": {"kind": "recorded", "name": "m", "version": "1", "scores": "scores.csv"},
    "comparator": {"kind": "recorded", "name": "m", "version": "0", "scores": "scores.csv"},
    "validation_sets": ["absent"],
    "targets": {
        "lesion": {
            "task": "classification",
            "output": "score",
            "reference": "lesion",
            "operating_point": {"threshold": 0.5, "chosen_on": "other data"},
        }
    },
    "strata": {"site": {"baseline": "Nowhere"}, "age": {"column": "age_years", "cuts": [20, 50]}},
    "intersections": [["site", "age"]],
    "analysis_population": [{"column": "lost", "equals": [1], "reason": "image lost"}],
    "endpoints": [
        {"id": "P1", "role": "primary", "measure": "sensitivity", "target": "lesion",
         "criterion": {"kind": "minimum", "value": 0.7}, "group": {"attribute": "site", "level": "each"}},
        {"id": "P2", "role": "primary", "measure": "specificity", "target": "lesion",
         "criterion": {"kind": "non_inferiority", "margin": 0.1}},
        {"id": "P3", "role": "primary", "measure": "auroc", "target": "lesion",
         "criterion": {"kind": "minimum", "value": 0.7}, "group": {"attribute": "site", "level": "West"}},
        {"id": "D1", "role": "descriptive", "measure": "ppv", "target": "lesion"},
    ],
}  # fmt: skip


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """80 patients, 40 at each of two sites, every second positive; patient 0 has three images; two images lost."""
    rows = []
    for i in range(80):
        for image in range(3 if i == 0 else 1):
            rows.append(
                {"case_id": f"c{i}-{image}", "patient_id": f"p{i}", "site": "East" if i < 40 else "North",
                 "age_years": 30 + i % 40, "lesion": 1 - i % 2, "lost": int(i in (2, 3))}
            )  # fmt: skip
    folder = tmp_path / "small"
    folder.mkdir()
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    facts = {
        "name": "small", "version": "1", "licence": "CC0-1.0", "description": "Counts.", "simulated": True,
        "sampling": {"kind": "enriched", "how": "half positive"}, "reference": {"kind": "exact", "how": "drawn"},
    }  # fmt: skip
    (folder / "set.yaml").write_text(yaml.safe_dump(facts))
    (tmp_path / "plan.yaml").write_text(yaml.safe_dump(PLAN))
    return tmp_path


def row(rows: list[Shown], endpoint: str, attribute: str = "overall", level: str = "all") -> Shown:
    return next(r for r in rows if (r.endpoint, r.attribute, r.level) == (endpoint, attribute, level))


def test_what_a_set_shows(small: Path) -> None:
    assumed = Assumed({"P1": 0.9, "auroc": 0.85}, discordant=0.1)
    rows = what_set_shows(small / "plan.yaml", str(small / "small"), assumed)
    whole = row(rows, "P1")
    assert (whole.positives.images, whole.positives.patients, whole.negatives.images) == (41, 39, 39)
    assert not whole.claimed
    east = row(rows, "P1", "site", "East")
    assert east.claimed
    assert (east.positives.images, east.at) == (21, 0.9)
    n = ClassCount.of(["p0"] * 3 + [f"p{i}" for i in range(1, 19)]).effective(1.0)
    assert east.power == minimum_power(Expected("sensitivity", 0.9), 0.7, [n], 0.95)
    free = what_set_shows(small / "plan.yaml", str(small / "small"), replace(assumed, icc=0.0))
    assert row(free, "P1", "site", "East").power == minimum_power(Expected("sensitivity", 0.9), 0.7, [21], 0.95)
    paired = row(rows, "P2")
    assert paired.claimed
    assert isinstance(paired.power, float)
    assert 0 < paired.power < 0.8
    assert paired.half_width == Undefined("needs an assumed value: --assume")
    absent = row(rows, "P3", "site", "West")
    assert absent.claimed
    assert (absent.positives.images, absent.negatives.images) == (0, 0)
    assert isinstance(absent.power, Undefined)
    assert row(rows, "P1", "age", "<20").positives.images == 0
    assert row(rows, "P1", "site & age", "North & ≥50").positives.images > 0
    assert row(rows, "D1").power == Undefined("no planning formula for 'ppv'")


def test_the_example_counts_masks_and_images() -> None:
    rows = what_set_shows(EXAMPLE, None, Assumed({}, sd=0.2))
    dice = row(rows, "P4")
    assert dice.positives == row(rows, "P2").positives  # a reference mask is empty just where there is no lesion
    assert dice.positives.images > dice.positives.patients
    assert isinstance(dice.detectable, float)
    assert dice.detectable > 0.5


def audit(*arguments: object) -> tuple[int, str, str]:
    """The command in this process: exit code, standard output, standard error."""
    out, err = io.StringIO(), io.StringIO()
    before, sys.argv = sys.argv, ["audit", *map(str, arguments)]
    try:
        with redirect_stdout(out), redirect_stderr(err):
            main()
        code = 0
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    finally:
        sys.argv = before
    return code, out.getvalue(), err.getvalue()


ASK = ("power", "--measure", "sensitivity", "--expected", "0.93", "--minimum", "0.85", "--prevalence", "0.2")


def test_command_says_how_many() -> None:
    code, text, _ = audit(*ASK, "--strata", "3")
    assert code == 0
    assert "sensitivity of 0.93 against a minimum of 0.85, power 80 %" in text
    assert "Clopper-Pearson" in text
    code, text, _ = audit(*ASK, "--json")
    found = json.loads(text)
    assert found["answer"]["attained"] >= 0.8
    assert found["question"]["aim"] == {"kind": "minimum", "value": 0.85, "power": 0.8}


def test_command_says_what_a_set_shows(small: Path) -> None:
    ask = ("power", "--plan", small / "plan.yaml", "--set", small / "small", "--assume", "P1=0.9")
    code, text, _ = audit(*ask)
    assert code == 0
    assert "site East *" in text
    assert "all 2 claimed groups (*) meet it" in text
    assert "a patient counts once" in text
    assert "D1: ppv of lesion; no planning formula for 'ppv'\n\n" in text
    code, text, _ = audit(*ask, "--json")
    rows = json.loads(text)["rows"]
    assert {r["endpoint"] for r in rows} == {"P1", "P2", "P3", "D1"}
    assert {"undefined": "no planning formula for 'ppv'"} in [r["power"] for r in rows]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "give --measure and --expected"),
        (("--measure", "auroc", "--expected", "0.9"), "state one aim"),
        (("--measure", "auroc", "--expected", "1.2", "--minimum", "0.8"), "strictly between 0 and 1"),
        (("--measure", "sensitivity", "--expected", "0.9", "--margin", "0.1"), "--discordant"),
        (("--set", "somewhere"), "need a plan"),
        (("--plan", str(EXAMPLE), "--assume", "P9=0.5"), "no such endpoint"),
        (("--plan", str(EXAMPLE), "--measure", "auroc"), "leave --measure"),
        (("--plan", str(EXAMPLE), "--set", "nowhere"), "nowhere"),
        (("--plan", str(EXAMPLE), "--icc", "-1"), "intraclass correlation"),
        (("--plan", str(EXAMPLE), "--power", "1"), "power must lie"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_2(arguments: tuple[str, ...], words: str) -> None:
    code, out, err = audit("power", *arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1
