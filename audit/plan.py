"""The statistical analysis plan: YAML in, a validated ``Plan`` out.

A contradiction is refused here, before any image is loaded. Locking hashes the stored bytes (``audit.evidence``);
nothing in this module reads a result. Sources: ICH E9 section 5.1; FDA draft guidance on AI-enabled device
software functions (January 2025), section X; Regulation (EU) 2024/1689, Annex IV(2)(g).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from audit.explanation_plan import Explanations
from audit.given_files import file_bytes, plain_yaml
from audit.model_refs import Model, RecordedPredictions, Registered
from audit.plan_decisions import Shortcuts, Uncertainty, contradictions
from audit.records import BadInput
from audit.tables import ALL, OVERALL

Level = str | int | float
PROBLEMS = {
    "missing": "this key is required and missing; add it",
    "extra_forbidden": "there is no such key; correct its spelling or remove it",
}


class Part(BaseModel):
    """Base of every part of the plan: unknown keys are refused, values cannot change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class OperatingPoint(Part):
    """Positive when score >= ``threshold``. ``chosen_on`` names the data set on which the threshold was chosen."""

    threshold: float
    chosen_on: str
    how: str = ""


class Lesions(Part):
    """How the lesions of two masks are told apart and matched.

    Voxels that share a face belong to one lesion; with ``edges`` or ``corners`` also those that share only an edge or a
    corner (6, 18 or 26 neighbours). ``one_to_one``: pairs by falling intersection over union, each lesion in one pair
    at most, down to and including ``iou``. ``any_overlap``: a lesion is found when any predicted voxel touches it.
    """

    connectivity: Literal["faces", "edges", "corners"]
    match: Literal["one_to_one", "any_overlap"]
    iou: float | None = Field(default=None, gt=0, le=1)

    @model_validator(mode="after")
    def _complete(self) -> Lesions:
        if self.match == "one_to_one" and self.iou is None:
            raise ValueError("lesions matched one_to_one need 'iou', the smallest intersection over union of a pair")
        if self.match == "any_overlap" and self.iou is not None:
            raise ValueError("lesions matched by any_overlap take no 'iou'; remove it")
        return self


Rate = Annotated[float, Field(gt=0, lt=1)]


BINARY = ("classification", "triage")


class RateRange(Part):
    """The part of the ROC curve under which an area is taken: between two specificities, or two sensitivities."""

    specificity: tuple[float, float] | None = None
    sensitivity: tuple[float, float] | None = None

    @model_validator(mode="after")
    def _one_range(self) -> RateRange:
        given = [each for each in (self.specificity, self.sensitivity) if each is not None]
        if len(given) != 1:
            raise ValueError("a partial area is taken over a range of 'specificity' or of 'sensitivity': give one")
        low, high = given[0]
        if not 0 <= low < high <= 1:
            raise ValueError(f"a partial area needs 0 <= low < high <= 1, got {low:g} to {high:g}")
        return self

    @property
    def axis(self) -> Literal["specificity", "sensitivity"]:
        return "specificity" if self.specificity is not None else "sensitivity"

    @property
    def limits(self) -> tuple[float, float]:
        return self.specificity or self.sensitivity or (0.0, 1.0)


class Localisation(Part):
    """When a mark is on a lesion. Marks are taken one by one, the highest rating first, and each lesion goes to one.

    ``iou``: intersection over union of both boxes ``at_least`` this; ``centre_inside``: the mark's centre in the
    lesion's box; ``distance``: both centres ``within`` so many mm (spacing from the manifest) or pixels. A mark on
    several free lesions takes the one it fits best. ``further_marks`` on a lesion that has its mark are 'ignored'
    (Chakraborty; LUNA16) or 'false' (COCO; PASCAL VOC).
    """

    rule: Literal["iou", "centre_inside", "distance"]
    at_least: float | None = Field(default=None, gt=0, le=1)
    within: float | None = Field(default=None, gt=0)
    unit: Literal["mm", "pixels"] = "mm"
    further_marks: Literal["ignored", "false"]

    @model_validator(mode="after")
    def _complete(self) -> Localisation:
        needed = {"iou": "at_least", "distance": "within"}.get(self.rule)
        for name in ("at_least", "within"):
            if (getattr(self, name) is not None) != (name == needed):
                raise ValueError(
                    f"localisation rule '{self.rule}' {'needs' if name == needed else 'takes no'} '{name}'"
                )
        return self

    @property
    def text(self) -> str:
        """The rule in words."""
        if self.rule == "iou":
            return f"intersection over union of at least {self.at_least:g}"
        if self.rule == "distance":
            return f"centres within {self.within:g} {self.unit}"
        return "centre of the mark inside the lesion's box"


