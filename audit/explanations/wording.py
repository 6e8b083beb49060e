"""Two plain sentences per explained case, made from measured facts only; the words are data (``wording.yaml``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

import numpy as np
import yaml

from audit.records import BoolArray, Pixels


@dataclass(frozen=True, slots=True)
class RationaleFacts:
    """What is known about one explained case; None = not measured, and then not mentioned.

    ``size`` is the reference mask's size with unit; shares lie between 0 and 1; ``limitation`` is a clause about the
    case's stratum, for example 'for manufacturer Aurora the specificity in this audit is 0.12 (0.05 to 0.22)'.
    """

    method: str
    score: float | None = None
    threshold: float | None = None
    reference: bool | None = None
    size: str | None = None
    marked: str | None = None
    region: str | None = None
    region_share: float | None = None
    inside: float | None = None
    area: float | None = None
    limitation: str | None = None
    why_no_map: str | None = None


def rationale(facts: RationaleFacts) -> str:
    """Two sentences: what the model answered beside the reference, and where the attribution lies."""
    return f"{_answer(facts)}; {_reference(facts)}. {_attribution(facts)}."


@cache
def _words() -> Mapping[str, str]:
    text = files("audit.explanations").joinpath("wording.yaml").read_text(encoding="utf-8")
    return MappingProxyType(yaml.safe_load(text))


def _answer(facts: RationaleFacts) -> str:
    words = _words()
    if facts.score is None:
        return words["mask_only"].format(marked=facts.marked) if facts.marked else words["no_answer"]
    if facts.threshold is None:
        return words["score_alone"].format(score=number(facts.score))
    positive = facts.score >= facts.threshold
    return words["score_with_point"].format(
        score=number(facts.score),
        side="at or above" if positive else "below",
        threshold=number(facts.threshold),
        decision="positive" if positive else "negative",
    )


def _reference(facts: RationaleFacts) -> str:
    if facts.reference is None:
        return _words()["reference_unknown"]
    key = "reference_size" if facts.size and facts.reference else "reference"
    return _words()[key].format(reference="positive" if facts.reference else "negative", size=facts.size)


def _attribution(facts: RationaleFacts) -> str:
    words = _words()
    if facts.region is None or facts.region_share is None:
        text = words["no_attribution"].format(method=facts.method, why=facts.why_no_map or "reason unknown")
    else:
        text = words["attribution"].format(
            method=facts.method, region_share=share(facts.region_share), region=facts.region
        )
        if facts.inside is not None and facts.area is not None:
            text += " " + words["inside"].format(inside=share(facts.inside), area=share(facts.area))
    return f"{text}; {facts.limitation}" if facts.limitation else text


def number(value: float) -> str:
    """A score with three decimals, never rounded to 0 or 1 unless it is."""
    if 0 < value < 0.001:
        return "below 0.001"
    return "above 0.999" if 0.999 < value < 1 else f"{value:.3f}"


def share(value: float) -> str:
    """A share in percent: whole numbers from 10 % on, one decimal from 1 % on, two below."""
    decimals = 0 if value >= 0.1 else 1 if value >= 0.01 else 2
    return f"{100 * value:.{decimals}f} %"


def strongest_region(attribution: Pixels) -> tuple[str, float] | None:
    """The image quadrant with most absolute attribution and its share; None where the map is zero.

    Quadrants are of the image as displayed (last two axes), not of the anatomy.
    """
    weight = np.abs(attribution.astype(np.float64)).reshape(-1, *attribution.shape[-2:]).sum(axis=0)
    if weight.sum() <= 0:
        return None
    rows, columns = weight.shape[0] // 2, weight.shape[1] // 2
    parts = {
        "upper left quadrant": weight[:rows, :columns].sum(),
        "upper right quadrant": weight[:rows, columns:].sum(),
        "lower left quadrant": weight[rows:, :columns].sum(),
        "lower right quadrant": weight[rows:, columns:].sum(),
    }
    name = max(parts, key=lambda part: float(parts[part]))
    return name, float(parts[name] / weight.sum())


def mask_size(mask: BoolArray, spacing_mm: tuple[float, ...] | None) -> str:
    """Size of a mask: mm² (one slice) or mL (volume) where the spacing is known, else pixels."""
    count = int(mask.sum())
    if spacing_mm is None:
        return f"{count} pixels"
    extent = count * float(np.prod(spacing_mm))
    return f"{extent:.0f} mm²" if mask.ndim == 2 else f"{extent / 1000:.2f} mL"
