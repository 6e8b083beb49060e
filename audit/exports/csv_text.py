"""CSV that no spreadsheet runs: RFC 4180 with a header, UTF-8, '.' as the decimal sign, empty for missing."""

from __future__ import annotations

import csv
import io

import pandas as pd

RUNS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""Beginnings of a text that a spreadsheet would read as a formula (OWASP, CSV injection)."""


def csv_bytes(frame: pd.DataFrame) -> bytes:
    """The table as CSV; the same table gives the same bytes. Numbers read back as themselves."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([harmless(str(name)) for name in frame.columns])
    plain = frame.astype(object).where(frame.notna(), None)
    writer.writerows([_cell(value) for value in row] for row in plain.itertuples(index=False))
    return out.getvalue().encode("utf-8")


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value
    return repr(float(value)) if isinstance(value, float) else harmless(str(value))


def harmless(words: str) -> str:
    """Words that begin like a formula, behind an apostrophe."""
    return f"'{words}" if words.startswith(RUNS) else words
