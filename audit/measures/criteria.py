"""How a criterion is read on a confidence interval: as one-sided tests whose limits must lie beyond their bounds.

A criterion is met when every test passes and failed when the whole interval refutes one. Equivalence is two tests
(TOST: Schuirmann, J Pharmacokinet Biopharm 1987;15:657); every other criterion is one.
"""

from __future__ import annotations

from dataclasses import dataclass

from audit.measures.measure import Measure
from audit.plan import Criterion
from audit.records import Verdict


@dataclass(frozen=True, slots=True)
class OneSided:
    """The quantity lies ``above`` the bound, or below it; a pass mark may be touched, a margin may not (``strict``)."""

    bound: float
    above: bool
    strict: bool

    def passed(self, low: float, high: float) -> bool:
        """Whether the interval lies wholly beyond the bound."""
        return self._beyond(low if self.above else high)

    def refuted(self, low: float, high: float) -> bool:
        """Whether the interval lies wholly short of the bound."""
        return not self._beyond(high if self.above else low)

    def _beyond(self, limit: float) -> bool:
        if limit == self.bound:
            return not self.strict
        return limit > self.bound if self.above else limit < self.bound


def one_sided(criterion: Criterion, measure: Measure) -> tuple[OneSided, ...]:
    """The tests that 'met' consists of, in the measure's direction."""
    if criterion.kind in ("minimum", "maximum"):
        assert criterion.value is not None
        return (OneSided(criterion.value, above=criterion.kind == "minimum", strict=False),)
    margin = criterion.margin if criterion.kind != "superiority" and criterion.margin else 0.0
    not_worse, not_better = OneSided(-margin, above=True, strict=True), OneSided(margin, above=False, strict=True)
    if criterion.kind == "equivalence":
        return not_worse, not_better
    return (not_better,) if measure.direction == "lower" else (not_worse,)


def verdict(tests: tuple[OneSided, ...], low: float, high: float) -> Verdict:
    """Met, failed, or not shown: the interval straddles."""
    if all(test.passed(low, high) for test in tests):
        return "met"
    return "failed" if any(test.refuted(low, high) for test in tests) else "not shown"
