"""Blocks about single decisions: every printed number is bound to its row, and a finding is a plain sentence."""

from dataclasses import replace

import pandas as pd
import pytest
from dossier_example import make_view

from audit.catalogue import entry
from audit.decision_tables import RATIONALES
from audit.dossier.content import Paragraph, Text
from audit.dossier.pointers import look_up
from audit.dossier.rationale import rationale_of
from audit.plan_decisions import Shortcuts
from audit.tables import ANALYSES


def rows(value: float, low: float, high: float, verdict: str) -> pd.DataFrame:
    base = dict.fromkeys(ANALYSES.columns) | {
        "analysis": "shortcuts", "version": "candidate", "target": "lesion", "measure": "border", "n_patients": 80,
        "n_cases": 90, "attribute": "overall", "level": "all",
    }  # fmt: skip
    return ANALYSES.conform(
        pd.DataFrame(
            [{**base, "analysis_id": "A1", "quantity": "decisions turned", "value": value, "low": low, "high": high,
              "verdict": verdict, "method": "Wilson"},
             {**base, "analysis_id": "A2", "quantity": "decisions turned, equal area inside", "value": 0.01, "low": 0.0,
              "high": 0.03, "method": "Wilson"},
             {**base, "analysis_id": "A3", "quantity": "decisions turned", "attribute": "sex", "level": "F",
              "undefined": "fewer than 10 cases (4)"}]
        )
    )  # fmt: skip


def words(node) -> str:
    return "".join(getattr(run, "text", "") for run in node.runs)


DEPENDS = (
    "the decision depends on the border of the image: masking turns 0.300 [0.200 to 0.400] of the decisions, masking "
    "an equal area inside the anatomy 0.010."
)
NONE_SHOWN = "no dependence on the border of the image shown; masking turns at most 0.023 of the decisions."


@pytest.mark.parametrize(
    ("verdict", "value", "low", "high", "expected"),
    [
        ("depends", 0.3, 0.2, 0.4, DEPENDS),
        ("no dependence shown", 0.0, 0.0, 0.023, NONE_SHOWN),
        ("not settled", 0.03, 0.01, 0.08, "more than the tolerated 0.05 is not ruled out."),
    ],
)
def test_a_finding_is_a_sentence(verdict: str, value: float, low: float, high: float, expected: str) -> None:
    view = make_view()
    plan = view.plan.model_copy(update={"shortcuts": Shortcuts(target="lesion")})
    view = replace(view, plan=plan, analyses=rows(value, low, high, verdict))
    block = entry("dossier.blocks", "decisions", "test")
    nodes = block.build(view, block.parameters(of="shortcuts"))
    sentence = next(node for node in nodes if isinstance(node, Paragraph))
    assert expected in words(sentence)
    numbers = [run for run in sentence.runs if not isinstance(run, Text)]
    assert all(look_up(view.analyses, run.pointer) is not None for run in numbers if run.pointer.startswith("/A"))
    assert len(nodes[-1].rows) == 3


def test_without_the_analysis_the_block_says_so() -> None:
    block = entry("dossier.blocks", "decisions", "test")
    for of in ("shortcuts", "uncertainty", "changed_decisions", "map_agreement"):
        nodes = block.build(make_view(), block.parameters(of=of))
        assert "not assessed" in words(nodes[0])


def test_a_rationale_is_bound_phrase_by_phrase() -> None:
    about = {"version": "candidate", "case_id": "C000", "patient_id": "P000", "target": "lesion"}
    phrases = [
        ("r1", "score", "the model's score is 0.9", 1, None),
        ("r2", "decision", "so that it was positive", 1, None),
        ("r3", "region", "Grad-CAM looks left", 3, "grad_cam"),
        ("r4", "region", "other", 3, "occlusion"),
    ]
    names = ("rationale_id", "fact", "phrase", "sentence", "method")
    table = RATIONALES.conform(
        pd.DataFrame(
            [{**dict.fromkeys(RATIONALES.columns), **about, "place": place, **dict(zip(names, each, strict=True))}
             for place, each in enumerate(phrases)]
        )
    )  # fmt: skip
    view = replace(make_view(), rationales=table)
    runs = rationale_of(view, {**about, "method": "grad_cam"})
    text = "".join(run.text for run in runs)
    assert text == "The model's score is 0.9, so that it was positive. Grad-CAM looks left. "
    assert [run.pointer for run in runs if not isinstance(run, Text)] == ["/r1/phrase", "/r2/phrase", "/r3/phrase"]
    assert rationale_of(make_view(), about) == ()


def test_the_page_for_clinicians_is_data() -> None:
    block = entry("dossier.blocks", "reading_maps", "test")
    nodes = block.build(make_view(), block.parameters())
    assert words(nodes[0]) == "How to read these maps"
    assert len(nodes) > 5
