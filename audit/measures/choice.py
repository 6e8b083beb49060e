"""Which measures a plan asks for, by target; a measure that the target cannot offer is refused."""

from __future__ import annotations

from collections.abc import Iterable

from audit.catalogue import entries, entry
from audit.measures.measure import Measure
from audit.plan import Plan, Target
from audit.records import BadInput


def measures_for(plan: Plan, target_name: str) -> list[Measure]:
    """The target's own list, or all that its task offers; then those that endpoints name. In the task's order."""
    target = plan.targets[target_name]
    names = list(target.measures) if target.measures is not None else _usual(plan, target)
    names += [endpoint.measure for endpoint in plan.endpoints if endpoint.target == target_name]
    return [checked(name, target, f"target '{target_name}'") for name in dict.fromkeys(names)]


def _usual(plan: Plan, target: Target) -> list[str]:
    """All that the task offers, without what rests on repeat acquisitions where the plan marks none, and ratios on the
    log scale only."""
    without = set() if plan.repeat_acquisitions else {"repeat_df"}
    return [
        measure.name
        for measure in _offered(target)
        if not without & set(measure.columns) and (measure.unit != "ratio" or target.scale == "log")
    ]


def checked(name: str, target: Target, where: str) -> Measure:
    """The measure called ``name``; raises ``BadInput`` that says what the target offers where it lacks what it
    needs.
    """
    offered = [measure.name for measure in _offered(target)]
    known = entries("measures")
    if name not in known:
        raise BadInput(f"{where}: no measure '{name}'; task '{target.task}' offers {', '.join(offered)}.")
    measure: Measure = known[name]
    if not _suits(measure, target):
        raise BadInput(
            f"{where}: measure '{name}' needs {_columns(measure.columns)}; task '{target.task}' offers "
            f"{', '.join(offered)}."
        )
    if not _has_decision(measure, target):
        raise BadInput(
            f"{where}: measure '{name}' needs an operating point; give the target an 'operating_point' with its "
            "threshold and the data it was chosen on."
        )
    return measure


def _offered(target: Target) -> list[Measure]:
    fitting: list[Measure] = [m for m in entries("measures").values() if _suits(m, target)]
    usual = entry("tasks", target.task, "plan").measures
    fitting.sort(key=lambda m: (usual.index(m.name) if m.name in usual else len(usual), m.name))
    return [measure for measure in fitting if _has_decision(measure, target)]


def _suits(measure: Measure, target: Target) -> bool:
    """Whether the measure is for the target's task, or for the task that this one is a kind of."""
    return bool({target.task, entry("tasks", target.task, "plan").kin} & set(measure.tasks))


def _has_decision(measure: Measure, target: Target) -> bool:
    needs = target.binary and "decision" in measure.columns
    return not needs or target.operating_point is not None


def _columns(names: Iterable[str]) -> str:
    listed = list(names)
    return f"column{'s' if len(listed) > 1 else ''} {' and '.join(listed)}"
