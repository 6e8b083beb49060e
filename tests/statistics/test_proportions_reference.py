"""Intervals of one proportion against R binom, exactci and the printed tables of Newcombe 1998."""

from __future__ import annotations

import pytest

from audit.records import BadInput, Undefined
from audit.statistics import proportions

METHODS = {
    "clopper_pearson": proportions.clopper_pearson,
    "wilson": proportions.wilson,
    "wilson_cc": proportions.wilson_continuity,
    "agresti_coull": proportions.agresti_coull,
    "jeffreys": proportions.jeffreys,
    "mid_p": proportions.mid_p,
}


def test_single_proportions(reference) -> None:
    case = reference("02-proportion-single")
    got = {}
    for events, n in case.inputs["x_n"]:
        key = f"{events}of{n}"
        got[f"{key}.p"] = proportions.proportion(events, n)
        for name, method in METHODS.items():
            interval = method(events, n)
            got[f"{key}.{name}_lower"], got[f"{key}.{name}_upper"] = interval.low, interval.high
            if f"published.{key}.{name}" in case.expected:
                got[f"published.{key}.{name}"] = [interval.low, interval.high]
    # exactci stops its root search at 2e-5; for no events of 20 the limit solves (1 - p)^20 = 2 x 0.025
    exact = 1 - 0.05 ** (1 / 20)
    case.check(got, corrected={"0of20.mid_p_upper": exact, "20of20.mid_p_lower": 1 - exact})


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_no_cases_is_undefined_and_impossible_counts_are_refused(method) -> None:
    assert isinstance(method(0, 0), Undefined)
    with pytest.raises(BadInput):
        method(3, 2)


def test_newcombe_1998_table_one() -> None:
    interval = proportions.wilson(81, 263)
    assert (round(interval.low, 4), round(interval.high, 4)) == (0.2553, 0.3662)
    exact = proportions.clopper_pearson(81, 263)
    assert (round(exact.low, 4), round(exact.high, 4)) == (0.2527, 0.3676)
