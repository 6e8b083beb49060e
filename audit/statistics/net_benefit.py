"""Decision-curve analysis: Vickers & Elkin, Med Decis Making 2006;26:565."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from audit.records import BadInput, Undefined
from audit.statistics.calibration import probabilities
from audit.statistics.roc import missing_class


@dataclass(frozen=True, slots=True)
class NetBenefit:
    """Net true positives per patient at one threshold probability.

    ``standardized`` divides by the prevalence; ``interventions_avoided`` is per patient, against treating all.
    """

    threshold: float
    model: float
    treat_all: float
    standardized: float
    interventions_avoided: float


def net_benefit(
    probability: ArrayLike, positive: ArrayLike, threshold: float, prevalence: float | None = None
) -> NetBenefit | Undefined:
    """Net benefit of acting when ``probability >= threshold``, 0 < threshold < 1; treating none has 0.

    ``prevalence`` replaces the sample's, for enriched or case-control sets. Undefined when a class is empty.
    """
    p, y = probabilities(probability, positive)
    if not 0 < threshold < 1:
        raise BadInput(f"a threshold probability must lie strictly between 0 and 1, got {threshold}.")
    if prevalence is not None and not 0 < prevalence < 1:
        raise BadInput(f"a prevalence must lie strictly between 0 and 1, got {prevalence}.")
    missing = missing_class(y)
    if missing is not None:
        return missing
    called = p >= threshold
    share = float(np.mean(y)) if prevalence is None else prevalence
    odds = threshold / (1 - threshold)
    hits, alarms = float(called[y].mean()), float(called[~y].mean())
    model = share * hits - (1 - share) * alarms * odds
    treat_all = share - (1 - share) * odds
    return NetBenefit(threshold, model, treat_all, model / share, (model - treat_all) / odds)
