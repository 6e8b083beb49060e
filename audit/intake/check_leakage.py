"""Training data inside the set: the same patient, the same file or pixels, or an image that looks the same."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from audit.cases.concerns import Concern, said_of
from audit.intake.check import Check, Intake, Training
from audit.intake.similar import close_pairs

_REMEDY = "Remove these cases from the validation set, or correct the training manifest."


def find(intake: Intake) -> Iterator[Concern]:
    """One concern for each training set and way of being the same."""
    for training in intake.training:
        yield from _patients(intake, training)
        same = _digests(intake, training)
        if same.any():
            yield _concern(intake, same, f"hold an image of training set '{training.name}', pixel for pixel")
        alike = _alike(intake, training) & ~same
        if alike.any():
            yield _concern(
                intake,
                alike,
                f"look like an image of training set '{training.name}' (re-encoded, rescaled or rewindowed)",
            )


def _patients(intake: Intake, training: Training) -> Iterator[Concern]:
    same = intake.cases["patient_id"].isin(training.patients).to_numpy(dtype=bool)
    if same.any():
        yield _concern(intake, same, f"are of patients of training set '{training.name}'")


def _concern(intake: Intake, where: np.ndarray, what: str) -> Concern:
    text = f"{said_of(int(where.sum()), 'case', what)}: performance on them says nothing about new patients."
    return Concern("stop", text, intake.ids(where), _REMEDY)


def _digests(intake: Intake, training: Training) -> np.ndarray:
    frame = intake.cases
    found = [frame[c].isin(training.digests).to_numpy(dtype=bool) for c in ("sha256", "pixel_sha256") if c in frame]
    return np.logical_or.reduce(found) if found else np.zeros(len(frame), dtype=bool)


def _alike(intake: Intake, training: Training) -> np.ndarray:
    alike = np.zeros(len(intake.cases), dtype=bool)
    for i, _ in close_pairs(intake.fingerprints, training.fingerprints):
        alike[i] = True
    return alike


def _not_assessed(intake: Intake) -> str:
    return "" if intake.training else "no training manifest was given (--training)"


ENTRY = Check(
    "leakage",
    "patients and images of the training data inside the set",
    find,
    "Regulation (EU) 2024/1689, Art. 10(3); Roberts et al., Nat Mach Intell 2021;3:199",
    "patients are compared by pseudonym: both sets need the same key; crops are not recognised",
    _not_assessed,
)
