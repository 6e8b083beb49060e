"""Partial area under the ROC curve after McClish: 0.5 for chance, 1 for a perfect test."""

from __future__ import annotations

from audit.measures.family import Family
from audit.measures.measure import Measure
from audit.measures.partial_area import of_range, suffix, words
from audit.measures.worst_cases import wrong_order
from audit.plan import Target

NAME = "partial_auroc_standardised"


def _of(target: Target) -> tuple[Measure, ...]:
    part = target.partial_auroc
    if part is None:
        return ()
    return (
        Measure(
            name=f"{NAME}_{suffix(part)}",
            title=f"partial AUROC, {words(part)}, standardised (McClish)",
            unit="probability",
            low=0.0,
            high=1.0,
            direction="higher",
            tasks=("classification",),
            columns=("score", "reference"),
            source="McClish, Med Decis Making 1989;9:190; He & Escobar, Stat Med 2008;27:5291",
            estimator=of_range(part, standardised=True),
            worst_case=wrong_order,
            by_rank=True,
            agreement_title=f"partial AUROC, {words(part, agreement=True)}, standardised (McClish)",
        ),
    )


ENTRY = Family(NAME, "partial_auroc", ("classification",), _of, {"partial_auroc": {"specificity": [0.8, 1.0]}})
