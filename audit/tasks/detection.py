"""Detection: marks (box or point, with a rating) against lesions, localised by the plan's rule."""

from __future__ import annotations

import numpy as np
import pandas as pd

from audit.records import FloatArray
from audit.tasks.localising import FALSE, HIT
from audit.tasks.task import Readings, Task


def observe(readings: Readings) -> pd.DataFrame:
    """Lesions, marks, highest rating and, at the operating point, lesions found, false marks and decision of each case.

    A case that was processed without a mark has 0 marks; one that was not processed, none of the marks' columns. The
    decision is whether any mark, hit or not, is rated at or above the operating point.
    """
    rows, found = readings.rows, readings.localised
    cases = pd.Index(rows["case_id"].astype(str))
    processed = (rows["predicted"] & rows["error"].isna()).to_numpy(dtype=bool)
    marks = found[found["mark"].notna()]
    point = readings.operating_point
    over = marks[marks["rating"] >= point.threshold] if point else marks.iloc[:0]
    lesions = rows["value"].to_numpy(dtype=np.float64, na_value=np.nan)

    def counted(frame: pd.DataFrame, known: bool) -> FloatArray:
        n = frame["case_id"].value_counts().reindex(cases).to_numpy(dtype=np.float64, na_value=0.0)
        return np.where(processed & known, np.nan_to_num(n), np.nan)

    score = marks.groupby("case_id")["rating"].max().reindex(cases).to_numpy(dtype=np.float64, na_value=np.nan)
    return pd.DataFrame(
        {
            "score": np.where(processed, score, np.nan),
            "reference": np.where(np.isnan(lesions), np.nan, lesions > 0),
            "decision": np.minimum(counted(over, point is not None), 1.0),
            "lesions_reference": lesions,
            "marks": counted(marks, True),
            "lesions_found": counted(over[over["outcome"] == HIT], point is not None),
            "lesions_false": counted(over[over["outcome"] == FALSE], point is not None),
        },
        index=rows.index,
    )


ENTRY = Task(
    name="detection",
    measures=(
        "wafroc",
        "pooled_lesion_sensitivity",
        "false_positives_per_image",
        "average_precision_voc",
        "average_precision_coco",
        "afroc",
        "inferred_auroc",
        "sensitivity",
        "specificity",
    ),
    needs=("marks", "lesions of the reference standard"),
    observe=observe,
)
