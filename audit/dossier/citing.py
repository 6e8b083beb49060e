"""Turns evidence into printed runs. A number without a statement behind it is not printed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from audit.dossier.content import Run, Runs, Style, Text, Value
from audit.dossier.pointers import look_up, pointer
from audit.dossier.rounding import number, undefined, whole
from audit.dossier.view import ESTIMATES, AuditView, EstimateRow

NO_STATEMENT = "not in evidence"


def cite(view: AuditView, kind: str, address: str, text: str, style: Style = "plain") -> Run:
    """``text`` bound to the product of ``kind`` at ``address``; 'not in evidence' where no statement holds it."""
    statement = view.statements.get(kind)
    return Text(NO_STATEMENT, "quiet") if statement is None else Value(text, statement.id, address, style)


def count(view: AuditView, kind: str, **where: object) -> Run:
    """How many rows of the table ``kind`` have these values, bound to that table."""
    return tally(view, kind, {name: str(value) for name, value in where.items()})


def tally(view: AuditView, kind: str, where: dict[str, str]) -> Run:
    """As ``count``, for column names that are no Python names."""
    address = pointer("count", *(f"{name}={value}" for name, value in where.items()))
    return cite(view, kind, address, whole(look_up(view.payload(kind), address)))


def distinct(view: AuditView, kind: str, column: str) -> Run:
    """How many different values ``column`` has."""
    address = pointer("distinct", column)
    return cite(view, kind, address, whole(look_up(view.payload(kind), address)))


def fact(view: AuditView, kind: str, *tokens: object, style: Style = "plain") -> Run:
    """A value of a JSON-like product, as it stands there."""
    address = pointer(*tokens)
    return cite(view, kind, address, _plain(look_up(view.payload(kind), address)), style)


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}".replace("-", "\u2212")
    if isinstance(value, Mapping):
        return "; ".join(f"{key} {_plain(each)}" for key, each in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(_plain(each) for each in value) or "none"
    return str(value) if value not in (None, "") else "not stated"


def estimate(view: AuditView, row: EstimateRow, *, signed: bool | None = None) -> Runs:
    """The point estimate, or ``undefined: reason``."""
    if row.value is None:
        reason = undefined(row.undefined or "no value")
        return (cite(view, ESTIMATES, pointer(row.estimate_id, "undefined"), reason, "quiet"),)
    return (_number(view, row, "value", row.value, signed),)


def limits(view: AuditView, row: EstimateRow, *, signed: bool | None = None) -> Runs:
    """The confidence limits in brackets; ``no interval: reason`` where there are none, nothing without an estimate."""
    if row.value is None:
        return ()
    if row.low is None or row.high is None:
        why = row.undefined or "no method applies"
        reason = why if why.startswith("no interval") else f"no interval: {why}"
        return (cite(view, ESTIMATES, pointer(row.estimate_id, "undefined"), reason, "quiet"),)
    low = _number(view, row, "low", row.low, signed)
    high = _number(view, row, "high", row.high, signed)
    return (Text("["), low, Text(" to "), high, Text("]"))


def _number(view: AuditView, row: EstimateRow, column: str, value: float, signed: bool | None) -> Run:
    plus = row.kind in ("contrast", "change") if signed is None else signed
    text = number(value, view.unit(row.measure, row.target), signed=plus)
    return cite(view, ESTIMATES, pointer(row.estimate_id, column), text)


def with_limits(view: AuditView, row: EstimateRow) -> Runs:
    """Estimate and limits as one phrase."""
    rest = limits(view, row)
    return (*estimate(view, row), Text("\u00a0"), *rest) if rest else estimate(view, row)


def unbroken(runs: Runs) -> Runs:
    """The same runs, to stand on one line: an interval in a narrow column is not torn at its 'to'."""
    return tuple(replace(run, text=run.text.replace(" ", "\u00a0")) if type(run) is Text else run for run in runs)


def size(view: AuditView, row: EstimateRow, column: str) -> Runs:
    """One of the counts beside an estimate; a dash where the table has none."""
    value = getattr(row, column)
    if value is None or pd.isna(value):
        return (Text("–", "quiet"),)
    return (cite(view, ESTIMATES, pointer(row.estimate_id, column), whole(int(value))),)
