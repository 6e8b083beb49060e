"""What every score of this room is: a function of one examined map, and when it has a meaning."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from audit.explanation_plan import Examination
from audit.explanations.method import Terms, VisualMethod
from audit.explanations.scalar import ScalarOutput
from audit.records import BoolArray, Pixels, Undefined


@dataclass(frozen=True, slots=True)
class ExaminedMap:
    """One map with all that a score may need: the output it explains, the method, the image (1, 1, \\*spatial).

    ``attribution`` has the image's spatial shape; ``mask`` is where the reference lies, None where that is not known
    or the case is reference-negative; ``others`` holds the maps of the other methods on this image, by method.
    ``terms`` are those under which the map was made, for this image alone.
    """

    scalar: ScalarOutput
    method: VisualMethod
    terms: Terms
    pixels: Pixels
    attribution: Pixels
    completeness_error: float | None
    mask: BoolArray | None
    others: Mapping[str, Pixels] = field(default_factory=dict)
    examination: Examination = field(default_factory=Examination)

    def explain_again(self, pixels: Pixels) -> Pixels:
        """The method's map of another image (1, 1, \\*spatial), under the same terms."""
        maps: Pixels = self.method.explain(self.scalar, pixels, self.terms).maps
        return np.asarray(maps[0])


@dataclass(frozen=True, slots=True)
class Scored:
    """A map's score; ``detail`` names the parts that it sums up."""

    value: float | Undefined
    detail: str = ""


def _always(method: VisualMethod) -> bool:  # noqa: ARG001
    return True


@dataclass(frozen=True, slots=True)
class ExplanationScore:
    """A score: its name (also that of the measure that is its mean over cases) and how one map is scored.

    ``offered`` says for which methods it has a meaning at all. ``needs_mask``: only where the reference's place is
    known. ``of_zero_map``: whether a map that is zero everywhere has one.
    """

    name: str
    score: Callable[[ExaminedMap], Scored]
    offered: Callable[[VisualMethod], bool] = _always
    needs_mask: bool = False
    of_zero_map: bool = False
