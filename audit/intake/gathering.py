"""Cases one by one -> columns and arrays. Of a case only what stands in its row is kept, with its thumbnail.

Rows are packed a few thousand at a time into columns of text (Arrow) and forgotten: a case costs as many bytes as its
row in the manifest is long, not an object of its own for each cell.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from audit.intake.assembling import Case
from audit.intake.check import Intake
from audit.intake.looks import THUMB_SIDE
from audit.intake.similar import fingerprint

PACKED = 2048
NUMBERS = 5
_BLANK = bytes(THUMB_SIDE * THUMB_SIDE)
_NEEDED = ("case_id", "patient_id", "image", "sha256", "pixel_sha256", "dhash", "modality", "source_format")


class Gathered:
    """Rows as they come; ``elements``: header element that identifies -> cases that hold it."""

    def __init__(self) -> None:
        self._rows: list[dict[str, Any]] = []
        self._names: dict[str, None] = {}
        self._columns: dict[str, list[pd.Series]] = {}
        self._packed = 0
        self._thumbs = bytearray()
        self._prints = bytearray()
        self._numbers = array("d")
        self.elements: dict[str, list[str]] = {}

    def __len__(self) -> int:
        return self._packed + len(self._rows)

    def add(self, case: Case) -> None:
        """One case: its row, its looks, the identifying elements of its files."""
        self._rows.append(case.row)
        looks = case.looks
        self._thumbs += bytes.fromhex(looks["thumb"]) if looks else _BLANK
        self._prints += fingerprint(looks["dhash"]).tobytes() if looks else bytes(32)
        lettering = max((m["lettering"] for m in case.members), default=0)
        self._numbers.extend(
            (looks["share_clipped"], looks["levels"], lettering, looks["low"], looks["high"])
            if looks
            else (-1.0, -1, 0, np.nan, np.nan)
        )
        for element in sorted({e for m in case.members for e in m["identifying"]}):
            self.elements.setdefault(element, []).append(case.case_id)
        if len(self._rows) == PACKED:
            self._pack()

    def _pack(self) -> None:
        """The rows that wait become a part of each column; a column that begins here is blank before."""
        self._names |= dict.fromkeys(name for row in self._rows for name in row)
        for name in self._names:
            cells = _as_text([row.get(name, "") for row in self._rows])
            if name in self._columns or name in _NEEDED or bool(cells.notna().any()):
                self._columns.setdefault(name, [_blank(self._packed)]).append(cells)
        self._packed += len(self._rows)
        self._rows = []

    def intake(self, frame: pd.DataFrame, **further: Any) -> Intake:
        """What the checks look at, with ``frame`` (from ``frame()``, more columns added) as the cases."""
        numbers = np.frombuffer(self._numbers, np.float64).reshape(-1, NUMBERS)
        return Intake(
            cases=frame,
            thumbs=np.frombuffer(self._thumbs, np.uint8).reshape(-1, THUMB_SIDE, THUMB_SIDE),
            fingerprints=np.frombuffer(self._prints, np.uint64).reshape(-1, 4),
            clipped=numbers[:, 0].astype(np.float32),
            levels=numbers[:, 1].astype(np.int16),
            lettering=numbers[:, 2].astype(np.int16),
            ranges=numbers[:, 3:].astype(np.float32),
            **further,
        )

    def frame(self) -> pd.DataFrame:
        """The rows; blank cells missing, columns without any value left out. Hands the rows over: it keeps none."""
        self._pack()
        names = [name for name in self._names if name in self._columns]
        found = {name: pd.concat(self._columns.pop(name), ignore_index=True) for name in names}
        absent = {name: _blank(self._packed) for name in _NEEDED if name not in found}
        return pd.DataFrame(found | absent, index=pd.RangeIndex(self._packed))


def _blank(n: int) -> pd.Series:
    return pd.Series(pd.NA, index=range(n), dtype="string")


def _as_text(values: Sequence[Any]) -> pd.Series:
    text = [pd.NA if v == "" or v is None else (v if isinstance(v, str) else f"{v:.10g}") for v in values]
    return pd.Series(text, dtype="string")


def counts_by(values: pd.Series) -> Mapping[str, int]:
    """Level -> number of cases, most first; missing as 'unknown'."""
    counts = values.astype("string").fillna("unknown").value_counts()
    return {str(level): int(n) for level, n in counts.items()}
