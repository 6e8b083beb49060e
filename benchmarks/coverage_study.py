"""One simulated set in, the product's own answer to every question about it out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from coverage_designs import Drawn

from audit.measures import auroc, brier, calibration_intercept, calibration_slope, dice, npv, ppv, sensitivity
from audit.measures import specificity as specificity_
from audit.measures.answers import Answer, Kind, Rules, Side, answer, bootstrapped, resampled
from audit.measures.measure import Counts, Measure
from audit.records import BoolArray, Rows

RULES = Rules(too_few=10, confidence=0.95)
LINES = (calibration_slope.ENTRY, calibration_intercept.ENTRY)
RATIOS = (sensitivity.ENTRY, specificity_.ENTRY, ppv.ENTRY, npv.ENTRY, brier.ENTRY, dice.ENTRY)
MEASURES = (auroc.ENTRY, *RATIOS, *LINES)


@dataclass(frozen=True, slots=True)
class Asked:
    """What an interval is about: ``kind`` is 'value', 'contrast of patients', 'contrast of cases' or 'change'."""

    kind: str
    measure: str


def study(
    drawn: Drawn, counts: Counts, clustered: bool, measures: Sequence[Measure] = MEASURES
) -> Iterator[tuple[Asked, Answer]]:
    """All answers about one set."""
    for measure in measures:
        for kind, sides in questions(measure, drawn, clustered).items():
            yield Asked(kind, measure.name), printed(kind, sides, counts)


def printed(kind: str, sides: tuple[Side, ...], counts: Counts) -> Answer:
    """What the product prints."""
    own_kind: Kind = "contrast" if kind.startswith("contrast") else "change" if kind == "change" else "value"
    found = resampled(bootstrapped(own_kind, sides), counts)
    return answer(own_kind, sides, found.__getitem__)


def questions(measure: Measure, drawn: Drawn, clustered: bool) -> dict[str, tuple[Side, ...]]:
    """Kind of question -> the one or two sides that give the answer."""
    candidate, comparator = (side(measure, rows_for(measure, each)) for each in (drawn.candidate, drawn.comparator))
    kept = drawn.candidate.columns["reference"] == 1 if measure is dice.ENTRY else slice(None)
    found: dict[str, tuple[Side, ...]] = {
        "value": (candidate,),
        "contrast of patients": _split(candidate, drawn.group[kept] == 1),
        "change": (candidate, comparator),
    }
    if clustered:
        found["contrast of cases"] = _split(candidate, drawn.view[kept] == 1)
    return found


def rows_for(measure: Measure, rows: Rows) -> Rows:
    """Dice is measured where the reference has a lesion."""
    return rows.where(rows.columns["reference"] == 1) if measure is dice.ENTRY else rows


def side(measure: Measure, rows: Rows) -> Side:
    return Side(measure, rows, RULES)


def _split(whole: Side, members: BoolArray) -> tuple[Side, Side]:
    return side(whole.measure, whole.rows.where(members)), side(whole.measure, whole.rows.where(~members))
