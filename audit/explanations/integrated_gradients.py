"""Integrated gradients over all cases of a batch, with steps added where the attributions do not add up yet."""

from __future__ import annotations

import numpy as np

from audit.explanations.baselines import baseline_images
from audit.explanations.chunks import chunk_size
from audit.explanations.completeness import completeness_error
from audit.explanations.method import USUAL, Attribution, Terms, VisualMethod
from audit.explanations.paths import Path, walk
from audit.explanations.scalar import ScalarOutput
from audit.records import Pixels

STEPS, MOST_STEPS = 9, 65
KEPT_BYTES = 2**30


def explain(
    scalar: ScalarOutput, pixels: Pixels, terms: Terms = USUAL, steps: int = STEPS, most: int = MOST_STEPS
) -> Attribution:
    """Attributions along the straight path from a baseline to each image.

    Simpson's rule over panels of the path. Each pass at a step gives gradient and output, so that for each panel the
    change of the output is known beside what the gradients account for; while a case's completeness error exceeds that
    of the ``terms``, the panels with the larger part of the difference are halved, up to ``most`` steps and as long as
    doubling them lowers the difference by a quarter. No step is thrown away. A case that does not come down is noted
    as not converged. Undefined error (NaN) where the output hardly differs from the baseline's. For the baseline see
    ``baseline_images``; on steps where the output changes: Bhat and Raychowdhury, ISCAS 2023, arXiv:2302.11107.
    """
    name, baseline = baseline_images(scalar, pixels)
    chunk = chunk_size(scalar, scalar.batch(pixels[:1]))
    together = max(1, KEPT_BYTES // (most * pixels[0].nbytes))  # each step's map is kept until its case is done
    maps, changes, ends = [], [], []
    for i in range(0, len(pixels), together):
        pairs = zip(pixels[i : i + together], baseline[i : i + together], strict=True)
        paths = [Path(image, start, steps, most) for image, start in pairs]
        walk(scalar, paths, chunk, terms.completeness)
        maps += [path.attribution for path in paths]
        changes += [path.change for path in paths]
        ends += [(len(path.steps), path.stalled) for path in paths]
    made = np.stack(maps)
    errors = completeness_error(made, np.array(changes))
    notes = (_note(error, *end, terms.completeness) for error, end in zip(errors, ends, strict=True))
    return Attribution(made, errors, None, tuple(notes), name)


def _note(error: float, steps: int, stalled: bool, tolerance: float) -> str:
    if np.isnan(error):
        return "the output hardly differs from that of the baseline: completeness has no value"
    if error <= tolerance:
        return ""
    end = "; more steps hardly lower it" if stalled else ""
    return f"not converged: completeness error {error:.1%} after {steps} steps ({tolerance:.0%} allowed){end}"


ENTRY = VisualMethod(
    name="integrated_gradients",
    title="Integrated gradients",
    source="Sundararajan, Taly and Yan, ICML 2017, arXiv:1703.01365",
    signed=True,
    unit="attribution per pixel",
    explain=explain,
    complete=True,
)
