"""How numbers are printed, and whether a printed one is a value's: the only place where a result is rounded."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from audit.dossier.moments import moment

DECIMALS: Mapping[str, int] = {"mm": 2, "mL": 2, "ml": 2, "s": 2, "ms": 1, "minutes": 1, "points": 2}
PROPORTION_DECIMALS = 3
MINUS, INFINITY = "\u2212", "\u221e"
PRINTED_NUMBER = re.compile(r"([+\u2212]?)([\d,]+)(?:\.(\d+))?")


SHORTEST_DIGEST = 8


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


def rounds_to(value: Any, text: str) -> bool:
    """Whether ``value`` prints as ``text`` with the decimals that ``text`` has; True where one of them is no number."""
    match = PRINTED_NUMBER.fullmatch(text)
    if match is None or isinstance(value, bool | str) or not _finite(value):
        return True
    sign, whole_part, decimals = match.groups()
    digits = whole_part.replace(",", "")
    printed = f"{digits}.{decimals}" if decimals else digits
    rounded = f"{abs(float(value)):.{len(decimals or '')}f}"
    zero = not any(digit in rounded for digit in "123456789")
    return rounded == printed and (zero or (sign == MINUS) == (float(value) < 0))


def prints_as(value: Any, text: str) -> bool:
    """Whether ``text`` can be what a document prints for ``value``: numbers under the rounding rule, words by name."""
    if isinstance(value, str):
        if (at := moment(value)) is not None and at == moment(text):
            return True
        said, printed = _bare(value), _bare(text)
        return said in printed or (len(printed) > SHORTEST_DIGEST and said.startswith(printed))
    if not isinstance(value, bool) and _finite(value) and not re.search(r"\d", text):
        return text == INFINITY
    return rounds_to(value, text)


def _bare(words: str) -> str:
    """Words without what a block, a PDF's line or a name in the plan writes between them."""
    return re.sub(r"[\s_]+", "", words).casefold()


def agree(one: str, other: str) -> bool:
    """Whether two printed texts can be the same result: numbers may differ in decimals, words not at all."""
    first, second = (PRINTED_NUMBER.fullmatch(text) for text in (one, other))
    if first is None or second is None:
        return one == other or (moment(one) is not None and moment(one) == moment(other))
    (value, places), (other_value, other_places) = _parsed(first), _parsed(second)
    if places == other_places:
        return value == other_value
    half_units = 0.5 * 10.0**-places + 0.5 * 10.0**-other_places
    return abs(value - other_value) <= half_units * (1 + 1e-9)


def is_number(text: str) -> bool:
    """Whether ``text`` is a printed number."""
    return PRINTED_NUMBER.fullmatch(text) is not None


def _parsed(match: re.Match[str]) -> tuple[float, int]:
    sign, whole_part, decimals = match.groups()
    value = float(f"{whole_part.replace(',', '')}.{decimals or '0'}")
    return (-value if sign == MINUS else value), len(decimals or "")


def _finite(value: Any) -> bool:
    try:
        return math.isfinite(float(value))
    except (TypeError, ValueError):
        return False
