"""90th centile of the distance of predicted probability and smoothed outcome."""

from __future__ import annotations

from audit.measures.smooth_calibration import smooth_distance

ENTRY = smooth_distance("e90", "90th centile of the calibration error (E90)")
