"""What a given validation set can show: each endpoint of a plan, in the whole set and at every level of every stratum.

Only counts of reference-positive and -negative cases are read, never a prediction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.attributes.levels import stratify
from audit.cases.joining import join_sets
from audit.cases.loading import mask_loader
from audit.cases.manifest import ValidationSet, find_set, read_set
from audit.cases.matching import is_one_of
from audit.cases.references import references_table
from audit.findings import EACH
from audit.measures.groups import JOIN, level_order
from audit.plan import Endpoint, Plan, StoredPlan, Stratum, read_plan
from audit.planning.power import PLANNED, PROPORTIONS, ClassCount, Expected, detectable, half_width, minimum_power
from audit.records import BadInput, BoolArray, Undefined
from audit.statistics.criterion_power import paired_margin_power
from audit.tables import ALL, OVERALL, UNKNOWN, stratum_column

_Group = tuple[str, str, BoolArray]
"""Attribute, level, and whether each case belongs to it."""


@dataclass(frozen=True, slots=True)
class Assumed:
    """What the reader assumes: true values by endpoint id or measure, and what the formulas need beside them.

    ``icc`` None: 1, so that a patient counts once however many images there are. ``difference`` and ``discordant``
    belong to paired criteria, ``sd`` to Dice.
    """

    values: Mapping[str, float]
    power: float = 0.8
    icc: float | None = None
    sd: float | None = None
    discordant: float | None = None
    difference: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.power < 1:
            raise BadInput(f"power must lie strictly between 0 and 1, got {self.power:g}.")
        if self.icc is not None and not 0 <= self.icc <= 1:
            raise BadInput(f"the intraclass correlation must lie between 0 and 1, got {self.icc:g}.")

    def value_of(self, endpoint: Endpoint) -> float | None:
        """The true value assumed for an endpoint."""
        return self.values.get(endpoint.id, self.values.get(endpoint.measure))


@dataclass(frozen=True, slots=True)
class Shown:
    """One endpoint in one group. ``claimed``: the plan's criterion is judged here; elsewhere the power is descriptive.

    ``at`` is the value at which ``half_width`` is expected: the assumed one, else the criterion's. ``detectable`` is
    the least true value that would be shown with the power asked for.
    """

    endpoint: str
    measure: str
    target: str
    attribute: str
    level: str
    claimed: bool
    criterion: str
    positives: ClassCount
    negatives: ClassCount
    at: float | None
    half_width: float | Undefined
    power: float | Undefined
    detectable: float | Undefined


def read_assumptions(texts: Sequence[str]) -> dict[str, float]:
    """True values from texts 'P1=0.95'; raises ``BadInput`` for any other form."""
    found: dict[str, float] = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError:
            raise BadInput(f"--assume {text}: write ENDPOINT=VALUE or MEASURE=VALUE, for example P1=0.95.") from None
    return found


def what_set_shows(plan_path: Path, folder: str | None, assumed: Assumed) -> list[Shown]:
    """One row per endpoint and group. ``folder``: a set in the plan's place; None: the plan's own sets.

    The plan's exclusions are applied; cases without a reference standard do not count. Raises ``BadInput`` where the
    set lacks a column of the plan, or where an assumption names no endpoint.
    """
    stored = read_plan(plan_path)
    plan = stored.plan
    _check_names(plan, assumed)
    sets = _sets(stored, folder)
    cases = stratify(_included(sets.cases, plan), {n: _without_baseline(s) for n, s in plan.strata.items()})
    positive = _positives(plan, sets, cases)
    groups = _groups(plan, cases)
    patient = pd.factorize(cases["patient_id"])[0]
    return [
        _shown(plan, endpoint, group, patient, positive, assumed)
        for endpoint in plan.endpoints
        for group in _of_endpoint(groups, endpoint)
    ]


def _shown(
    plan: Plan,
    endpoint: Endpoint,
    group: _Group,
    patient: NDArray[np.int64],
    positive: Mapping[str, NDArray[np.float64]],
    assumed: Assumed,
) -> Shown:
    attribute, level, members = group
    truth = positive[endpoint.target]
    counts = [ClassCount.of(patient[members & (truth == flag)]) for flag in (1.0, 0.0)]
    answers = _answers(endpoint, counts, assumed, plan.confidence)
    return Shown(
        endpoint=endpoint.id,
        measure=endpoint.measure,
        target=endpoint.target,
        attribute=attribute,
        level=level,
        claimed=_claims(endpoint, attribute, level),
        criterion=_criterion(endpoint),
        positives=counts[0],
        negatives=counts[1],
        at=answers.at,
        half_width=answers.half_width,
        power=answers.power,
        detectable=answers.detectable,
    )


@dataclass(frozen=True, slots=True)
class _Answers:
    at: float | None
    half_width: float | Undefined
    power: float | Undefined
    detectable: float | Undefined

    @staticmethod
    def none(reason: str) -> _Answers:
        why = Undefined(reason)
        return _Answers(None, why, why, why)


def _answers(endpoint: Endpoint, counts: list[ClassCount], assumed: Assumed, confidence: float) -> _Answers:
    measure, criterion = endpoint.measure, endpoint.criterion
    if measure not in PLANNED:
        return _Answers.none(f"no planning formula for '{measure}'")
    if measure == "dice" and assumed.sd is None:
        return _Answers.none("dice needs the SD between cases: --sd")
    sizes = _sizes(measure, counts, 1.0 if assumed.icc is None else assumed.icc)
    if min(sizes) < 2:
        return _Answers.none("fewer than two independent cases of a class")
    goal = criterion.value if criterion and criterion.kind == "minimum" else None
    value = assumed.value_of(endpoint)
    at = value if value is not None else goal
    width = _half_width(measure, at, assumed.sd, sizes, confidence)
    if criterion is None:
        why = Undefined("no criterion")
        return _Answers(at, width, why, why)
    if criterion.compares:
        return _Answers(at, width, _paired(endpoint, sizes, assumed, confidence), Undefined("a paired criterion"))
    if goal is None or not 0 < goal < 1:
        why = Undefined(f"no planning formula for a {criterion.kind} of {criterion.value:g}")
        return _Answers(at, width, why, why)
    expected = Expected(measure, goal, assumed.sd)
    least = detectable(expected, goal, sizes, confidence, assumed.power)
    return _Answers(at, width, _minimum(measure, value, goal, sizes, assumed, confidence), least)


def _half_width(
    measure: str, at: float | None, sd: float | None, sizes: list[int], confidence: float
) -> float | Undefined:
    if at is None:
        return Undefined("needs an assumed value: --assume")
    return half_width(Expected(measure, at, sd), sizes, confidence)


def _minimum(
    measure: str, value: float | None, goal: float, sizes: list[int], assumed: Assumed, confidence: float
) -> float | Undefined:
    if value is None:
        return Undefined("needs an assumed value: --assume")
    expected = Expected(measure, value, assumed.sd)
    chance = minimum_power(expected, goal, sizes, confidence)
    if chance == 0 and measure == "auroc":
        return Undefined("too few cases for the formula")
    return chance


def _paired(endpoint: Endpoint, sizes: list[int], assumed: Assumed, confidence: float) -> float | Undefined:
    criterion = endpoint.criterion
    if criterion is None or endpoint.measure not in PROPORTIONS:
        return Undefined("paired power is planned for sensitivity and specificity only")
    if assumed.discordant is None:
        return Undefined("needs the share of discordant cases: --discordant")
    both = criterion.kind == "equivalence"
    margin = 0.0 if criterion.margin is None or criterion.kind == "superiority" else criterion.margin
    return paired_margin_power(sizes[0], assumed.difference, assumed.discordant, margin, confidence, both_sides=both)


def _sizes(measure: str, counts: list[ClassCount], icc: float) -> list[int]:
    """Independent cases in the measure's denominator: one number, two for the AUROC."""
    positives, negatives = (count.effective(icc) for count in counts)
    return {"auroc": [positives, negatives], "specificity": [negatives]}.get(measure, [positives])


