"""Scores that each case has for itself, before any mean."""

from __future__ import annotations

import numpy as np

from audit.records import FloatArray, Rows


def share(numerator: FloatArray, denominator: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Numerator over denominator of each case, and 1 where the denominator is above 0; elsewhere the case counts 0."""
    counts = denominator > 0
    return np.divide(numerator, denominator, out=np.zeros(counts.size), where=counts), counts.astype(np.float64)


def lesions_counted(rows: Rows) -> FloatArray:
    """Matched lesions twice, missed and false ones once: the denominator of F1 and, as twice its own, of panoptic
    quality."""
    columns = rows.columns
    return np.asarray(columns["lesions_found"] + columns["lesions_reference"] + columns["lesions_false"])
