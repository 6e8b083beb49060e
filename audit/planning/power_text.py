"""The answers of ``audit power`` as a table for people and as values for machines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from audit.planning.power import Aim, Design, Expected, HalfWidth, Margin, Need
from audit.planning.set_power import Assumed, Shown
from audit.records import Undefined
from audit.tables import OVERALL


def need_as_dict(need: Need, expected: Expected, aim: Aim, design: Design) -> dict[str, Any]:
    """Question and answer."""
    kind = {"HalfWidth": "half_width", "Minimum": "minimum", "Margin": "margin"}[type(aim).__name__]
    question = {"expected": asdict(expected), "aim": {"kind": kind} | asdict(aim), "design": asdict(design)}
    return {"question": question, "answer": asdict(need)}


def need_as_text(need: Need, expected: Expected, aim: Aim, design: Design) -> str:
    """One line per quantity: in one stratum and, where there are several, in all."""
    rows: list[tuple[str, int | None]] = []
    for each in need.classes:
        rows += [(f"{each.counted} images", each.images), (f"patients with {each.counted} images", each.patients)]
    if design.prevalence is not None:
        share = f"{100 * design.prevalence:g} % reference-positive"
        rows += [(f"patients in all ({share}), on average", need.recruited)]
        rows += [("patients in all, with a chance of 90 %", need.assured)]
    several = design.strata > 1
    head = f"{'':<56}{'one stratum' if several else 'cases':>12}" + (
        f"{design.strata} strata".rjust(12) if several else ""
    )
    lines = [_question(expected, aim, design), head]
    for name, count in rows:
        lines.append(f"{name:<56}{count:>12,}" + (f"{(count or 0) * design.strata:>12,}" if several else ""))
    what = "half-width with these cases" if isinstance(aim, HalfWidth) else "power with these cases"
    lines.append(f"{what:<56}{need.attained:>12.3f}" + (f"{need.joint:>12.3f}" if need.joint is not None else ""))
    return "\n".join([*lines, "Assumptions:", *(f"  {line}" for line in need.assumptions)])


def _question(expected: Expected, aim: Aim, design: Design) -> str:
    if isinstance(aim, HalfWidth):
        what = f"{expected.measure} of {expected.value:g} ± {aim.value:g}"
    elif isinstance(aim, Margin):
        goal = f"non-inferiority, margin {aim.value:g}" if aim.value else "superiority"
        what = f"{expected.measure}, {goal}; true difference {aim.difference:g}, discordant {aim.discordant:g}"
    else:
        what = f"{expected.measure} of {expected.value:g} against a minimum of {aim.value:g}"
    together = " in all strata together" if design.together else ""
    power = "" if isinstance(aim, HalfWidth) else f", power {100 * aim.power:g} %{together}"
    return f"Cases for {what}{power}; {100 * design.confidence:g} % interval."


def shown_as_dict(rows: Sequence[Shown], assumed: Assumed) -> dict[str, Any]:
    """Assumptions and one entry per endpoint and group; ``{"undefined": reason}`` where there is no value."""
    return {"assumed": asdict(assumed) | {"values": dict(assumed.values)}, "rows": [_plain(row) for row in rows]}


def shown_as_text(rows: Sequence[Shown], assumed: Assumed) -> str:
    """A table per endpoint; claimed groups carry an asterisk; reasons stand below their table."""
    lines: list[str] = []
    for _, group in groupby(rows, key=lambda row: row.endpoint):
        lines += _of_endpoint(list(group), assumed)
    return "\n".join([*lines, "Assumptions:", *(f"  {line}" for line in _assumptions(rows, assumed))])


def _of_endpoint(rows: Sequence[Shown], assumed: Assumed) -> list[str]:
    """The endpoint's table; one line where nothing can be said of any group."""
    first = rows[0]
    numbers = [number for row in rows for number in (row.half_width, row.power, row.detectable)]
    reasons = {number.reason for number in numbers if isinstance(number, Undefined)}
    if len(reasons) == 1 and all(isinstance(number, Undefined) for number in numbers):
        return [f"{first.endpoint}: {first.measure} of {first.target}; {reasons.pop()}", ""]
    return [*_table(rows, assumed), ""]


def _table(rows: Sequence[Shown], assumed: Assumed) -> list[str]:
    first = rows[0]
    value = assumed.values.get(first.endpoint, assumed.values.get(first.measure))
    given = "" if value is None else f"; true value assumed {value:g}"
    width = max(len(_group(row)) for row in rows) + 2
    lines = [
        f"{first.endpoint}: {first.measure} of {first.target}; {first.criterion or 'no criterion'}{given}",
        f"  {'':<{width}}{'positive':>10}{'negative':>10}{'at':>8}{'±':>8}{'power':>8}{'shows from':>12}",
    ]
    reasons: dict[str, None] = {}
    for row in rows:
        at = "-" if row.at is None else f"{row.at:g}"
        cells = f"{row.positives.images:>10,}{row.negatives.images:>10,}{at:>8}"
        for number, size in ((row.half_width, 8), (row.power, 8), (row.detectable, 12)):
            cells += f"{'-' if isinstance(number, Undefined) else f'{number:.3f}':>{size}}"
            if isinstance(number, Undefined):
                reasons[number.reason] = None
        lines.append(f"  {_group(row):<{width}}{cells}")
    lines += _together(rows)
    return lines + ([f"  -: {'; '.join(reasons)}"] if reasons else [])


def _together(rows: Sequence[Shown]) -> list[str]:
    """The chance that every claimed group meets the criterion, where there are several."""
    claimed = [row.power for row in rows if row.claimed]
    known = [power for power in claimed if not isinstance(power, Undefined)]
    if len(claimed) < 2 or len(known) < len(claimed):
        return []
    return [f"  all {len(claimed)} claimed groups (*) meet it: {math.prod(known):.3f}"]


def _group(row: Shown) -> str:
    name = "whole set" if row.attribute == OVERALL else f"{row.attribute} {row.level}"
    return f"{name} *" if row.claimed else name


def _assumptions(rows: Sequence[Shown], assumed: Assumed) -> list[str]:
    lines = [
        "* the plan's criterion is judged here; images are counted; ± is the half-width expected at the value 'at'",
        f"shows from: least true value that meets the criterion with a power of {100 * assumed.power:g} %",
    ]
    if any(max(row.positives.mean_cluster, row.negatives.mean_cluster) > 1 for row in rows):
        icc = "1, as none was stated: a patient counts once" if assumed.icc is None else f"{assumed.icc:g}"
        lines.append(f"several images per patient; intraclass correlation {icc}")
    lines.append("half-widths: Wilson, Hanley-McNeil (independent cases), Student's t for Dice")
    lines.append("power: Clopper-Pearson and Tango limits enumerated; AUROC by Hanley-McNeil (exponential scores)")
    return lines


def _plain(row: Shown) -> dict[str, Any]:
    numbers = {name: getattr(row, name) for name in ("half_width", "power", "detectable")}
    shown = {name: {"undefined": n.reason} if isinstance(n, Undefined) else n for name, n in numbers.items()}
    return asdict(row) | shown
