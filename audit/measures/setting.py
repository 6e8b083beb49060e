"""What the validation sets say of their reference and of how cases came in, as far as measures depend on it.

Sources: FDA, Reporting Results from Studies Evaluating Diagnostic Tests, 2007, sections 4 and 6(1) (agreement). Pepe,
The Statistical Evaluation of Medical Tests, 2003, section 2.3 (predictive values of case-control sets).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from audit.measures.measure import Measure
from audit.measures.refused import Refused

NO_STANDARD = ("single_reader", "report_mining")
SHOWS_PREVALENCE = ("consecutive",)


@dataclass(frozen=True, slots=True)
class Setting:
    """``standard``: the truth is a reference standard. ``sampling``: how cases came in, where that hides the prevalence
    ('enriched', 'convenience'), else empty.
    """

    standard: bool = True
    sampling: str = ""

    def dressed(self, measure: Measure) -> Measure:
        """The measure under the words its reference allows, without a value where the sampling takes its meaning."""
        if measure.agreement_title and not self.standard:
            measure = replace(measure, title=measure.agreement_title)
        if measure.of_prevalence and self.sampling:
            reason = f"{self.sampling} set, whose prevalence is not that of use: state 'prevalence' in the plan"
            measure = replace(measure, estimator=Refused(measure.estimator, reason))
        return measure


USUAL = Setting()


def setting_of(facts: Iterable[Mapping[str, Any]]) -> Setting:
    """The setting of all sets of an audit together, from their facts as in set.yaml: the weakest counts."""
    listed = list(facts)
    references = {(each.get("reference") or {}).get("kind") for each in listed}
    hidden = [kind for each in listed if (kind := (each.get("sampling") or {}).get("kind")) not in SHOWS_PREVALENCE]
    return Setting(not references & set(NO_STANDARD), str(hidden[0]) if hidden else "")
