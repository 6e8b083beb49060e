"""What all analyses of one audit share: the panels (version x target x measure), their levels and resamples."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from audit.measures.answers import Rules, Side, constant, rules_of
from audit.measures.choice import measures_for
from audit.measures.counting import one_case_per_patient
from audit.measures.groups import JOIN, Group, declared_groups
from audit.measures.measure import Counts, Measure
from audit.measures.ratio import Proportion
from audit.measures.resampled_patients import resampled_patients
from audit.measures.samples import Order, Sample, case_order, no_sample, samples
from audit.measures.setting import USUAL, Setting
from audit.plan import Plan
from audit.records import BoolArray, FloatArray, IntArray, Interval, Rows, Undefined
from audit.statistics.checks import normal_quantile
from audit.statistics.clusters import clustered_proportion
from audit.statistics.resampling import sums_by_patient
from audit.statistics.roc_clustered import clustered_auroc
from audit.tables import ALL, DISPOSITIONS, OBSERVATIONS, OVERALL, REFERENCES, UNKNOWN

MEASURES = ("auroc", "sensitivity", "specificity", "dice")
PROPORTIONS = ("sensitivity", "specificity")
SOURCES = ("manufacturer", "site", "scanner", "scanner_model", "detector_group")
"""Attributes whose levels stand for others that the device will meet: a prediction for a new level has a meaning."""
FEWEST_TO_TEST = 30
"""Below this denominator a level gets intervals but neither test nor rank."""
Key = tuple[str, str]
Populations = Mapping[str, Mapping[str, Mapping[str, float]]]


@dataclass(frozen=True, eq=False)
class Level:
    """One group of one panel: the measure on its complete rows."""

    attribute: str
    name: str
    side: Side

    @property
    def key(self) -> Key:
        return self.attribute, self.name

    @property
    def value(self) -> float:
        """The estimate; only levels whose estimate is defined are ever compared."""
        point = self.side.point
        if isinstance(point, Undefined):
            raise ValueError(f"{self.attribute} {self.name} has no value: {point.reason}")
        return point

    @cached_property
    def rows(self) -> Rows:
        return self.side.counted

    @cached_property
    def n_patients(self) -> int:
        return self.rows.n_patients

    @property
    def n_cases(self) -> int:
        return len(self.rows)

    @cached_property
    def fewest(self) -> int:
        """The smallest of the measure's denominators, in cases and in patients."""
        return min(self.side.measure.denominators(self.side.rows).values())

    @cached_property
    def weight(self) -> float:
        """Weight in a mean over levels: cases that count, or for the AUROC pairs of a positive and a negative case."""
        if self.side.measure.name != "auroc":
            return float(self.n_cases)
        positive = float(self.rows.columns["reference"].sum())
        return positive * (self.n_cases - positive)

    @cached_property
    def analytic_error(self) -> float | None:
        """DeLong or Obuchowski, binomial or ratio-estimator error over patients; None where the measure has none."""
        if self.side.measure.name == "auroc":
            columns = self.rows.columns
            found = clustered_auroc(columns["score"], columns["reference"], self.rows.patient)
            if isinstance(found, Undefined) or isinstance(found.variance, Undefined):
                return None
            return float(np.sqrt(found.variance))
        return self._ratio_error() if isinstance(self.side.measure.estimator, Proportion) else None

    def _ratio_error(self) -> float | None:
        if one_case_per_patient(self.rows):
            return float(np.sqrt(self.value * (1 - self.value) / self.n_cases))
        events, cases = self.tallies
        found = clustered_proportion(events, cases)
        return (
            None
            if isinstance(found, Undefined) or isinstance(found.standard_error, Undefined)
            else (found.standard_error)
        )

    @cached_property
    def tallies(self) -> tuple[FloatArray, FloatArray]:
        """Events and cases per patient of a proportion."""
        estimator = self.side.measure.estimator
        assert isinstance(estimator, Proportion)
        patients = np.unique(self.rows.patient, return_inverse=True)[1]
        sums = sums_by_patient(np.column_stack(estimator.per_case(self.rows)), patients, self.n_patients)
        return sums[:, 0], sums[:, 1]


