"""What follows from one two-by-two table of a test: likelihood ratios, odds ratio, predictive values at a prevalence.

Sources: Simel, Samsa & Matchar, J Clin Epidemiol 1991;44:763. Koopman, Biometrics 1984;40:513. Mercaldo, Lau & Zhou,
Stat Med 2007;26:2170.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.optimize import brentq
from scipy.special import expit

from audit.records import BadInput, Interval, Undefined
from audit.statistics.checks import normal_quantile

NO_CLASS = Undefined("no positive or no negative cases")


@dataclass(frozen=True, slots=True)
class DiagnosticTable:
    """Counts of a binary test against the reference: true and false positives, false and true negatives."""

    tp: int
    fp: int
    fn: int
    tn: int

    def __post_init__(self) -> None:
        if min(self.tp, self.fp, self.fn, self.tn) < 0:
            raise BadInput("the cells of a diagnostic table must not be negative.")

    @property
    def positives(self) -> int:
        return self.tp + self.fn

    @property
    def negatives(self) -> int:
        return self.fp + self.tn

    @property
    def some_cell_empty(self) -> bool:
        return min(self.tp, self.fp, self.fn, self.tn) == 0

    @property
    def both_classes(self) -> bool:
        return self.positives > 0 and self.negatives > 0


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio (possibly infinite) with its interval."""

    value: float
    interval: Interval


def youden(table: DiagnosticTable) -> float | Undefined:
    """Sensitivity + specificity - 1; undefined when a class is empty."""
    if not table.both_classes:
        return NO_CLASS
    return table.tp / table.positives + table.tn / table.negatives - 1


def positive_likelihood_ratio(table: DiagnosticTable, confidence: float = 0.95) -> Ratio | Undefined:
    """Sensitivity over 1 - specificity, log interval; Koopman's score interval when a cell is zero."""
    return _likelihood_ratio(table.tp, table.positives, table.fp, table.negatives, confidence)


def negative_likelihood_ratio(table: DiagnosticTable, confidence: float = 0.95) -> Ratio | Undefined:
    """1 - sensitivity over specificity, log interval; Koopman's score interval when a cell is zero."""
    return _likelihood_ratio(table.fn, table.positives, table.tn, table.negatives, confidence)


def diagnostic_odds_ratio(table: DiagnosticTable, confidence: float = 0.95) -> Ratio | Undefined:
    """Odds ratio with the log (Woolf) interval; undefined when a cell is zero."""
    cells = (table.tp, table.fp, table.fn, table.tn)
    if min(cells) == 0:
        return Undefined("a cell of the table is zero, the log interval of the odds ratio does not exist")
    value = table.tp * table.tn / (table.fp * table.fn)
    half = normal_quantile(confidence) * math.sqrt(sum(1 / cell for cell in cells))
    interval = Interval(value * math.exp(-half), value * math.exp(half), "log (Woolf)", confidence)
    return Ratio(value, interval)


def koopman(events1: int, n1: int, events2: int, n2: int, confidence: float = 0.95) -> Interval | Undefined:
    """Score interval of a ratio of two independent proportions; limits 0 and infinity where cells are zero.

    Undefined when a group has no cases or neither has events.
    """
    if not n1 or not n2:
        return NO_CLASS
    if not events1 and not events2:
        return Undefined("no events in either group, the ratio is 0/0")
    z = normal_quantile(confidence)
    p1, p2 = events1 / n1, events2 / n2

    def score(log_ratio: float) -> float:
        ratio = math.exp(log_ratio)
        linear = n1 * ratio + events1 + n2 + events2 * ratio
        square = linear**2 - 4 * (n1 + n2) * ratio * (events1 + events2)
        second = 2 * (events1 + events2) / (linear + math.sqrt(max(square, 0.0)))
        first = min(second * ratio, 1.0)
        variance = first * (1 - first) / n1 + ratio**2 * second * (1 - second) / n2
        return (p1 - ratio * p2) / math.sqrt(max(variance, 1e-300))

    low = 0.0 if not events1 else math.exp(brentq(lambda t: score(t) - z, -40, 40, xtol=1e-12))
    high = math.inf if not events2 else math.exp(brentq(lambda t: score(t) + z, -40, 40, xtol=1e-12))
    return Interval(low, high, "Koopman score", confidence)


