"""Denominators: cases, and the patients they come from, since the patient is the unit of inference."""

from __future__ import annotations

import numpy as np

from audit.records import BoolArray, Rows

POSITIVES, NEGATIVES = "reference-positive cases", "reference-negative cases"


def sizes(rows: Rows, mask: BoolArray, counted: str) -> dict[str, int]:
    """Cases under ``mask`` and the patients they come from, by the name of what is counted."""
    patients = int(np.count_nonzero(np.bincount(rows.patient[mask]))) if mask.any() else 0
    return {counted: int(mask.sum()), f"patients with {counted}": patients}


def class_sizes(rows: Rows) -> dict[str, int]:
    """Reference-positive and reference-negative cases, and the patients they come from."""
    positive = rows.columns["reference"] == 1
    return {**sizes(rows, positive, POSITIVES), **sizes(rows, ~positive, NEGATIVES)}


def one_case_per_patient(rows: Rows) -> bool:
    """Whether no patient occurs twice."""
    return rows.n_patients == len(rows)
