"""Net benefit at the plan's ``net_benefit_thresholds``, against treating nobody, which is worth 0."""

from __future__ import annotations

from audit.measures.benefit import benefit, net_benefit_of
from audit.measures.family import Family, value_text
from audit.measures.measure import Measure
from audit.plan import Target

NAME = "net_benefit"


def _of(target: Target) -> tuple[Measure, ...]:
    share = target.prevalence
    where = "the set's prevalence" if share is None else f"a prevalence of {value_text(share)}"
    return tuple(
        benefit(
            f"{NAME}_at_{value_text(threshold)}",
            f"net benefit at a threshold of {value_text(threshold)} and {where}",
            net_benefit_of(threshold, share),
            share,
            1.0 if share is None else share,
        )
        for threshold in target.net_benefit_thresholds
    )


ENTRY = Family(
    NAME, "net_benefit_thresholds", ("classification",), _of, {"net_benefit_thresholds": [0.3, 0.5], "prevalence": 0.2}
)
