"""Cells of a row of ANALYSES, each bound to its place in the evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.dossier.citing import cite
from audit.dossier.content import Run, Runs, Text, text
from audit.dossier.pointers import pointer
from audit.dossier.rounding import number
from audit.dossier.view import ANALYSES, AuditView


def limits_of(view: AuditView, row: Mapping[str, Any]) -> Runs:
    """The interval of a row of ANALYSES in brackets, or a dash."""
    if row["low"] is None or row["high"] is None:
        return text("–", "quiet")
    return (Text("["), number_of(view, row, "low"), Text(" to "), number_of(view, row, "high"), Text("]"))


def p_of(view: AuditView, row: Mapping[str, Any], name: str) -> Runs:
    """A p value of a row of ANALYSES, or a dash."""
    if row[name] is None:
        return text("–", "quiet")
    value = float(row[name])
    return (cell_of(view, row, name, "<0.001" if value < 0.001 else f"{value:.3f}"),)


def number_of(view: AuditView, row: Mapping[str, Any], column: str) -> Run:
    """A number of the row, rounded."""
    return cell_of(view, row, column, number(float(row[column])))


def cell_of(view: AuditView, row: Mapping[str, Any], column: str, words: str) -> Run:
    """``words`` that stand for the row's ``column``."""
    return cite(view, ANALYSES, pointer(row["analysis_id"], column), words)
