"""How many patients a claim needs, and what a given number of them can show, before any result exists.

Numbers of independent cases come from ``audit.statistics``; here they meet prevalence, several images per patient and
strata. Sources: Obuchowski & McClish, Stat Med 1997;16:1529. Buderer, Acad Emerg Med 1996;3:895. Kish, Survey Sampling
1965 (design effect).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from scipy.optimize import brentq

from audit.records import BadInput, Undefined
from audit.statistics import criterion_power as cp
from audit.statistics import sample_size as ss

PROPORTIONS = ("sensitivity", "specificity")
PLANNED = (*PROPORTIONS, "auroc", "dice")
ASSURANCE = 0.9


@dataclass(frozen=True, slots=True)
class HalfWidth:
    """Aim: an interval whose half-width is at most ``value`` at the expected value."""

    value: float


@dataclass(frozen=True, slots=True)
class Minimum:
    """Aim: the lower confidence limit reaches ``value`` with chance ``power``."""

    value: float
    power: float


@dataclass(frozen=True, slots=True)
class Margin:
    """Aim: candidate minus comparator on the same cases exceeds -``value`` with chance ``power``; 0: superiority.

    ``difference`` is the true one, ``discordant`` the share of cases on which the versions disagree.
    """

    value: float
    power: float
    discordant: float
    difference: float = 0.0


Aim = HalfWidth | Minimum | Margin


@dataclass(frozen=True, slots=True)
class Expected:
    """What is assumed of a measure: its value and, for Dice, the SD between cases."""

    measure: str
    value: float
    sd: float | None = None

    def __post_init__(self) -> None:
        if self.measure not in PLANNED:
            raise BadInput(f"no planning formula for '{self.measure}'; choose {', '.join(PLANNED)}.")
        _unit("the expected value", self.value)
        if self.measure == "dice" and self.sd is None:
            raise BadInput("dice needs the standard deviation between cases; give --sd, for example 0.15.")
        if self.sd is not None and not 0 < self.sd <= 0.5:
            raise BadInput(f"the standard deviation of a Dice overlap lies between 0 and 0.5, got {self.sd:g}.")


@dataclass(frozen=True, slots=True)
class Design:
    """How cases are gathered. ``prevalence`` of reference-positive patients; ``icc`` the correlation of correctness
    between images of one patient, needed where ``images_per_patient`` (of the class in question) exceeds 1.
    ``together``: the power is that of all strata meeting the criterion, taken as independent.
    """

    prevalence: float | None = None
    images_per_patient: float = 1.0
    icc: float | None = None
    strata: int = 1
    confidence: float = 0.95
    together: bool = False

    def __post_init__(self) -> None:
        _unit("confidence", self.confidence)
        if self.prevalence is not None:
            _unit("prevalence", self.prevalence)
        if self.images_per_patient < 1 or self.strata < 1:
            raise BadInput("images per patient and strata must be at least 1.")
        if self.images_per_patient > 1 and self.icc is None:
            raise BadInput(
                "several images per patient need their intraclass correlation; give --icc (1: a second image tells "
                "nothing new)."
            )
        if self.icc is not None and not 0 <= self.icc <= 1:
            raise BadInput(f"the intraclass correlation must lie between 0 and 1, got {self.icc:g}.")

    @property
    def design_effect(self) -> float:
        """1 + (images per patient - 1) ICC."""
        return 1 + (self.images_per_patient - 1) * (self.icc or 0.0)


@dataclass(frozen=True, slots=True)
class ClassNeed:
    """Cases of one class ('reference-positive') in one stratum; ``independent`` is before the design effect."""

    counted: str
    independent: float
    images: int
    patients: int


@dataclass(frozen=True, slots=True)
class Need:
    """Cases for an aim, in one stratum and in all. ``recruited`` patients hold the needed ones on average, ``assured``
    with a chance of 90 %; both are None without a prevalence. ``attained``: power (or half-width) with these cases;
    ``joint``: chance that independent strata all meet the criterion.
    """

    classes: tuple[ClassNeed, ...]
    recruited: int | None
    assured: int | None
    strata: int
    attained: float
    joint: float | None
    assumptions: tuple[str, ...]


def aim_of(
    half_width: float | None,
    minimum: float | None,
    margin: float | None,
    power: float,
    discordant: float | None,
    difference: float,
) -> Aim:
    """The one aim that was stated; raises ``BadInput`` for none or several, and for a margin without ``discordant``."""
    if [half_width, minimum, margin].count(None) != 2:
        raise BadInput("state one aim: --half-width, --minimum or --margin.")
    if half_width is not None:
        return HalfWidth(half_width)
    if minimum is not None:
        return Minimum(minimum, power)
    if margin is None or discordant is None:
        raise BadInput("a margin needs the share of cases on which the versions disagree; give --discordant.")
    return Margin(margin, power, discordant, difference)


def needed(expected: Expected, aim: Aim, design: Design) -> Need:
    """Cases and patients per stratum for an aim; raises ``BadInput`` where no number of cases reaches it."""
    _check_aim(expected, aim, design)
    if design.together and not isinstance(aim, HalfWidth):
        aim = replace(aim, power=aim.power ** (1 / design.strata))
    independent = _independent(expected, aim, design)
    classes = tuple(_class_need(name, n, design) for name, n in independent.items())
    attained = _attained(expected, aim, independent, design.confidence)
    return Need(
        classes=classes,
        recruited=_recruited(classes, design),
        assured=_assured(classes, design),
        strata=design.strata,
        attained=attained,
        joint=None if isinstance(aim, HalfWidth) or design.strata == 1 else attained**design.strata,
        assumptions=_assumptions(expected, aim, design),
    )


def _independent(expected: Expected, aim: Aim, design: Design) -> dict[str, float]:
    """Independent cases by class."""
    value, confidence = expected.value, design.confidence
    if expected.measure == "auroc":
        found = _auroc_numbers(expected, aim, design)
        return {"reference-positive": found.positives, "reference-negative": found.negatives}
    if isinstance(aim, Margin):
        n: float = cp.cases_for_paired_margin(aim.difference, aim.discordant, aim.value, aim.power, confidence)
    elif expected.measure == "dice":
        sd = _sd(expected)
        if isinstance(aim, HalfWidth):
            n = cp.cases_for_mean_half_width(aim.value, sd, confidence)
        else:
            n = cp.cases_for_mean_goal(value, aim.value, aim.power, sd, confidence)
    elif isinstance(aim, HalfWidth):
        n = ss.cases_for_proportion_width(value, 2 * aim.value, "wilson", confidence)
    else:
        n = cp.cases_for_goal(value, aim.value, aim.power, confidence)
    return {_class_of(expected.measure): n}


def _auroc_numbers(expected: Expected, aim: Aim, design: Design) -> ss.CaseNumbers:
    share = _prevalence(design)
    if isinstance(aim, HalfWidth):
        return ss.cases_for_auroc_width(expected.value, 2 * aim.value, share, design.confidence)
    if isinstance(aim, Margin):
        raise BadInput("a margin is planned for sensitivity and specificity only; choose one of them.")
    return cp.cases_for_auroc_goal(expected.value, aim.value, aim.power, share, design.confidence)


def _attained(expected: Expected, aim: Aim, independent: dict[str, float], confidence: float) -> float:
    sizes = [math.ceil(n - 1e-9) for n in independent.values()]
    if isinstance(aim, HalfWidth):
        return half_width(expected, sizes, confidence)
    if isinstance(aim, Minimum):
        return minimum_power(expected, aim.value, sizes, confidence)
    return cp.paired_margin_power(sizes[0], aim.difference, aim.discordant, aim.value, confidence)


def half_width(expected: Expected, sizes: list[int], confidence: float) -> float:
    """Half of the expected width of the interval; ``sizes`` are independent cases (AUROC: positives, negatives)."""
    if expected.measure == "auroc":
        return float(stats.norm.ppf(0.5 + confidence / 2)) * ss.hanley_mcneil_error(expected.value, sizes[0], sizes[1])
    if expected.measure == "dice":
        return cp.mean_half_width(sizes[0], _sd(expected), confidence)
    return ss.proportion_width(expected.value, sizes[0], "wilson", confidence) / 2


def minimum_power(expected: Expected, goal: float, sizes: list[int], confidence: float) -> float:
    """Chance that the lower limit reaches ``goal``; ``sizes`` as in ``half_width``."""
    if expected.measure == "auroc":
        return cp.auroc_goal_power(expected.value, goal, sizes[0], sizes[1], confidence)
    if expected.measure == "dice":
        return cp.mean_goal_power(sizes[0], expected.value, goal, _sd(expected), confidence)
    return float(cp.goal_power(sizes[0], expected.value, goal, confidence))


def detectable(expected: Expected, goal: float, sizes: list[int], confidence: float, power: float) -> float | Undefined:
    """Least true value whose lower limit reaches ``goal`` with chance ``power``; undefined where none below 1 does."""

    def short(value: float) -> float:
        assumed = Expected(expected.measure, value, expected.sd)
        return minimum_power(assumed, goal, sizes, confidence) - power

    highest = 1 - 1e-6
    if min(sizes) < 1 or short(highest) < 0:
        return Undefined("too few cases, whatever the true value")
    return float(brentq(short, goal, highest, xtol=1e-6))


@dataclass(frozen=True, slots=True)
class ClassCount:
    """Cases of one class that a set holds. ``mean_cluster`` is the mean number of images that an image's patient has,
    sum m^2 / sum m (Kish), 1 where every patient has one.
    """

    images: int
    patients: int
    mean_cluster: float

    @staticmethod
    def of(patient: ArrayLike) -> ClassCount:
        """From the patient of each image."""
        sizes = np.unique(np.asarray(patient), return_counts=True)[1]
        total = int(sizes.sum())
        return ClassCount(total, int(sizes.size), float(np.square(sizes).sum() / total) if total else 1.0)

    def effective(self, icc: float) -> int:
        """Independent cases that carry the same information, rounded down."""
        return math.floor(self.images / (1 + (self.mean_cluster - 1) * icc) + 1e-9)


def patients_for(positives: int, share: float, chance: float = ASSURANCE) -> int:
    """Patients of whom, with ``chance``, at least ``positives`` belong to a class of this ``share``."""
    return positives + int(stats.nbinom.ppf(chance, positives, share))


def _class_need(name: str, independent: float, design: Design) -> ClassNeed:
    images = math.ceil(independent * design.design_effect - 1e-9)
    patients = math.ceil(independent * design.design_effect / design.images_per_patient - 1e-9)
    return ClassNeed(name, independent, images, patients)


def _recruited(classes: tuple[ClassNeed, ...], design: Design) -> int | None:
    return _over_classes(classes, design, lambda need, share: math.ceil(_patients(need, design) / share - 1e-9))


def _assured(classes: tuple[ClassNeed, ...], design: Design) -> int | None:
    return _over_classes(classes, design, lambda need, share: patients_for(need.patients, share))


def _over_classes(
    classes: tuple[ClassNeed, ...], design: Design, patients: Callable[[ClassNeed, float], int]
) -> int | None:
    """The largest number over the classes; None where the prevalence is not known."""
    if design.prevalence is None:
        return None
    shares = {"reference-positive": design.prevalence, "reference-negative": 1 - design.prevalence}
    return max(patients(need, shares[need.counted]) for need in classes)


def _patients(need: ClassNeed, design: Design) -> float:
    return need.independent * design.design_effect / design.images_per_patient


def _class_of(measure: str) -> str:
    return "reference-negative" if measure == "specificity" else "reference-positive"


def _assumptions(expected: Expected, aim: Aim, design: Design) -> tuple[str, ...]:
    lines = [_method(expected, aim)]
    if design.images_per_patient > 1:
        lines.append(
            f"design effect {design.design_effect:.3g}: {design.images_per_patient:g} images per patient, intraclass "
            f"correlation {design.icc:g}, the same for every patient"
        )
    else:
        lines.append("one image per patient and class; patients are independent")
    if expected.measure == "dice":
        lines.append(f"SD between cases {expected.sd:g}, counted over cases with a reference mask")
    if design.strata > 1:
        lines.append("each stratum answers for itself, with the same expected value and prevalence")
    return tuple(lines)


def _method(expected: Expected, aim: Aim) -> str:
    if isinstance(aim, Margin):
        return "Tango's limit, every discordant count enumerated; both versions on the same cases"
    if expected.measure == "auroc":
        return (
            "Hanley-McNeil standard error: exponential scores, independent cases; scores of unequal spread may "
            "need more; the audit prints the binormal score interval below 100 patients in the rarer class, from there "
            "on DeLong's on the logit scale"
        )
    if expected.measure == "dice":
        return "Student's t on case values; the audit prints a patient bootstrap-t, near to it unless values are skewed"
    if isinstance(aim, HalfWidth):
        return "Wilson interval at the expected proportion; independent cases"
    return (
        "Clopper-Pearson limit, every count enumerated; the power stays at or above the target for all larger numbers"
    )


def _check_aim(expected: Expected, aim: Aim, design: Design) -> None:
    if isinstance(aim, HalfWidth):
        if not 0 < aim.value < 0.5:
            raise BadInput(f"a half-width must lie between 0 and 0.5, got {aim.value:g}.")
        return
    _unit("power", aim.power)
    if isinstance(aim, Minimum):
        _unit("the minimum", aim.value)
    elif expected.measure not in PROPORTIONS:
        raise BadInput("a margin is planned for sensitivity and specificity only; choose one of them.")
    elif not 0 <= aim.value < 1:
        raise BadInput(f"a margin must lie between 0 and 1, got {aim.value:g}.")
    if expected.measure == "auroc":
        _prevalence(design)


def _prevalence(design: Design) -> float:
    if design.prevalence is None:
        raise BadInput("an AUROC needs cases of both classes; give --prevalence, the share of positive patients.")
    return design.prevalence


def _sd(expected: Expected) -> float:
    return 0.0 if expected.sd is None else expected.sd


def _unit(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise BadInput(f"{name} must lie strictly between 0 and 1, got {value:g}.")
