"""Simulated validation sets whose true values are known by formula: patients, cases, two versions of a device.

A case has a latent score, normal with unit variance, ``shift`` higher where the reference is positive. Disease and
score are correlated within patients through normal patient effects, which leave the marginal distribution of a case,
and therefore every true value, as it is without clustering. The number of cases of a patient depends on nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from scipy.optimize import brentq
from scipy.special import expit, logit
from scipy.stats import norm

from audit.records import FloatArray, IntArray, Rows

PATIENTS = (50, 200, 1000)
PREVALENCES = (0.02, 0.10, 0.50)
WITHIN_PATIENT = 0.5
BETWEEN_VERSIONS = 0.6
MOST_CASES = 5
FIRST_GROUP = 0.4
FAILED_MASKS = 0.05
DICE_SPREAD = 0.9
OVERCONFIDENCE = 1.25
NODES, WEIGHTS = hermegauss(120)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


@dataclass(frozen=True, slots=True)
class Device:
    """AUROC of the candidate, specificity at its operating point, logit of a typical Dice, and how much both the
    latent ``shift`` and that logit fall in the comparator.
    """

    name: str
    auroc: float
    specificity: float
    dice_logit: float
    loss: float

    @property
    def shift(self) -> float:
        return float(np.sqrt(2) * norm.ppf(self.auroc))

    @property
    def threshold(self) -> float:
        return float(norm.ppf(self.specificity))


DEVICES = (
    Device("strong", auroc=0.95, specificity=0.90, dice_logit=2.0, loss=0.0),
    Device("moderate", auroc=0.80, specificity=0.80, dice_logit=1.2, loss=0.3),
)


@dataclass(frozen=True, slots=True)
class Design:
    """One cell of the study."""

    device: Device
    patients: int
    clustered: bool
    prevalence: float

    @property
    def name(self) -> str:
        cases = "clustered" if self.clustered else "independent"
        return f"{self.device.name}, {self.patients} patients, {cases}, prevalence {self.prevalence:g}"


def designs() -> list[Design]:
    """All cells: devices x patients x clustering x prevalence."""
    return [Design(*cell) for cell in product(DEVICES, PATIENTS, (False, True), PREVALENCES)]


@dataclass(frozen=True, slots=True)
class Drawn:
    """One simulated set: two versions on the same cases, a group of patients and a group of cases (0 or 1)."""

    candidate: Rows
    comparator: Rows
    group: IntArray
    view: IntArray


def draw(design: Design, generator: np.random.Generator) -> Drawn:
    """One set of ``design.patients`` patients with 1 case each or, clustered, 1 to 5 with equal probability."""
    size = generator.integers(1, MOST_CASES + 1, design.patients) if design.clustered else np.ones(design.patients, int)
    patient = np.repeat(np.arange(design.patients), size)
    reference = _noise(design, patient, generator) < norm.ppf(design.prevalence)
    score, dice = _noise_of_two(design, patient, generator), _noise_of_two(design, patient, generator)
    missed = generator.random((2, patient.size)) < FAILED_MASKS
    versions = [_rows(design, version, patient, reference, score, dice, missed) for version in (0, 1)]
    group = (generator.random(design.patients) < FIRST_GROUP).astype(np.int64)[patient]
    view = (generator.random(patient.size) < FIRST_GROUP).astype(np.int64)
    return Drawn(versions[0], versions[1], group, view)


def _noise(design: Design, patient: IntArray, generator: np.random.Generator) -> FloatArray:
    """Standard normal per case, correlated ``WITHIN_PATIENT`` between cases of one patient."""
    of_patient = generator.standard_normal(design.patients)[patient]
    of_case = generator.standard_normal(patient.size)
    return np.asarray(np.sqrt(WITHIN_PATIENT) * of_patient + np.sqrt(1 - WITHIN_PATIENT) * of_case)


def _noise_of_two(design: Design, patient: IntArray, generator: np.random.Generator) -> FloatArray:
    """The same for two versions (2, cases), correlated ``BETWEEN_VERSIONS`` on a case."""
    common, *own = (_noise(design, patient, generator) for _ in range(3))
    return np.array([np.sqrt(BETWEEN_VERSIONS) * common + np.sqrt(1 - BETWEEN_VERSIONS) * each for each in own])


def _rows(
    design: Design,
    version: int,
    patient: IntArray,
    reference: np.ndarray,
    score: FloatArray,
    dice: FloatArray,
    missed: np.ndarray,
) -> Rows:
    loss = version * design.device.loss
    latent = score[version] + (design.device.shift - loss) * reference
    overlap = expit(design.device.dice_logit - loss + DICE_SPREAD * dice[version])
    columns = {
        "reference": reference.astype(np.float64),
        "score": probability(design, latent),
        "decision": (latent >= design.device.threshold).astype(np.float64),
        "dice": np.where(missed[version], 0.0, overlap),
    }
    return Rows(patient, columns)


def probability(design: Design, latent: FloatArray) -> FloatArray:
    """The candidate's probability: the true one with its log odds multiplied by ``OVERCONFIDENCE``."""
    shift = design.device.shift
    true_log_odds = logit(design.prevalence) + shift * latent - shift**2 / 2
    return np.asarray(expit(OVERCONFIDENCE * true_log_odds))


