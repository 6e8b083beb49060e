"""Every analysis of this room on one audit -> ANALYSES."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from audit.analyses.analysis import KEY, Analysis, Row, analysis_id
from audit.analyses.study import Populations, Study, new_study
from audit.catalogue import entries
from audit.measures.setting import USUAL, Setting
from audit.plan import Plan
from audit.tables import ANALYSES


def analyse(
    plan: Plan,
    cases: pd.DataFrame,
    observations: pd.DataFrame,
    dispositions: pd.DataFrame,
    estimates: pd.DataFrame,
    populations: Populations | None = None,
    references: pd.DataFrame | None = None,
    setting: Setting = USUAL,
    decisions: Mapping[str, pd.DataFrame] | None = None,
) -> pd.DataFrame:
    """ANALYSES of an audit: all entries, in the order of their names.

    ``cases`` carry the strata; ``estimates`` give the intervals that safety flags are read from; ``populations``
    holds, by set and attribute, the shares of each level in the target population; ``references`` each reader's
    readings; ``setting`` is that of ESTIMATES, ``decisions`` the tables about single decisions
    by name. A pure function of its arguments: all chance comes from the plan's seed,
    and the patient resamples are those of ESTIMATES.
    """
    study = new_study(plan, cases, observations, dispositions, estimates, populations or {}, references, setting,
                      decisions)  # fmt: skip
    return analyses_table([row for entry in entries("analyses").values() for row in answered(entry, study)])


def answered(entry: Analysis, study: Study) -> list[Row]:
    """The rows of one analysis, with its name and their keys."""
    rows = [{"analysis": entry.name, **row} for row in entry.run(study)]
    return [{"analysis_id": analysis_id(row), **row} for row in rows]


def analyses_table(rows: list[Row]) -> pd.DataFrame:
    """Rows as ANALYSES; raises ``ValueError`` when two rows are about the same thing."""
    frame = pd.DataFrame(rows, columns=list(ANALYSES.columns))
    twice = frame["analysis_id"].duplicated()
    if twice.any():
        raise ValueError(f"two rows about the same thing: {frame.loc[twice, list(KEY)].iloc[0].tolist()}")
    return ANALYSES.conform(frame)