@dataclass(frozen=True, slots=True)
class Split:
    """Known levels of an attribute that can be compared, and the others with why not ('name: reason')."""

    levels: tuple[Level, ...]
    left_out: tuple[str, ...]

    @property
    def too_few(self) -> str | None:
        """Why no comparison is possible, or None."""
        if len(self.levels) > 1:
            return None
        return "fewer than two levels can be compared" + (f" ({'; '.join(self.left_out)})" if self.left_out else "")

    @property
    def note(self) -> str:
        return f"; left out: {'; '.join(self.left_out)}" if self.left_out else ""

    @property
    def sizes(self) -> tuple[int, int]:
        """Patients and cases of the compared levels together."""
        patients = [level.rows.patient for level in self.levels]
        return int(np.unique(np.concatenate(patients)).size) if patients else 0, sum(x.n_cases for x in self.levels)


@dataclass(frozen=True, eq=False)
class Panel:
    """One measure of one version and target over all declared groups, on the audit's shared patient resamples."""

    study: Study
    version: str
    target: str
    measure: Measure

    @cached_property
    def usable(self) -> BoolArray:
        """Cases (in the study's order) that are analysed and complete."""
        sample = self.study.sample(self.version, self.target)
        return sample.analysed & self.measure.complete(sample.rows)

    @cached_property
    def whole(self) -> Rows:
        """The needed columns of all cases, usable or not."""
        rows = self.study.sample(self.version, self.target).rows
        return Rows(rows.patient, {name: rows.columns[name] for name in self.measure.columns})

    @cached_property
    def levels(self) -> Mapping[Key, Level]:
        """Every declared group with its rows; the whole set is (``overall``, ``all``)."""
        return {(g.attribute, g.level): self.level(g.attribute, g.level, g.members) for g in self.study.groups}

    def level(self, attribute: str, name: str, members: BoolArray) -> Level:
        """A level made of the usable ones among ``members`` (bool, one entry per case)."""
        return Level(attribute, name, Side(self.measure, self.whole.where(self.usable & members), self.study.rules))

    @property
    def overall(self) -> Level:
        return self.levels[OVERALL, ALL]

    def split(self, attribute: str) -> Split:
        """Known levels that the plan's ``too_few`` lets conclude and whose error is known; the others by name."""
        kept, left_out = [], []
        for (name, _), level in self.levels.items():
            if name != attribute or UNKNOWN in level.name.split(JOIN):
                continue
            point, error = level.side.point, self.error(level)
            problem = point if isinstance(point, Undefined) else error
            if isinstance(problem, Undefined):
                left_out.append(f"{level.name}: {problem.reason}")
            else:
                kept.append(level)
        return Split(tuple(kept), tuple(left_out))

    def error(self, level: Level) -> float | Undefined:
        """Standard error, never 0: where resamples do not vary, half the score interval over the normal quantile."""
        if isinstance(level.side.point, Undefined):
            return level.side.point
        found = level.analytic_error
        if found is None:
            found = _spread(self._replicates[level.key]) if level.key in self._replicates else 0.0
        if found > 0:
            return found
        interval = level.side.interval
        if isinstance(interval, Interval) and interval.high > interval.low:
            return (interval.high - interval.low) / (2 * normal_quantile(interval.confidence))
        return Undefined("no resample differs from the estimate, so its error is unknown")

    def errors(self, levels: Sequence[Level]) -> FloatArray:
        """``error`` of levels that a ``Split`` let through."""
        found = [self.error(level) for level in levels]
        return np.array([each for each in found if not isinstance(each, Undefined)])

    def draws(self, levels: Sequence[Level]) -> FloatArray:
        """Replicates (resamples, levels); levels whose resamples do not vary get normal draws with their error."""
        return np.column_stack([self._drawn(level) for level in levels])

    def _drawn(self, level: Level) -> FloatArray:
        found = self._replicates[level.key]
        error = self.error(level)
        if not constant(found) or isinstance(error, Undefined):
            return found
        generator = self.study.generator("draws", self.version, self.target, self.measure.name, *level.key)
        return np.asarray(level.value + error * generator.standard_normal(found.size))

    @cached_property
    def _replicates(self) -> Mapping[Key, FloatArray]:
        defined = [level for level in self.levels.values() if not isinstance(level.side.point, Undefined)]
        found = self.replicates_of(defined)
        return {level.key: column for level, column in zip(defined, found, strict=True)}

    def replicates_of(self, levels: Sequence[Level]) -> list[FloatArray]:
        """Replicates of any levels on the shared resamples, not kept."""
        return self.measure.replicates_of_many([level.side.rows for level in levels], self.study.counts)

    def covariance(self, levels: Sequence[Level]) -> FloatArray:
        """Covariance of the levels' estimates: diagonal where they share no patient, else from the resamples."""
        if not shared_patients(levels):
            return np.diag(self.errors(levels) ** 2)
        drawn = self.draws(levels)
        return np.atleast_2d(np.cov(drawn[np.isfinite(drawn).all(axis=1)], rowvar=False))


