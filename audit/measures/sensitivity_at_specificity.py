"""Sensitivity where the specificity is what the plan fixes: ``at_specificity`` of the target."""

from __future__ import annotations

from audit.measures.family import Family, value_text
from audit.measures.measure import Measure
from audit.measures.rate_at import rate_at
from audit.plan import Target

NAME = "sensitivity_at_specificity"


def _of(target: Target) -> tuple[Measure, ...]:
    return tuple(
        rate_at(
            f"{NAME}_{value_text(at)}",
            f"sensitivity at a specificity of {value_text(at)}, interpolated",
            f"positive percent agreement at a negative one of {value_text(at)}, interpolated",
            "specificity",
            at,
        )
        for at in target.at_specificity
    )


ENTRY = Family(NAME, "at_specificity", ("classification",), _of, {"at_specificity": [0.9, 0.8]})
