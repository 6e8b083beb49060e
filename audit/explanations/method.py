"""What every visual method is: a name, a source, and a function from a module and images to maps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from audit.records import FloatArray, Pixels

if TYPE_CHECKING:
    from audit.explanations.scalar import ScalarOutput


@dataclass(frozen=True, slots=True)
class Attribution:
    """Maps (N, \\*spatial), one number per pixel in units of the explained output.

    ``completeness_error`` (N,) relative, NaN where the output does not differ from the baseline's; None for methods
    without that property. ``notes`` says per case why a map must be read with care; empty where nothing is to say.
    """

    maps: Pixels
    completeness_error: FloatArray | None
    layer: str | None
    notes: tuple[str, ...]
    baseline: str | None = None

    def of(self, i: int) -> Attribution:
        """The map of image ``i`` alone."""
        error = None if self.completeness_error is None else self.completeness_error[i : i + 1]
        return Attribution(self.maps[i : i + 1], error, self.layer, self.notes[i : i + 1], self.baseline)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a plan tells every method: a seed per image, so that no image's map depends on the others, and the
    completeness error down to which steps are added."""

    seeds: tuple[int, ...] = ()
    completeness: float = 0.05

    def seed(self, i: int) -> int:
        return self.seeds[i] if self.seeds else i

    def of(self, i: int) -> Terms:
        """The terms of image ``i`` alone."""
        return Terms((self.seed(i),), self.completeness)


USUAL = Terms()


class Explain(Protocol):
    """Maps of the scalar output for images (N, 1, \\*spatial); raises ``BadInput`` where the method cannot work."""

    def __call__(self, scalar: ScalarOutput, pixels: Pixels, terms: Terms = ...) -> Attribution: ...


@dataclass(frozen=True, slots=True)
class VisualMethod:
    """A method of ``explanations/``. ``signed``: whether negative attribution has a meaning.

    ``needs_gradients``: whether the version must have derivatives by the pixels; without, any version that takes
    pixels can be explained. ``needs_layers``: whether it looks at layers by name, which not every format keeps.
    ``complete``: whether the attributions add up to the change of the output from a baseline. ``per_brightness``:
    whether a map counts the change of the output per unit of brightness and not for the pixel as it is.
    """

    name: str
    title: str
    source: str
    signed: bool
    unit: str
    explain: Explain
    needs_gradients: bool = True
    needs_layers: bool = False
    complete: bool = False
    per_brightness: bool = False