def _claims(endpoint: Endpoint, attribute: str, level: str) -> bool:
    group = endpoint.group
    if endpoint.criterion is None or group.attribute != attribute:
        return False
    return group.level == level or (group.level == EACH and UNKNOWN not in level.split(JOIN))


def _criterion(endpoint: Endpoint) -> str:
    criterion = endpoint.criterion
    if criterion is None:
        return ""
    number = criterion.margin if criterion.compares else criterion.value
    return criterion.kind.replace("_", "-") + ("" if number is None else f" {number:g}")


def _groups(plan: Plan, cases: pd.DataFrame) -> list[_Group]:
    """Attribute, level and members; bands that the plan declares stand there even without a case."""
    levels = {name: cases[stratum_column(name)].astype(str) for name in plan.strata}
    groups: list[_Group] = [(OVERALL, ALL, np.ones(len(cases), dtype=np.bool_))]
    for name, stratum in plan.strata.items():
        order = level_order(levels[name].unique(), stratum)
        groups += [(name, level, (levels[name] == level).to_numpy(dtype=bool)) for level in order]
    for names in plan.intersections:
        joint = reduce(lambda left, right: left + JOIN + right, [levels[name] for name in names])
        groups += [(JOIN.join(names), level, (joint == level).to_numpy(dtype=bool)) for level in sorted(joint.unique())]
    return groups


