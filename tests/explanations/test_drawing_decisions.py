"""Cases drawn by decision: so many of each level and outcome, the same whatever else the table holds."""

import numpy as np
import pandas as pd
import pytest

from audit.explanation_plan import ExplainedCases
from audit.explanations.drawing_decisions import draw_by_decision

N = 200
RNG = np.random.default_rng(5)
CASES = pd.DataFrame(
    {
        "case_id": [f"c{i:03d}" for i in range(N)],
        "patient_id": [f"p{i // 2:03d}" for i in range(N)],
        "stratum:manufacturer": RNG.choice(["Aurora", "Borealis"], N),
    }
)
REFERENCE = RNG.integers(0, 2, N).astype(float)
WRONG = RNG.random(N) < 0.2
OBSERVED = CASES[["case_id", "patient_id"]].assign(
    reference=REFERENCE, decision=np.where(WRONG, 1 - REFERENCE, REFERENCE)
)
RULE = ExplainedCases(attribute="manufacturer", per_decision=3)


def cell(case: str) -> tuple[str, str]:
    place = CASES["case_id"].tolist().index(case)
    side = "positive" if OBSERVED["decision"][place] == 1 else "negative"
    return CASES["stratum:manufacturer"][place], f"{'false' if WRONG[place] else 'true'} {side}"


def test_each_level_and_outcome_has_as_many_as_the_plan_asks() -> None:
    drawn = draw_by_decision(CASES, OBSERVED, RULE, 7, set())
    assert len(drawn) == 2 * 4 * 3
    assert pd.Series([cell(case) for case in drawn]).value_counts().eq(3).all()
    assert all(cell(case)[1] == outcome for case, outcome in drawn.items())
    patient = dict(zip(CASES["case_id"], CASES["patient_id"], strict=True))
    assert len({(*cell(case), patient[case]) for case in drawn}) == len(drawn)


def test_the_draw_depends_on_seed_and_case_alone() -> None:
    drawn = draw_by_decision(CASES, OBSERVED, RULE, 7, set())
    assert draw_by_decision(CASES.iloc[::-1], OBSERVED.sample(frac=1, random_state=2), RULE, 7, set()) == drawn
    assert draw_by_decision(CASES, OBSERVED, RULE, 8, set()) != drawn
    fewer = draw_by_decision(CASES, OBSERVED, RULE.model_copy(update={"per_decision": 2}), 7, set())
    assert fewer.items() < drawn.items()
    kept = CASES["stratum:manufacturer"] == "Borealis"
    alone = draw_by_decision(CASES[kept], OBSERVED[kept], RULE, 7, set())
    assert alone == {case: outcome for case, outcome in drawn.items() if cell(case)[0] == "Borealis"}


@pytest.mark.parametrize("column", ["reference", "decision"])
def test_cases_drawn_before_or_without_reference_or_decision_are_left_out(column: str) -> None:
    drawn = draw_by_decision(CASES, OBSERVED, RULE, 7, set())
    first = list(drawn)[:5]
    again = draw_by_decision(CASES, OBSERVED, RULE, 7, set(first))
    assert not set(first) & set(again)
    assert set(drawn) - set(first) <= set(again)
    unknown = OBSERVED.assign(**{column: OBSERVED[column].where(~OBSERVED["case_id"].isin(first))})
    assert draw_by_decision(CASES, unknown, RULE, 7, set()) == again
