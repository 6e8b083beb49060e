"""What an entry of this room declares, and how its rows are written down."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from audit.analyses.study import Study
from audit.records import Interval, Undefined
from audit.tables import ALL, OVERALL

Row = dict[str, Any]
DECIMALS = 12
KEY = ("analysis", "version", "target", "measure", "attribute", "level", "quantity")


@dataclass(frozen=True, slots=True)
class About:
    """What a row is about; ``n_patients`` and ``n_cases`` contribute to it."""

    version: str = ALL
    target: str = ALL
    measure: str = ALL
    attribute: str = OVERALL
    level: str = ALL
    n_patients: int = 0
    n_cases: int = 0

    def at(self, level: str, n_patients: int, n_cases: int) -> About:
        return replace(self, level=level, n_patients=n_patients, n_cases=n_cases)


@dataclass(frozen=True, slots=True)
class Analysis:
    """One question: ``run`` answers it for a whole audit, with rows that lack only analysis and analysis_id."""

    name: str
    title: str
    question: str
    source: str
    run: Callable[[Study], list[Row]]


def stated(
    about: About,
    quantity: str,
    value: float | Undefined | None = None,
    interval: Interval | Undefined | None = None,
    *,
    p: float | None = None,
    p_adjusted: float | None = None,
    verdict: str | None = None,
    method: str | None = None,
    undefined: str | None = None,
) -> Row:
    """One row: a value or its reason; ``interval`` also names the method unless ``method`` does."""
    limits = interval if isinstance(interval, Interval) else None
    missing = next((each.reason for each in (value, interval) if isinstance(each, Undefined)), None)
    return {
        "version": about.version,
        "target": about.target,
        "measure": about.measure,
        "attribute": about.attribute,
        "level": about.level,
        "quantity": quantity,
        "value": None if value is None or isinstance(value, Undefined) else _settled(value),
        "low": _settled(limits.low) if limits else None,
        "high": _settled(limits.high) if limits else None,
        "p": p,
        "p_adjusted": p_adjusted,
        "verdict": verdict,
        "method": method or (limits.method if limits else None),
        "n_patients": about.n_patients,
        "n_cases": about.n_cases,
        "undefined": undefined or missing,
    }


def _settled(value: float) -> float:
    """Without the rounding noise that would tell one machine's zero from another's."""
    return round(value, DECIMALS) + 0.0


def missing(about: About, quantity: str, reason: str, verdict: str | None = None) -> Row:
    """A row for a quantity that has no value here, and why."""
    return stated(about, quantity, undefined=reason, verdict=verdict)


def analysis_id(row: Row) -> str:
    """'A' and twelve hexadecimal digits of the SHA-256 over what the row is about, whatever its value."""
    return "A" + hashlib.sha256("\x1f".join(str(row[name]) for name in KEY).encode()).hexdigest()[:12]