def true_values(design: Design, version: int = 0) -> dict[str, float]:
    """True value of every quantity of the candidate (0) or the comparator (1), exact or by 120-point quadrature."""
    device, loss = design.device, version * design.device.loss
    shift, prevalence = device.shift - loss, design.prevalence
    sensitivity, specificity = float(norm.cdf(shift - device.threshold)), device.specificity
    true_positive, false_positive = prevalence * sensitivity, (1 - prevalence) * (1 - specificity)
    true_negative, false_negative = (1 - prevalence) * specificity, prevalence * (1 - sensitivity)
    dice = expit(device.dice_logit - loss + DICE_SPREAD * NODES)
    return {
        "auroc": float(norm.cdf(shift / np.sqrt(2))),
        "sensitivity": sensitivity,
        "specificity": specificity,
        "ppv": true_positive / (true_positive + false_positive),
        "npv": true_negative / (true_negative + false_negative),
        "brier": _brier(design, shift),
        "dice": float((1 - FAILED_MASKS) * WEIGHTS @ dice),
        "calibration_slope": shift / device.shift / OVERCONFIDENCE,
        "calibration_intercept": _in_the_large(design, shift),
    }


def _brier(design: Design, shift: float) -> float:
    positive, negative = probability(design, NODES + shift), probability(design, NODES)
    squares = WEIGHTS @ np.square(1 - positive), WEIGHTS @ np.square(negative)
    return float(design.prevalence * squares[0] + (1 - design.prevalence) * squares[1])


@cache
def _in_the_large(design: Design, shift: float) -> float:
    """The offset at which the expected number of events equals the prevalence."""
    latents = NODES + shift, NODES
    odds = [logit(np.clip(probability(design, latent), 1e-300, 1 - 1e-16)) for latent in latents]

    def excess(offset: float) -> float:
        expected = [WEIGHTS @ expit(offset + each) for each in odds]
        return float(design.prevalence * expected[0] + (1 - design.prevalence) * expected[1] - design.prevalence)

    return float(brentq(excess, -5, 5, xtol=1e-12))


def fewest_events(design: Design, kind: str, measure: str) -> float:
    """Expected events or non-events, whichever are fewer, on the smaller side of a question.

    Events are what the numerator counts: true positives of a sensitivity, positive cases of an AUROC. Dice has cases.
    """
    cases = design.patients * ((1 + MOST_CASES) / 2 if design.clustered else 1)
    side = cases * (FIRST_GROUP if kind.startswith("contrast") else 1.0)
    versions = (0, 1) if kind == "change" else (0,)
    return side * min(min(_shares(design, version, measure)) for version in versions)


def _shares(design: Design, version: int, measure: str) -> tuple[float, float]:
    """Shares of cases that are events and non-events."""
    true, p = true_values(design, version), design.prevalence
    sensitivity, specificity = true["sensitivity"], true["specificity"]
    table = {
        "sensitivity": (p * sensitivity, p * (1 - sensitivity)),
        "specificity": ((1 - p) * specificity, (1 - p) * (1 - specificity)),
        "ppv": (p * sensitivity, (1 - p) * (1 - specificity)),
        "npv": ((1 - p) * specificity, p * (1 - sensitivity)),
        "dice": (p, p),
    }
    return table.get(measure, (p, 1 - p))
