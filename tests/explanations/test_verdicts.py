"""The verdict on a method's maps, from tables alone."""

from typing import Any

import pandas as pd
import pytest
import torch

from audit.analyses.analysing import analyses_table
from audit.estimates import estimates_table
from audit.explanation_estimates import estimate_explanations
from audit.explanations.explaining import CaseFacts, explain_cases
from audit.explanations.verdicts import verdicts
from audit.plan import Plan
from audit.records import Image
from audit.tables import EXPLANATION_VERDICTS, EXPLANATIONS
from tests.explanations.conftest import SCORE, Reader, lesion_image, lesion_mask

PLAN = Plan.model_validate(
    {
        "id": "p", "title": "t", "intended_purpose": "i", "model": {"kind": "mlflow", "name": "m", "version": 1},
        "validation_sets": ["s"], "strata": {"maker": {}},
        "targets": {"lesion": {"task": "classification", "output": "lesion", "reference": "lesion"}},
        "explanations": {"target": "lesion", "methods": ["grad_cam"]},
    }
)  # fmt: skip
GOOD = {
    "randomisation_cascading": (0.1, 0.05, 0.2), "deletion_gain": (0.3, 0.2, 0.4), "insertion_gain": (0.3, 0.2, 0.4),
    "localisation_gain": (0.2, 0.1, 0.3), "auroc": (0.9, 0.85, 0.95), "balanced_accuracy": (0.8, 0.7, 0.9),
}  # fmt: skip
Row = tuple[float | None, float | None, float | None]


def judged(
    changes: dict[str, Row] | None = None, of_maker: dict[str, Row] | None = None, p: float | None = 0.05
) -> dict[Any, Any]:
    rows = [_row(name, "overall", "all", each) for name, each in {**GOOD, **(changes or {})}.items()]
    rows += [_row(name, "maker", "Aurora", each) for name, each in (of_maker or {}).items()]
    shown = pd.DataFrame([dict.fromkeys(EXPLANATIONS.columns) | {
        "version": "candidate", "case_id": "c", "patient_id": "p", "target": "lesion", "method": "grad_cam",
        "attribution": "a.npz",
    }])  # fmt: skip
    found = verdicts(PLAN, estimates_table(rows), copies(p), EXPLANATIONS.conform(shown)).to_dict("records")
    assert len(found) == 1
    return found[0]


def copies(p: float | None) -> pd.DataFrame:
    """ANALYSES with the comparison against copies with random weights."""
    about = {"analysis": "random_weights", "version": "candidate", "target": "lesion", "measure": "all",
             "attribute": "overall", "level": "all", "quantity": "better than random weights", "value": 0.9, "p": p,
             "method": "AUROC, 19 copies", "n_patients": 40, "n_cases": 40}  # fmt: skip
    return analyses_table([{"analysis_id": "A1", **about, "undefined": None if p is not None else "no weights"}])


def _row(name: str, attribute: str, level: str, found: Row) -> dict[str, Any]:
    value, low, high = found
    target = "lesion" if name in ("auroc", "balanced_accuracy") else "lesion: grad_cam"
    return {
        "kind": "value", "version": "candidate", "measure": name, "target": target, "attribute": attribute,
        "level": level, "baseline": None, "value": value, "low": low, "high": high, "confidence": 0.95,
        "method": None, "n_patients": 40, "n_cases": 40, "n_events": None, "n_failed": 0,
        "n_undefined_resamples": None, "undefined": None if value is not None else "the map is zero",
    }  # fmt: skip


def test_limits_that_meet_every_criterion_make_a_method_usable() -> None:
    found = judged()
    assert (found["verdict"], found["sanity"]) == ("usable", "passed")
    assert "randomisation_cascading at most 0.5 (0.100, 0.050 to 0.200, 40 patients): met" in found["reasons"]


