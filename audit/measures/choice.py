"""Which measures a plan asks for, by target; a measure that the target cannot offer is refused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from audit.catalogue import entries, entry
from audit.measures.family import Family
from audit.measures.measure import Measure
from audit.measures.setting import USUAL, Setting
from audit.plan import Plan, Target
from audit.records import BadInput

SAMPLE_VALUES = ("ppv", "npv")


def measures_for(plan: Plan, target_name: str, setting: Setting = USUAL) -> list[Measure]:
    """The target's own list, or all that its task offers; then those that endpoints name. In the task's order.

    ``setting`` decides words and what has no meaning; where it hides the prevalence and the plan states one, the
    predictive values at that prevalence take the place of the set's own.
    """
    target = plan.targets[target_name]
    names = list(target.measures) if target.measures is not None else _usual(plan, target, setting)
    names += [endpoint.measure for endpoint in plan.endpoints if endpoint.target == target_name]
    return [checked(name, target, f"target '{target_name}'", setting) for name in dict.fromkeys(names)]


def _usual(plan: Plan, target: Target, setting: Setting) -> list[str]:
    """All that the task offers, without what rests on repeat acquisitions where the plan marks none, ratios on the log
    scale only, and predictive values at the set's own prevalence where another is stated.
    """
    without = set() if plan.repeat_acquisitions else {"repeat_df"}
    replaced = SAMPLE_VALUES if setting.sampling and target.prevalence is not None else ()
    return [
        measure.name
        for measure in _offered(target)
        if measure.name not in replaced
        and not without & set(measure.columns)
        and (measure.unit != "ratio" or target.scale == "log")
    ]


def checked(name: str, target: Target, where: str, setting: Setting = USUAL) -> Measure:
    """The measure called ``name``; raises ``BadInput`` that says what the target offers where it lacks what it
    needs.
    """
    known = {measure.name: measure for measure in _of(_entries(), target)}
    if name not in known:
        raise BadInput(f"{where}: {_missing(name, target)}")
    measure = known[name]
    if not _suits(measure, target):
        raise BadInput(
            f"{where}: measure '{name}' needs {_columns(measure.columns)}; task '{target.task}' offers "
            f"{_listed(_offered(target))}."
        )
    lacking = _lacks(measure, target)
    if lacking is not None:
        raise BadInput(f"{where}: measure '{name}' needs {lacking}.")
    return setting.dressed(measure)


def known_measures(plan: Plan, setting: Setting = USUAL) -> list[Measure]:
    """Every measure that a table of this plan's audit may name."""
    found = [measure for target in plan.targets.values() for measure in _of(_entries(), target)]
    return [setting.dressed(measure) for measure in {each.name: each for each in found}.values()]


def _missing(name: str, target: Target) -> str:
    family = next((f for f in _entries() if isinstance(f, Family) and name.startswith(f.name)), None)
    if family is None or not _suits(family, target):
        return f"no measure '{name}'; task '{target.task}' offers {_listed(_offered(target))}."
    members = _of([family], target)
    if members:
        return f"no measure '{name}'; by its '{family.needs}' the target has {_listed(members)}."
    return f"measure '{name}' needs a value from the plan; give the target '{family.needs}'."


def _entries() -> list[Measure | Family]:
    return list(entries("measures").values())


def _of(listed: Iterable[Measure | Family], target: Target) -> list[Measure]:
    """Entries with each family in place of its members for this target."""
    return [m for each in listed for m in (each.of(target) if isinstance(each, Family) else (each,))]


def _offered(target: Target) -> list[Measure]:
    fitting = _of([each for each in _entries() if _suits(each, target)], target)
    usual = entry("tasks", target.task, "plan").measures
    fitting.sort(key=lambda m: (usual.index(m.name) if m.name in usual else len(usual), m.name))
    return [measure for measure in fitting if _lacks(measure, target) is None]


def _suits(measure: Measure | Family, target: Target) -> bool:
    """Whether the measure is for the target's task, or for the task that this one is a kind of."""
    return bool({target.task, entry("tasks", target.task, "plan").kin} & set(measure.tasks))


def _lacks(measure: Measure, target: Target) -> str | None:
    """What the plan must say before the target can offer the measure, or None."""
    at_point = ("decision", "lesions_found", "lesions_false") if target.task == "detection" else ("decision",)
    decides = (target.binary or target.task == "detection") and bool(set(at_point) & set(measure.columns))
    if decides and target.operating_point is None:
        return (
            "an operating point; give the target an 'operating_point' with its threshold and the data it was chosen on"
        )
    if "surface_within" in measure.columns and target.surface_tolerance_mm is None:
        return "a tolerance; give the target 'surface_tolerance_mm', the distance at which two surfaces count as one"
    if target.task != "segmentation" or "lesions_found" not in measure.columns:
        return None
    if target.lesions is None:
        return "a rule that tells lesions apart; give the target 'lesions' with 'connectivity' and 'match'"
    if "lesion_iou" in measure.columns and target.lesions.match != "one_to_one":
        return "lesions matched one_to_one; change 'match' under 'lesions'"
    return None


def _listed(measures: Sequence[Measure]) -> str:
    return ", ".join(measure.name for measure in measures)


def _columns(names: Iterable[str]) -> str:
    listed = list(names)
    return f"column{'s' if len(listed) > 1 else ''} {' and '.join(listed)}"
