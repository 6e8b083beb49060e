"""Where two versions look at the same case: agreement of their stored maps."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from audit.decision_tables import MAP_AGREEMENT
from audit.explanations.wording import strongest_region
from audit.records import FloatArray, Pixels

GRID, TENTH = 16, 0.1
KEY = ["case_id", "patient_id", "target", "method"]


def map_agreement_table(explanations: pd.DataFrame, load_map: Callable[[str], Pixels]) -> pd.DataFrame:
    """MAP_AGREEMENT of every case and method with a map of both versions.

    Absolute attribution is summed over a grid of at most 16 cells along each side (fine detail of attribution is noise,
    Smilkov et al. 2017); agreement is Spearman's correlation over the cells. Undefined where a map is the same in every
    cell.
    """
    kept = explanations[explanations["attribution"].notna()]
    sides = [kept[kept["version"] == version] for version in ("candidate", "comparator")]
    both = sides[0].merge(sides[1], on=KEY, suffixes=("", "_other"))
    rows = [_row(row, load_map(row["attribution"]), load_map(row["attribution_other"]))
            for row in both.to_dict("records")]  # fmt: skip
    return MAP_AGREEMENT.conform(pd.DataFrame(rows, columns=list(MAP_AGREEMENT.columns)))


def _row(row: dict[Any, Any], candidate: Pixels, comparator: Pixels) -> dict[str, Any]:
    words = "|".join(str(row[key]) for key in KEY)
    regions = strongest_region(candidate), strongest_region(comparator)
    return {
        **dict.fromkeys(MAP_AGREEMENT.columns),
        "agreement_id": f"m{hashlib.sha256(words.encode()).hexdigest()[:10]}",
        **{key: row[key] for key in KEY},
        "candidate_region": regions[0][0] if regions[0] else None,
        "comparator_region": regions[1][0] if regions[1] else None,
        **_agreement(candidate, comparator),
    }


def _agreement(candidate: Pixels, comparator: Pixels) -> dict[str, Any]:
    if candidate.shape != comparator.shape:
        return {"undefined": "the maps have different sizes"}
    one, other = on_grid(candidate), on_grid(comparator)
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return {"undefined": "a map is the same everywhere"}
    value = float(stats.spearmanr(one, other).statistic)
    most = max(1, round(TENTH * one.size))
    tops = (set(np.argsort(-each, kind="stable")[:most].tolist()) for each in (one, other))
    return {"agreement": value, "shared": len(set.intersection(*tops)) / most}


def on_grid(attribution: Pixels) -> FloatArray:
    """Absolute attribution summed over slices and over a grid of at most 16 x 16 cells, as one vector."""
    weight = np.abs(attribution.astype(np.float64)).reshape(-1, *attribution.shape[-2:]).sum(axis=0)
    rows, columns = (np.arange(side) * min(GRID, side) // side for side in weight.shape)
    cells = rows[:, None] * GRID + columns[None, :]
    wanted = min(GRID, weight.shape[0]), min(GRID, weight.shape[1])
    summed = np.bincount(cells.ravel(), weight.ravel(), minlength=GRID * GRID).reshape(GRID, GRID)
    return np.asarray(summed[: wanted[0], : wanted[1]].ravel())
