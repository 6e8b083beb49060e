"""What a plan may ask about single decisions: surrogates, their uncertainty, shortcuts. Parts of ``plan.Plan``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Share = Annotated[float, Field(gt=0, lt=1)]
AugmentationKind = Literal["shift", "rotation", "flip", "gain", "rician_noise", "blur"]
LARGEST = {"shift": 0.25, "rotation": 45.0, "flip": 1.0}


class Part(BaseModel):
    """Base of every part: unknown keys are refused, values cannot change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Surrogate(Part):
    """How the score and the errors are explained by case features.

    ``image_features``: features computed from the pixels (``audit.explanations.image_features``) beside those named
    under 'features'. A surrogate whose cross-validated fidelity lies below ``least_auroc`` (errors) or ``least_r2``
    (score) is not usable, and its importances are not printed.
    """

    image_features: bool = False
    least_auroc: float = Field(default=0.60, ge=0.5, lt=1)
    least_r2: float = Field(default=0.20, ge=0, lt=1)


class Augmentation(Part):
    """One way in which copies of an image differ, drawn anew for each copy.

    Unit of ``size``: ``shift`` largest share of the image's side, ``rotation`` largest angle in degrees (both in the
    plane of the slices), ``flip`` left to right (1; only for images without a left and a right), ``gain`` largest
    factor, ``rician_noise`` and ``blur`` as in perturbation arms.
    """

    kind: AugmentationKind
    size: float = Field(default=1.0, gt=0)

    @model_validator(mode="after")
    def _possible(self) -> Augmentation:
        largest = LARGEST.get(self.kind)
        if largest is not None and self.size > largest:
            raise ValueError(f"augmentation {self.kind}: size {self.size:g} is beyond {largest:g}")
        if self.kind == "gain" and self.size <= 1:
            raise ValueError("augmentation gain: the largest factor must exceed 1")
        return self


class Augmented(Part):
    """Test-time augmentation: ``copies`` of each case, every one with all ``by``, on at most ``cases`` cases."""

    by: tuple[Augmentation, ...] = Field(min_length=1)
    copies: int = Field(default=4, ge=2, le=64)
    cases: int = Field(default=200, ge=1)


class CalibrationCases(Part):
    """Which cases set the quantile of a conformal prediction: those with one of the levels ``equals`` in ``column`` (a
    manifest column, a stratum or 'validation_set'), or where none is named a seeded half of the patients."""

    column: str | None = None
    equals: tuple[str, ...] = ()

    @field_validator("equals", mode="before")
    @classmethod
    def _as_texts(cls, value: Any) -> Any:
        return tuple(str(each) for each in (value if isinstance(value, list | tuple) else [value]))

    @model_validator(mode="after")
    def _complete(self) -> CalibrationCases:
        if bool(self.column) != bool(self.equals):
            raise ValueError("calibration cases need both 'column' and 'equals', or neither (a seeded half)")
        return self


class Conformal(Part):
    """Split conformal prediction sets that miss the reference in at most ``error_rate`` of exchangeable cases.

    ``per_class``: one quantile for each class of the reference, so that the promise holds in each of them.
    """

    error_rate: Share = 0.1
    per_class: bool = True
    calibration: CalibrationCases = CalibrationCases()


class Uncertainty(Part):
    """How uncertain single decisions of ``target`` are."""

    target: str
    augmented: Augmented | None = None
    conformal: Conformal | None = None

    @model_validator(mode="after")
    def _something(self) -> Uncertainty:
        if self.augmented is None and self.conformal is None:
            raise ValueError("uncertainty asks for nothing; add 'augmented', 'conformal' or both")
        return self


ShortcutRegion = Literal["border", "corners", "outside anatomy", "marks"]


class Shortcuts(Part):
    """The search for what a decision should not depend on.

    Each of ``regions`` is masked in at most ``cases`` cases, and so is an equal area at random inside the anatomy.
    ``anatomy`` names the manifest column with masks of the anatomy; without it the body is found by rule. ``border``:
    width of the border and ``corner`` side of the corners, as shares of the image's side. ``tolerated``: the largest
    share of decisions that may turn without a finding.
    """

    target: str
    regions: tuple[ShortcutRegion, ...] = ("border", "corners", "outside anatomy", "marks")
    anatomy: str | None = None
    border: float = Field(default=0.05, gt=0, le=0.25)
    corner: float = Field(default=0.2, gt=0, le=0.4)
    tolerated: Share = 0.05
    cases: int = Field(default=200, ge=1)

    @field_validator("regions")
    @classmethod
    def _each_once(cls, regions: tuple[str, ...]) -> tuple[str, ...]:
        if not regions or len(set(regions)) < len(regions):
            raise ValueError("shortcuts need 'regions', each named once")
        return regions


def contradictions(
    binary: dict[str, bool], uncertainty: Uncertainty | None, shortcuts: Shortcuts | None, takes_pixels: bool
) -> Iterator[str]:
    """What cannot be done; ``binary``: for each target of the plan whether it decides for or against."""
    for name, part in (("uncertainty", uncertainty), ("shortcuts", shortcuts)):
        if part is not None and part.target not in binary:
            yield f"{name} names target '{part.target}'; the plan has {sorted(binary)}"
        elif part is not None and not binary[part.target]:
            yield f"{name} names target '{part.target}'; it is about decisions of classification and triage targets"
    if shortcuts is not None and not takes_pixels:
        yield "shortcuts need a model that takes pixels; remove them"
    if uncertainty is not None and uncertainty.augmented is not None and not takes_pixels:
        yield "uncertainty.augmented needs a model that takes pixels; ask for 'conformal' only"
