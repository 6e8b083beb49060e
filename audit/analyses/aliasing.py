"""Can the effect of a manufacturer be told from that of a site at all: which levels only occur together."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from audit.analyses.analysis import About, Analysis, Row, missing, stated
from audit.analyses.study import SOURCES, Study
from audit.records import IntArray

ALIASED = "aliased: their effects cannot be separated"
NESTED = "nested: each {} has one {}"
CROSSED, PARTLY = "crossed", "partly aliased: some levels occur with one other level only"


def run(study: Study) -> list[Row]:
    """Cramér's V on patients and what is aliased, for every pair of makers, sites and scanners."""
    if len(study.sources) < 2:
        return [missing(About("set"), "Cramér's V", f"the plan declares fewer than two of {', '.join(SOURCES)}")]
    return [row for pair in combinations(study.sources, 2) for row in _pair(study, *pair)]


def _pair(study: Study, first: str, second: str) -> Iterator[Row]:
    (a, rows), (b, columns) = study.codes(first), study.codes(second)
    known = (a >= 0) & (b >= 0)
    met = np.unique(np.column_stack([study.order.patient, a, b])[known], axis=0)
    table = np.zeros((len(rows), len(columns)), dtype=np.int64)
    np.add.at(table, (met[:, 1], met[:, 2]), 1)
    about = About("set", measure="share", attribute=f"{first} with {second}", n_patients=len(np.unique(met[:, 0])),
                  n_cases=int(known.sum()))  # fmt: skip
    kept = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    if min(kept.shape, default=0) < 2:
        yield missing(about, "Cramér's V", f"fewer than two levels of {first} or {second} have cases")
        return
    only = [*_alone(table, rows, columns), *_alone(table.T, columns, rows)]
    yield stated(
        about, "Cramér's V", cramer(kept), verdict=_verdict(kept, first, second), method="; ".join(only) or None
    )


def _alone(table: IntArray, rows: tuple[str, ...], columns: tuple[str, ...]) -> Iterator[str]:
    """Levels that occur with one level of the other attribute only."""
    for name, counts in zip(rows, table, strict=True):
        if np.count_nonzero(counts) == 1:
            yield f"{name} only with {columns[int(counts.argmax())]}"


def cramer(table: IntArray) -> float:
    """Cramér's V of a table without empty rows or columns: 0 independent, 1 one determines the other."""
    n = float(table.sum())
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
    chi2 = float((np.square(table - expected) / expected).sum())
    return float(np.sqrt(chi2 / (n * (min(table.shape) - 1))))


def _verdict(table: IntArray, first: str, second: str) -> str:
    in_rows, in_columns = ((np.count_nonzero(table, axis=axis) == 1) for axis in (1, 0))
    if in_rows.all() and in_columns.all():
        return ALIASED
    if in_rows.all() or in_columns.all():
        return NESTED.format(*((first, second) if in_rows.all() else (second, first)))
    return PARTLY if in_rows.any() or in_columns.any() else CROSSED


ENTRY = Analysis(
    name="aliasing",
    title="Which attributes only occur together",
    question="Can the effect of a manufacturer be told from the effect of the site it stands at?",
    source="Cramér, Mathematical Methods of Statistics, 1946; Cochran, Planning and Analysis of Observational Studies",
    run=run,
)