@dataclass(frozen=True, slots=True)
class PredictiveValue:
    """A predictive value at a stated prevalence."""

    value: float
    prevalence: float
    interval: Interval


def ppv_at_prevalence(
    table: DiagnosticTable, prevalence: float, confidence: float = 0.95
) -> PredictiveValue | Undefined:
    """Positive predictive value at the prevalence of use; see ``npv_at_prevalence``."""
    return _predictive(table, prevalence, confidence, positive=True)


def npv_at_prevalence(
    table: DiagnosticTable, prevalence: float, confidence: float = 0.95
) -> PredictiveValue | Undefined:
    """Negative predictive value from sensitivity, specificity and ``prevalence``, logit interval of Mercaldo 2007.

    With a zero cell the interval (not the value) is the adjusted logit one, z^2/2 added to each cell. Undefined
    when a class is empty or the value is 0/0.
    """
    return _predictive(table, prevalence, confidence, positive=False)


def predictive_score(
    table: DiagnosticTable, prevalence: float, positive: bool, confidence: float = 0.95
) -> Interval | Undefined:
    """Limits of a predictive value carried over from Koopman's of the likelihood ratio, which determines it.

    They hold the value also where a cell is zero, as the adjusted logit limits need not.
    """
    cells = (table.tp, table.positives, table.fp, table.negatives)
    cells = cells if positive else (table.fn, table.positives, table.tn, table.negatives)
    score = koopman(*cells, confidence)
    if isinstance(score, Undefined):
        return score
    odds = prevalence / (1 - prevalence)
    first, last = (1 / (1 + odds * ratio) for ratio in (score.low, score.high))
    low, high = (1 - first, 1 - last) if positive else (last, first)
    return Interval(low, high, "Koopman score, of the likelihood ratio", confidence)


def _predictive(
    table: DiagnosticTable, prevalence: float, confidence: float, positive: bool
) -> PredictiveValue | Undefined:
    if not 0 < prevalence < 1:
        raise BadInput(f"a prevalence must lie strictly between 0 and 1, got {prevalence}.")
    if not table.both_classes:
        return NO_CLASS
    z = normal_quantile(confidence)
    cells = (table.tp, table.fp, table.fn, table.tn)
    used = tuple(float(cell) for cell in cells)
    name = "logit (Mercaldo)"
    right, wrong = _masses(used, prevalence, positive)
    if right + wrong == 0:
        return Undefined("no test result of this kind in either class")
    value = right / (right + wrong)
    if min(cells) == 0:
        used, name = tuple(cell + z * z / 2 for cell in cells), "adjusted logit (Mercaldo)"
        right, wrong = _masses(used, prevalence, positive)
    centre, half = math.log(right / wrong), z * math.sqrt(_logit_variance(used, positive))
    limits = Interval(float(expit(centre - half)), float(expit(centre + half)), name, confidence)
    return PredictiveValue(value, prevalence, limits)


def _masses(cells: tuple[float, ...], prevalence: float, positive: bool) -> tuple[float, float]:
    tp, fp, fn, tn = cells
    if positive:
        return tp / (tp + fn) * prevalence, fp / (fp + tn) * (1 - prevalence)
    return tn / (fp + tn) * (1 - prevalence), fn / (tp + fn) * prevalence


def _logit_variance(cells: tuple[float, ...], positive: bool) -> float:
    tp, fp, fn, tn = cells
    ratio_cells = (fn / tp, tn / fp) if positive else (tp / fn, fp / tn)
    return ratio_cells[0] / (tp + fn) + ratio_cells[1] / (fp + tn)


def _likelihood_ratio(x1: int, n1: int, x2: int, n2: int, confidence: float) -> Ratio | Undefined:
    if not n1 or not n2:
        return NO_CLASS
    if not x1 and not x2:
        return Undefined("no test result of this kind in either class, the likelihood ratio is 0/0")
    value = (x1 / n1) / (x2 / n2) if x2 else math.inf
    if 0 < x1 < n1 and 0 < x2 < n2:
        half = normal_quantile(confidence) * math.sqrt(1 / x1 - 1 / n1 + 1 / x2 - 1 / n2)
        limits = Interval(value * math.exp(-half), value * math.exp(half), "log (Simel)", confidence)
        return Ratio(value, limits)
    score = koopman(x1, n1, x2, n2, confidence)
    return score if isinstance(score, Undefined) else Ratio(value, score)
