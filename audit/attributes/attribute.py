"""What an entry of this room declares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True, slots=True)
class Attribute:
    """A stratum with a meaning of its own, derived from a manifest column.

    ``columns``: names under which manifests carry it, the first present is read. ``derive`` takes the cases, with
    the chosen column under the first of these names, and returns one value per case: text levels, or numbers in
    ``unit`` which the
    plan's cuts turn into bands; missing where the cell is blank or not understood. ``source``: the coding followed.
    """

    name: str
    columns: tuple[str, ...]
    unit: str
    derive: Callable[[pd.DataFrame], pd.Series]
    source: str
