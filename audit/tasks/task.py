"""What an entry of this room declares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.plan import OperatingPoint, Target
from audit.records import BoolArray, FloatArray

LoadMask = Callable[[str], NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Readings:
    """Everything known about one version and one target, one row of ``rows`` per case of the set.

    ``rows``: case_id, patient_id, score, artifact, seconds, error, grid (of the prediction), predicted (whether there
    is one), value, reference_artifact, reference_grid (of the reference), and the manifest's columns that geometry
    needs. ``load_mask`` takes a prediction's artifact, ``load_reference_mask`` a case id; ``facts`` is the plan's entry
    for the target, ``localised`` LOCALISATIONS of a detection target.
    """

    target: str
    rows: pd.DataFrame
    operating_point: OperatingPoint | None
    load_mask: LoadMask
    load_reference_mask: Callable[[str], BoolArray]
    facts: Target
    localised: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Task:
    """A task: its ``measures`` when the plan names none, what it ``needs`` of each case, and how cases become rows.

    ``observe`` returns one row per row of ``Readings.rows``, in order, with columns of OBSERVATIONS; a quantity that a
    case does not have is missing. ``kin`` names a task whose measures this one offers too,
    ``output`` the column with the device's continuous output, whose precision repeat acquisitions tell.
    """

    name: str
    measures: tuple[str, ...]
    needs: tuple[str, ...]
    observe: Callable[[Readings], pd.DataFrame]
    kin: str = ""
    output: str = ""


def finite(values: pd.Series) -> FloatArray:
    """The numbers of a column; what is missing or not finite is NaN."""
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isfinite(numbers), numbers, np.nan)
