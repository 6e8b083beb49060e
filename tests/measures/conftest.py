"""Rows with every column that any measure may need."""

from collections.abc import Callable

import numpy as np
import pytest

from audit.catalogue import entries
from audit.measures.family import Family
from audit.measures.measure import Measure
from audit.records import Rows

SCORES = [each.name for each in entries("measures").values() if each.tasks == ("explanation",)]


def catalogue() -> list[Measure]:
    """Every measure of the room, families by the members of their example."""
    found = entries("measures").values()
    return [m for each in found for m in (each.members if isinstance(each, Family) else (each,))]


def make_rows(n_patients: int = 60, per_patient: int = 1, seed: int = 3) -> Rows:
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(n_patients), per_patient)
    n = patient.size
    risk = rng.normal(size=n_patients)[patient]
    reference = (risk + rng.normal(size=n) > 0).astype(float)
    score = 1 / (1 + np.exp(-(0.8 * risk + 0.6 * rng.normal(size=n))))
    columns = {
        "score": score,
        "reference": reference,
        "decision": (score >= 0.5).astype(float),
        "dice": rng.uniform(0.2, 0.9, n),
        "volume_predicted_ml": rng.uniform(1, 9, n),
        "volume_reference_ml": rng.uniform(1, 9, n),
        "area_inside": rng.uniform(0, 0.1, n),
        **{name: rng.uniform(0, 1, n) for name in SCORES if name != "area_inside"},
    }
    quantity = 40 + 9 * risk + rng.normal(0, 3, n)
    grade = np.clip(np.round(2 + risk), 0, 4)
    columns |= {
        "value_reference": quantity,
        "value_predicted": quantity * rng.normal(1.04, 0.08, n),
        "grade_reference": grade,
        "grade_predicted": np.clip(grade + rng.integers(-1, 2, n), 0, 4),
        "n_grades": np.full(n, 5.0),
        "seconds": rng.lognormal(4, 0.5, n),
        "repeat_square": rng.chisquare(1, n),
        "repeat_df": np.full(n, 0.5),
    }
    return Rows(patient, columns | marked(reference, rng) | masks(n, seed))


def marked(reference: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Columns of a detection target: up to three lesions of a positive case, up to two false marks of any case."""
    n = reference.size
    lesions = np.where(reference == 1, rng.integers(1, 4, n), 0)
    rating = np.where(rng.uniform(size=(n, 3)) < 0.85, rng.normal(1, 1, (n, 3)), -np.inf)
    rating = np.where(np.arange(3) < lesions[:, None], rating, np.nan)
    false = np.where(np.arange(2) < rng.integers(0, 3, n)[:, None], rng.normal(0, 1, (n, 2)), np.nan)
    return {
        "lesions_reference": lesions.astype(float),
        "marks": (np.isfinite(rating).sum(axis=1) + np.isfinite(false).sum(axis=1)).astype(float),
        "lesions_found": (rating >= 0.5).sum(axis=1).astype(float),
        "lesions_false": (false >= 0.5).sum(axis=1).astype(float),
        "lesion_rating": rating,
        "lesion_weight": np.where(np.isnan(rating), np.nan, 1 / np.maximum(lesions, 1)[:, None]),
        "false_rating": false,
    }


def masks(n: int, seed: int) -> dict[str, np.ndarray]:
    """Columns of two masks."""
    rng = np.random.default_rng(seed + 1000)
    return {
        "iou": rng.uniform(0.1, 0.8, n),
        "surface_within": rng.uniform(0.3, 1, n),
        "hd95_mm": rng.uniform(1, 20, n),
        "assd_mm": rng.uniform(0.2, 4, n),
        "lesion_iou": rng.uniform(0, 0.5, n),
    }


@pytest.fixture
def rows() -> Rows:
    return make_rows()


@pytest.fixture
def clustered() -> Rows:
    return make_rows(40, 4)


@pytest.fixture
def rows_of() -> Callable[..., Rows]:
    return make_rows
