"""Numbers -> bands. A band 'a-b' holds a <= value < b; the first is '<a', the last '≥b'."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd


def band_names(cuts: Sequence[float]) -> list[str]:
    """Names of the bands that rising ``cuts`` make, lowest first: cuts 18, 60 -> '<18', '18-60', '≥60'."""
    texts = [number_text(cut) for cut in cuts]
    inner = [f"{low}-{high}" for low, high in pairwise(texts)]
    return [f"<{texts[0]}", *inner, f"≥{texts[-1]}"]


def to_bands(values: pd.Series, cuts: Sequence[float]) -> pd.Series:
    """Band of each number; missing and not finite stay missing."""
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    names = np.array(band_names(cuts), dtype=object)
    bands = pd.Series(names[np.searchsorted(np.asarray(cuts, dtype=np.float64), numbers, side="right")])
    bands.index = values.index
    return bands.astype("string").mask(~np.isfinite(numbers), pd.NA)


def number_text(value: float) -> str:
    """A level's text for a number: '3' for 3.0, '1.5' for 1.5."""
    return f"{value:.10g}"
