"""Cases whose time to notification counts: flagged and reference-positive, those the notification is for.

Source: special controls of 21 CFR 892.2080 (radiological computer aided triage and notification).
"""

from __future__ import annotations

import numpy as np

from audit.records import BoolArray, Rows

COLUMNS = ("seconds", "decision", "reference")
COUNTED = "flagged reference-positive cases"
SOURCE = "21 CFR 892.2080 (effective triage)"


def notified(rows: Rows) -> BoolArray:
    """Flagged reference-positive cases."""
    return np.asarray((rows.columns["decision"] == 1) & (rows.columns["reference"] == 1))