def _of_endpoint(groups: list[_Group], endpoint: Endpoint) -> list[_Group]:
    """All groups, and the level the endpoint claims where no case has it; 'unknown' only where it is claimed."""
    group = endpoint.group
    absent = group.level != EACH and (group.attribute, group.level) not in {(a, level) for a, level, _ in groups}
    empty = [(group.attribute, group.level, np.zeros_like(groups[0][2]))] if absent else []
    return [g for g in [*groups, *empty] if UNKNOWN not in g[1].split(JOIN) or _claims(endpoint, g[0], g[1])]


def _positives(plan: Plan, sets: ValidationSet, cases: pd.DataFrame) -> dict[str, NDArray[np.float64]]:
    """Target -> 1, 0 or NaN (no reference standard) for each case."""
    table = references_table(cases, plan.targets)
    found = {}
    for name, target in plan.targets.items():
        rows = table[table["target"] == name]
        if target.task == "segmentation":
            load = mask_loader(sets, target.reference, target.labels_of_reference)
            held = zip(rows["case_id"], rows["artifact"].notna(), strict=True)
            found[name] = np.array([float(load(str(case)).inside.any()) if named else np.nan for case, named in held])
        else:
            found[name] = rows["value"].to_numpy(dtype=np.float64, na_value=np.nan)
    return found


def _included(cases: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    keep = np.ones(len(cases), dtype=np.bool_)
    for rule in plan.analysis_population:
        if rule.column not in cases:
            raise BadInput(f"analysis_population: the manifest has no column '{rule.column}'.")
        keep &= ~is_one_of(cases[rule.column], rule.equals).to_numpy(dtype=bool, na_value=False)
    if not keep.any():
        raise BadInput("the plan's analysis_population leaves no case of this set.")
    return cases[keep].reset_index(drop=True)


def _sets(stored: StoredPlan, folder: str | None) -> ValidationSet:
    if folder is not None:
        return read_set(find_set(folder, Path()))
    return join_sets([read_set(find_set(name, stored.path.parent)) for name in stored.plan.validation_sets])


def _without_baseline(stratum: Stratum) -> Stratum:
    """Another set may lack the plan's baseline level; counts need none."""
    return stratum.model_copy(update={"baseline": None})


def _check_names(plan: Plan, assumed: Assumed) -> None:
    known = {e.id for e in plan.endpoints} | {e.measure for e in plan.endpoints}
    for name, value in assumed.values.items():
        if name not in known:
            raise BadInput(
                f"--assume {name}: the plan has no such endpoint or measure; it has {', '.join(sorted(known))}."
            )
        if not 0 < value < 1:
            raise BadInput(f"--assume {name}: a true value must lie strictly between 0 and 1, got {value:g}.")
    if not plan.endpoints:
        raise BadInput("the plan has no endpoints; there is nothing to plan for.")
