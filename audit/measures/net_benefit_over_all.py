"""Net benefit at the plan's ``net_benefit_thresholds`` minus that of treating everybody."""

from __future__ import annotations

from audit.measures.benefit import benefit, gain_over_all_of
from audit.measures.family import Family, value_text
from audit.measures.measure import Measure
from audit.plan import Target

NAME = "net_benefit_over_all"


def _of(target: Target) -> tuple[Measure, ...]:
    share = target.prevalence
    where = "the set's prevalence" if share is None else f"a prevalence of {value_text(share)}"
    return tuple(
        benefit(
            f"{NAME}_at_{value_text(threshold)}",
            f"net benefit minus treating everybody, at a threshold of {value_text(threshold)} and {where}",
            gain_over_all_of(threshold, share),
            share,
            None,
        )
        for threshold in target.net_benefit_thresholds
    )


ENTRY = Family(NAME, "net_benefit_thresholds", ("classification",), _of, {"net_benefit_thresholds": [0.3]})