class Target(Part):
    """What one output of the model claims, and the reference standard it is compared with.

    ``output`` is the model's output (or the column of the recorded table, or the label of the recorded marks);
    ``reference`` the manifest's column: files of boxes or points for detection (all lesions in them, or those with a
    label in ``positive``; ``localisation`` says when a mark is on one, ``at_false_positives`` names rates per image at
    which the lesion sensitivity is read off),
    0/1 values (or the levels in ``positive``) for classification and triage, mask files for segmentation, numbers in
    ``unit`` for measurement (``scale`` 'log' where the spread grows with size), one of ``grades`` (lowest first) for
    ordinal. ``grade_cuts`` turn a score into a grade: as many cuts at or below it, so many grades above the lowest.
    ``seconds`` names the recorded table's column with the time to notification of a triage device.
    Measures that need a value have it from here: ``at_specificity`` (sensitivity there), ``at_sensitivity``,
    ``partial_auroc`` (a range), ``net_benefit_thresholds`` (threshold probabilities), ``prevalence`` where the device
    will be used (predictive values, net benefit).

    Segmentation: ``label`` names the values of a label map that are this target (all but 0 where it is not given),
    ``reference_label`` those of the reference where it numbers them otherwise. ``surface_tolerance_mm`` is the distance
    at which two surfaces count as one. Masks lie on one grid when no entry of their affine matrices (mm) differs by
    more than ``grid_tolerance_mm``.
    """

    task: Literal["classification", "segmentation", "measurement", "ordinal", "triage", "detection"]
    output: str
    reference: str
    positive: tuple[Level, ...] = (1,)
    localisation: Localisation | None = None
    operating_point: OperatingPoint | None = None
    comparator_operating_point: OperatingPoint | None = None
    measures: tuple[str, ...] | None = None
    at_false_positives: tuple[Annotated[float, Field(gt=0)], ...] = ()
    unit: str | None = None
    scale: Literal["linear", "log"] = "linear"
    grades: tuple[Level, ...] = ()
    grade_cuts: tuple[float, ...] = ()
    seconds: str | None = None
    prevalence: Rate | None = None
    at_specificity: tuple[Rate, ...] = ()
    at_sensitivity: tuple[Rate, ...] = ()
    partial_auroc: RateRange | None = None
    net_benefit_thresholds: tuple[Rate, ...] = ()

    @field_validator("at_specificity", "at_sensitivity", "net_benefit_thresholds", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        return (value,) if isinstance(value, int | float) else value

    @field_validator("at_specificity", "at_sensitivity", "net_benefit_thresholds")
    @classmethod
    def _each_once(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if len(set(values)) < len(values):
            raise ValueError("a value is named twice")
        return values

    label: tuple[int, ...] = ()
    reference_label: tuple[int, ...] = ()
    surface_tolerance_mm: float | None = Field(default=None, gt=0)
    lesions: Lesions | None = None
    grid_tolerance_mm: float = Field(default=1e-4, gt=0)

    @field_validator("label", "reference_label", mode="before")
    @classmethod
    def _label_or_labels(cls, value: Any) -> Any:
        return (value,) if isinstance(value, int) else value

    @model_validator(mode="after")
    def _fits_its_task(self) -> Target:
        for problem in _misfits(self):
            raise ValueError(problem)
        return self

    @property
    def binary(self) -> bool:
        """Whether the reference is 0 or 1 and the score orders cases."""
        return self.task in BINARY

    @property
    def grade_numbers(self) -> tuple[float, ...]:
        """How each grade is written in tables: numbers as they are, text by its place, lowest 0."""
        return tuple(float(i) if isinstance(grade, str) else float(grade) for i, grade in enumerate(self.grades))

    @property
    def labels_of_reference(self) -> tuple[int, ...]:
        """Values of the reference label map that are this target; empty: all but 0."""
        return self.reference_label or self.label

    def operating_point_of(self, version: str) -> OperatingPoint | None:
        """The point at which ``version`` ('candidate' or 'comparator') is audited."""
        own = self.comparator_operating_point if version == "comparator" else None
        return own or self.operating_point


ONLY_FOR: dict[str, tuple[str, ...]] = {
    "unit": ("measurement",),
    "scale": ("measurement",),
    "grades": ("ordinal",),
    "grade_cuts": ("ordinal",),
    "seconds": ("triage",),
    "prevalence": BINARY,
    "at_specificity": BINARY,
    "at_sensitivity": BINARY,
    "partial_auroc": BINARY,
    "net_benefit_thresholds": BINARY,
    "localisation": ("detection",),
    "at_false_positives": ("detection",),
    "label": ("segmentation",),
    "reference_label": ("segmentation",),
    "surface_tolerance_mm": ("segmentation",),
    "lesions": ("segmentation",),
    "grid_tolerance_mm": ("segmentation",),
}
"""Keys of a target that one task alone understands."""


def _misfits(target: Target) -> Iterator[str]:
    given = {key for key, field in Target.model_fields.items() if getattr(target, key) != field.default}
    for key, tasks in ONLY_FOR.items():
        if key in given and target.task not in tasks:
            yield f"'{key}' belongs to task {' or '.join(tasks)}, not to {target.task}; remove it"
    if target.task in ("measurement", "ordinal"):
        for key in ("positive", "operating_point", "comparator_operating_point"):
            if key in given:
                yield f"'{key}' has no meaning for task {target.task}, which decides nothing; remove it"
    if target.task == "measurement" and not target.unit:
        yield "task measurement needs 'unit', the unit of the quantity (for example mL, mm, points)"
    if target.task == "detection" and target.localisation is None:
        yield "task detection needs 'localisation', the rule by which a mark is on a lesion"
    if target.task == "triage" and target.operating_point is None:
        yield "task triage needs 'operating_point': the threshold at which the device raises its flag"
    yield from _label_problems(target)
    if target.task == "ordinal":
        yield from _grade_problems(target)


def _label_problems(target: Target) -> Iterator[str]:
    if 0 in (*target.label, *target.reference_label):
        yield "0 is the background of a label map; name other values under 'label'"


def _grade_problems(target: Target) -> Iterator[str]:
    grades, cuts = target.grades, target.grade_cuts
    if len(grades) < 2 or len(set(grades)) < len(grades):
        yield "task ordinal needs 'grades': two or more different grades, lowest first"
    elif len({isinstance(grade, str) for grade in grades}) > 1:
        yield "'grades' mix numbers and text; write them all in one way"
    elif not isinstance(grades[0], str) and list(grades) != sorted(grades, key=float):
        yield "'grades' must rise, lowest first"
    if cuts and (len(cuts) != len(grades) - 1 or list(cuts) != sorted(set(cuts))):
        yield f"'grade_cuts' must rise and be one fewer than the grades ({len(grades) - 1}), found {len(cuts)}"


class Stratum(Part):
    """An attribute whose levels are reported apart. ``cuts`` turn a number into bands [a, b).

    ``margin`` is the largest difference between levels (AUROC, sensitivity, specificity, Dice) that does not matter
    clinically; without it nothing can be called equivalent.
    """

    column: str | None = None
    cuts: tuple[float, ...] = ()
    baseline: str | None = None
    margin: float | None = Field(default=None, gt=0, lt=1)

    @field_validator("baseline", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> str | None:
        return None if value is None else str(value)

    @field_validator("cuts")
    @classmethod
    def _rising(cls, cuts: tuple[float, ...]) -> tuple[float, ...]:
        if list(cuts) != sorted(set(cuts)):
            raise ValueError("cut points must rise")
        return cuts

    @property
    def bands(self) -> tuple[str, ...]:
        """Names of the bands, lowest first: cuts 18, 60 -> '<18', '18-60', '≥60'; empty without cuts."""
        texts = [f"{cut:.10g}" for cut in self.cuts]
        inner = [f"{low}-{high}" for low, high in pairwise(texts)]
        return (f"<{texts[0]}", *inner, f"≥{texts[-1]}") if texts else ()


class Group(Part):
    """One level of one attribute; ``level: each`` stands for every known level."""

    attribute: str = OVERALL
    level: str = ALL

    @field_validator("level", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> str:
        return str(value)


class Criterion(Part):
    """What the confidence limit must show.

    ``minimum``/``maximum``: the whole interval at or beyond ``value``. ``superiority``, ``non_inferiority``,
    ``equivalence``: candidate minus comparator, better than 0, not worse than ``margin``, within ``margin``.
    """

    kind: Literal["minimum", "maximum", "superiority", "non_inferiority", "equivalence"]
    value: float | None = None
    margin: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _complete(self) -> Criterion:
        if self.kind in ("minimum", "maximum") and self.value is None:
            raise ValueError(f"a {self.kind} criterion needs 'value'")
        if self.kind in ("non_inferiority", "equivalence") and self.margin is None:
            raise ValueError(f"a {self.kind} criterion needs 'margin'")
        return self

    @property
    def compares(self) -> bool:
        """Whether the criterion is about candidate minus comparator."""
        return self.kind in ("superiority", "non_inferiority", "equivalence")


class Endpoint(Part):
    """One question with its pass mark, set before results exist. Descriptive endpoints carry no criterion."""

    id: str
    role: Literal["primary", "secondary", "descriptive"]
    measure: str
    target: str
    group: Group = Group()
    unit_of_analysis: Literal["image", "patient"] = "image"
    criterion: Criterion | None = None
    rationale: str = ""
    hazards: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _claims_have_criteria(self) -> Endpoint:
        if self.role != "descriptive" and self.criterion is None:
            raise ValueError(f"endpoint {self.id} is {self.role} and needs a criterion")
        return self


ADJUSTED = ("holm", "benjamini_hochberg", "max_t")
FAMILY_WISE = ("holm", "max_t", "fixed_sequence")


class ClaimFamily(Part):
    """Endpoints judged together. ``co_primary``: all must be met, no adjustment. ``fixed_sequence``: in order,
    the first that is not met ends the claims (Wiens, Pharm Stat 2003;2:211). Where any may be claimed: ``holm``,
    ``max_t`` (simultaneous limits from the shared patient resamples), or ``benjamini_hochberg``, which bounds the share
    of false claims, not the chance of one. An endpoint with ``level: each`` brings one claim per level."""

    name: str
    endpoints: tuple[str, ...] = Field(min_length=1)
    method: Literal["co_primary", "fixed_sequence", "holm", "benjamini_hochberg", "max_t"] = "co_primary"


class Exclusion(Part):
    """Cases that the analysis population leaves out, by a manifest column, with the reason printed in the flow."""

    column: str
    equals: tuple[Level, ...]
    reason: str


PerturbationKind = Literal["rician_noise", "blur", "gain", "motion", "contrast", "compression", "spacing", "bias_field"]


class Perturbation(Part):
    """An arm of the same pass on altered images (Regulation (EU) 2024/1689, Art. 15(4)).

    Unit of ``size``: ``rician_noise`` SD of the noise over the image's SD; ``blur`` full width at half maximum in mm;
    ``gain`` factor; ``motion`` root mean square displacement in mm (MR); ``contrast`` exponent, 1 changes nothing;
    ``compression`` JPEG 2000 ratio, above 1; ``spacing`` coarser pixel spacing in mm; ``bias_field`` range of the field
    around 1, below 2 (0.4: factors 0.8 to 1.2).
    """

    name: str
    kind: PerturbationKind
    size: float = Field(gt=0)

    @model_validator(mode="after")
    def _possible(self) -> Perturbation:
        if self.kind == "compression" and self.size <= 1:
            raise ValueError(f"perturbation arm {self.name}: a compression ratio must exceed 1")
        if self.kind == "bias_field" and self.size >= 2:
            raise ValueError(
                f"perturbation arm {self.name}: a bias field of 2 or more has negative factors; use 0 to 2"
            )
        return self


class Resampling(Part):
    """How patients are resampled, and the interval that is read off where a measure has none of its own.

    ``interval``: 'studentised' (bootstrap-t for means of scores per case, percentile for what else is resampled),
    'percentile' or 'bca' (bias-corrected and accelerated, Efron 1987), also for differences of such measures.
    ``stratified_by`` names a stratum, or a target for the class of its reference (has the patient a positive case?);
    each resample then holds as many patients of every level as the set does.
    """

    interval: Literal["studentised", "percentile", "bca"] = "studentised"
    stratified_by: str | None = None


class RepeatAcquisitions(Part):
    """Which manifest columns or strata mark repeat acquisitions of one patient.

    Cases of a patient with equal ``session`` and equal ``conditions`` are repeats (repeatability); cases that differ in
    ``conditions`` (scanner, site) show reproducibility. ``targets``: all with a continuous output where empty.
    """

    session: str | None = None
    conditions: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()

    @property
    def within(self) -> tuple[str, ...]:
        """The columns that repeats share."""
        return (*([self.session] if self.session else []), *self.conditions)


class Determinism(Part):
    """How the pass is repeated: ``cases`` drawn by the seed are predicted twice, and no output may differ by more than
    ``tolerance`` (in the output's own unit; masks in probability, on the stored grid of 1/1024)."""

    cases: int = Field(default=8, ge=1)
    tolerance: float = Field(default=0.0, ge=0)


class Plan(Part):
    """The whole statistical analysis plan; see the class of each part for its meaning.

    ``label_sets`` names classification targets that are findings of one output set, to be summarised together.
    ``case_mix`` names strata or manifest columns for which differences between levels are adjusted.
    """

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    title: str
    intended_purpose: str
    model: Model
    comparator: Model | None = None
    validation_sets: tuple[str, ...] = Field(min_length=1)
    targets: dict[str, Target] = Field(min_length=1)
    label_sets: dict[str, tuple[str, ...]] = {}
    strata: dict[str, Stratum] = {}
    intersections: tuple[tuple[str, ...], ...] = ()
    case_mix: tuple[str, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    success_rule: Literal["all_primary", "any_primary"] = "all_primary"
    claim_families: tuple[ClaimFamily, ...] = ()
    analysis_population: tuple[Exclusion, ...] = ()
    missing_data: Literal["complete_cases_with_worst_case_bounds"] = "complete_cases_with_worst_case_bounds"
    perturbation_arms: tuple[Perturbation, ...] = ()
    repeat_acquisitions: RepeatAcquisitions | None = None
    explanations: Explanations | None = None
    uncertainty: Uncertainty | None = None
    shortcuts: Shortcuts | None = None
    determinism: Determinism = Determinism()
    too_few: int = Field(default=10, ge=1)
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    resamples: int = Field(default=2000, ge=100, le=100_000)
    resampling: Resampling = Resampling()
    seed: int = 0
    batch_size: int = Field(default=16, ge=2)

    @model_validator(mode="after")
    def _consistent(self) -> Plan:
        for problem in _contradictions(self):
            raise ValueError(problem)
        return self

    @property
    def versions(self) -> tuple[str, ...]:
        """'candidate', then 'comparator' where there is one."""
        return ("candidate", "comparator") if self.comparator else ("candidate",)

    @property
    def models(self) -> dict[str, Model]:
        """Role -> what stands under audit in it."""
        return {"candidate": self.model} | ({"comparator": self.comparator} if self.comparator else {})

    @property
    def registered(self) -> dict[str, Registered]:
        """Of ``models`` those that stand in the registry: all but recorded predictions."""
        return {role: ref for role, ref in self.models.items() if not isinstance(ref, RecordedPredictions)}

    @property
    def recorded(self) -> bool:
        """Whether the candidate is a table of recorded predictions."""
        return self.model.kind == "recorded"

    @property
    def detects(self) -> bool:
        """Whether any target is for detection, so that there are marks and lesions."""
        return any(target.task == "detection" for target in self.targets.values())


def _contradictions(plan: Plan) -> Iterator[str]:
    yield from _unknown_attributes(plan)
    yield from _unknown_targets(plan)
    yield from _impossible_endpoints(plan)
    yield from _impossible_targets(plan)
    yield from _impossible_label_sets(plan)
    ids = [endpoint.id for endpoint in plan.endpoints]
    for twice in sorted({i for i in ids if ids.count(i) > 1}):
        yield f"endpoint id {twice} is used twice; give each endpoint its own id"
    yield from _impossible_families(plan, ids)
    yield from _unrecorded_targets(plan)
    yield from _asked_of_model(plan)
    binary = {name: target.binary for name, target in plan.targets.items()}
    yield from contradictions(binary, plan.uncertainty, plan.shortcuts, plan.model.takes_pixels)


def _asked_of_model(plan: Plan) -> Iterator[str]:
    kind = "recorded predictions" if plan.recorded else f"a model of kind '{plan.model.kind}'"
    if plan.recorded and plan.explanations and plan.explanations.methods:
        yield f"explanations by methods need a model that can be run, not {kind}; ask for 'features' only (methods: [])"
    if not plan.model.takes_pixels and plan.perturbation_arms:
        yield f"perturbation arms need a model that takes pixels; remove them for {kind}"


def _unrecorded_targets(plan: Plan) -> Iterator[str]:
    for role, model in (("model", plan.model), ("comparator", plan.comparator)):
        if not isinstance(model, RecordedPredictions):
            continue
        for name, target in plan.targets.items():
            wanted = "marks" if target.task == "detection" else "scores"
            if getattr(model, wanted) is None:
                yield f"target '{name}' ({target.task}) needs recorded '{wanted}'; name their file under '{role}'"


def _unknown_attributes(plan: Plan) -> Iterator[str]:
    known = {OVERALL, *plan.strata}
    asked = [a for cell in plan.intersections for a in cell]
    asked += [e.group.attribute for e in plan.endpoints if " & " not in e.group.attribute]
    asked += [plan.explanations.cases.attribute] if plan.explanations else []
    yield from _unknown_resampling(plan)
    for name in asked:
        if name not in known:
            yield f"attribute '{name}' is not among the strata {sorted(plan.strata)}; declare it under 'strata'"
    cells = {" & ".join(cell) for cell in plan.intersections}
    for endpoint in plan.endpoints:
        if " & " in endpoint.group.attribute and endpoint.group.attribute not in cells:
            yield f"endpoint {endpoint.id} names intersection '{endpoint.group.attribute}', which is not declared"


def _unknown_resampling(plan: Plan) -> Iterator[str]:
    name = plan.resampling.stratified_by
    if name in plan.strata and name in plan.targets:
        yield f"'resampling.stratified_by' names '{name}', which is both a stratum and a target; rename one of them"
    if name is not None and name not in plan.strata and name not in plan.targets:
        yield (
            f"'resampling.stratified_by' names '{name}', which is neither one of the strata {sorted(plan.strata)} nor "
            f"one of the targets {sorted(plan.targets)}"
        )


def _unknown_targets(plan: Plan) -> Iterator[str]:
    asked = [(f"endpoint {e.id}", e.target) for e in plan.endpoints]
    asked += [("explanations", name) for name in (plan.explanations.targets if plan.explanations else ())]
    asked += [
        ("repeat_acquisitions", t) for t in (plan.repeat_acquisitions.targets if plan.repeat_acquisitions else ())
    ]
    for where, name in asked:
        if name not in plan.targets:
            yield f"{where} names target '{name}'; the plan has {sorted(plan.targets)}"


def _impossible_label_sets(plan: Plan) -> Iterator[str]:
    for name, members in plan.label_sets.items():
        if name in plan.targets:
            yield f"label set '{name}' has the name of a target; give it another"
        if len(set(members)) < 2 or len(set(members)) < len(members):
            yield f"label set '{name}' needs two or more different targets"
        for member in members:
            if member not in plan.targets or plan.targets[member].task != "classification":
                yield f"label set '{name}' names '{member}', which is no classification target of the plan"


def _impossible_targets(plan: Plan) -> Iterator[str]:
    recorded = "recorded" in {plan.model.kind, plan.comparator.kind if plan.comparator else ""}
    for name, target in plan.targets.items():
        if target.seconds is not None and not recorded:
            yield f"target '{name}': 'seconds' names a column of recorded predictions; a model's own time is measured"
    for name in plan.explanations.targets if plan.explanations else ():
        if not _explainable(plan.targets.get(name)):
            yield f"explanations name target '{name}'; explained are classification, triage and segmentation"
    yield from _undecided(plan)


def _undecided(plan: Plan) -> Iterator[str]:
    """Cases to be drawn by decisions that the target does not have."""
    asked = plan.explanations
    target = plan.targets.get(asked.target) if asked else None
    if asked and target and asked.cases.per_decision and not (target.binary and target.operating_point):
        yield (
            f"'explanations.cases.per_decision' draws by the decisions on target '{asked.target}', which has none; "
            "give a classification or triage target an operating point, or leave 'per_decision' out"
        )


def _explainable(target: Target | None) -> bool:
    return target is None or target.binary or target.task == "segmentation"


def _impossible_endpoints(plan: Plan) -> Iterator[str]:
    if plan.success_rule and not any(e.role == "primary" for e in plan.endpoints) and plan.endpoints:
        yield "the plan has endpoints but none is primary; the success rule needs at least one"
    for endpoint in plan.endpoints:
        if endpoint.criterion and endpoint.criterion.compares and plan.comparator is None:
            yield f"endpoint {endpoint.id} compares with a comparator, but the plan names none; add 'comparator'"


def _impossible_families(plan: Plan, ids: list[str]) -> Iterator[str]:
    roles = {endpoint.id: endpoint.role for endpoint in plan.endpoints}
    home: dict[str, str] = {}
    names = [family.name for family in plan.claim_families]
    for twice in sorted({name for name in names if names.count(name) > 1}):
        yield f"two claim families are called '{twice}'; give each its own name"
    for family in plan.claim_families:
        for name in family.endpoints:
            if name not in ids:
                yield f"claim family '{family.name}' names endpoint {name}, which the plan does not have"
            elif roles[name] == "descriptive":
                yield f"claim family '{family.name}' names endpoint {name}, which is descriptive and claims nothing"
            elif name in home:
                yield f"endpoint {name} is named by claim families '{home[name]}' and '{family.name}'; keep it in one"
            home[name] = family.name
    yield from _any_of_several(plan)


def _any_of_several(plan: Plan) -> Iterator[str]:
    """Success by any one of several needs them judged in one family that bounds the chance of a false claim."""
    primary = {endpoint.id for endpoint in plan.endpoints if endpoint.role == "primary"}
    if plan.success_rule != "any_primary" or len(primary) < 2:
        return
    if not any(primary <= set(f.endpoints) for f in plan.claim_families if f.method in FAMILY_WISE):
        yield (
            f"success_rule any_primary gives {len(primary)} primary endpoints a chance each; name all of them in one "
            f"claim family with method {', '.join(FAMILY_WISE[:-1])} or {FAMILY_WISE[-1]}"
        )


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """A plan with the bytes it came from; the digest is over those bytes, never over a re-serialisation."""

    plan: Plan
    data: bytes
    path: Path

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    def locate(self, relative: str) -> Path:
        """A path named in the plan, taken relative to the plan's folder."""
        return (self.path.parent / relative).resolve()


def read_plan(path: Path) -> StoredPlan:
    """Reads and validates a plan; raises ``BadInput`` that names the file, the key and what was expected."""
    try:
        data = file_bytes(path)
    except OSError as error:
        raise BadInput(f"{path}: the plan cannot be read ({error.strerror}); give the path of a plan.yaml.") from error
    return StoredPlan(parse_plan(data, str(path)), data, path.resolve())


def parse_plan(data: bytes, where: str) -> Plan:
    """The plan in ``data`` (UTF-8 YAML); ``where`` is named in errors."""
    try:
        raw = plain_yaml(data)
    except yaml.YAMLError as error:
        raise BadInput(f"{where}: {yaml_problem(error)}.") from error
    if not isinstance(raw, dict):
        raise BadInput(f"{where}: expected a mapping of plan fields, found {type(raw).__name__}.")
    try:
        return Plan.model_validate(raw)
    except ValidationError as error:
        raise BadInput(f"{where}: {first_problem(error)}") from error


def first_problem(error: ValidationError) -> str:
    """The first validation problem as one sentence: where in the file, what was wrong, what was given."""
    problem = error.errors(include_url=False)[0]
    place = ".".join(str(step) for step in problem["loc"])
    message = PROBLEMS.get(problem["type"], problem["msg"].removeprefix("Value error, "))
    given = problem.get("input")
    shown = f" (found {given!r})" if isinstance(given, str | int | float | bool) else ""
    return f"{place}: {message}{shown}." if place else f"{message}{shown}."


def yaml_problem(error: Exception) -> str:
    """What is wrong with a YAML file and where, without the parser's own source excerpt and without a full stop."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return "not valid YAML in UTF-8; save the file as UTF-8 text"
    wrong = " ".join(str(getattr(error, "problem", "") or "cannot be understood").split())
    return f"not valid YAML at line {mark.line + 1}, column {mark.column + 1} ({wrong}); correct it there"
