"""How far apart groups lie on one quantity, with fairlearn's definitions but without its zeros for empty groups.

A largest-minus-smallest gap grows with the number of groups even when all are equal: show it beside its expectation
under equality. Sources: Weerts et al., Fairlearn, JMLR 2023;24(257). Hardt, Price & Srebro, NeurIPS 2016.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from audit.records import Undefined


@dataclass(frozen=True, slots=True)
class GroupGaps:
    """Gaps between groups and to the overall value; ``undefined_groups`` were left out.

    Ratios are smallest over largest, and the smaller of value/overall and overall/value; undefined at zero.
    """

    smallest: float
    largest: float
    difference_between: float
    ratio_between: float | Undefined
    difference_to_overall: float | Undefined
    ratio_to_overall: float | Undefined
    undefined_groups: tuple[str, ...]


def group_gaps(by_group: Mapping[str, float | Undefined], overall: float | Undefined) -> GroupGaps | Undefined:
    """Gaps of a quantity over groups; undefined when fewer than two groups have a value."""
    values = {name: value for name, value in by_group.items() if not isinstance(value, Undefined)}
    missing = tuple(name for name, value in by_group.items() if isinstance(value, Undefined))
    if len(values) < 2:
        return Undefined("fewer than two groups have a value")
    low, high = min(values.values()), max(values.values())
    between: float | Undefined = low / high if high > 0 else Undefined("the largest value is zero")
    return GroupGaps(low, high, high - low, between, *_to_overall(list(values.values()), overall), missing)


def equalized_odds_difference(
    true_positive_rate: GroupGaps | Undefined, false_positive_rate: GroupGaps | Undefined, mean: bool = False
) -> float | Undefined:
    """Larger (or with ``mean`` the mean) of the between-group differences in sensitivity and false-positive rate."""
    if isinstance(true_positive_rate, Undefined) or isinstance(false_positive_rate, Undefined):
        return Undefined("sensitivity or false-positive rate is defined in fewer than two groups")
    pair = true_positive_rate.difference_between, false_positive_rate.difference_between
    return sum(pair) / 2 if mean else max(pair)


def equalized_odds_ratio(
    true_positive_rate: GroupGaps | Undefined, false_positive_rate: GroupGaps | Undefined
) -> float | Undefined:
    """Smaller of the between-group ratios in sensitivity and false-positive rate."""
    if isinstance(true_positive_rate, Undefined) or isinstance(false_positive_rate, Undefined):
        return Undefined("sensitivity or false-positive rate is defined in fewer than two groups")
    first, second = true_positive_rate.ratio_between, false_positive_rate.ratio_between
    if isinstance(first, Undefined):
        return first
    return second if isinstance(second, Undefined) else min(first, second)


def _to_overall(values: list[float], overall: float | Undefined) -> tuple[float | Undefined, float | Undefined]:
    if isinstance(overall, Undefined):
        return overall, overall
    gap = max(abs(value - overall) for value in values)
    if overall <= 0:
        return gap, Undefined("the overall value is zero")
    return gap, min(min(value / overall, overall / value) if value > 0 else 0.0 for value in values)
