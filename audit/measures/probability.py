"""Whether a score may be read as a probability."""

from __future__ import annotations

import numpy as np

from audit.records import Rows, Undefined


def not_probabilities(rows: Rows) -> Undefined | None:
    """Why the scores are no probabilities, or None where all lie within 0 to 1."""
    score = rows.columns["score"]
    outside = int(np.sum((score < 0) | (score > 1)))
    return Undefined(f"{outside} scores lie outside 0 to 1: they are not probabilities") if outside else None
