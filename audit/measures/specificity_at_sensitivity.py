"""Specificity where the sensitivity is what the plan fixes: ``at_sensitivity`` of the target."""

from __future__ import annotations

from audit.measures.family import Family, value_text
from audit.measures.measure import Measure
from audit.measures.rate_at import rate_at
from audit.plan import Target

NAME = "specificity_at_sensitivity"


def _of(target: Target) -> tuple[Measure, ...]:
    return tuple(
        rate_at(
            f"{NAME}_{value_text(at)}",
            f"specificity at a sensitivity of {value_text(at)}, interpolated",
            f"negative percent agreement at a positive one of {value_text(at)}, interpolated",
            "sensitivity",
            at,
        )
        for at in target.at_sensitivity
    )


ENTRY = Family(NAME, "at_sensitivity", ("classification",), _of, {"at_sensitivity": [0.9, 0.8]})
