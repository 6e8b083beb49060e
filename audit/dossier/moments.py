"""Moments: as the evidence keeps them (ISO 8601, UTC) and as a market writes them."""

from __future__ import annotations

import re

from audit.dossier.catalogues import MONTHS, WritingStyle

ISO = re.compile(r"\b(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z")
WRITTEN = re.compile(rf"(\d+)?({'|'.join(MONTHS)})(?:(\d+),)?(\d{{4}}),(\d\d:\d\d:\d\d)UTC")
"""Without spaces: a line's end takes them out of what is read back from a PDF."""


def written(words: str, style: WritingStyle) -> str:
    """``words`` with every ISO moment as the market writes it, to the second: the order of events lies there."""
    return ISO.sub(lambda found: f"{style.day(found[1])}, {found[2]} UTC", words)


def moment(words: str) -> str | None:
    """The moment that ``words`` are, as '2026-11-25 19:48:44', however they are written; None for anything else."""
    if iso := ISO.fullmatch(words):
        return f"{iso[1]} {iso[2]}"
    if found := WRITTEN.fullmatch(re.sub(r"\s+", "", words)):
        day = found[1] or found[3]
        return f"{found[4]}-{MONTHS.index(found[2]) + 1:02d}-{int(day):02d} {found[5]}" if day else None
    return None
