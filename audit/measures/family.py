"""Measures that need a value from the plan: one entry, as many measures as the plan names values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from audit.measures.measure import Measure
from audit.plan import Target


@dataclass(frozen=True, slots=True)
class Family:
    """``of`` gives the measures of a target, none where it lacks the keys that ``needs`` names.

    Each member's name begins with ``name`` and ends with its value ('net_benefit_at_0.1'). ``example`` holds keys of a
    target that has members.
    """

    name: str
    needs: str
    tasks: tuple[str, ...]
    of: Callable[[Target], tuple[Measure, ...]]
    example: Mapping[str, Any]

    @property
    def members(self) -> tuple[Measure, ...]:
        """The measures of the example."""
        point = {"threshold": 0.5, "chosen_on": "tuning set"}
        fields = {"task": self.tasks[0], "output": "p", "reference": "r", "operating_point": point, **self.example}
        return self.of(Target.model_validate(fields))


def value_text(value: float) -> str:
    """A plan's value as part of a name: 0.9."""
    return f"{value:g}"
