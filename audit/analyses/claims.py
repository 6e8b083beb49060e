"""Claims of one family adjusted for being several: Holm over one-sided tests that agree with the confidence limits.

For families in which any endpoint may carry a claim. Co-primary endpoints, which must all be met, and fixed sequences
need no adjustment. A failed endpoint stays failed: an adjustment never removes a safety warning. Sources: Holm, Scand J
Stat 1979;6:65; ICH E9, section 2.2.5; EMA guideline on multiplicity issues in clinical trials.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from audit.records import Finding, Interval, Undefined
from audit.statistics.checks import normal_quantile
from audit.statistics.multiplicity import adjust

Alternative = Literal["greater", "less"]


def one_sided_p(value: float, interval: Interval, bound: float, alternative: Alternative) -> float | Undefined:
    """p against 'not beyond ``bound``', with the error that the interval has on the side of the bound.

    Equals (1 - confidence) / 2 exactly when the confidence limit meets the bound, so that test and limit agree.
    ``bound`` is a minimum, a maximum or a margin. Undefined when the interval has no width on that side.
    """
    reach = value - interval.low if alternative == "greater" else interval.high - value
    if not 0 < reach < math.inf:
        return Undefined("the interval has no finite width towards the bound")
    distance = value - bound if alternative == "greater" else bound - value
    return float(stats.norm.sf(normal_quantile(interval.confidence) * distance / reach))


def bootstrap_p(replicates: ArrayLike, bound: float, alternative: Alternative) -> float | Undefined:
    """(1 + b) / (1 + B) with b the resamples not beyond ``bound``; undefined resamples count against the claim."""
    found = np.asarray(replicates, dtype=np.float64)
    if not found.size:
        return Undefined("no resamples were drawn")
    beyond = found > bound if alternative == "greater" else found < bound
    return float((1 + found.size - int(beyond.sum())) / (1 + found.size))


def holm(p: Mapping[str, float | Undefined]) -> dict[str, float]:
    """Holm's adjusted p by endpoint; an undefined one counts as 1, so the family keeps its size."""
    filled = [1.0 if isinstance(each, Undefined) else each for each in p.values()]
    return dict(zip(p, adjust(filled, "holm").tolist(), strict=True))


def adjusted(
    findings: Sequence[Finding], p: Mapping[str, float | Undefined], family: str, alpha: float = 0.025
) -> list[Finding]:
    """The family's findings after Holm's adjustment at one-sided ``alpha``, in the order given.

    'met' becomes 'not shown' where the adjusted p exceeds ``alpha``; no other verdict changes. ``p`` holds a one-sided
    p for every endpoint of the family; findings of other endpoints are returned as they are.
    """
    over_all = holm(p)
    return [
        _judged(finding, over_all[finding.endpoint], family, len(p), alpha) if finding.endpoint in p else finding
        for finding in findings
    ]


def _judged(finding: Finding, p: float, family: str, size: int, alpha: float) -> Finding:
    words = f"{finding.reason}; Holm over {size} endpoints of '{family}': p = {p:.3g}, one-sided level {alpha:g}"
    if finding.verdict == "met" and p > alpha:
        return replace(finding, verdict="not shown", reason=f"{words}, met alone but not within the family")
    return replace(finding, reason=words)
