"""Cases one by one -> columns and arrays. Of a case only what stands in its row is kept, with its thumbnail."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from audit.intake.assembling import Case
from audit.intake.check import Intake
from audit.intake.looks import THUMB_SIDE
from audit.intake.similar import fingerprint

_BLANK = bytes(THUMB_SIDE * THUMB_SIDE)


class Gathered:
    """Rows as they come, column by column, equal texts stored once."""

    def __init__(self) -> None:
        self._columns: dict[str, list[Any]] = {}
        self._thumbs = bytearray()
        self._prints = bytearray()
        self._numbers: list[tuple[float, int, int, float, float]] = []
        self.elements: dict[str, list[str]] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def add(self, case: Case) -> None:
        """One case: its row, its looks, the identifying elements of its files."""
        for name, value in case.row.items():
            if name not in self._columns:
                self._columns[name] = [""] * len(self)
            self._columns[name].append(sys.intern(value) if isinstance(value, str) else value)
        looks = case.looks
        self._thumbs += bytes.fromhex(looks["thumb"]) if looks else _BLANK
        self._prints += fingerprint(looks["dhash"]).tobytes() if looks else bytes(32)
        lettering = max((m["lettering"] for m in case.members), default=0)
        self._numbers.append(
            (looks["share_clipped"], looks["levels"], lettering, looks["low"], looks["high"])
            if looks
            else (-1.0, -1, 0, np.nan, np.nan)
        )
        for column in self._columns.values():
            column += [""] * (len(self) - len(column))
        for element in sorted({e for m in case.members for e in m["identifying"]}):
            self.elements.setdefault(element, []).append(case.case_id)

    def intake(self, frame: pd.DataFrame, **further: Any) -> Intake:
        """What the checks look at, with ``frame`` (from ``frame()``, more columns added) as the cases."""
        numbers = np.array(self._numbers, dtype=np.float64).reshape(-1, 5)
        return Intake(
            cases=frame,
            thumbs=np.frombuffer(bytes(self._thumbs), np.uint8).reshape(-1, THUMB_SIDE, THUMB_SIDE),
            fingerprints=np.frombuffer(bytes(self._prints), np.uint64).reshape(-1, 4),
            clipped=numbers[:, 0].astype(np.float32),
            levels=numbers[:, 1].astype(np.int16),
            lettering=numbers[:, 2].astype(np.int16),
            ranges=numbers[:, 3:].astype(np.float32),
            **further,
        )

    def frame(self) -> pd.DataFrame:
        """The rows; blank cells missing, columns without any value left out. Hands the rows over: it keeps none."""
        names = list(self._columns)
        frame = pd.DataFrame({name: _as_text(self._columns.pop(name)) for name in names})
        needed = ("case_id", "patient_id", "image", "sha256", "pixel_sha256", "dhash", "modality", "source_format")
        for name in needed:
            if name not in frame:
                frame[name] = pd.Series(pd.NA, index=frame.index, dtype="string")
        return frame[[c for c in frame if c in needed or bool(frame[c].notna().any())]]


def _as_text(values: Sequence[Any]) -> pd.Series:
    text = [pd.NA if v == "" or v is None else (v if isinstance(v, str) else f"{v:.10g}") for v in values]
    return pd.Series(text, dtype="string")


def counts_by(values: pd.Series) -> Mapping[str, int]:
    """Level -> number of cases, most first; missing as 'unknown'."""
    counts = values.astype("string").fillna("unknown").value_counts()
    return {str(level): int(n) for level, n in counts.items()}
