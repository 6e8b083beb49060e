"""Integrated calibration index: mean distance of predicted probability and smoothed outcome."""

from __future__ import annotations

from audit.measures.smooth_calibration import smooth_distance

ENTRY = smooth_distance("ici", "integrated calibration index (ICI)")
