"""Recorded predictions of a device -> a table by case id, as a plan's ``kind: recorded`` reads it.

A device names images as the hospital does: by path, file name or UID. Here its rows are put to the cases that they
are about, one row for one case; nothing else is changed, and no prediction enters the manifest.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from audit.intake.placing import Placed, placed
from audit.intake.tables import PATIENT, UID, Table, read
from audit.records import BadInput

PREDICTIONS = "predictions"


def read_predictions(paths: tuple[Path, ...]) -> dict[str, Table]:
    """Name of the file to write -> table; raises ``BadInput`` for two tables of one name."""
    tables: dict[str, Table] = {}
    for path in paths:
        name = f"{PREDICTIONS}/{path.name.split('.')[0]}.csv"
        if name in tables:
            raise BadInput(f"--predictions {path}: another table is called {path.name} too; rename one.")
        tables[name] = read(path)
    return tables


def predictions_of(table: Table, frame: pd.DataFrame, key: bytes) -> tuple[pd.DataFrame, Placed]:
    """The table's rows by ``case_id``, cases without one left out; raises ``BadInput`` where one row stands for several
    cases."""
    place = placed(table, frame, key)
    twice = place.shared(frame)
    if twice:
        raise BadInput(
            f"{table.path}: one row stands for several cases ('{place.column}' names them by {place.how}; first: "
            f"{', '.join(twice[:2])}); a prediction is about one case: name the image, or take the set in otherwise."
        )
    cells = place.cells(table)[place.rows.notna()]
    used = (place.column.lower(), "case_id", *PATIENT)
    kept = [c for c in map(str, cells) if c.lower() not in used and not UID.search(c)]
    return pd.concat([frame.loc[cells.index, ["case_id"]], cells[kept]], axis=1), place


def unplaced(table: Table, place: Placed) -> list[str]:
    """Rows that name no case."""
    found = set(place.rows.dropna().astype(int))
    return [f"{table.path.name} row {i + 1}" for i in range(len(table.frame)) if i not in found]
