"""Measures of explanations: the mean of one score over the explained cases."""

from __future__ import annotations

from audit.measures.measure import Measure
from audit.measures.ratio import Mean
from audit.records import Direction, FloatArray, Rows


def explained(
    name: str,
    title: str,
    unit: str,
    limits: tuple[float | None, float | None],
    direction: Direction,
    source: str,
    ideal: float | None = None,
    counted: str = "explained cases with this score",
) -> Measure:
    """The mean of the score called ``name``; ``limits`` are the least and the largest value that it can take."""

    def per_case(rows: Rows) -> tuple[FloatArray, FloatArray]:
        values = rows.columns[name]
        return values, (values == values).astype(float)

    return Measure(
        name=name,
        title=title,
        unit=unit,
        low=limits[0],
        high=limits[1],
        direction=direction,
        tasks=("explanation",),
        columns=(name,),
        source=source,
        estimator=Mean(per_case, counted),
        ideal=ideal,
    )
