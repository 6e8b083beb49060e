"""How numbers are printed: the only place where a result is rounded."""

from __future__ import annotations

import math
from collections.abc import Mapping

DECIMALS: Mapping[str, int] = {"mm": 2, "mL": 2, "ml": 2, "s": 2, "ms": 1, "minutes": 1, "points": 2}
PROPORTION_DECIMALS = 3
MINUS, INFINITY = "\u2212", "\u221e"


def number(value: float, unit: str = "", *, signed: bool = False) -> str:
    """``value`` with the decimals of its unit: three for proportions and scores, two for mm, mL and seconds.

    A true minus sign; ``signed`` writes the plus sign too; a rounded zero carries no sign; infinity is ``∞``.
    """
    if math.isnan(value):
        raise ValueError("a missing value is printed as 'undefined: reason', never as a number")
    places = DECIMALS.get(unit, PROPORTION_DECIMALS)
    text = INFINITY if math.isinf(value) else f"{abs(value):,.{places}f}"
    zero = not any(digit in text for digit in "123456789" + INFINITY)
    sign = "" if zero else MINUS if value < 0 else "+" if signed else ""
    return sign + text


def whole(count: int) -> str:
    """A count with a comma between thousands."""
    return f"{count:,}".replace("-", MINUS)


def percent(part: int, total: int) -> str:
    """``part`` of ``total`` as a percentage with one decimal; a dash where the total is zero."""
    return f"{100 * part / total:.1f} %" if total else "–"


def undefined(reason: str) -> str:
    """What stands in place of a number that does not exist."""
    return f"undefined: {reason}"
