"""Validates and explains medical-imaging AI for regulators; see docs/architecture.md."""

__version__ = "0.1.0"
