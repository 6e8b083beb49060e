"""Claims of one family adjusted for being several: each read on its own confidence limit at an adjusted level.

The p of a claim is the smallest one-sided level at which its limit still lies beyond the bound, so that test and limit
agree whatever the interval's method (TOST for equivalence: the larger of two). Holm, Benjamini-Hochberg or max-T turn
these p values into levels (``statistics.local_levels``), and the limit is computed again at that level. Co-primary
endpoints, which must all be met, and fixed sequences need no adjustment. Sources: ICH E9, section 2.2.5; EMA guideline
on multiplicity issues in clinical trials; Holm 1979; Benjamini & Yekutieli 2005; Hothorn, Bretz & Westfall 2008.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from audit.analyses.analysis import About, Analysis, Row, missing, stated
from audit.analyses.study import Panel, Study
from audit.measures.answers import Answer, Kind, Side, answer, bootstrapped, resampled
from audit.measures.choice import checked
from audit.measures.criteria import OneSided, one_sided, verdict
from audit.measures.groups import JOIN, Group
from audit.plan import ADJUSTED, ClaimFamily, Endpoint
from audit.records import FloatArray, Interval, Verdict
from audit.statistics.local_levels import benjamini_hochberg_levels, holm_levels, max_t
from audit.statistics.multiplicity import adjust
from audit.tables import UNKNOWN

EACH = "each"
SMALLEST_LEVEL = 1e-9
RESAMPLES_BEYOND = 5
"""A limit from resamples needs so many of them beyond it."""
HALVINGS = 40
TITLES = {"holm": "Holm", "benjamini_hochberg": "Benjamini-Hochberg", "max_t": "max-T"}


@dataclass(frozen=True)
class _Claim:
    """One endpoint in one group: its sides (two where it compares versions) and what 'met' consists of."""

    study: Study
    about: About
    endpoint: Endpoint
    kind: Kind
    sides: tuple[Side, ...]
    tests: tuple[OneSided, ...]

    def answer_at(self, level: float) -> Answer:
        """The estimate with its interval at two-sided confidence 1 - 2 ``level``."""
        wider = {side: replace(side, rules=replace(side.rules, confidence=1 - 2 * level)) for side in self.sides}
        found = {wider[side]: drawn for side, drawn in self._resampled.items()}
        return answer(self.kind, tuple(wider.values()), found.__getitem__, against_goal=self.kind == "value")

    @cached_property
    def _resampled(self) -> dict[Side, FloatArray]:
        return resampled(bootstrapped(self.kind, self.sides), self.study.counts)

    @property
    def smallest_level(self) -> float:
        """Below it no limit is given: one from resamples would hang on the outermost of them."""
        return RESAMPLES_BEYOND / self.study.plan.resamples if self._resampled else SMALLEST_LEVEL

    def holds(self, level: float, read: Callable[[Interval], bool]) -> bool:
        """Whether the interval at ``level`` exists and reads so."""
        interval = self.answer_at(level).interval if level >= self.smallest_level else None
        return interval is not None and read(interval)

    @cached_property
    def p_values(self) -> tuple[float, ...]:
        """One per test."""
        return tuple(self._p(test) for test in self.tests)

    def _p(self, test: OneSided) -> float:
        p = self._smallest(lambda interval: test.passed(interval.low, interval.high))
        return 1 - self._smallest(lambda interval: test.refuted(interval.low, interval.high)) if p == 1 else p

    def _smallest(self, read: Callable[[Interval], bool]) -> float:
        """The smallest level at which the interval reads so, by halving its logarithm; 1 where it never does."""
        low, high = self.smallest_level, 0.499
        if not self.holds(high, read):
            return 1.0
        if self.holds(low, read):
            return low
        for _ in range(HALVINGS):
            middle = float(np.sqrt(low * high))
            low, high = (low, middle) if self.holds(middle, read) else (middle, high)
        return high

    def replicates(self) -> FloatArray:
        """(resamples, tests), in the direction of each test."""
        found = self.sides[0].measure.replicates_of_many([side.rows for side in self.sides], self.study.counts)
        values = found[0] - found[1] if len(found) == 2 else found[0]
        return np.column_stack([values if test.above else -values for test in self.tests])


def run(study: Study) -> list[Row]:
    """Every claim of every family that adjusts: p, adjusted p, limits and verdict at its adjusted level."""
    families = [family for family in study.plan.claim_families if family.method in ADJUSTED]
    return [row for family in families for row in _family(study, family)]


def _family(study: Study, family: ClaimFamily) -> Iterator[Row]:
    claims = [claim for name in family.endpoints for claim in _claims(study, name)]
    level = (1 - study.plan.confidence) / 2
    levels, adjusted = _adjusted(claims, family, level, study.plan.seed)
    how = f"{TITLES[family.method]} over {len(claims)} claims of '{family.name}'"
    if family.method == "max_t":
        how += ", shared patient resamples"
    yield stated(About(), f"claims of {family.name}", float(len(claims)), method=f"{how}, one-sided level {level:g}")
    for claim, own, p in zip(claims, levels.tolist(), adjusted.tolist(), strict=True):
        yield _row(claim, own, p, how)


def _adjusted(claims: Sequence[_Claim], family: ClaimFamily, level: float, seed: int) -> tuple[FloatArray, FloatArray]:
    """Each claim's own one-sided level and its adjusted p."""
    p = np.array([max(claim.p_values) for claim in claims])
    if family.method == "holm":
        return holm_levels(p, level), adjust(p, "holm")
    if family.method == "benjamini_hochberg":
        return benjamini_hochberg_levels(p, level), adjust(p, "bh")
    each = np.concatenate([claim.p_values for claim in claims])
    levels, adjusted = max_t(each, np.hstack([claim.replicates() for claim in claims]), level, seed)
    first = np.cumsum([0, *(len(claim.tests) for claim in claims)])[:-1]
    return levels[first], np.maximum.reduceat(adjusted, first)


