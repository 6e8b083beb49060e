"""Who is drawn, what they have, and on which scanner at which site they lie."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from audit.simulation.anatomy import Anatomy, draw_frame, with_foci
from audit.simulation.scanners import Scanner

SITES = ("Northfield Hospital", "Riverside Clinic", "Harbour Institute")
SITE_SHARES = {  # which sites own which make; every make stands at two sites at least
    "Alder Imaging": (0.5, 0.5, 0.0),
    "Birch Medical": (0.6, 0.0, 0.4),
    "Cedar Systems": (0.0, 0.5, 0.5),
    "Dogwood MR": (0.3, 0.3, 0.4),
}
WOMEN, SEX_UNKNOWN, AGE_UNKNOWN = 0.58, 0.03, 0.02
YOUNGEST, OLDEST = 18, 90
FIRST_DAY, DAYS = datetime.date(2025, 1, 6), 480
_BLOCK = 4  # patients drawn together: one on each scanner, with lesions in every other block


@dataclass(frozen=True, slots=True)
class SimulatedCase:
    """One image to be made; ``seed`` drives its acquisition. ``sex_recorded`` and ``age_recorded`` are None where the
    record leaves them blank."""

    case_id: str
    patient_id: str
    site: str
    sex_recorded: str | None
    age_recorded: int | None
    acquired: datetime.date
    atrophy_grade: int
    lesion_load: str
    anatomy: Anatomy
    scanner: Scanner
    seed: int


@dataclass(frozen=True, slots=True)
class _Patient:
    patient_id: str
    site: str
    sex: str
    age_years: int
    atrophy_grade: int
    lesion_load: str
    scanner: Scanner


def draw_cohort(
    prefix: str, patients: int, scanners: Sequence[Scanner], seed: int, second_image: float
) -> list[SimulatedCase]:
    """The images of ``patients`` patients, ids ``prefix`` + number; the same arguments give the same cohort.

    Scanners take turns and half of the patients of each have lesions (enriched). A share ``second_image`` of the
    patients has another image, at another slice level, on the same scanner.
    """
    cases: list[SimulatedCase] = []
    for number in range(patients):
        rng = np.random.default_rng([seed, number])
        patient = _patient(f"{prefix}{number + 1:04d}", number, scanners, rng)
        cases.extend(_images(patient, 2 if rng.random() < second_image else 1, rng))
    return cases


def _patient(patient_id: str, number: int, scanners: Sequence[Scanner], rng: np.random.Generator) -> _Patient:
    scanner = scanners[number % len(scanners)]
    age = int(np.clip(rng.normal(50.0, 17.0), YOUNGEST, OLDEST))
    return _Patient(
        patient_id=patient_id,
        site=str(rng.choice(SITES, p=SITE_SHARES[scanner.manufacturer])),
        sex="F" if rng.random() < WOMEN else "M",
        age_years=age,
        atrophy_grade=int(np.clip(math.floor(rng.normal((age - 30) / 17.0, 0.7)), 0, 3)),
        lesion_load=_load((number // _BLOCK) % 2 == 0, age, rng),
        scanner=scanner,
    )


def _load(has_lesions: bool, age_years: int, rng: np.random.Generator) -> str:
    """Of patients with lesions 32 % have a high load at 18 years and 61 % at 90."""
    high = rng.random() < 0.25 + 0.004 * age_years
    if not has_lesions:
        return "none"
    return "high" if high else "low"


def _images(patient: _Patient, count: int, rng: np.random.Generator) -> Iterator[SimulatedCase]:
    sex = None if rng.random() < SEX_UNKNOWN else patient.sex
    age = None if rng.random() < AGE_UNKNOWN else patient.age_years
    day = FIRST_DAY + datetime.timedelta(days=int(rng.integers(DAYS)))
    for image in range(1, count + 1):
        frame = draw_frame(patient.sex, patient.age_years, patient.atrophy_grade, rng)
        yield SimulatedCase(
            case_id=f"{patient.patient_id}-{image}",
            patient_id=patient.patient_id,
            site=patient.site,
            sex_recorded=sex,
            age_recorded=age,
            acquired=day,
            atrophy_grade=patient.atrophy_grade,
            lesion_load=patient.lesion_load,
            anatomy=with_foci(frame, patient.lesion_load, rng),
            scanner=patient.scanner,
            seed=int(rng.integers(2**31)),
        )
