"""Segmentation case by case: how its scores are spread, and the worst cases by name."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from audit.dossier.block import Block, NoParameters
from audit.dossier.citing import cite, size
from audit.dossier.content import Column, Node, Paragraph, Row, Run, Runs, Table, Text, text
from audit.dossier.pointers import pointer
from audit.dossier.rounding import number, whole
from audit.dossier.view import OBSERVATIONS, AuditView
from audit.dossier.words import version_label
from audit.dossier.worst import WORST, analysed_rows, worst_rows
from audit.tables import ALL, OVERALL

SCORES = (
    ("dice", "dice", "Dice", ""),
    ("surface_within", "normalised_surface_distance", "surface within the tolerance", ""),
    ("hd95_mm", "hd95", "95th percentile of surface distances", "mm"),
    ("assd_mm", "assd", "mean surface distance", "mm"),
)
"""Column, the measure whose estimate counts the same cases, words, unit."""
SHARES = ((0.0, "Lowest"), (0.25, "Lower quartile"), (0.5, "Median"), (0.75, "Upper quartile"), (1.0, "Highest"))
NOTE = (
    "Each entry is the score of a case: the smallest that at least this share of the cases does not exceed. No "
    "interval: the table describes these cases. Cases with both masks empty have no Dice, cases with one empty mask no "
    "distance."
)
SPREAD = (Column("Score", 2.4), Column("Cases", 0.7, "right"), *(Column(name, 1, "right") for _, name in SHARES))
WORST_COLUMNS = (
    Column("Case", 2.2), Column("Dice", 0.8, "right"), Column("95th percentile of distances", 1.3, "right"),
    Column("Predicted", 1, "right"), Column("Reference", 1, "right"),
)  # fmt: skip


def _build(view: AuditView, given: NoParameters) -> tuple[Node, ...]:  # noqa: ARG001
    nodes: list[Node] = []
    for name, target in view.plan.targets.items():
        for version in view.versions if target.task == "segmentation" else ():
            rows = analysed_rows(view.observations, view.dispositions, version, name)
            title = f"{name.replace('_', ' ')}, {version_label(view, version)}"
            spread = tuple(_spread(view, rows, version, name))
            if spread:
                nodes.append(Table(f"Scores case by case: {title}", SPREAD, spread, text(NOTE)))
                nodes += _worst(view, rows, title)
    return tuple(nodes)


def _spread(view: AuditView, rows: pd.DataFrame, version: str, target: str) -> Iterator[Row]:
    for column, measure, words, unit in SCORES:
        known = rows[rows[column].notna()].sort_values([column, "case_id"], kind="stable")
        if len(known):
            places = [max(0, math.ceil(share * len(known)) - 1) for share, _ in SHARES]
            cells = [(_cell(view, known.index[place], column, unit),) for place in places]
            label = f"{words} ({unit})" if unit else words
            row = view.plain.get((version, measure, target, OVERALL, ALL))
            same = row is not None and row.n_cases == len(known)
            cases = size(view, row, "n_cases") if row is not None and same else text(whole(len(known)))
            yield Row((text(label), cases, *cells))


def _worst(view: AuditView, rows: pd.DataFrame, title: str) -> Iterator[Node]:
    worst = worst_rows(rows)
    shown = worst[~worst["case_id"].isin(view.hidden)]
    lines = tuple(Row((text(str(case)), *_scores(view, index))) for index, case in shown["case_id"].items())
    if lines:
        note = f"The {WORST} of lowest Dice, of equal ones the larger error of volume. Volumes in mL, distances in mm."
        yield Table(f"Worst cases: {title}", WORST_COLUMNS, lines, text(note))
    if len(worst) > len(shown):
        words = (
            f"Worst cases, {title}: {len(worst) - len(shown)} are not named: their set is sequestered, and output of "
            "single cases is for the assessment role. Each showing is an access to the set."
        )
        yield Paragraph(text(words), "note")


def _scores(view: AuditView, index: object) -> Iterator[Runs]:
    for column, unit in (("dice", ""), ("hd95_mm", "mm"), ("volume_predicted_ml", "mL"), ("volume_reference_ml", "mL")):
        yield (_cell(view, index, column, unit),)


def _cell(view: AuditView, index: object, column: str, unit: str) -> Run:
    place = view.observations.index.get_loc(index)
    value = float(view.observations[column].to_numpy(dtype=np.float64, na_value=np.nan)[place])
    if math.isnan(value):
        return Text("–", "quiet")
    return cite(view, OBSERVATIONS, pointer("rows", place, column), number(value, unit))


ENTRY = Block("per_case", NoParameters, _build, single_cases=True)