def _row(claim: _Claim, level: float, adjusted: float, how: str) -> Row:
    quantity = f"claim {claim.endpoint.id}"
    found = claim.answer_at(level)
    if found.value is None:
        return missing(claim.about, quantity, found.undefined or "no value", "not assessed")
    p = max(claim.p_values)
    if found.interval is None or level < claim.smallest_level:
        few = f"the limit at level {level:.3g} needs more than {claim.study.plan.resamples} resamples"
        why = found.undefined or few
        return stated(claim.about, quantity, found.value, p=p, p_adjusted=adjusted, verdict="not shown",
                      method=how, undefined=why)  # fmt: skip
    reading: Verdict = verdict(claim.tests, found.interval.low, found.interval.high)
    method = f"{how}: {100 * (1 - 2 * level):.4g} % interval, {found.interval.method}"
    return stated(claim.about, quantity, found.value, found.interval, p=p, p_adjusted=adjusted, verdict=reading,
                  method=method)  # fmt: skip


def _claims(study: Study, name: str) -> list[_Claim]:
    """The claims of an endpoint: one, or one per known level."""
    endpoint = next(each for each in study.plan.endpoints if each.id == name)
    wanted = endpoint.group
    groups = [group for group in study.groups if group.attribute == wanted.attribute]
    if wanted.level == EACH:
        chosen = [group for group in groups if UNKNOWN not in group.level.split(JOIN)]
    else:
        chosen = [group for group in groups if group.level == wanted.level]
    return [_claim(study, endpoint, group) for group in chosen]


def _claim(study: Study, endpoint: Endpoint, group: Group) -> _Claim:
    criterion = endpoint.criterion
    assert criterion is not None
    measure = checked(endpoint.measure, study.plan.targets[endpoint.target], f"endpoint {endpoint.id}", study.setting)
    new = Panel(study, "candidate", endpoint.target, measure)
    kind: Kind = "change" if criterion.compares else "value"
    if criterion.compares:
        old = Panel(study, "comparator", endpoint.target, measure)
        both = group.members & new.usable & old.usable
        levels = [panel.level(group.attribute, group.level, both) for panel in (new, old)]
    else:
        levels = [new.level(group.attribute, group.level, group.members)]
    patients = np.unique(np.concatenate([level.rows.patient for level in levels])).size
    about = About("candidate - comparator" if criterion.compares else "candidate", endpoint.target, endpoint.measure)
    about = replace(about, attribute=group.attribute).at(group.level, patients, max(level.n_cases for level in levels))
    return _Claim(study, about, endpoint, kind, tuple(level.side for level in levels), one_sided(criterion, measure))


ENTRY = Analysis(
    name="claims",
    title="Claims adjusted for being several",
    question="Which claims hold after all claims of their family have been counted?",
    source="ICH E9, section 2.2.5; Holm 1979; Benjamini & Yekutieli 2005; Hothorn, Bretz & Westfall 2008",
    run=run,
)
