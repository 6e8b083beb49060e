"""Rationales: an altered fact alters its own phrase and no other; labels are printed, never interpreted."""

import pandas as pd
import pytest

from audit.decision_tables import MAP_REGIONS, RATIONALES, UNCERTAINTY
from audit.explanations.rationale import Known, plain, rationales_table, sentences, vocabulary
from audit.plan import Plan
from audit.records import BadInput

POINT = {"threshold": 0.5, "chosen_on": "tuning"}
PLAN = Plan.model_validate(
    {
        "id": "p", "title": "t", "intended_purpose": "i", "validation_sets": ["s"],
        "model": {"kind": "mlflow", "name": "m", "version": 1}, "strata": {"manufacturer": {}},
        "targets": {"a/b": {"task": "classification", "output": "s", "reference": "y", "operating_point": POINT}},
    }
)  # fmt: skip
ABOUT = {"version": "candidate", "case_id": "c1", "patient_id": "p1", "target": "a/b"}


def known(maker: str = "Aurora", score: float = 0.93, reference: float | None = 1.0, share: float = 0.61,
          sensitivity: float = 0.4, spread: float | None = 0.03, positive: bool = True) -> Known:  # fmt: skip
    cases = pd.DataFrame({"case_id": ["c1"], "patient_id": ["p1"], "stratum:manufacturer": [maker]})
    seen = pd.DataFrame([{**ABOUT, "score": score, "reference": reference, "decision": float(score >= 0.5)}])
    region = dict.fromkeys(MAP_REGIONS.columns) | ABOUT | {"method": "grad_cam", "area": 0.25}
    regions = pd.DataFrame(
        [{**region, "region_id": "g1", "region": "upper left quadrant", "share": share},
         {**region, "region_id": "g2", "region": "lower left quadrant", "share": 0.1},
         {**region, "region_id": "g3", "region": "reference mask", "share": 0.23, "area": 0.012,
          "extent": 132.0, "unit": "mm2"}]
    )  # fmt: skip
    estimate = {"kind": "value", "version": "candidate", "measure": "sensitivity", "target": "a/b"}
    estimates = pd.DataFrame(
        [{**estimate, "estimate_id": "E1", "attribute": "overall", "level": "all", "value": 0.9,
          "low": 0.8, "high": 0.95},
         {**estimate, "estimate_id": "E2", "attribute": "manufacturer", "level": maker, "value": sensitivity,
          "low": sensitivity - 0.1, "high": sensitivity + 0.1}]
    )  # fmt: skip
    uncertain = pd.DataFrame(
        [{**dict.fromkeys(UNCERTAINTY.columns), **ABOUT, "uncertainty_id": "u1", "with_positive": positive,
          "with_negative": True, "copies": 4, "spread": spread, "turned": 0.25}]
    )  # fmt: skip
    explained = pd.DataFrame([{**ABOUT, "method": "grad_cam"}])
    return Known(PLAN, cases, explained, seen, estimates, regions, uncertain)


def phrases(**changes) -> dict[str, str]:
    table = rationales_table(known(**changes), {"grad_cam": "Grad-CAM"})
    return dict(zip(table["fact"], table["phrase"], strict=True))


def test_every_phrase_states_one_measured_fact_and_says_where_it_stands() -> None:
    table = RATIONALES.conform(rationales_table(known(), {"grad_cam": "Grad-CAM"}))
    assert not table["rationale_id"].duplicated().any()
    assert sentences(dict(zip(table["fact"], table["phrase"], strict=True)), vocabulary("en")) == (
        "The model's score is 0.930, the operating point is 0.500, so that the case was called positive. "
        "The reference standard is positive, its mask measures 132 mm². "
        "Grad-CAM places the largest part of its attribution, 61 %, in the upper left quadrant of the image as "
        "displayed, 23 % of it lies inside the reference mask, which covers 1.2 % of the image. "
        "In this audit the sensitivity for manufacturer Aurora is 0.400 (0.300 to 0.500), below that of the whole set. "
        "The prediction set of this case holds both answers (it leaves the case undecided). "
        "Over 4 altered copies of the image the score has a standard deviation of 0.030, "
        "and 25 % of the copies are decided otherwise."
    )
    where = dict(zip(table["fact"], zip(table["product"], table["pointer"], strict=True), strict=True))
    assert where["score"] == ("observations", "/rows/0/score")
    assert where["threshold"] == ("plan", "/targets/a~1b/operating_point/threshold")
    assert where["limitation"] == ("estimates", "/E2/value")
    assert where["region"] == ("map_regions", "/g1/share")
    assert where["spread"] == ("uncertainty", "/u1/spread")


@pytest.mark.parametrize(
    ("change", "altered"),
    [
        ({"score": 0.91}, {"score"}),
        ({"score": 0.2}, {"score", "decision"}),
        ({"share": 0.7}, {"region"}),
        ({"sensitivity": 0.5}, {"limitation"}),
        ({"spread": 0.1}, {"spread"}),
        ({"positive": False}, {"set"}),
        ({"maker": "Borealis"}, {"limitation"}),
    ],
)
def test_an_altered_fact_alters_exactly_its_phrase(change: dict, altered: set[str]) -> None:
    before, after = phrases(), phrases(**change)
    assert {name for name in before if before[name] != after.get(name)} == altered


def test_what_is_not_known_is_left_out_or_said_so() -> None:
    found = phrases(spread=None, sensitivity=0.9, reference=None)
    assert "spread" not in found
    assert "limitation" not in found
    assert found["reference"] == "the reference standard of this case is not known"
    assert not any("None" in phrase or "nan" in phrase for phrase in found.values())


def test_hostile_labels_are_inert() -> None:
    hostile = "{score.__class__} <b>\x1b[31m\n\x00" + "x" * 200
    phrase = phrases(maker=hostile)["limitation"]
    assert "{score.__class__} <b> [31m" in phrase
    assert phrase.isprintable()
    assert len(phrase) < 220
    assert plain("a\u202eb") == "a b"


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(BadInput, match="not written in 'xx'"):
        rationales_table(known(), {}, "xx")
