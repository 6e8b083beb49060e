"""What a plan says about explanations: which outputs, methods and cases, how maps are examined and when they may be
used."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from audit.plan_decisions import Surrogate
from audit.tables import OVERALL


class ExplanationPart(BaseModel):
    """Base of every part: unknown keys are refused, values cannot change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ExplainedCases(ExplanationPart):
    """The rule that draws explained cases: before inference ``per_level`` of each level of ``attribute``, half of
    them reference-positive where the set allows; after it, to be shown and not scored, ``per_decision`` more of each
    level and each kind of the candidate's decisions (true and false positives and negatives)."""

    attribute: str = OVERALL
    per_level: int = Field(default=3, ge=1)
    per_decision: int = Field(default=0, ge=0)


class ScoreCriterion(ExplanationPart):
    """What the mean of one score over the explained cases must show, read on its confidence limit.

    A ``decisive`` criterion that the mean itself misses makes the method's maps not usable; any other that is missed or
    not shown makes them usable with care.
    """

    score: str
    kind: Literal["minimum", "maximum"]
    value: float
    decisive: bool = False

    @property
    def text(self) -> str:
        """The criterion in words."""
        return f"{self.score} {'at least' if self.kind == 'minimum' else 'at most'} {self.value:g}"


USUAL_SCORES = (
    "completeness_error",
    "deletion_gain",
    "insertion_gain",
    "energy_inside",
    "area_inside",
    "localisation_gain",
    "pointing_game",
    "iou_equal_area",
    "method_agreement",
    "randomisation_cascading",
)
USUAL_CRITERIA = (
    ScoreCriterion(score="randomisation_cascading", kind="maximum", value=0.5, decisive=True),
    ScoreCriterion(score="deletion_gain", kind="minimum", value=0.0, decisive=True),
    ScoreCriterion(score="insertion_gain", kind="minimum", value=0.0),
    ScoreCriterion(score="localisation_gain", kind="minimum", value=0.0),
    ScoreCriterion(score="completeness_error", kind="maximum", value=0.05),
    ScoreCriterion(score="stability", kind="minimum", value=0.5),
)


FEWEST_COPIES = 19


class Examination(ExplanationPart):
    """How maps are examined: ``scores`` by name (entries of ``explanations/scores/``) and the ``criteria`` for use.

    ``completeness`` is the error, relative to the change of the output from the baseline, down to which steps of
    integrated gradients are added. ``noise`` is the SD of the noise of ``stability`` over the image's SD.
    ``randomised_blocks``: into how many blocks, from the output to the input, the weights are divided that the
    sanity check randomises. ``random_copies``: so many copies of a version, all weights random, must decide worse than
    the version itself; 0 asks for none.
    """

    scores: tuple[str, ...] = USUAL_SCORES
    criteria: tuple[ScoreCriterion, ...] = USUAL_CRITERIA
    completeness: float = Field(default=0.05, gt=0, lt=1)
    noise: float = Field(default=0.05, gt=0)
    randomised_blocks: Annotated[int, Field(ge=1, le=20)] = 4
    random_copies: Annotated[int, Field(ge=0, le=999)] = 19

    @model_validator(mode="after")
    def _each_once(self) -> Examination:
        if len(set(self.scores)) < len(self.scores):
            raise ValueError("a score is named twice")
        keys = [(each.score, each.kind) for each in self.criteria]
        if len(set(keys)) < len(keys):
            raise ValueError("two criteria ask the same of one score")
        if 0 < self.random_copies < FEWEST_COPIES:
            raise ValueError(f"'random_copies' is 0 or at least {FEWEST_COPIES}: with fewer no p value reaches 0.05")
        return self


class Explanations(ExplanationPart):
    """Which methods explain which targets, on which cases, and which case features may explain the errors.

    ``target`` is explained by maps and features, ``further_targets`` (other findings of the output set) by maps alone.
    ``located_by`` names where a finding lies: a target with masks or boxes as reference, or a manifest column with
    their files; without it the explained target's own masks, else those of the plan's first target that has any.
    """

    target: str
    further_targets: tuple[str, ...] = ()
    methods: tuple[str, ...] = ("integrated_gradients", "grad_cam")
    cases: ExplainedCases = ExplainedCases()
    located_by: str | None = None
    examine: Examination = Examination()
    features: tuple[str, ...] = ()
    surrogate: Surrogate = Surrogate()

    @property
    def targets(self) -> tuple[str, ...]:
        """Every target that is explained by maps."""
        return (self.target, *self.further_targets)

    @model_validator(mode="after")
    def _targets_once(self) -> Explanations:
        if len(set(self.targets)) < len(self.targets):
            raise ValueError("'further_targets' names a target twice")
        return self
