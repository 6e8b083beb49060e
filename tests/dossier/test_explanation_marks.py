from dataclasses import replace

import pandas as pd
import pytest

from audit.dossier.blocks.explanations import CARE, ENTRY, FAILS, NOT_USABLE, ExplanationParameters
from audit.dossier.content import Picture


@pytest.mark.parametrize(
    ("verdict", "sanity", "mark"),
    [("not usable", "not passed", FAILS), ("not usable", "passed", NOT_USABLE), ("with care", "not passed", FAILS),
     ("usable", "passed", ""), ("with care", "not shown", CARE)],
    ids=["sanity", "criteria", "sanity alone", "usable", "care"],
)  # fmt: skip
def test_a_map_that_must_not_be_trusted_says_so_before_anything_else(view, verdict, sanity, mark) -> None:
    keys = view.explanations[["version", "target", "method"]].drop_duplicates()
    judged = keys.assign(verdict=verdict, sanity=sanity, reasons="r")
    nodes = ENTRY.build(replace(view, explanation_verdicts=judged), ExplanationParameters())
    pictures = [node for node in nodes if isinstance(node, Picture)]
    assert pictures
    for each in pictures:
        words = "".join(run.text for run in each.text if hasattr(run, "text"))
        assert words.startswith(mark)
        assert ("NOT USABLE" in words, "WITH CARE" in words) == (mark in (FAILS, NOT_USABLE), mark == CARE)


def test_an_audit_that_did_not_examine_its_maps_prints_them_without_a_mark(view) -> None:
    assert view.map_verdict("candidate", "lesion", "grad_cam") is None
    nodes = ENTRY.build(replace(view, explanation_verdicts=pd.DataFrame()), ExplanationParameters())
    assert any(isinstance(node, Picture) for node in nodes)
