"""Do the levels of an attribute differ at all, by how much, and what may a new maker or site expect."""

from __future__ import annotations

import math
from collections.abc import Iterator

from audit.analyses.analysis import About, Analysis, Row, missing, stated
from audit.analyses.dependent import correlated
from audit.analyses.scales import Scaled, scaled
from audit.analyses.study import PROPORTIONS, SOURCES, Panel, Split, Study, shared_patients
from audit.measures.counting import one_case_per_patient
from audit.records import Undefined
from audit.statistics.clusters import rao_scott_homogeneity
from audit.statistics.differences import TestResult
from audit.statistics.heterogeneity import Heterogeneity, RandomEffects
from audit.statistics.strata import homogeneity_of_proportions

SHOWN, NOT_SHOWN = "heterogeneity shown", "no heterogeneity shown (inconclusive)"
POOLED = ("tau", "pooled", "prediction interval")
FEWEST_TO_PREDICT = 3
NO_NEW_LEVEL = "levels of {} are not a sample of the levels to come: a prediction for a new one has no meaning"


def run(study: Study) -> list[Row]:
    """Q, I2 and the chi-square of proportions for every stratum; tau, mean and prediction for makers and sites."""
    return [row for panel in study.panels for name in study.plan.strata for row in _rows(panel, name)]


def _rows(panel: Panel, attribute: str) -> Iterator[Row]:
    split = panel.split(attribute)
    about = About(panel.version, panel.target, panel.measure.name, attribute).at("all", *split.sizes)
    yield stated(about, "levels left out", float(len(split.left_out)), method="; ".join(split.left_out) or None)
    if split.too_few:
        yield from (missing(about, name, split.too_few) for name in ("Q", "I2", *POOLED))
        return
    scale, found = pooled_levels(panel, split)
    if isinstance(found, Undefined):
        yield from (missing(about, name, found.reason) for name in ("Q", "I2", *POOLED))
        return
    yield from _spread(panel, split, about, found[0], scale)
    yield from _pooled(attribute, about, found[1], scale)


def pooled_levels(panel: Panel, split: Split) -> tuple[Scaled, tuple[Heterogeneity, RandomEffects] | Undefined]:
    """The levels pooled on their own scale, or on the logit scale where a limit would leave 0..1."""
    confidence = panel.study.plan.confidence
    scale = scaled(panel, split.levels)
    found = correlated(scale.estimates, scale.covariance, confidence)
    if isinstance(found, Undefined) or scale.logit or _in_range(found[1]):
        return scale, found
    scale = scaled(panel, split.levels, on_logit=True)
    return scale, correlated(scale.estimates, scale.covariance, confidence)


def _in_range(found: RandomEffects) -> bool:
    limits = found.prediction, found.mean.interval
    return all(each.low >= 0 and each.high <= 1 for each in limits)


def _spread(panel: Panel, split: Split, about: About, found: Heterogeneity, scale: Scaled) -> Iterator[Row]:
    test = test_of_equality(panel, split, found, scale)
    of_q = not isinstance(test, Undefined) and test.statistic == found.q
    verdict = None if isinstance(test, Undefined) else SHOWN if test.p < 1 - panel.study.plan.confidence else NOT_SHOWN
    how = f"{_how(split)}, {found.df} df{scale.note}"
    how += split.note if of_q else "; the chi-square is the test"
    p = found.p if of_q else None
    yield stated(about, "Q", found.q, p=p, verdict=verdict if of_q else None, method=how)
    yield stated(about, "I2", found.i2_percent, found.i2_interval, method=f"per cent, test-based{scale.note}")
    if isinstance(test, Undefined):
        yield missing(about, "chi-square", test.reason)
    elif not of_q:
        yield stated(about, "chi-square", test.statistic, p=test.p, verdict=verdict, method=test.method + split.note)


def _how(split: Split) -> str:
    together = shared_patients(split.levels)
    return "generalised Q, covariance from the patient bootstrap" if together else "Cochran Q"


def test_of_equality(panel: Panel, split: Split, found: Heterogeneity, scale: Scaled) -> TestResult | Undefined:
    """The one test per attribute and measure: chi-square for proportions of separate patients, else Q."""
    if panel.measure.name in PROPORTIONS and not shared_patients(split.levels):
        return homogeneity(split)
    return TestResult(found.q, found.p, f"{_how(split)}{scale.note}")


def tested(panel: Panel, split: Split) -> TestResult | Undefined:
    """``test_of_equality`` of levels at hand."""
    scale, found = pooled_levels(panel, split)
    return found if isinstance(found, Undefined) else test_of_equality(panel, split, found[0], scale)


def homogeneity(split: Split) -> TestResult | Undefined:
    """Equal proportions in all levels: Pearson, or Rao-Scott where a patient has several cases of a level."""
    tallies = [level.tallies for level in split.levels]
    if all(one_case_per_patient(level.rows) for level in split.levels):
        return homogeneity_of_proportions([x.sum() for x, _ in tallies], [n.sum() for _, n in tallies])
    found = rao_scott_homogeneity(tuple(x for x, _ in tallies), tuple(n for _, n in tallies))
    if isinstance(found, Undefined):
        return found
    return TestResult(found[0], found[2], f"Rao-Scott chi-square over patients, {found[1]} df")


def _pooled(attribute: str, about: About, found: RandomEffects, scale: Scaled) -> Iterator[Row]:
    """Mean of makers or sites and what a new one may expect; two levels say next to nothing about a third."""
    if attribute not in SOURCES:
        yield missing(about, "prediction interval", NO_NEW_LEVEL.format(attribute))
        return
    mean, prediction = found.mean, scale.back_interval(found.prediction)
    yield stated(about, "tau", math.sqrt(mean.tau2), method=f"REML{scale.note}")
    yield stated(about, "pooled", scale.back(mean.value), scale.back_interval(mean.interval))
    if found.shrunken.size < FEWEST_TO_PREDICT:
        yield missing(about, "prediction interval", "a prediction interval needs at least three levels")
    else:
        yield stated(about, "prediction interval", scale.back(mean.value), prediction)


ENTRY = Analysis(
    name="heterogeneity",
    title="Heterogeneity across levels",
    question="Do manufacturers, sites and groups differ, by how much, and what may a new one expect?",
    source="Cochran, Biometrics 1954;10:101; Higgins & Thompson, Stat Med 2002;21:1539; Viechtbauer, J Stat Softw 2010",
    run=run,
)