@pytest.mark.parametrize(
    ("changes", "verdict", "sanity"),
    [
        ({"randomisation_cascading": (0.4, 0.3, 0.6)}, "with care", "not shown"),
        ({"randomisation_cascading": (0.6, 0.4, 0.8)}, "not usable", "not passed"),
        ({"randomisation_cascading": (0.3, None, None)}, "with care", "not shown"),
        ({"randomisation_cascading": (None, None, None)}, "with care", "not assessed"),
        ({"deletion_gain": (-0.1, -0.3, 0.1)}, "not usable", "passed"),
        ({"insertion_gain": (-0.1, -0.3, 0.1)}, "with care", "passed"),
        ({"auroc": (0.55, 0.45, 0.65)}, "not usable", "passed"),
        ({"balanced_accuracy": (0.5, 0.48, 0.52)}, "not usable", "passed"),
        ({"auroc": (None, None, None)}, "with care", "passed"),
        (dict.fromkeys(("randomisation_cascading", "deletion_gain", "insertion_gain", "localisation_gain"),
                       (None, None, None)), "not usable", "not assessed"),
    ],
    ids=["straddles", "alike", "few", "no weights", "worse than chance", "insertion", "random network", "one answer",
         "one class", "constant network"],
)  # fmt: skip
def test_what_is_missed_or_not_shown(changes: dict[str, Row], verdict: str, sanity: str) -> None:
    found = judged(changes)
    assert (found["verdict"], found["sanity"]) == (verdict, sanity)


@pytest.mark.parametrize(
    ("p", "verdict", "words"),
    [(0.05, "usable", "(p 0.050, AUROC, 19 copies): met"), (0.1, "not usable", "(p 0.100, AUROC, 19 copies): missed"),
     (None, "with care", "(undefined: no weights): not assessed")],
    ids=["better", "a copy does as well", "no weights"],
)  # fmt: skip
def test_a_version_must_decide_better_than_its_copies_with_random_weights(
    p: float | None, verdict: str, words: str
) -> None:
    found = judged(p=p)
    assert found["verdict"] == verdict
    assert f"better than random weights {words}" in found["reasons"]


def test_a_stratum_in_which_a_criterion_is_missed_takes_the_verdict_down() -> None:
    found = judged(of_maker={"deletion_gain": (-0.3, -0.4, -0.2), "insertion_gain": (-0.1, -0.3, 0.1)})
    assert found["verdict"] == "with care"
    assert "deletion_gain at least 0 for maker Aurora" in found["reasons"]
    assert "insertion_gain at least 0 for maker" not in found["reasons"]


def test_nothing_explained_has_no_verdict() -> None:
    none = EXPLANATIONS.conform(pd.DataFrame(columns=list(EXPLANATIONS.columns)))
    assert list(verdicts(PLAN, estimates_table([]), copies(0.05), none)) == list(EXPLANATION_VERDICTS.columns)


def test_a_constant_network_ends_as_not_usable_and_nothing_crashes() -> None:
    """From the network to the verdict: every map is zero, every score undefined, and no criterion is met."""
    found = explain_cases(
        "candidate", _Constant().eval(), ("score",), "lesion", SCORE,
        [CaseFacts(f"c{i}", f"p{i}", reference=True) for i in range(3)],
        lambda case: Image(lesion_image(seed=int(case[1:]))[0, 0], (1.0, 1.0)),
        lambda case, shape: lesion_mask(), ["integrated_gradients", "grad_cam", "occlusion"], False,
    )  # fmt: skip
    of_maps = found.scores[found.scores["score"] != "area_inside"]
    assert of_maps["value"].isna().all()
    assert of_maps["undefined"].notna().all()
    cases = pd.DataFrame({"case_id": ["c0", "c1", "c2"], "patient_id": ["p0", "p1", "p2"], "stratum:maker": "Aurora"})
    estimates = estimate_explanations(PLAN, cases, found.rows, found.scores)
    decided = verdicts(PLAN, estimates, analyses_table([]), found.rows)
    assert set(decided["verdict"]) == {"not usable"}
    assert decided["reasons"].str.contains("no map has a score").all()


class _Constant(Reader):
    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"score": 0 * super().forward(x)["score"] + 0.3}
