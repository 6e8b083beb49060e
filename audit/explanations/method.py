"""What every visual method is: a name, a source, and a function from a module and images to maps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

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


@dataclass(frozen=True, slots=True)
class VisualMethod:
    """A method of ``explanations/``. ``signed``: whether negative attribution has a meaning. ``needs_layers``: whether
    it looks at layers by name, which not every model format keeps."""

    name: str
    title: str
    source: str
    signed: bool
    unit: str
    explain: Callable[[ScalarOutput, Pixels], Attribution]
    needs_layers: bool = False
