"""What ``set.yaml`` says about a validation set: everything a reader must know that no table can tell.

Sources: Regulation (EU) 2024/1689, Art. 10(2)-(3) and Annex IV(2)(d); FDA, Statistical Guidance on Reporting Results
from Studies Evaluating Diagnostic Tests (2007); Cohen et al., STARD 2015, items 10-11.
"""

from __future__ import annotations

import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Level = str | int | float
Share = Annotated[float, Field(ge=0, le=1)]
ReferenceKind = Literal["exact", "pathology", "expert_panel", "follow_up", "single_reader", "report_mining"]


class Fact(BaseModel):
    """Base of every part of ``set.yaml``: unknown keys are refused, values cannot change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Sampling(Fact):
    """How cases came into the set. Only a consecutive (or random) sample shows the prevalence of its population."""

    kind: Literal["consecutive", "enriched", "convenience"]
    how: str = ""

    @property
    def shows_prevalence(self) -> bool:
        """Whether predictive values at the set's own prevalence mean anything outside it."""
        return self.kind == "consecutive"


class Truthers(Fact):
    """The readers behind the reference standard; study readers may not be among them."""

    number: int | None = Field(default=None, ge=1)
    qualification: str = ""
    blinding: str = ""
    combination: str = ""


class ReferenceStandard(Fact):
    """What predictions are compared with.

    A single reader's opinion or a label mined from a report is no reference standard: agreement with it is printed as
    positive and negative percent agreement (FDA 2007, section 4).
    """

    kind: ReferenceKind
    how: str = ""
    truthers: Truthers | None = None

    @property
    def is_standard(self) -> bool:
        """Whether sensitivity and specificity are the right words."""
        return self.kind not in ("single_reader", "report_mining")


class DerivedReference(Fact):
    """A 0/1 reference column made from another column of the manifest.

    Either the value is one of ``positive``, or the value, split at ``separator``, contains ``contains``.
    A missing value gives a missing reference.
    """

    column: str
    positive: tuple[Level, ...] = ()
    contains: str | None = None
    separator: str = "|"

    @model_validator(mode="after")
    def _one_rule(self) -> DerivedReference:
        if bool(self.positive) == (self.contains is not None):
            raise ValueError("a derived reference needs either 'positive' (levels) or 'contains' (one entry of a list)")
        return self


class ReferenceReadings(Fact):
    """Each truther's own column, and the rule that makes one reference column of them.

    ``readers`` maps a reader's name to the manifest's column. ``majority``: what more than half of the readings say;
    ``mean``; ``adjudicated``: what all readers say, else the column ``adjudicator``. Cases on which the rule gives
    nothing have no reference standard.
    """

    readers: dict[str, str] = Field(min_length=2)
    combination: Literal["majority", "mean", "adjudicated"]
    adjudicator: str | None = None

    @model_validator(mode="after")
    def _complete(self) -> ReferenceReadings:
        if "reference" in self.readers:
            raise ValueError("'reference' is the name of the combined reading; call the reader otherwise")
        if (self.combination == "adjudicated") != (self.adjudicator is not None):
            raise ValueError("'adjudicator' names a column where 'combination' is adjudicated, and only there")
        return self


class SetFacts(Fact):
    """The facts of one validation set.

    ``manifest`` is relative to the folder of ``set.yaml`` and may stand elsewhere; image and mask paths in it are
    relative to ``images_folder`` (again relative to ``set.yaml``) and may not leave it; a path that starts with a name
    in ``folders`` is relative to that folder instead, so that files may stay where a hospital keeps them. ``columns``
    maps our column names to the manifest's; ``training_sets`` are manifests (or text files with one patient id a line)
    to search for leakage, relative to ``set.yaml``. ``readings`` maps the name of a reference column, made here, to
    its readers.
    Output of single cases of a ``sequestered`` set is shown to the assessment role only, and each showing is an access.
    """

    name: str = Field(min_length=1)
    version: str
    licence: str
    description: str
    simulated: bool = False
    sequestered: bool = False
    dates: str = ""
    countries: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    sampling: Sampling
    reference: ReferenceStandard
    target_population: dict[str, dict[str, Share]] | None = None
    exclusions: str = ""
    training_sets: tuple[str, ...] = ()
    manifest: str = "manifest.csv"
    images_folder: str = "."
    folders: dict[str, str] = {}
    columns: dict[str, str] = {}
    references: dict[str, DerivedReference] = {}
    readings: dict[str, ReferenceReadings] = {}

    @field_validator("version", "dates", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int | float | datetime.date) else value

    @field_validator("target_population", mode="before")
    @classmethod
    def _levels_as_text(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {k: {str(a): b for a, b in v.items()} if isinstance(v, dict) else v for k, v in value.items()}