def shared_patients(levels: Sequence[Level]) -> bool:
    """Whether any patient has cases in two of the levels."""
    patients = [np.unique(level.rows.patient) for level in levels]
    return bool(np.unique(np.concatenate(patients)).size < sum(map(len, patients)))


def _spread(replicates: FloatArray) -> float:
    kept = replicates[np.isfinite(replicates)]
    return 0.0 if kept.size < 2 or constant(kept) else float(kept.std(ddof=1))


@dataclass(frozen=True, eq=False)
class Study:
    """One audit: plan, cases in a fixed order, observations as arrays, ESTIMATES, target populations by set, and
    the tables as they are; ``decisions`` holds those of ``decision_tables`` by name."""

    plan: Plan
    cases: pd.DataFrame
    order: Order
    groups: list[Group]
    samples: Mapping[tuple[str, str], Sample]
    estimates: pd.DataFrame
    populations: Populations = field(default_factory=dict)
    references: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(REFERENCES.columns)))
    observations: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(OBSERVATIONS.columns)))
    dispositions: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(DISPOSITIONS.columns)))
    setting: Setting = USUAL
    decisions: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    @cached_property
    def rules(self) -> Rules:
        return rules_of(self.plan)

    @cached_property
    def counts(self) -> Counts:
        """The audit's patient resamples: the same as behind ESTIMATES."""
        return resampled_patients(self.plan, self.order, self.groups, self.samples)

    def sample(self, version: str, target: str) -> Sample:
        return self.samples.get((version, target)) or no_sample(self.order)

    @cached_property
    def panels(self) -> tuple[Panel, ...]:
        """Version x target x measure (AUROC, sensitivity, specificity, Dice) that the plan asks for."""
        return tuple(
            Panel(self, version, target, measure)
            for version in self.plan.versions
            for target in self.plan.targets
            for measure in sorted(measures_for(self.plan, target, self.setting), key=lambda m: m.name)
            if measure.name in MEASURES
        )

    def panel(self, version: str, target: str, measure: str) -> Panel | None:
        """The panel of that name, or None where the plan does not ask for the measure."""
        return self._by_name.get((version, target, measure))

    @cached_property
    def _by_name(self) -> Mapping[tuple[str, str, str], Panel]:
        return {(p.version, p.target, p.measure.name): p for p in self.panels}

    @cached_property
    def sources(self) -> tuple[str, ...]:
        return tuple(name for name in self.plan.strata if name in SOURCES)

    @cached_property
    def partitions(self) -> tuple[str, ...]:
        """Strata and intersections."""
        return tuple(dict.fromkeys(g.attribute for g in self.groups if g.attribute != OVERALL))

    def codes(self, attribute: str) -> tuple[IntArray, tuple[str, ...]]:
        """Number of each case's level (-1: unknown) and the known levels' names."""
        groups = [g for g in self.groups if g.attribute == attribute and g.level != UNKNOWN]
        codes = np.full(self.order.patient.size, -1, dtype=np.int64)
        for number, group in enumerate(groups):
            codes[group.members] = number
        return codes, tuple(group.level for group in groups)

    def generator(self, *key: str) -> np.random.Generator:
        """Random numbers that depend on the plan's seed and on what they are for, not on the order of asking."""
        return np.random.default_rng([self.plan.seed, zlib.crc32("\x1f".join(key).encode())])


def new_study(
    plan: Plan,
    cases: pd.DataFrame,
    observations: pd.DataFrame,
    dispositions: pd.DataFrame,
    estimates: pd.DataFrame,
    populations: Populations,
    references: pd.DataFrame | None = None,
    setting: Setting = USUAL,
    decisions: Mapping[str, pd.DataFrame] | None = None,
) -> Study:
    """The study of one audit's tables; the order of their rows does not matter."""
    order = case_order(cases, dispositions)
    found = samples(order, observations, dispositions)
    read = pd.DataFrame(columns=list(REFERENCES.columns)) if references is None else references
    groups = declared_groups(plan, cases, order)
    return Study(
        plan, cases, order, groups, found, estimates, populations, read, observations, dispositions, setting,
        decisions or {},
    )  # fmt: skip
