"""The study as a document."""

from __future__ import annotations

from typing import Any


def report(study: dict[str, Any]) -> str:
    """docs/coverage.md."""
    return str(len(study["rows"]))
