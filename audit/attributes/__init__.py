"""Strata derived from headers and manifest columns, always with 'unknown'."""
